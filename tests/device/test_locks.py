import subprocess
import sys
from pathlib import Path

import pytest

from offlinefirst.device.locks import runtime_folder, try_lock

HOLD = "import sys; from pathlib import Path; from offlinefirst.device.locks import try_lock\n"
HOLD += "lock = try_lock(Path(sys.argv[1])); print('held', flush=True); input()"


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    first.release()
    second = try_lock(tmp_path / "lock")
    assert second is not None
    second.release()
    second.release()


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert try_lock(path) is None
        holder.kill()
    lock = try_lock(path)
    assert lock is not None
    lock.release()


def test_a_lock_on_a_deleted_file_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between open and lock, the previous holder deletes the file: whoever comes next must not share the lock."""
    import offlinefirst.device.locks as module

    path = tmp_path / "lock"
    real, deleted = module._lock, []

    def delete_then_lock(descriptor: int) -> None:
        if not deleted:
            deleted.append(path.unlink())
        real(descriptor)

    monkeypatch.setattr(module, "_lock", delete_then_lock)
    first = try_lock(path)
    assert first is not None
    assert try_lock(path) is None
    first.release(remove=True)
    assert not path.exists()


def test_the_runtime_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINEFIRST_RUNTIME_DIR", str(tmp_path / "a" / "b"))
    assert runtime_folder() == tmp_path / "a" / "b"
    assert runtime_folder().is_dir()
