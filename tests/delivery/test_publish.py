"""publish and save under every power cut of the practice disk, and on a real folder."""

import errno
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.delivery.errors import DamagedError, UnsafeNameError
from offlinefirst.delivery.publish import publish
from offlinefirst.delivery.quota import plan_room, save
from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.practice_disk import PracticeDisk, power_cuts

OLD, NEW = b"maize 40", b"maize 45, beans 90"


@pytest.mark.parametrize("before", [{}, {"prices.json": OLD}, {"prices.json": OLD, "prices.json.part": b"torn"}])
def test_every_power_cut_leaves_the_old_or_the_new(before):
    outcomes = list(power_cuts(lambda disk: publish(disk, "prices.json", NEW), before))
    assert {found.read("prices.json") for found in outcomes} == {before.get("prices.json"), NEW}
    assert {found.read("prices.json") for found in outcomes if found.returned} == {NEW}


def test_the_order_of_the_steps_is_the_promise():
    disk = PracticeDisk()
    publish(disk, "a", b"x")
    assert [step.words for step in disk.steps] == [
        "write a.part",
        "fsync a.part",
        "rename a.part to a",
        "fsync the folder",
    ]


@pytest.mark.parametrize("room", range(len(OLD), len(OLD) + len(NEW)))
def test_a_full_disk_is_an_error_and_nothing_is_lost(room):
    disk = PracticeDisk({"prices.json": OLD}, capacity_bytes=room)
    with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asserted
        publish(disk, "prices.json", NEW)
    assert caught.value.errno == errno.ENOSPC
    assert disk.names() == ["prices.json"]
    assert disk.read("prices.json") == OLD


def test_wrong_bytes_and_unsafe_names_change_nothing(tmp_path):
    disk = FolderDisk(tmp_path)
    publish(disk, "prices.json", OLD, sha256=hashlib.sha256(OLD).hexdigest().upper())
    with pytest.raises(DamagedError, match=r"prices\.json: its SHA-256 should begin with 0000"):
        publish(disk, "prices.json", NEW, sha256="0" * 64)
    for name in ("../x", "nul", "prices.json.part"):
        with pytest.raises(UnsafeNameError, match="Use a plain file name"):
            publish(disk, name, NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["prices.json"]
    assert disk.read("prices.json") == OLD


def test_a_failing_rename_keeps_the_old_and_clears_the_part(tmp_path):
    (tmp_path / "taken").mkdir()
    disk = FolderDisk(tmp_path)
    with pytest.raises(OSError, match="taken"):
        publish(disk, "taken", NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


class Unsyncable(PracticeDisk):
    """A disk that cannot sync its folder."""

    def fsync_folder(self):
        raise OSError(errno.EIO, "input/output error")


def test_when_the_folder_cannot_be_synced_the_error_says_so_and_nothing_is_broken():
    disk = Unsyncable({"prices.json": OLD})
    with pytest.raises(OSError, match="input/output error"):
        publish(disk, "prices.json", NEW)
    assert {files["prices.json"] for files in disk.after_power_cut()} == {OLD, NEW}


files = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30), max_size=6)


@given(files, st.sampled_from("abcxyz"), st.integers(0, 60), st.integers(0, 120), st.permutations("abcdef"))
def test_plans_fit_take_the_oldest_and_no_more_than_needed(sizes, name, size, quota, evictable):
    others = [other for other in evictable if other in sizes and other != name]
    fits = sum(sizes.values()) - sum(sizes[other] for other in others) + size <= quota
    if not fits:
        with pytest.raises(StorageFullError) as caught:
            plan_room(sizes, name, size, quota_bytes=quota, evictable=evictable)
        assert caught.value.errno == errno.ENOSPC
        return
    plan = plan_room(sizes, name, size, quota_bytes=quota, evictable=evictable)
    assert list(plan.evict) == others[: len(plan.evict)]
    kept = sum(length for other, length in sizes.items() if other not in plan.evict)
    assert plan.free_bytes == quota - kept - size >= 0
    if plan.evict:
        assert plan.free_bytes - sizes[plan.evict[-1]] < 0


def test_its_own_leftover_goes_first_and_does_not_count():
    plan = plan_room({"b.part": 50, "a": 40}, "b", 60, quota_bytes=100, evictable=["a"])
    assert (plan.leftovers, plan.evict, plan.free_bytes) == (("b.part",), (), 0)


def test_the_part_of_another_file_stays_and_counts():
    plan = plan_room({"video.part": 50, "a": 40}, "b", 60, quota_bytes=150, evictable=["a"])
    assert (plan.leftovers, plan.evict, plan.free_bytes) == ((), (), 0)
    disk = PracticeDisk({"video.part": b"v" * 50})
    save(disk, "b", b"n" * 60, quota_bytes=1000)
    assert disk.names() == ["b", "video.part"]


def test_save_under_every_power_cut():
    phone = {"register": b"r" * 10, "leaf": b"o" * 40, "video": b"v" * 30, "leaf.part": b"p" * 15}
    outcomes = list(power_cuts(lambda disk: save(disk, "leaf", b"n" * 45, quota_bytes=100, evictable=["video"]), phone))
    assert {found.read("leaf") for found in outcomes} == {b"o" * 40, b"n" * 45}
    assert {found.read("register") for found in outcomes} == {b"r" * 10}
    assert {found.read("leaf") for found in outcomes if found.returned} == {b"n" * 45}


def test_save_stays_inside_the_quota_and_refuses_without_a_trace():
    disk = PracticeDisk({"leaf": b"o" * 40, "video": b"v" * 30})
    save(disk, "leaf", b"n" * 45, quota_bytes=100, evictable=["video"])
    assert disk.peak_bytes <= 100
    before = disk.after_power_cut()
    with pytest.raises(StorageFullError, match="Nothing was deleted"):
        save(disk, "leaf", b"n" * 99, quota_bytes=100)
    assert disk.after_power_cut() == before
