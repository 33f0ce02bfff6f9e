"""A model in parts: what is fetched, what is refused, and what stands on the disk after every step."""

import errno
import hashlib
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.delivery import shards as module
from offlinefirst.delivery.errors import BusyError, DamagedError, DeliveryError
from offlinefirst.delivery.partfile import Names, locked
from offlinefirst.delivery.shards import INSTALLED, Manifest, ManifestError, Part, Shards, installed, plan, split
from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.practice_disk import PowerCut, PracticeDisk, power_cuts

OLD = {"words": b"sw", "layer-1": b"one" * 9, "layer-2": b"two" * 9, "copy-of-2": b"two" * 9}
NEW = {"words": b"sw", "layer-1": b"ONE" * 9, "layer-2": b"two" * 9, "layer-3": b"three"}


class Server:
    """A folder of parts, a count of what was asked for, and bytes that may come wrong."""

    def __init__(self, tmp_path):
        self.folder, self.inbox = tmp_path / "served", tmp_path / "inbox"
        self.inbox.mkdir()
        self.asked = []
        self.wrong = {}

    def publish(self, pieces, version, first=("words",)):
        return split(pieces, self.folder, name="leaf", version=version, first=first)

    def fetch(self, part):
        self.asked.append(part.name)
        path = self.inbox / part.file
        if not path.exists():  # as a downloader does that finds its finished file
            shutil.copy(self.folder / part.file, path)
        if self.wrong.get(part.name, 0):
            self.wrong[part.name] -= 1
            path.write_bytes(b"X" * part.size_bytes)
        return path


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@pytest.fixture
def phone(tmp_path):
    folder = tmp_path / "phone"
    folder.mkdir()
    return folder


def load(disk, manifest, server):
    loader = Shards(disk, manifest, server.fetch)
    list(loader.load())
    return loader


def contents(loader):
    return {part.name: loader.read(part.name) for part in loader.manifest.parts}


def test_the_first_answer_is_possible_before_the_last_part(server, phone):
    manifest = server.publish(OLD, "1", first=["layer-2", "words"])
    loader = Shards(phone, manifest, server.fetch)
    seen = [(part.name, loader.usable, loader.whole, installed(phone) is None) for part in loader.load()]
    assert seen == [("words", False, False, True), ("layer-2", True, False, True), ("layer-1", True, True, False)]
    assert contents(loader) == OLD
    assert server.asked == ["words", "layer-2", "layer-1"], "the copy of layer 2 has the same bytes"


def test_it_may_stop_at_the_first_answer_and_go_on_later(server, phone):
    manifest = server.publish(OLD, "1")
    list(Shards(phone, manifest, server.fetch).load(only_first=True))
    again = Shards(phone, manifest, server.fetch)
    assert (server.asked, again.usable, again.whole) == (["words"], True, False)
    assert again.read("words") == b"sw"
    with pytest.raises(DeliveryError, match="layer-1 is not here yet"):
        again.read("layer-1")
    list(again.load())
    assert again.whole
    assert server.asked == ["words", "layer-1", "layer-2"]


def test_parts_that_did_not_change_are_not_fetched_again_and_old_ones_go(server, phone):
    load(phone, server.publish(OLD, "1"), server)
    server.asked.clear()
    newer = server.publish(NEW, "2")
    wanted = Shards(phone, newer, server.fetch).plan()
    assert [part.name for part in wanted.fetch] == ["layer-1", "layer-3"]
    assert (wanted.fetch_bytes, wanted.first_bytes) == (27 + 5, 0)
    loader = Shards(phone, newer, server.fetch)
    assert loader.usable, "what the first answer needs came with the old version"
    for part in loader.load():
        if part.name == "layer-1":
            assert installed(phone).version == "1"
            assert contents(Shards(phone, installed(phone), server.fetch)) == OLD
    assert server.asked == ["layer-1", "layer-3"]
    assert contents(loader) == NEW
    assert {path.name for path in phone.iterdir()} == {INSTALLED, *newer.files}


def test_a_version_that_is_here_fetches_nothing(server, phone):
    manifest = server.publish(OLD, "1")
    load(phone, manifest, server)
    server.asked.clear()
    assert load(phone, manifest, server).whole
    renamed = server.publish({f"new-{name}": data for name, data in OLD.items()}, "2", first=["new-words"])
    assert load(phone, renamed, server).whole
    assert server.asked == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_bad_part_is_set_aside_and_only_it_is_fetched_again(server, phone, times):
    server.wrong["layer-1"] = times
    loader = Shards(phone, server.publish(OLD, "1"), server.fetch)
    bad = phone / (loader.manifest.part("layer-1").file + ".bad")
    for part in loader.load():
        assert part.name != "words" or not bad.exists()
        assert part.name != "layer-1" or bad.read_bytes() == b"X" * 27
    assert server.asked == ["words", *["layer-1"] * (times + 1), "layer-2"]
    assert contents(loader) == OLD
    assert not bad.exists(), "once the version is whole, the wrong bytes only take room"


def test_a_part_that_always_comes_wrong_ends_and_keeps_the_rest(server, phone):
    load(phone, server.publish(OLD, "1"), server)
    server.asked.clear()
    server.wrong["layer-3"] = 99
    newer = server.publish(NEW, "2")
    with pytest.raises(DamagedError, match=r"leaf 2, part layer-3: came with wrong bytes 3 times"):
        load(phone, newer, server)
    assert server.asked == ["layer-1", "layer-3", "layer-3", "layer-3"]
    assert contents(Shards(phone, installed(phone), server.fetch)) == OLD
    server.wrong.clear()
    server.asked.clear()
    load(phone, newer, server)
    assert server.asked == ["layer-3"]


def test_a_part_of_the_wrong_length_is_bad_too(server, phone):
    manifest = server.publish(OLD, "1")
    loader = Shards(phone, manifest, lambda part: (server.inbox / "x").write_bytes(b"long" * 99) and server.inbox / "x")
    with pytest.raises(DamagedError, match="words"):
        list(loader.load())


def test_damage_on_the_device_is_found_and_only_that_part_comes_again(server, phone):
    loader = load(phone, server.publish(OLD, "1"), server)
    server.asked.clear()
    victim = loader.manifest.part("layer-2")
    (phone / victim.file).write_bytes(b"X" * 27)
    with pytest.raises(DamagedError, match="layer-2 has been damaged"):
        loader.read("layer-2")
    assert [part.name for part in loader.check()] == ["layer-2"]
    assert (phone / (victim.file + ".bad")).exists()
    list(loader.load())
    assert server.asked == ["layer-2"]
    assert contents(loader) == OLD
    assert loader.check() == ()


def test_errors_of_the_fetcher_pass_and_nothing_is_lost(server, phone):
    manifest = server.publish(OLD, "1")

    def cut(part):
        if part.name == "layer-2":
            raise ConnectionError("the link is down")
        return server.fetch(part)

    with pytest.raises(ConnectionError):
        list(Shards(phone, manifest, cut).load())
    assert installed(phone) is None
    load(phone, manifest, server)
    assert server.asked == ["words", "layer-1", "layer-2"]


def test_a_fetcher_may_bring_from_another_file_system_or_into_place(server, phone, monkeypatch):
    manifest = server.publish(OLD, "1")
    real = module.Path.replace

    def other_disk(self, to):
        if self.parent != module.Path(to).parent:
            raise OSError(errno.EXDEV, "another file system")
        return real(self, to)

    monkeypatch.setattr(module.Path, "replace", other_disk)
    assert contents(load(phone, manifest, server)) == OLD
    assert list(server.inbox.iterdir()) == []
    shutil.rmtree(phone)
    phone.mkdir()
    loader = Shards(phone, manifest, lambda part: module.Path(shutil.copy(server.folder / part.file, phone)))
    list(loader.load())
    assert contents(loader) == OLD


def consistent(disk, versions):
    """What must hold on a disk at any moment: no version, or one that is whole."""
    try:
        found = installed(disk)
    except ManifestError as error:
        raise AssertionError("the manifest in force is torn") from error
    assert found is None or found in versions
    for part in found.parts if found else ():
        assert hashlib.sha256(disk.read(part.file)).hexdigest() == part.sha256
    return found


@pytest.mark.parametrize("before", ["nothing", "the old version"])
def test_a_power_cut_at_any_step_leaves_the_old_version_or_the_new_one(server, before):
    old, new = server.publish(OLD, "1"), server.publish(NEW, "2")
    disk = PracticeDisk()
    if before != "nothing":
        load(disk, old, server)
    files = {name: disk.read(name) for name in disk.names()}
    found_versions, cuts = set(), 0
    for outcome in power_cuts(lambda disk: load(disk, new, server), files):
        cuts += 1
        after = outcome.disk()
        found = consistent(after, (old, new))
        found_versions.add(found and found.version)
        if outcome.returned:
            assert found == new
        if before != "nothing":
            assert found is not None, outcome.when
        server.asked.clear()
        assert contents(load(after, new, server)) == NEW, outcome.when
        assert set(after.names()) == {INSTALLED, *new.files}
        assert "words" not in server.asked or before == "nothing"
    assert found_versions == ({None, "2"} if before == "nothing" else {"1", "2"})
    assert cuts > 20


class Dying(FolderDisk):
    """A folder whose process dies before its n-th step."""

    def __init__(self, folder, steps):
        super().__init__(folder)
        self.steps = steps

    def _step(self):
        self.steps -= 1
        if self.steps < 0:
            raise PowerCut

    def write(self, name, data):
        self._step()
        super().write(name, data[: len(data) // 2])
        self._step()
        super().write(name, data)

    def fsync(self, name):
        self._step()
        super().fsync(name)

    def rename(self, old, new):
        self._step()
        super().rename(old, new)

    def delete(self, name):
        self._step()
        super().delete(name)

    def fsync_folder(self):
        self._step()
        super().fsync_folder()


def test_a_process_that_dies_at_any_step_in_a_real_folder_is_made_good(server, tmp_path):
    old, new = server.publish(OLD, "1"), server.publish(NEW, "2")
    for steps in range(100):
        folder = tmp_path / f"phone-{steps}"
        folder.mkdir()
        load(folder, old, server)
        try:
            load(Dying(folder, steps), new, server)
        except PowerCut:
            pass
        else:
            break
        assert consistent(FolderDisk(folder), (old, new)) is not None
        assert contents(load(folder, new, server)) == NEW
        assert {path.name for path in folder.iterdir()} == {INSTALLED, *new.files}
    assert steps >= 11, "two parts, a manifest and an old part: at least so many steps"


class Recording(FolderDisk):
    """A folder that writes down the steps that make a file stay."""

    def __init__(self, folder):
        super().__init__(folder)
        self.steps = []

    def fsync(self, name):
        self.steps.append(("fsync", name))
        super().fsync(name)

    def rename(self, old, new):
        self.steps.append(("rename", new))
        super().rename(old, new)

    def fsync_folder(self):
        self.steps.append(("fsync folder", ""))
        super().fsync_folder()


def test_in_a_real_folder_each_file_is_synced_then_named_then_its_name_synced(server, phone):
    disk = Recording(phone)
    manifest = server.publish(OLD, "1")
    load(disk, manifest, server)
    wanted = []
    for name in (*manifest.files, INSTALLED):
        wanted += [("fsync", name + ".part"), ("rename", name), ("fsync folder", "")]
    assert disk.steps == wanted


def test_two_loaders_of_one_folder_leave_one_whole_version(server, phone):
    old, new = server.publish(OLD, "1"), server.publish(NEW, "2")
    slow = Shards(phone, old, server.fetch)
    arriving = slow.load()
    assert [next(arriving).name, next(arriving).name] == ["words", "layer-1"]
    load(phone, new, server)  # clears up what only the other one wanted
    with pytest.raises(DeliveryError, match="vanished"):
        list(arriving)
    assert installed(phone) == new
    assert contents(load(phone, new, server)) == NEW
    assert contents(load(phone, old, server)) == OLD


def test_while_another_process_puts_a_version_in_force_nobody_else_does(server, phone, monkeypatch):
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0)
    old, new = server.publish(OLD, "1"), server.publish(NEW, "2")
    load(phone, old, server)
    with locked(Names(phone / INSTALLED), wait_s=0), pytest.raises(BusyError):
        load(phone, new, server)
    assert installed(phone) == old
    assert contents(load(phone, new, server)) == NEW


def test_a_part_that_vanishes_while_the_others_come_is_noticed(server, phone):
    loader = Shards(phone, server.publish(OLD, "1"), server.fetch)
    arriving = loader.load()
    (phone / next(arriving).file).unlink()
    with pytest.raises(DeliveryError, match="vanished"):
        list(arriving)
    assert installed(phone) is None


def test_a_folder_that_cannot_be_written_is_reported_as_such(server, phone, monkeypatch):
    def refused(self, to):
        raise PermissionError(errno.EACCES, "no")

    loader = Shards(phone, server.publish(OLD, "1"), server.fetch)
    monkeypatch.setattr(module.Path, "replace", refused)
    with pytest.raises(PermissionError):
        list(loader.load())
    assert len(list(server.inbox.iterdir())) == 1, "what came is still there for the next time"


def test_a_full_disk_is_a_clean_error_and_the_old_version_stays(server):
    old, new = server.publish(OLD, "1"), server.publish(NEW, "2")
    disk = PracticeDisk()
    load(disk, old, server)
    disk.capacity_bytes = disk.used_bytes + 10
    with pytest.raises(OSError, match="no space left"):
        load(disk, new, server)
    assert consistent(disk, (old, new)) == old
    disk.capacity_bytes = None
    assert contents(load(disk, new, server)) == NEW


def test_a_damaged_manifest_on_the_device_is_an_error_and_loading_mends_it(server, phone):
    manifest = server.publish(OLD, "1")
    load(phone, manifest, server)
    server.asked.clear()
    (phone / INSTALLED).write_bytes(b"{")
    with pytest.raises(ManifestError, match="this is no manifest"):
        installed(phone)
    assert load(phone, manifest, server).whole
    assert server.asked == []


SHA = "0" * 64


def lying(**changes):
    parts = [
        {"name": "a", "size_bytes": 1, "sha256": SHA, "first": True},
        {"name": "b", "size_bytes": 2, "sha256": "1" * 64, "first": False},
    ]
    part_changes = changes.pop("part", {})
    parts[1].update(part_changes)
    table = {"format": "offlinefirst-shards-1", "name": "m", "version": "1", "size_bytes": 3, "parts": parts}
    return json.dumps({**table, **changes}).encode()


def test_an_honest_manifest_is_read_and_written_back():
    manifest = Manifest.from_json(lying())
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "this is no manifest"),
        (b"[" * 100_000, "this is no manifest"),
        (b"\xff", "this is no manifest"),
        (b"[]", "this is no manifest"),
        (b" " * (4 * 2**20 + 1), "over the"),
        (lying(format="other"), "offlinefirst-shards-1"),
        (lying(extra=1), "must say"),
        (lying(name=" "), "a name and a version"),
        (lying(version=2), "a name and a version"),
        (lying(parts=[]), "has 0 parts"),
        (lying(parts={}), "are no list"),
        (lying(parts=[1]), "a part of the manifest must have"),
        (lying(size_bytes=4), "says 4 bytes, its parts add up to 3"),
        (lying(size_bytes="3"), "says '3' bytes"),
        (lying(part={"extra": 1}), "a part of the manifest must have"),
        (lying(part={"name": "../b"}), "is a path"),
        (lying(part={"name": "/b"}), "is a path"),
        (lying(part={"name": "..\\b"}), "is a path"),
        (lying(part={"name": "CON"}), "device"),
        (lying(part={"name": ""}), "empty"),
        (lying(part={"name": 7}), "a part's name is 7"),
        (lying(part={"name": "A"}), "two parts 'A'"),
        (lying(part={"name": "a"}), "two parts 'a'"),
        (lying(part={"size_bytes": -1}), "size_bytes is a whole number"),
        (lying(part={"size_bytes": 2.0}), "size_bytes is a whole number"),
        (lying(part={"size_bytes": True}), "size_bytes is a whole number"),
        (lying(part={"first": 1}), "true or false"),
        (lying(part={"sha256": "1" * 63}), "64 digits"),
        (lying(part={"sha256": "G" * 64}), "64 digits"),
        (lying(part={"sha256": "../" + "1" * 61}), "64 digits"),
        (lying(part={"sha256": "1" * 64 + "\n"}), "64 digits"),
        (lying(part={"sha256": None}), "64 digits"),
        (lying(part={"sha256": SHA}), "same hash and another size"),
        (lying(parts=[{"name": "a", "size_bytes": 3, "sha256": SHA, "first": False}]), "no part that the first answer"),
    ],
)
def test_a_manifest_that_lies_is_refused(data, says):
    with pytest.raises(ManifestError, match=says):
        Manifest.from_json(data)


def test_a_file_is_cut_into_parts_that_make_it_again(tmp_path):
    (tmp_path / "model.onnx").write_bytes(bytes(range(250)))
    manifest = split(tmp_path / "model.onnx", tmp_path / "out", name="m", version="1", part_bytes=100, first=2)
    assert [(part.name, part.size_bytes, part.first) for part in manifest.parts] == [
        ("model.onnx.0000", 100, True),
        ("model.onnx.0001", 100, True),
        ("model.onnx.0002", 50, False),
    ]
    out = tmp_path / "out"
    assert b"".join((out / part.file).read_bytes() for part in manifest.parts) == bytes(range(250))
    assert Manifest.from_json((out / "manifest.json").read_bytes()) == manifest


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": {}},
        {"source": {"../a": b"1"}},
        {"source": {"a": b"1", "A": b"2"}},
        {"first": ["b"]},
        {"first": 0},
        {"part_bytes": 0},
    ],
)
def test_what_cannot_be_split_is_refused_before_a_manifest_is_written(tmp_path, wrong):
    with pytest.raises(ManifestError):
        split(**{"source": {"a": b"1"}, "to": tmp_path, "name": "m", "version": "1", **wrong})
    assert not (tmp_path / "manifest.json").exists()


def test_at_least_one_attempt():
    with pytest.raises(ValueError, match="attempts"):
        Shards(PracticeDisk(), Manifest.from_json(lying()), lambda part: None, attempts=0)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=8), st.sets(st.integers(0, 5)))
def test_the_plan_fetches_each_missing_file_once_and_first_parts_first(rows, here):
    rows = [(content, first or number == 0) for number, (content, first) in enumerate(rows)]
    parts = tuple(
        Part(name=f"p{number}", size_bytes=content, sha256=str(content) * 64, first=first)
        for number, (content, first) in enumerate(rows)
    )
    found = plan(Manifest(name="m", version="1", parts=parts), {str(content) * 64 for content in here})
    assert sorted(part.size_bytes for part in found.fetch) == sorted({content for content, _ in rows} - here)
    assert sorted(part.size_bytes for part in found.reuse) == sorted({content for content, _ in rows} & here)
    order = [part.first for part in found.fetch]
    assert order == sorted(order, reverse=True)
    firsts = {content for content, first in rows if first} - here
    assert (found.first_bytes, found.fetch_bytes) == (sum(firsts), sum({content for content, _ in rows} - here))


def test_with_the_downloader_only_a_corrupted_part_travels_twice_and_a_cut_one_goes_on(server, phone):
    from offlinefirst.delivery.download import Policy, download
    from offlinefirst.link import CorruptByte, CutAfter, PracticeServer

    pieces = {name: name.encode() * 20_000 for name in ("first", "second", "third")}
    manifest = server.publish(pieces, "1", first=["first"])
    files = {part.file: server.folder / part.file for part in manifest.parts}
    patience = Policy(wait_first_s=0.01, wait_jitter_s=0.0)
    with PracticeServer(files, faults=[None, CorruptByte(5), None, CutAfter(50_000)]) as network:

        def fetch(part):
            to = server.inbox / part.file
            return download(network.url(part.file), sha256=part.sha256, to=to, policy=patience, progress=False).path

        loader = Shards(phone, manifest, fetch)
        list(loader.load())
        travelled = [(manifest.files[one.name].name, one.start) for one in network.requests]
    assert contents(loader) == pieces
    assert travelled[:4] == [("first", 0), ("second", 0), ("second", 0), ("third", 0)]
    assert len(travelled) == 5
    assert travelled[4][0] == "third"
    assert travelled[4][1] > 0


def test_a_fetcher_that_finds_the_damage_itself_is_asked_again_and_not_for_ever(server, phone):
    asked = []

    def fetch(part):
        asked.append(part.name)
        raise DamagedError("wrong")

    with pytest.raises(DamagedError, match="came with wrong bytes 3 times"):
        list(Shards(phone, server.publish(OLD, "1"), fetch).load())
    assert asked == ["words"] * 3


def test_a_fetcher_that_finds_the_damage_itself_is_asked_again(tmp_path):
    pieces = {"a": b"1" * 10, "b": b"2" * 10}
    server, phone, inbox = (tmp_path / name for name in ("server", "phone", "inbox"))
    for folder in (server, phone, inbox):
        folder.mkdir()
    manifest = split(pieces, server, name="leaf", version="1")
    asked = []

    def fetch(part):
        asked.append(part.name)
        if asked == ["a", "b"]:
            raise DamagedError("b: wrong bytes")
        (inbox / part.file).write_bytes((server / part.file).read_bytes())
        return inbox / part.file

    assert [part.name for part in Shards(phone, manifest, fetch).load()] == ["a", "b"]
    assert asked == ["a", "b", "b"]
