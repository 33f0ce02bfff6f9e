"""What a lesson and its notebooks must be, as rules that name the cell and the remedy.

Rules over a notebook's cells work on the lesson before it is executed (`lint_sources`); rules over outputs work on the
stored notebook (`lint_outputs`); a lab's blank is compared with its solution (`lint_blank`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from offlinefirst.course.answers import exercises
from offlinefirst.course.errors import CourseError, LessonError, QuizError
from offlinefirst.course.lessons import SPINE, FrontMatter, Lesson, front_matter
from offlinefirst.course.notebooks import LOCAL_FIGURE, read_script, tags_of
from offlinefirst.course.quiz import read_quiz

LONG_CELL_LINES = 20  # over this a code cell is a plot or a finished class, and says so with the tag `long`
LONGEST_CELL_LINES = 30
SHORTEST_ALT = 15
KNOWN_TAGS = {
    "fails-on-purpose",
    "instructor",
    "long",
    "nbval-check-output",
    "raises-exception",
    "slide",
}
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
REMOTE = re.compile(
    r"""<(?:img|script|link|iframe|video|audio)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//"""
    r"""|@import\s+url|url\(\s*["']?https?://""",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp|var/folders|work)/[\w.-]+|[A-Z]:\\+Users\\+\w")
#: Pictures and colour codes: the first may hold anything, the second stand right before a path.
NO_TEXT = re.compile(r"data:image/[^)\"']+|\x1b\[[\d;]*m")
STAR_IMPORT = re.compile(r"^\s*from\s+\S+\s+import\s+\*", re.MULTILINE)
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
REVISIT = re.compile(r'revisit="([^"#]+)#([^"]+)"')
SCORE = re.compile(r"Score\(([^)]*)\)")


@dataclass(frozen=True)
class Problem:
    """One broken rule."""

    rule: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: [{self.rule}] {self.message}"


def lint_sources(lesson: Lesson) -> list[Problem]:
    """Every rule that needs only the lesson's folder."""
    try:
        script = read_script(lesson.path)
        about = front_matter(script.metadata, lesson.id)
    except LessonError as error:
        return [Problem("front-matter", lesson.id, str(error))]
    problems = [*_device(lesson, about), *_badge(lesson, script), *_cells(lesson, script), *_figures(lesson)]
    problems += _lab(lesson, script) if lesson.is_lab else _spine(lesson, script, about)
    return problems


def lint_outputs(where: str, notebook: NotebookNode) -> list[Problem]:
    """Every rule about what a stored, executed notebook shows.

    Args:
        where: The notebook's path, for messages.
        notebook: With outputs.
    """
    problems = []
    if not any(cell.get("outputs") for cell in notebook.cells):
        problems.append(Problem("outputs", where, "has no outputs; build it"))
    for number, cell in enumerate(notebook.cells, 1):
        here = f"{where}, cell {number}"
        problems += _machine_paths(here, cell)
        if cell.cell_type != "code":
            continue
        errors = [output for output in cell.outputs if output.output_type == "error"]
        meant = "fails-on-purpose" in tags_of(cell)
        if errors and not meant:
            problems.append(Problem("stored-error", here, f"stored {errors[0].ename}: {errors[0].evalue[:80]}"))
        if meant and not errors:
            problems.append(Problem("fails-on-purpose", here, "is tagged fails-on-purpose and did not fail"))
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr" and output.text.strip():
                problems.append(Problem("stderr", here, f"shows a warning or noise: {output.text.strip()[:80]}"))
            data = output.get("data", {})
            if data.get("text/plain", "").startswith("<Figure") and "image/png" not in data:
                problems.append(Problem("figure", here, "its figure shows as text: import matplotlib.pyplot first"))
            text = "".join(str(part) for part in data.values())
            if REMOTE.search(text):
                problems.append(Problem("remote", here, "its output loads something over the network"))
    return problems


def lint_blank(where: str, solved: NotebookNode, blank: NotebookNode) -> list[Problem]:
    """Rules about the notebook that learners get.

    Args:
        where: Its path, for messages.
        solved: The lab with its solutions.
        blank: The same lab as handed out.
    """
    problems = []
    text = "\n".join(cell.source for cell in blank.cells)
    given = "\n".join(SOLUTION.sub("", cell.source) for cell in solved.cells)
    for cell in solved.cells:
        for region in SOLUTION.findall(cell.source):
            for line in region.splitlines():
                if len(line.strip()) > 12 and line.strip() in text and line.strip() not in given:
                    problems.append(Problem("leak", where, f"holds a line of the solution: {line.strip()!r}"))
    if "BEGIN SOLUTION" in text:
        problems.append(Problem("leak", where, "holds a solution marker"))
    for number, cell in enumerate(blank.cells, 1):
        if cell.get("outputs"):
            problems.append(Problem("blank-outputs", f"{where}, cell {number}", "has stored outputs"))
        problems += _machine_paths(f"{where}, cell {number}", cell)
    return problems


def _device(lesson: Lesson, about: FrontMatter) -> Iterator[Problem]:
    known = sorted(path.parent.name for path in (lesson.root / "jupyter/kernels").glob("*/kernel.json"))
    if about.device not in known:
        yield Problem("device", lesson.id, f"there is no device {about.device!r}; choose from {', '.join(known)}")
    if not lesson.chapter.startswith(f"{about.chapter:02d}-"):
        yield Problem("front-matter", lesson.id, f"says chapter {about.chapter} but lies in {lesson.chapter}")


def _badge(lesson: Lesson, script: NotebookNode) -> Iterator[Problem]:
    code = [cell.source for cell in script.cells if cell.cell_type == "code"]
    if not code or "device.current().badge()" not in code[0]:
        yield Problem("badge", lesson.id, "the first code cell must show the device: device.current().badge()")


def _spine(lesson: Lesson, script: NotebookNode, about: FrontMatter) -> Iterator[Problem]:
    parts = [cell.metadata["spine"] for cell in script.cells if "spine" in cell.metadata]
    for part in parts:
        if part not in SPINE:
            yield Problem("spine", lesson.id, f"{part!r} is no part of the spine; the parts are {', '.join(SPINE)}")
    needed = [part for part in SPINE if part != "claim" or about.claims]
    for part in needed:
        if part not in parts:
            yield Problem("spine", lesson.id, f"the part {part!r} is missing")
    order = [SPINE.index(part) for part in dict.fromkeys(parts) if part in SPINE]
    if order != sorted(order):
        yield Problem("spine", lesson.id, f"the parts stand in the order {', '.join(dict.fromkeys(parts))}")
    if not any(LOCAL_FIGURE.search(cell.source) for cell in script.cells if cell.cell_type == "markdown"):
        yield Problem("figure", lesson.id, "has no figure")
    try:
        questions = read_quiz(lesson.folder / "quiz.toml", lesson.name).questions
    except QuizError as error:
        yield Problem("quiz", lesson.id, str(error))
    else:
        if not 3 <= len(questions) <= 5:
            yield Problem("quiz", lesson.id, f"has {len(questions)} questions; ask three to five")


def _cells(lesson: Lesson, script: NotebookNode) -> Iterator[Problem]:
    for number, cell in enumerate(script.cells, 1):
        where = f"{lesson.id}, cell {number}"
        for tag in tags_of(cell):
            if tag not in KNOWN_TAGS:
                yield Problem("tag", where, f"unknown tag {tag!r}; known: {', '.join(sorted(KNOWN_TAGS))}")
        yield from _machine_paths(where, cell)
        if cell.cell_type == "markdown":
            yield from _images(where, cell.source)
            continue
        lines = len(cell.source.splitlines())
        roomy = "long" in tags_of(cell) or "check" in cell.metadata or "answer" in cell.metadata
        limit = LONGEST_CELL_LINES if roomy else LONG_CELL_LINES
        if lines > limit:
            yield Problem("cell-length", where, f"has {lines} lines; at most {limit} (tag a plot or a class `long`)")
        if STAR_IMPORT.search(cell.source):
            yield Problem("star-import", where, "import names, not *")


def _images(where: str, source: str) -> Iterator[Problem]:
    for match in IMAGE.finditer(source):
        if not match["target"].startswith("figures/"):
            yield Problem("remote", where, f"the image {match['target']} is not in figures/")
        if len(match["alt"]) < SHORTEST_ALT:
            yield Problem("alt-text", where, f"the image {match['target']} needs alt text that says what it shows")
    if HTML_IMAGE.search(source) or REMOTE.search(source):
        yield Problem("remote", where, "use ![what it shows](figures/name.svg) for images, and load nothing remote")


def _figures(lesson: Lesson) -> Iterator[Problem]:
    for path in sorted(lesson.folder.glob("figures/*.svg")):
        text = path.read_text("utf-8")
        if re.search(r"""(?:href|src)\s*=\s*["'](?!#|data:)|url\(\s*["']?https?:|@import|<script""", text):
            yield Problem("remote", f"{lesson.id}, figures/{path.name}", "refers to something outside itself")


def _machine_paths(where: str, cell: NotebookNode) -> Iterator[Problem]:
    texts = [cell.source]
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), *output.get("traceback", [])]
        texts += [str(part) for kind, part in output.get("data", {}).items() if not kind.startswith("image/")]
    for text in texts:
        if match := MACHINE_PATH.search(NO_TEXT.sub("", text)):
            yield Problem("machine-path", where, f"holds a path of one machine: {match[0]}")


def _lab(lesson: Lesson, script: NotebookNode) -> Iterator[Problem]:
    points: dict[str, int] = {}
    for number, cell in enumerate(script.cells, 1):
        if "answer" in cell.metadata and "### BEGIN SOLUTION" not in cell.source:
            yield Problem("answer", f"{lesson.id}, cell {number}", "an answer needs ### BEGIN SOLUTION ... END")
        if "check" in cell.metadata:
            points[cell.metadata["check"]] = cell.metadata.get("points", 0)
            yield from _revisits(lesson, f"{lesson.id}, cell {number}", cell.source)
    scores = [match for cell in script.cells for match in SCORE.findall(cell.source) if cell.cell_type == "code"]
    told = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", scores[-1])} if scores else {}
    if told != {name.replace("-", "_"): number for name, number in points.items()}:
        yield Problem("score", lesson.id, f"the last cell scores {told}, the checks give {points}")
    if not lesson.answers_path.exists():
        yield Problem("answers", lesson.id, "answers.py is missing: other right answers, and wrong ones")


def _revisits(lesson: Lesson, where: str, source: str) -> Iterator[Problem]:
    found = REVISIT.findall(source)
    if not found:
        yield Problem("revisit", where, 'the check does not say where to look again: revisit="NN-x.ipynb#Section"')
    for notebook, section in found:
        path = lesson.folder / Path(notebook).with_suffix(".py").name
        try:
            cells = read_script(path).cells
        except LessonError:
            yield Problem("revisit", where, f"there is no {path.name}")
            continue
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        headings = [line.lstrip("# ").replace(" ", "-") for line in text.splitlines() if line.startswith("#")]
        if section not in headings:
            yield Problem("revisit", where, f"{path.name} has no section {section!r}; it has {headings}")


def lint_exercises(lesson: Lesson, solved: NotebookNode) -> list[Problem]:
    """Answers and checks of a lab come in pairs."""
    try:
        found = exercises(solved)
    except CourseError as error:
        return [Problem("exercises", lesson.id, str(error))]
    return [] if found else [Problem("exercises", lesson.id, "has no exercise")]
