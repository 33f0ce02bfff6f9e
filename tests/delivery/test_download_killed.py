"""download, killed with SIGKILL at each of its system calls; the order of the calls, from strace; and a real server.

SIGKILL is not a power cut: it cannot see a missing fsync. The order of the calls, asserted from the trace, covers that
as far as the calls go.
"""

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import time

import pytest
from nginx_server import nginx
from scripted_server import ScriptedServer, piece, whole

from offlinefirst.delivery.download import download
from offlinefirst.delivery.partfile import Names, PartFile
from offlinefirst.delivery.resume import Part, Target

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a Linux program"),
]
DATA = random.Random(9).randbytes(600_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
CHILD = """
import sys
from pathlib import Path
from offlinefirst.delivery.download import Policy, download
policy = Policy(sync_every_bytes=32_768, sync_every_s=0, attempts=1)
download(sys.argv[1], sha256=sys.argv[2], to=Path(sys.argv[3]), policy=policy, progress=False)
"""
CALLS = ("write", "fsync", "ftruncate", "rename", "unlink")


def command(url, folder, sha256=SHA256):
    return [sys.executable, "-c", CHILD, url, sha256, str(folder / "leaf.onnx")]


def strace(url, folder, log, *options):
    tool = shutil.which("strace")
    assert tool, "install strace (Debian: apt-get install strace); .ci/run does"
    names = Names(folder / "leaf.onnx")
    paths = [folder, names.final, names.part, names.sidecar, names.sidecar_new, names.lock, names.bad]
    watched = [f"-P{path}" for path in paths]
    traced = ["-f", "-qq", "-y", "-o", str(log), *watched, "-e", f"trace={','.join(CALLS)}", *options]
    return subprocess.run([tool, *traced, *command(url, folder)], capture_output=True, text=True, check=False)


def by_range(request):
    return piece(DATA, request.start) if request.range else whole(DATA)


@pytest.fixture
def server():
    with ScriptedServer(by_range) as server:
        yield server.url


@pytest.fixture
def web(tmp_path):
    """nginx, serving a folder with leaf.onnx in it."""
    root, own = tmp_path / "www", tmp_path / "nginx"
    root.mkdir()
    own.mkdir()
    (root / "leaf.onnx").write_bytes(DATA)
    os.utime(root / "leaf.onnx", (1_700_000_000, 1_700_000_000))
    with nginx(root, own, slow_bytes_per_s=300_000) as url:
        yield url


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "phone"
    folder.mkdir()
    return folder


def put_old_version(url, folder):
    """Half of another version: the server will begin again from zero."""
    part = PartFile(Names(folder / "leaf.onnx"), Target(url, SHA256))
    part.restart(Part(total_bytes=len(DATA), etag='"v0"'))
    part.write(bytes(100_000))
    part.sync()
    part.close()


def finish(url, folder, **options):
    return download(url, sha256=SHA256, to=folder / "leaf.onnx", progress=False, **options)


def sweep(url, folder, log, before):
    """Kill at the first call, the second and so on of each kind, until one run is not hit; count the kills."""
    kills = dict.fromkeys(CALLS, 0)
    for call in CALLS:
        for when in range(1, 100):
            shutil.rmtree(folder)
            folder.mkdir()
            before(url, folder)
            done = strace(url, folder, log, "-e", f"inject={call}:signal=SIGKILL:when={when}")
            names = Names(folder / "leaf.onnx")
            if names.final.exists():
                assert names.final.read_bytes() == DATA, f"killed at {call} {when}"
            here = names.part.stat().st_size if names.part.exists() and names.sidecar.exists() else 0
            went_on = finish(url, folder)
            assert names.final.read_bytes() == DATA, f"killed at {call} {when}"
            assert [path.name for path in folder.iterdir()] == ["leaf.onnx"], f"killed at {call} {when}"
            if before is nothing and went_on.requests:
                assert (went_on.bytes_reused, went_on.bytes_fetched) == (here, len(DATA) - here)
            if done.returncode == 0:
                break
            assert done.returncode == -9, done.stderr
            kills[call] += 1
    print(kills)
    return kills


def nothing(url, folder):
    pass


@pytest.mark.parametrize("before", [nothing, put_old_version])
def test_killed_at_every_call_the_next_run_finishes(server, folder, tmp_path, before):
    kills = sweep(server, folder, tmp_path / "log", before)
    # At least: the body in pieces of at most 128 KiB, each but the last synced and noted; the first sidecar; the end.
    assert kills["write"] >= 5 + 3 + 1
    assert kills["fsync"] >= 3 * 2 + 1 + 2
    assert kills["rename"] >= 3 + 1 + 1
    assert kills["ftruncate"] >= 1
    assert kills["unlink"] >= 3
    assert sum(kills.values()) >= 25


def test_killed_at_every_call_under_nginx(web, folder, tmp_path):
    kills = sweep(f"{web}/leaf.onnx", folder, tmp_path / "log", nothing)
    # nginx chooses its own pieces: at least these, whatever it sends at once.
    assert kills["write"] >= 5
    assert kills["fsync"] >= 5
    assert kills["rename"] >= 3
    assert kills["ftruncate"] >= 1
    assert kills["unlink"] >= 3
    assert sum(kills.values()) >= 17


def test_the_file_is_synced_before_the_rename_and_the_folder_after(server, folder, tmp_path):
    done = strace(server, folder, tmp_path / "log")
    assert done.returncode == 0, done.stderr
    calls = re.findall(r"^\d+\s+(\w+)\((.*)\)\s+= 0", (tmp_path / "log").read_text(), re.MULTILINE)
    writes = re.findall(r"^\d+\s+(write)\(\d+<(.*?)>", (tmp_path / "log").read_text(), re.MULTILINE)
    assert any(path.endswith("leaf.onnx.part") for _, path in writes)
    rename = next(at for at, (name, about) in enumerate(calls) if name == "rename" and about.endswith('leaf.onnx"'))
    assert re.fullmatch(r"fsync \d+<.*/leaf\.onnx\.part>", " ".join(calls[rename - 1]))
    assert re.fullmatch(r"fsync \d+<.*/phone>", " ".join(calls[rename + 1]))
    # A sidecar is whole before it has its name, and is gone only after the folder was synced.
    for at, (name, about) in enumerate(calls):
        if name == "rename" and at != rename:
            assert re.fullmatch(r"fsync \d+<.*/leaf\.onnx\.state-new\.part>", " ".join(calls[at - 1])), about
        if name == "unlink" and about.endswith('leaf.onnx.state.part"'):
            assert at > rename + 1
    text = (tmp_path / "log").read_text()
    final_sync = text.index("fsync", text.rindex("write("))
    assert final_sync < text.index('leaf.onnx")')


@pytest.mark.parametrize(
    ("call", "error", "expected"), [("write", "ENOSPC", "NoRoomError"), ("fsync", "EIO", "OSError")]
)
def test_a_failing_disk_leaves_a_part_that_can_be_resumed(server, folder, tmp_path, call, error, expected):
    failed, most = 0, 0
    for when in range(1, 40):
        shutil.rmtree(folder)
        folder.mkdir()
        done = strace(server, folder, tmp_path / "log", "-e", f"inject={call}:error={error}:when={when}")
        names = Names(folder / "leaf.onnx")
        if done.returncode == 0:
            break
        assert expected in done.stderr
        assert not names.lock.exists()
        failed += 1
        have = names.part.read_bytes() if names.part.exists() else b""
        assert DATA.startswith(have)
        most = max(most, len(have))
        finish(server, folder)
        assert names.final.read_bytes() == DATA
        assert [path.name for path in folder.iterdir()] == ["leaf.onnx"]
    assert failed >= 5
    assert most >= 65_536


# A real server


def test_nginx_resumes_after_kill_9_and_little_is_fetched_twice(web, folder):
    url = f"{web}/slow/leaf.onnx"
    process = subprocess.Popen(command(url, folder))
    part = Names(folder / "leaf.onnx").part
    while not part.exists() or part.stat().st_size < 60_000:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    have = part.stat().st_size
    done = finish(f"{web}/slow/leaf.onnx", folder)
    assert done.requests == 1
    assert (done.bytes_reused, done.bytes_fetched) == (have, len(DATA) - have)
    assert (folder / "leaf.onnx").read_bytes() == DATA


def put_half(url, folder, *, etag):
    part = PartFile(Names(folder / "leaf.onnx"), Target(url, SHA256))
    part.restart(Part(total_bytes=len(DATA), etag=etag))
    part.write(DATA[:100_000])
    part.close()


def nginx_etag(root):
    stat = (root / "leaf.onnx").stat()
    return f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'


@pytest.mark.parametrize(
    ("reason", "path", "etag", "fetched"),
    [
        ("206", "leaf.onnx", None, 500_000),
        ("a stale If-Range gets 200", "leaf.onnx", '"stale"', 600_000),
        ("no ranges get 200", "rangeless/leaf.onnx", None, 600_000),
    ],
)
def test_nginx_answers_a_range(web, folder, tmp_path, reason, path, etag, fetched):
    put_half(f"{web}/{path}", folder, etag=etag or nginx_etag(tmp_path / "www"))
    done = finish(f"{web}/{path}", folder)
    assert (done.requests, done.bytes_fetched) == (1, fetched)
    assert (folder / "leaf.onnx").read_bytes() == DATA


def test_nginx_answers_416_and_404(web, folder):
    url = f"{web}/leaf.onnx"
    part = PartFile(Names(folder / "leaf.onnx"), Target(url, SHA256))
    part.restart(Part())
    part.write(bytes(len(DATA)))
    part.close()
    done = finish(url, folder)
    assert (done.requests, done.bytes_lost) == (2, len(DATA))
    with pytest.raises(Exception, match="no such file"):
        download(f"{web}/none", sha256=SHA256, to=folder / "none")
