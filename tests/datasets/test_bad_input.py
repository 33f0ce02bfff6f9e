"""What goes wrong between a reader and a data set: errors name the file and the remedy, and no part is ever used."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial

import pytest

from offlinefirst import cli
from offlinefirst.datasets.catalog import DatasetError, Entry
from offlinefirst.datasets.places import MissingDataError, locate, part_of, path_of, state_of
from offlinefirst.datasets.providers import Fetcher, npm_pack
from offlinefirst.delivery.download import Policy, download
from offlinefirst.link import CutAfter, HtmlPage, PracticeServer, Stall, Truncate

BODY = bytes(range(256)) * 2048
ONCE = partial(download, policy=Policy(attempts=1, read_timeout_s=5), progress=False)


def leaf(url, **about):
    common = {
        "name": "leaf",
        "title": "Leaves",
        "provider": "https",
        "url": url,
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "size_bytes": len(BODY),
        "licence": "MIT",
        "source": "nobody",
        "set": "leaves",
    }
    return Entry(**{**common, **about})


def course_with(root, entry):
    """A course folder whose catalogue has this entry."""
    keys = (
        "title",
        "provider",
        "url",
        "sha256",
        "size_bytes",
        "licence",
        "source",
        "set",
        "package",
        "version",
        "path",
    )
    lines = [f"{key} = {json.dumps(getattr(entry, key))}" for key in keys if getattr(entry, key) not in ("", None)]
    (root / "datasets").mkdir(exist_ok=True)
    (root / "datasets" / "catalog.toml").write_text("\n".join([f"[{entry.name}]", *lines]), "utf-8")
    return root


def fetch(root, entry):
    with Fetcher(root, download=ONCE) as fetcher:
        return fetcher.fetch(entry)


def nobody_listens():
    """An address on this machine where no server is."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/leaf.bin"


# A wrong hash


def test_a_wrong_hash_in_the_catalogue_gives_nothing_and_names_both_hashes_and_the_file(tmp_path, data):
    with PracticeServer({"leaf.bin": BODY}) as server:
        entry = leaf(server.url("leaf.bin"), sha256="0" * 64)
        root = course_with(tmp_path, entry)
        with pytest.raises(
            DatasetError, match=r"leaf\.bin.*begins with .*should begin with 0000.*download again"
        ) as told:
            fetch(root, entry)
        assert hashlib.sha256(BODY).hexdigest()[:12] in str(told.value)
        assert str(path_of(entry, root)) in str(told.value), "where to copy a good file to"
        assert not path_of(entry, root).exists()
        with pytest.raises(MissingDataError, match=r"leaf is missing \(leaf\.bin\)\. .*data fetch leaf"):
            locate("leaf", root=root)
        # The catalogue is mended: the file comes, though the wrong one lies beside it.
        right = leaf(server.url("leaf.bin"))
        fetch(course_with(tmp_path, right), right)
    assert locate("leaf", root=root).read_bytes() == BODY


def test_a_whole_file_is_damaged_once_the_catalogue_says_another_hash(tmp_path):
    with PracticeServer({"leaf.bin": BODY}) as server:
        entry = leaf(server.url("leaf.bin"))
        fetch(course_with(tmp_path, entry), entry)
    course_with(tmp_path, leaf(entry.url, sha256="1" * 64))
    with pytest.raises(MissingDataError, match=r"leaf is damaged \(leaf\.bin\)\. .*data fetch leaf"):
        locate("leaf", root=tmp_path)


@pytest.mark.parametrize("length", [0, 1, len(BODY) - 1])
def test_a_file_that_was_copied_by_half_is_damaged_and_not_used(tmp_path, length):
    entry = leaf(nobody_listens())
    root = course_with(tmp_path, entry)
    path = path_of(entry, root)
    path.parent.mkdir()
    path.write_bytes(BODY[:length])
    with pytest.raises(MissingDataError, match=r"leaf is damaged \(leaf\.bin\)"):
        locate("leaf", root=root)
    with pytest.raises(DatasetError, match=r"leaf\.bin"):
        fetch(root, entry)
    assert path.read_bytes() == BODY[:length], "what a reader has is not taken away before there is better"


# No network


@pytest.mark.parametrize("state", ["nothing here", "a part here"])
def test_no_network_names_the_file_and_what_to_do(tmp_path, state):
    entry = leaf(nobody_listens())
    root = course_with(tmp_path, entry)
    part = part_of(path_of(entry, root))
    if state == "a part here":
        part.parent.mkdir()
        part.write_bytes(BODY[:1000])
    with pytest.raises(
        DatasetError, match=r"leaf\.bin: .*could not be reached\. Try later\. Or copy the file to "
    ) as told:
        fetch(root, entry)
    assert str(path_of(entry, root)) in str(told.value)
    with pytest.raises(MissingDataError, match=r"course\.py data fetch leaf"):
        locate("leaf", root=root)


def test_the_command_says_so_too_and_fails(tmp_path, monkeypatch, capsys):
    course_with(tmp_path, leaf(nobody_listens()))
    monkeypatch.setattr("offlinefirst.course.lessons.course_root", lambda: tmp_path)
    monkeypatch.setattr("offlinefirst.delivery.download.download", ONCE)
    assert cli.main(["data", "fetch", "--yes"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" not in told
    for words in ("leaf.bin", "could not be reached", "copy the file to"):
        assert words in told


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (HtmlPage(), r"leaf\.bin: the server sends .* text/html.*Open the address in a browser"),
        (Truncate(1), r"leaf\.bin.*goes on from there"),
    ],
    ids=["a login page", "a byte short"],
)
def test_what_comes_instead_of_the_file_is_no_data_set(tmp_path, fault, says):
    with PracticeServer({"leaf.bin": BODY}, faults=[fault] * 3) as server:
        entry = leaf(server.url("leaf.bin"))
        root = course_with(tmp_path, entry)
        with pytest.raises(DatasetError, match=says):
            fetch(root, entry)
        assert not path_of(entry, root).exists()
        with pytest.raises(MissingDataError):
            locate("leaf", root=root)


@pytest.mark.skipif(sys.platform == "win32", reason="a script that runs by its first line")
def test_npm_without_a_network_names_the_package_and_quotes_npm(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network request failed, no route' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(DatasetError, match=r"npm could not bring leaves@1\.2\.3: .*no route\. Look at the link"):
        npm_pack("leaves@1.2.3", tmp_path / "into")


# A part


def test_a_part_is_never_given_out_even_when_every_byte_of_it_is_right(tmp_path):
    entry = leaf(nobody_listens())
    root = course_with(tmp_path, entry)
    part = part_of(path_of(entry, root))
    part.parent.mkdir()
    for content in (b"", BODY[:-1], BODY, b"something else"):
        part.write_bytes(content)
        assert state_of(entry, root) == "partial"
        with pytest.raises(MissingDataError, match=r"leaf is partial \(leaf\.bin\)\. .*data fetch leaf"):
            locate("leaf", root=root)


def test_a_part_of_something_else_does_not_get_into_the_file(tmp_path):
    with PracticeServer({"leaf.bin": BODY}) as server:
        entry = leaf(server.url("leaf.bin"))
        root = course_with(tmp_path, entry)
        part = part_of(path_of(entry, root))
        part.parent.mkdir()
        part.write_bytes(b"not a leaf" * 100)
        fetch(root, entry)
    assert locate("leaf", root=root).read_bytes() == BODY
    assert not part.exists()


def test_several_cuts_are_gone_on_from_where_each_left_off(tmp_path):
    with PracticeServer({"leaf.bin": BODY}, faults=[CutAfter(150_000), CutAfter(200_000)]) as server:
        entry = leaf(server.url("leaf.bin"))
        root = course_with(tmp_path, entry)
        for _ in range(2):
            with pytest.raises(DatasetError, match=r"leaf\.bin"):
                fetch(root, entry)
            assert state_of(entry, root) == "partial"
        fetch(root, entry)
        starts = [request.start for request in server.requests]
        assert starts == sorted(set(starts)), "nothing is fetched twice"
        assert starts[-1] > 200_000
    assert locate("leaf", root=root).read_bytes() == BODY


def test_a_fetch_that_was_killed_is_gone_on_with_by_the_next_process(tmp_path, data):
    with PracticeServer({"leaf.bin": BODY}, faults=[Stall(600, after_bytes=300_000)]) as server:
        entry = leaf(server.url("leaf.bin"))
        root = course_with(tmp_path, entry)
        code = (
            "import sys; from pathlib import Path; from offlinefirst.datasets.catalog import read_catalog\n"
            "from offlinefirst.datasets.providers import Fetcher\n"
            "root = Path(sys.argv[1]); Fetcher(root).fetch(read_catalog(root)[0])"
        )
        part = part_of(path_of(entry, root))
        with subprocess.Popen([sys.executable, "-c", code, str(root)], stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not (part.is_file() and part.stat().st_size >= 100_000):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        half = part.stat().st_size
        assert state_of(entry, root) == "partial"
        with pytest.raises(MissingDataError, match="leaf is partial"):
            locate("leaf", root=root)
        fetch(root, entry)
        assert 0 < server.requests[-1].start <= half
    assert locate("leaf", root=root).read_bytes() == BODY


@pytest.mark.parametrize("which", ["file", "part"])
def test_a_folder_in_the_way_is_named(tmp_path, which):
    entry = leaf(nobody_listens())
    root = course_with(tmp_path, entry)
    path = path_of(entry, root)
    taken = path if which == "file" else part_of(path)
    taken.mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"leaf\.bin.* is a folder, and a file goes there\. Move it"):
        fetch(root, entry)
    with pytest.raises(MissingDataError, match="leaf is missing"):
        locate("leaf", root=root)
