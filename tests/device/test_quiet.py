import subprocess
import sys
from pathlib import Path

MODULE = "import os, sys\nos.write(2, b'absl: a line nobody asked for\\n')\nprint('stdout stays')\n"


def imported(folder: Path, body: str, then: str = "") -> "subprocess.CompletedProcess[str]":
    (folder / "noisy.py").write_text(MODULE + body)
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\nfrom offlinefirst.device.quiet import quieten\n"
    code += f"quieten('noisy')\nimport noisy\n{then}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_an_import_that_works_is_quiet(tmp_path: Path) -> None:
    done = imported(tmp_path, "", "import os; os.write(2, b'afterwards')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "stdout stays\n", "afterwards")


def test_an_import_that_fails_shows_what_was_written(tmp_path: Path) -> None:
    done = imported(tmp_path, "raise ImportError('broken')")
    assert done.returncode == 1
    assert "ImportError: broken\nWhile it was imported, noisy wrote:\nabsl: a line nobody asked for" in done.stderr


def test_the_module_keeps_its_own_loader(tmp_path: Path) -> None:
    then = "import inspect; print(type(noisy.__loader__).__name__, type(noisy.__spec__.loader).__name__)\n"
    then += "print('nobody asked' in inspect.getsource(noisy))"
    done = imported(tmp_path, "", then)
    assert done.stdout.splitlines()[1:] == ["SourceFileLoader SourceFileLoader", "True"]


def test_a_missing_module_is_missing(tmp_path: Path) -> None:
    code = "from offlinefirst.device.quiet import quieten\nquieten('no_such_module')\nimport no_such_module"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "ModuleNotFoundError: No module named 'no_such_module'" in done.stderr
