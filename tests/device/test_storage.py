import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from offlinefirst.device.errors import StorageFullError
from offlinefirst.device.storage import Storage, open_scratch, sweep


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path, 1_000, title="Phone, 2 GB")


def test_files_count_wherever_they_lie(storage: Storage) -> None:
    (storage.folder / "a").write_bytes(bytes(100))
    (storage.folder / "deep" / "er").mkdir(parents=True)
    (storage.folder / "deep" / "er" / "b").write_bytes(bytes(200))
    assert (storage.used_bytes(), storage.free_bytes()) == (300, 700)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_do_not_count_twice(storage: Storage, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "large").write_bytes(bytes(5_000))
    (storage.folder / "a").write_bytes(bytes(100))
    os.link(storage.folder / "a", storage.folder / "again")
    (storage.folder / "link").symlink_to(outside / "large")
    (storage.folder / "folder").symlink_to(outside)
    assert storage.used_bytes() == 100


def test_the_last_byte_fits_and_one_more_does_not(storage: Storage) -> None:
    (storage.folder / "a").write_bytes(bytes(400))
    storage.check(600)
    with pytest.raises(StorageFullError, match=r"Phone, 2 GB: storage is full: 601 bytes .* 600 bytes free") as caught:
        storage.check(601)
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(caught.value, OSError)


def test_a_reservation_keeps_its_room(storage: Storage) -> None:
    with storage.reserve(700) as reservation:
        assert storage.free_bytes() == 300
        with pytest.raises(StorageFullError), storage.reserve(301):
            pass
        (storage.folder / "part").write_bytes(bytes(500))
        reservation.wrote(500)
        assert storage.free_bytes() == 300
    assert storage.free_bytes() == 500


def test_a_failed_write_gives_its_room_back(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), storage.reserve(700):
        raise ZeroDivisionError
    assert storage.free_bytes() == 1_000


USE = """
import sys
from pathlib import Path
from offlinefirst.device.storage import open_scratch
storage = open_scratch("phone-2gb", 1000, title="Phone", folder=Path(sys.argv[1]))
(storage.folder / "left").write_text("over")
print(storage.folder, flush=True)
input()
"""


def start(base: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_scratch_goes_with_its_process(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert (folder / "left").exists()
        process.communicate("\n")
    assert list(tmp_path.iterdir()) == []


def test_left_overs_of_the_dead_are_swept_and_the_living_are_not(tmp_path: Path) -> None:
    with start(tmp_path) as dead, start(tmp_path) as living:
        assert dead.stdout is not None
        assert living.stdout is not None
        folders = [Path(each.stdout.readline().strip()) for each in (dead, living) if each.stdout]
        dead.kill()
        dead.wait()
        assert (folders[0] / "left").exists()
        assert sweep(tmp_path) == [folders[0]]
        assert not folders[0].exists()
        assert (folders[1] / "left").exists()
        assert sweep(tmp_path) == []
        living.communicate("\n")


def test_opening_sweeps(tmp_path: Path) -> None:
    with start(tmp_path) as dead:
        assert dead.stdout is not None
        folder = Path(dead.stdout.readline().strip())
        dead.kill()
    mine = open_scratch("phone-2gb", 1_000, title="Phone", folder=tmp_path)
    assert not folder.exists()
    assert mine.folder.is_dir()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_leaves_its_parents_folder_alone(tmp_path: Path) -> None:
    code = USE.replace("input()", "import os, time\npid = os.fork()\nif pid == 0: sys.exit()\nos.waitpid(pid, 0)")
    code += "print((storage.folder / 'left').exists())"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
