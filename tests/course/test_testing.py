"""nbval over a course is seen failing: stale output, a cell that raises, a notebook that needs another one."""

import pytest
from mini import LAB, NOTEBOOK, mini_course
from rich.console import Console

from offlinefirst.course.build import build
from offlinefirst.course.testing import NO_TESTS_COLLECTED, notebooks, run_notebooks

pytestmark = pytest.mark.slow


def built(folder, **changes):
    root = mini_course(folder, **changes)
    build(root, report=lambda _: None)
    return root


def run(root, pattern=""):
    paths = [path for path in notebooks(root) if pattern in path.as_posix()]
    return run_notebooks(root, paths, Console(quiet=True), seed=1)


def test_a_good_course_passes_and_an_edited_output_fails(tmp_path):
    root = built(tmp_path)
    assert {path.as_posix() for path in notebooks(root)} == {
        "chapters/01-small/01-notebook.ipynb",
        "labs/01-small/lab.ipynb",
        "solutions/01-small/lab.ipynb",
    }
    assert run(root) == 0
    path = root / "chapters/01-small/01-notebook.ipynb"
    text = path.read_text("utf-8")
    assert text.count('"6"') == 1
    path.write_text(text.replace('"6"', '"7"'), "utf-8")
    assert run(root, "01-notebook") == 1


def test_a_measurement_may_differ_from_the_stored_one(tmp_path):
    timed = NOTEBOOK.replace("total / 2", "import time\n\nprint(time.time_ns())")
    assert run(built(tmp_path, notebook=timed), "01-notebook") == 0


def test_a_cell_that_begins_to_raise_fails(tmp_path):
    root = built(tmp_path)
    path = root / "solutions/01-small/lab.ipynb"
    path.write_text(path.read_text("utf-8").replace('Score(\\"01-small\\", double=2)', "1 / 0"), "utf-8")
    assert run(root, "solutions") == 1


def test_a_notebook_that_needs_what_another_left_behind_fails(tmp_path):
    leaves = NOTEBOOK.replace("total / 2", 'from pathlib import Path\n\nPath("left.txt").write_text("x")')
    needs = LAB.replace(
        "# %%\nScore", '# %%\nfrom pathlib import Path\n\nfound = Path("left.txt").exists()\n\n# %%\nScore'
    )
    root = built(tmp_path, notebook=leaves, lab=needs)
    path = root / "solutions/01-small/lab.ipynb"
    path.write_text(
        path.read_text("utf-8").replace('Path(\\"left.txt\\").exists()', 'Path(\\"left.txt\\").read_text()')
    )
    assert run(root) == 1


def test_nothing_to_run_is_told_apart_from_success(tmp_path):
    assert run(built(tmp_path), "no-such-notebook") == NO_TESTS_COLLECTED
