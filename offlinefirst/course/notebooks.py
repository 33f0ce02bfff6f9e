"""From a lesson's script to its notebook, before anything is executed: pure but for reading the lesson's folder.

What the build adds to the script is all here: stable cell ids, the "at a glance" cell after the title, nbgrader's
metadata for answers and checks, the tags that follow from them, and figures carried inside the notebook, so that one
file handed out alone is whole.
"""

import ast
import base64
import hashlib
import json
import mimetypes
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from offlinefirst.course.errors import LessonError
from offlinefirst.course.lessons import FrontMatter, Lesson, front_matter

#: `![what it shows](figures/name.svg)` in a markdown cell.
LOCAL_FIGURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>figures/[^)\s]+)\)")
#: "datasets/models/leaf.json" in a lesson's code: something of the course that it reads.
NAMED_FILE = re.compile(r"""["'](?P<path>(?:benchmarks|datasets|requirements)/[\w./-]+)["']""")
#: The ledger of claims, of which a lesson depends only on those that it decides.
LEDGER = "claims.toml"
#: Besides what a lesson imports, these decide what its notebook looks like.
ALWAYS_HASHED = ("offlinefirst.device.kernel", "offlinefirst.course.notebooks")


def read_script(path: Path) -> NotebookNode:
    """Parse a percent script.

    Raises:
        LessonError: The file is missing or is not a percent script.
    """
    try:
        return jupytext.read(path, fmt="py:percent")
    except FileNotFoundError:
        raise LessonError(f"{path} does not exist") from None
    except Exception as error:
        raise LessonError(f"{path} is not a percent script that jupytext can read: {error}") from error


def read_front_matter(lesson: Lesson) -> FrontMatter:
    """The checked front matter of a lesson. Raises LessonError."""
    return front_matter(read_script(lesson.path).metadata, lesson.id)


def notebook_from(lesson: Lesson) -> NotebookNode:
    """The lesson's notebook without outputs (for a lab: with its solutions), without instructor cells.

    Raises:
        LessonError: The script, its front matter or one of its figures cannot be used.
    """
    script = read_script(lesson.path)
    about = front_matter(script.metadata, lesson.id)
    cells = [cell for cell in script.cells if "instructor" not in tags_of(cell)]
    if not cells or cells[0].cell_type != "markdown":
        raise LessonError(f"{lesson.id}: the first cell must be the title, in markdown")
    cells.insert(1, _glance(about))
    for cell in cells:
        _shape(cell, lesson)
    _number(cells, lesson.id)
    kernelspec = json.loads((lesson.root / "jupyter/kernels" / about.device / "kernel.json").read_text("utf-8"))
    notebook = nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {
                "name": about.device,
                "display_name": kernelspec["display_name"],
                "language": "python",
            },
            "language_info": {"name": "python"},
            "offlinefirst": {
                **script.metadata["offlinefirst"],
                "lesson": lesson.id,
                "source_hash": source_hash(lesson),
            },
        },
    )
    nbformat.validate(notebook)
    return notebook


def instructor_cells(lesson: Lesson) -> list[NotebookNode]:
    """The cells tagged `instructor`: timing, common mistakes, board sketches."""
    return [cell for cell in read_script(lesson.path).cells if "instructor" in tags_of(cell)]


def tags_of(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def source_hash(lesson: Lesson) -> str:
    """SHA-256 over everything that a notebook's outputs depend on: the lesson, its figures, the chapter's quiz, the
    modules of `offlinefirst` it imports (and those they import), files and folders of the course that it names, the
    claims it decides, its kernelspec and the lock."""
    code = lesson.path.read_text("utf-8")
    files = [lesson.path, lesson.root / "requirements" / "full.txt"]
    figures = {lesson.folder / match["path"] for match in LOCAL_FIGURE.finditer(code)}
    files += [path for path in [*sorted(figures), lesson.folder / "quiz.toml"] if path.exists()]
    for named in sorted({lesson.root / match["path"] for match in NAMED_FILE.finditer(code)}):
        files += [named] if named.is_file() else sorted(path for path in named.rglob("*") if path.is_file())
    files += sorted((lesson.root / "jupyter/kernels").glob("*/kernel.json"))
    modules = _modules(lesson.root, {*imported_modules(code), *ALWAYS_HASHED})
    files += sorted(path for path in modules if path.name != LEDGER)
    digest = hashlib.sha256()
    for path in files:
        data = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(lesson.root).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    for ledger in (path for path in modules if path.name == LEDGER):
        claims = tomllib.loads(ledger.read_text("utf-8"))
        decided = {name: claims.get(name) for name in read_front_matter(lesson).claims}
        digest.update(json.dumps(decided, sort_keys=True).encode())
    return digest.hexdigest()


def imported_modules(code: str) -> set[str]:
    """The `offlinefirst` modules that Python source imports, anywhere in it.

    >>> sorted(imported_modules("from offlinefirst.link import outages\\nimport numpy"))
    ['offlinefirst.link', 'offlinefirst.link.outages']
    """
    lines = [line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))]
    names: set[str] = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name == "offlinefirst" or name.startswith("offlinefirst.")}


def _modules(root: Path, names: Iterable[str]) -> set[Path]:
    """Files of the named modules, of the packages around them, and of all that they import in turn."""
    found: set[Path] = set()
    queue = list(names)
    while queue:
        parts = queue.pop().split(".")
        for depth in range(1, len(parts) + 1):
            base = root.joinpath(*parts[:depth])
            for path in (base.with_suffix(".py"), base / "__init__.py"):
                if path.is_file() and path not in found:
                    found.add(path)
                    beside = (path.with_suffix(suffix) for suffix in (".js", ".css"))  # a widget's other half
                    found.update(file for file in beside if file.is_file())
                    if path.name == "__init__.py":
                        found.update(file for file in base.iterdir() if file.suffix in (".toml", ".json"))
                    queue.extend(imported_modules(path.read_text("utf-8")))
    return found


def _glance(about: FrontMatter) -> NotebookNode:
    """What a reader wants to know before starting, from the front matter."""
    minutes = f"{about.teach_minutes + about.exercise_minutes} minutes"
    if about.exercise_minutes:
        minutes += f" ({about.exercise_minutes} of them yours)"
    download = "nothing to download" if not about.download_bytes else f"downloads {about.download_bytes:,} bytes"
    rows = [f"**At a glance:** {minutes}, {download}.", "", "You will be able to:", ""]
    rows += [f"- {objective}" for objective in about.objectives]
    return nbformat.v4.new_markdown_cell("\n".join(rows))


def _shape(cell: NotebookNode, lesson: Lesson) -> None:
    """Turn the lesson's short cell keys into the metadata that Jupyter's tools read."""
    metadata = cell.metadata
    tags = tags_of(cell)
    if cell.cell_type == "markdown":
        cell.source = LOCAL_FIGURE.sub(lambda match: _embedded(match, lesson), cell.source)
    if exercise := metadata.pop("answer", None):
        metadata["nbgrader"] = _nbgrader(f"answer-{exercise}", solution=True)
    if exercise := metadata.pop("check", None):
        points = metadata.pop("points", None)
        if not isinstance(points, int) or points < 1:
            raise LessonError(f'{lesson.id}: the check of "{exercise}" needs points=N')
        metadata["nbgrader"] = _nbgrader(f"check-{exercise}", points=points)
        tags.append("raises-exception")  # "Run all" and nbval go on past an exercise that is not done yet
    if "fails-on-purpose" in tags:
        tags.append("raises-exception")
    if tags:
        metadata["tags"] = tags


def _nbgrader(grade_id: str, *, solution: bool = False, points: int | None = None) -> dict[str, Any]:
    block: dict[str, Any] = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": points is not None,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        block["points"] = points
    return block


def _embedded(match: re.Match[str], lesson: Lesson) -> str:
    """The same image as a data URI. (JupyterLab 4.6 shows SVG this way, and does not show SVG attachments.)"""
    path = lesson.folder / match["path"]
    if not path.is_file():
        raise LessonError(f"{lesson.id}: the figure {match['path']} is not in lessons/{lesson.chapter}/")
    kind = mimetypes.guess_type(path.name)[0]
    if kind not in ("image/svg+xml", "image/png"):
        raise LessonError(f"{lesson.id}: {match['path']} is {kind}; figures are SVG or PNG")
    data = path.read_bytes().replace(b"\r\n", b"\n") if kind == "image/svg+xml" else path.read_bytes()
    return f"![{match['alt']}](data:{kind};base64,{base64.b64encode(data).decode()})"


def _number(cells: list[NotebookNode], lesson_id: str) -> None:
    """Ids from content: the same cell keeps its id however often it is built and whatever stands around it."""
    seen: dict[str, int] = {}
    for cell in cells:
        key = f"{lesson_id}\0{cell.cell_type}\0{cell.source}"
        copy = seen[key] = seen.get(key, 0) + 1
        cell["id"] = hashlib.sha256(f"{key}\0{copy}".encode()).hexdigest()[:12]
