"""`course.py build`: lessons to notebooks, executing only what changed."""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from offlinefirst.course.blank import blanked
from offlinefirst.course.errors import BuildError
from offlinefirst.course.lessons import Lesson, all_lessons
from offlinefirst.course.notebooks import instructor_cells, notebook_from, read_front_matter

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_TIMEOUT_S = 120
#: Where one machine keeps its libraries; a traceback reads as well without it.
LIBRARY_PATH = re.compile(r"[~\w./\\:-]*[/\\](?:lib[/\\]python3\.\d+|Lib)[/\\](?:site-packages[/\\])?")

#: And where this machine keeps the course; it begins at a slash, since a colour code may stand before it.
COURSE_PATH = re.compile(r"(?:/[\w.-]+)+/(?=offlinefirst/)")


@dataclass(frozen=True)
class Difference:
    """A generated file that does not match its lesson."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def differences(root: Path) -> list[Difference]:
    """What `build --check` reports: sources, tags, ids and hashes are compared, never outputs."""
    found: list[Difference] = []
    expected: set[Path] = set()
    for lesson in all_lessons(root):
        fresh = notebook_from(lesson)
        expected.add(lesson.notebook_path)
        found += _compared(root, lesson.notebook_path, fresh)
        if lesson.is_lab:
            expected.add(lesson.blank_path)
            found += _compared(root, lesson.blank_path, blanked(fresh))
    for path, text in guides(root).items():
        if not path.exists() or path.read_text("utf-8") != text:
            found.append(Difference(path.relative_to(root), "does not match the lessons' instructor cells"))
    found += [Difference(path.relative_to(root), "has no lesson") for path in _generated(root) - expected]
    return found


def build(root: Path, *, wanted: str = "", jobs: int = 2, report: Callable[[str], None] = print) -> list[Path]:
    """Make every notebook match its lesson; execute those whose lesson, package modules or lock changed.

    Args:
        root: The course folder.
        wanted: Only lessons whose id contains this text (empty: all).
        jobs: Notebooks executed at a time, each on a kernel process of its own.
        report: Is told one line a notebook.

    Returns:
        The files written.

    Raises:
        LessonError: A lesson cannot be read.
        BuildError: A cell failed that was not meant to.
    """
    lessons = [lesson for lesson in all_lessons(root) if wanted in lesson.id]
    stale = [lesson for lesson in lessons if _is_stale(root, lesson)]
    written: list[Path] = []
    with ThreadPoolExecutor(jobs) as pool:
        fresh = [notebook_from(lesson) for lesson in stale]
        for lesson, (notebook, seconds) in zip(stale, pool.map(_executed, stale, fresh), strict=True):
            written += [_write(lesson.notebook_path, notebook)]
            if lesson.is_lab:
                written += [_write(lesson.blank_path, blanked(notebook))]
            report(f"built {lesson.id} in {seconds:.1f} s")
    for path, text in guides(root).items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
            written.append(path)
    if not wanted:
        for path in _generated(root) - {path for lesson in lessons for path in _paths(lesson)}:
            path.unlink()
            report(f"removed {path.relative_to(root)}: its lesson is gone")
    report(f"{len(stale)} built, {len(lessons) - len(stale)} up to date")
    return written


def execute(notebook: NotebookNode, *, folder: Path, timeout_s: float = CELL_TIMEOUT_S) -> NotebookNode:
    """Run a notebook on the kernel that it names, and normalise what came out.

    Args:
        notebook: Not changed.
        folder: The working directory of its kernel.
        timeout_s: Seconds that one cell may take.

    Raises:
        BuildError: A cell failed that is not tagged `raises-exception`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"OFFLINEFIRST_PROGRESS": str(Path(scratch, "progress.jsonl"))}
        client = NotebookClient(
            deepcopy(notebook),
            timeout=timeout_s,
            kernel_name=notebook.metadata.kernelspec.name,
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=False,
        )
        try:
            done = client.execute(env=environment)
        except CellExecutionError as error:
            raise BuildError(f"a cell failed that was not meant to:\n{error}") from None
    return normalised(done)


def normalised(notebook: NotebookNode) -> NotebookNode:
    """Drop from outputs what differs between runs of the same code, and views that need a live kernel."""
    notebook = deepcopy(notebook)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.pop("transient", None)
            if output.output_type == "error":
                output.traceback = [COURSE_PATH.sub("", LIBRARY_PATH.sub("", line)) for line in output.traceback]
        cell.outputs = _joined_streams(cell.outputs)
    return notebook


def guides(root: Path) -> dict[Path, str]:
    """The instructor guide of each chapter: the cells that learners' notebooks leave out, and the minutes."""
    texts: dict[Path, str] = {}
    for lesson in all_lessons(root):
        path = root / "chapters" / lesson.chapter / "instructor.md"
        about = read_front_matter(lesson)
        if path not in texts:
            texts[path] = f"# Chapter {about.chapter}: instructor's notes\n\n"
            texts[path] += "Generated from the lessons' `instructor` cells. Learners' notebooks do not show them.\n"
        texts[path] += f"\n## {about.title} ({lesson.name})\n\n"
        texts[path] += f"{about.teach_minutes} minutes to teach, {about.exercise_minutes} of exercises, "
        texts[path] += f"on `{about.device}`.\n"
        for cell in instructor_cells(lesson):
            texts[path] += "\n" + (cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
            texts[path] += "\n"
    return texts


def _executed(lesson: Lesson, fresh: NotebookNode) -> tuple[NotebookNode, float]:
    started = time.perf_counter()
    folder = lesson.notebook_path.parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        notebook = execute(fresh, folder=folder)
    except BuildError as error:
        raise BuildError(f"{lesson.id}: {error}") from None
    return notebook, time.perf_counter() - started


def _is_stale(root: Path, lesson: Lesson) -> bool:
    fresh = notebook_from(lesson)
    if _compared(root, lesson.notebook_path, fresh):
        return True
    return lesson.is_lab and bool(_compared(root, lesson.blank_path, blanked(fresh)))


def _compared(root: Path, path: Path, fresh: NotebookNode) -> list[Difference]:
    shown = path.relative_to(root)
    if not path.exists():
        return [Difference(shown, "is missing")]
    try:
        stored = nbformat.read(path, as_version=4)
    except (json.JSONDecodeError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        return [Difference(shown, f"is not a readable notebook ({error})")]
    if stored.metadata.get("offlinefirst") != fresh.metadata["offlinefirst"]:
        return [Difference(shown, "was built from another version of its lesson, of the package or of the lock")]
    if _skeleton(stored) != _skeleton(fresh):
        return [Difference(shown, "was edited by hand; edit the lesson instead")]
    return []


def _skeleton(notebook: NotebookNode) -> list[tuple[Any, ...]]:
    kernel = notebook.metadata.kernelspec.name
    return [(kernel, cell.id, cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def _paths(lesson: Lesson) -> list[Path]:
    return [lesson.notebook_path, lesson.blank_path] if lesson.is_lab else [lesson.notebook_path]


def _generated(root: Path) -> set[Path]:
    return {path for folder in ("chapters", "labs", "solutions") for path in (root / folder).glob("[0-9]*/*.ipynb")}


def _joined_streams(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """How a stream is cut into messages is chance: join neighbours of the same name."""
    joined: list[NotebookNode] = []
    for output in outputs:
        same = joined and output.output_type == "stream" == joined[-1].output_type
        if same and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = re.sub(r".*\r(?!\n)", "", output.text)  # what a progress bar overwrote
    return joined


def _write(path: Path, notebook: NotebookNode) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", "utf-8", newline="\n")
    return path
