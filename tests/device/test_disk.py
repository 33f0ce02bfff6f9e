"""The real folder and the practice disk behave alike; the practice disk forgets what was not synced."""

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.practice_disk import PowerCut, PracticeDisk, power_cuts
from offlinefirst.device.storage import Storage


@pytest.fixture(params=["folder", "practice"])
def disk(request, tmp_path):
    return FolderDisk(tmp_path) if request.param == "folder" else PracticeDisk()


def test_what_both_disks_promise(disk):
    assert disk.names() == []
    disk.write("b", b"12345")
    disk.write("a", b"")
    assert disk.names() == ["a", "b"]
    assert (disk.size("a"), disk.size("b"), disk.read("b")) == (0, 5, b"12345")
    disk.write("b", b"1")
    disk.fsync("b")
    disk.rename("b", "a")
    disk.fsync_folder()
    assert disk.names() == ["a"]
    assert disk.read("a") == b"1"
    disk.delete("a")
    assert disk.names() == []


@pytest.mark.parametrize("act", ["read", "size", "fsync", "delete", "rename"])
def test_a_file_that_is_not_there_is_the_same_error_on_both(disk, act):
    arguments = ("no", "other") if act == "rename" else ("no",)
    with pytest.raises(FileNotFoundError):
        getattr(disk, act)(*arguments)
    assert disk.names() == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(NotADirectoryError, match="create it first"):
        FolderDisk(tmp_path / "no")


def test_a_folder_with_a_quota_refuses_before_it_writes(tmp_path):
    disk = FolderDisk(tmp_path, Storage(tmp_path, 10))
    disk.write("a", b"123456")
    disk.write("a", b"1234567890")  # only what it grows by counts
    with pytest.raises(StorageFullError) as caught:
        disk.write("b", b"1")
    assert caught.value.errno == errno.ENOSPC
    assert disk.names() == ["a"]


operations = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("abc"), st.binary(max_size=4)),
    st.tuples(st.sampled_from(["fsync", "delete"]), st.sampled_from("abc")),
    st.tuples(st.just("rename"), st.sampled_from("abc"), st.sampled_from("abc")),
    st.tuples(st.just("fsync_folder")),
)


@settings(deadline=None)
@given(st.lists(operations, max_size=8))
def test_without_a_power_cut_both_hold_the_same(tmp_path_factory, steps):
    real, practice = FolderDisk(tmp_path_factory.mktemp("disk")), PracticeDisk()
    for name, *arguments in steps:
        results = []
        for disk in (real, practice):
            try:
                results.append(getattr(disk, name)(*arguments))
            except FileNotFoundError:
                results.append("missing")
        assert results[0] == results[1]
    assert {name: real.read(name) for name in real.names()} == {name: practice.read(name) for name in practice.names()}


@given(st.lists(operations, max_size=6))
def test_what_is_there_now_is_among_what_may_be_found_and_all_once_synced(steps):
    disk = PracticeDisk({"a": b"1"})
    for name, *arguments in steps:
        try:
            getattr(disk, name)(*arguments)
        except FileNotFoundError:
            continue
    now = {name: disk.read(name) for name in disk.names()}
    assert now in disk.after_power_cut()
    for name in disk.names():
        disk.fsync(name)
    disk.fsync_folder()
    assert disk.after_power_cut() == [now]


def states(disk, name):
    return {files.get(name) for files in disk.after_power_cut()}


def test_a_write_may_leave_old_none_half_or_all():
    disk = PracticeDisk({"a": b"old"})
    disk.write("a", b"1234")
    assert states(disk, "a") == {b"old", b"", b"12", b"1234"}


def test_a_synced_file_may_still_lack_its_name():
    disk = PracticeDisk()
    disk.write("a", b"12")
    disk.fsync("a")
    assert states(disk, "a") == {None, b"12"}


def test_a_name_may_arrive_before_its_contents():
    disk = PracticeDisk({"a": b"old"})
    disk.write("b", b"12")
    disk.rename("b", "a")
    disk.fsync_folder()
    assert states(disk, "a") == {b"", b"1", b"12"}


def test_names_arrive_in_the_order_of_their_steps():
    disk = PracticeDisk({"a": b"x", "b": b"y"})
    disk.delete("a")
    disk.delete("b")
    assert disk.after_power_cut() == [{"a": b"x", "b": b"y"}, {"b": b"y"}, {}]


def test_after_the_cut_nothing_happens_any_more_not_even_cleaning_up():
    disk = PracticeDisk({"a": b"old"}, cut_after=1)
    with pytest.raises(PowerCut):
        disk.write("b", b"1")
    for act in (lambda: disk.delete("b"), lambda: disk.read("a"), disk.names, disk.fsync_folder):
        with pytest.raises(PowerCut):
            act()
    assert not issubclass(PowerCut, Exception)


def test_a_full_disk_stores_what_fits_and_says_so():
    disk = PracticeDisk({"a": b"12345"}, capacity_bytes=8)
    with pytest.raises(OSError, match="3 of 4 bytes") as caught:
        disk.write("b", b"6789")
    assert caught.value.errno == errno.ENOSPC
    assert disk.read("b") == b"678"
    assert disk.peak_bytes == disk.used_bytes == 8


def test_every_step_is_cut_once_and_once_after_returning():
    def action(disk):
        disk.write("a", b"1")
        disk.fsync("a")

    outcomes = list(power_cuts(action, {}))
    assert {found.steps for found in outcomes if not found.returned} == {1, 2}
    assert {found.when for found in outcomes} == {"after “write a”", "after “fsync a”", "after it had returned"}
    assert outcomes[0].disk(capacity_bytes=1).names() == list(outcomes[0].files)


def test_an_action_that_is_not_the_same_each_time_is_an_error():
    runs = iter([["a", "b"], ["a"], ["a"]])

    def action(disk):
        for name in next(runs):
            disk.write(name, b"1")

    with pytest.raises(RuntimeError, match="the same each time"):
        list(power_cuts(action, {}))
