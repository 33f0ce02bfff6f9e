"""The tools that run notebooks use our kernels unchanged, a cell that runs out of memory included."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="enforced limits")

BADGE = "Phone, 2 GB: 1,024 MiB for this app, 1 core, no internet (limits: enforced)"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    badge = "from offlinefirst import device\nprint(device.current().badge())"
    cells = [
        v4.new_code_cell(badge, outputs=[v4.new_output("stream", name="stdout", text=BADGE + "\n")], execution_count=1),
        v4.new_code_cell("rows = []\nwhile True: rows.append(bytes(1000))", execution_count=2),
        v4.new_code_cell(
            "del rows\n6 * 7",
            outputs=[v4.new_output("execute_result", {"text/plain": "42"}, execution_count=3)],
            execution_count=3,
        ),
    ]
    cells[1].metadata["tags"] = ["raises-exception"]
    path = tmp_path / "small.ipynb"
    spec = {"kernelspec": {"name": "phone-2gb", "display_name": "Phone, 2 GB (no internet)", "language": "python"}}
    nbformat.write(v4.new_notebook(cells=cells, metadata=spec), path)
    return path


def run(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OFFLINEFIRST_RUNTIME_DIR": str(folder / "runtime")}
    command = (sys.executable, "-m", *command)
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_nbconvert(notebook: Path) -> None:
    done = run("nbconvert", "--to", "notebook", "--execute", "--inplace", str(notebook), folder=notebook.parent)
    assert done.returncode == 0, done.stderr
    badge, failed, after = (cell.outputs for cell in nbformat.read(notebook, as_version=4).cells)
    assert badge[0].text == BADGE + "\n"
    assert failed[0].output_type == "error"
    assert "Phone, 2 GB: out of memory." in "\n".join(failed[0].traceback)
    assert after[0].data["text/plain"] == "42"


@pytest.mark.parametrize(("expected", "passed"), [("42", True), ("43", False)])
def test_nbval(notebook: Path, expected: str, passed: bool) -> None:
    """Outputs are compared, so a wrong one shows that the cells really ran."""
    content = nbformat.read(notebook, as_version=4)
    content.cells[2].outputs[0].data["text/plain"] = expected
    content.cells[1].metadata["tags"].append("nbval-ignore-output")
    nbformat.write(content, notebook)
    options = ("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(notebook.parent))
    done = run("pytest", "--nbval", *options, str(notebook), folder=notebook.parent)
    assert (done.returncode == 0) is passed, done.stdout
    assert ("3 passed" if passed else "2 passed") in done.stdout
