"""A lesson: one percent script with front matter, and the chapter folder it lives in.

A lesson's file name says where its notebooks go:

    lessons/02-offline-first-design/01-principles.py  ->  chapters/02-offline-first-design/01-principles.ipynb
    lessons/02-offline-first-design/lab.py            ->  solutions/02-offline-first-design/lab.ipynb
                                                          labs/02-offline-first-design/lab.ipynb
"""

import os
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from offlinefirst.course.errors import CourseError, LessonError

#: The parts of a chapter notebook, in order. `claim` is required only where the front matter lists claims.
SPINE = (
    "insight",
    "situation",
    "naive",
    "fails",
    "fix",
    "measure",
    "claim",
    "production",
    "limits",
    "check",
    "next",
)
CHAPTER_FOLDER = re.compile(r"^\d\d-[a-z0-9-]+$")
NOTEBOOK_NAME = re.compile(r"^(\d\d-[a-z0-9-]+|lab)$")


@dataclass(frozen=True, kw_only=True)
class FrontMatter:
    """What a lesson says about itself in its header, under `jupyter: offlinefirst:`.

    Args:
        title: The notebook's first heading.
        chapter: 1 to 18.
        device: The profile (and so the kernelspec) that it runs on.
        teach_minutes: Minutes an instructor needs to walk through it.
        exercise_minutes: Minutes learners need for what they do themselves.
        objectives: What the learner can do afterwards, each starting with a verb.
        download_bytes: What running it fetches over the network, usually 0.
        needs: Names of data sets of datasets/catalog.toml.
        after: Lessons that come before, as "chapter-folder/name".
        claims: Ids of the claims it decides.
    """

    title: str
    chapter: int
    device: str
    teach_minutes: int
    exercise_minutes: int
    objectives: tuple[str, ...]
    download_bytes: int = 0
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """One percent script below lessons/."""

    root: Path
    chapter: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.chapter}/{self.name}"

    @property
    def path(self) -> Path:
        return self.root / "lessons" / self.chapter / f"{self.name}.py"

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def is_lab(self) -> bool:
        return self.name == "lab"

    @property
    def answers_path(self) -> Path:
        return self.folder / "answers.py"

    @property
    def notebook_path(self) -> Path:
        """The executed notebook: chapters/... or, for a lab, solutions/..."""
        return self.root / ("solutions" if self.is_lab else "chapters") / self.chapter / f"{self.name}.ipynb"

    @property
    def blank_path(self) -> Path:
        """The notebook that learners fill in (labs only)."""
        if not self.is_lab:
            raise LessonError(f"{self.id} is not a lab, so it has no blank notebook")
        return self.root / "labs" / self.chapter / f"{self.name}.ipynb"


def course_root(start: Path | None = None) -> Path:
    """The folder that holds course.py and lessons/: above `start`, above this package, or $OFFLINEFIRST_ROOT.

    Raises:
        CourseError: There is none; the message says how to get one.
    """
    if start is None and (named := os.environ.get("OFFLINEFIRST_ROOT")):
        return Path(named).resolve()
    begin = (start or Path(__file__)).resolve()
    for folder in (begin, *begin.parents):
        if (folder / "lessons").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise CourseError(
        f"No course folder (one with lessons/ and pyproject.toml) at or above {begin}. "
        "Run this from the course's folder, or set OFFLINEFIRST_ROOT to it."
    )


def all_lessons(root: Path) -> list[Lesson]:
    """Every lesson in course order: chapters by number, then notebooks, then the lab."""
    return list(_lessons(root))


def _lessons(root: Path) -> Iterator[Lesson]:
    for folder in sorted((root / "lessons").iterdir()):
        if not folder.is_dir() or folder.name.startswith((".", "_")):
            continue
        if not CHAPTER_FOLDER.match(folder.name):
            raise LessonError(f"lessons/{folder.name}: a chapter's folder is named like 02-offline-first-design")
        for script in sorted(folder.glob("*.py")):
            if script.stem == "answers":
                continue
            if not NOTEBOOK_NAME.match(script.stem):
                raise LessonError(f"lessons/{folder.name}/{script.name}: name it NN-words.py, lab.py or answers.py")
            yield Lesson(root, folder.name, script.stem)


def front_matter(metadata: dict[str, Any], where: str) -> FrontMatter:
    """Check the `offlinefirst` block of a notebook's metadata.

    Args:
        metadata: The notebook's metadata.
        where: The lesson's id, for messages.

    Raises:
        LessonError: A key is missing, unknown or of the wrong kind; all faults are named at once.
    """
    block = metadata.get("offlinefirst")
    if not isinstance(block, dict):
        raise LessonError(f"{where}: the header has no `jupyter: offlinefirst:` block")
    known = {field.name: field for field in fields(FrontMatter)}
    faults = [f"unknown key `{key}`" for key in block if key not in known]
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in block:
            if field.default is MISSING:
                faults.append(f"missing `{name}`")
            continue
        value = block[name]
        wanted: type = field.type if field.type in (str, int) else list
        if not isinstance(value, wanted) or isinstance(value, bool):
            faults.append(f"`{name}` must be {wanted.__name__}, not {value!r}")
            continue
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            faults.append(f"`{name}` must be a list of texts")
        values[name] = tuple(value) if isinstance(value, list) else value
    objectives = values.get("objectives")
    if objectives is not None and not 2 <= len(objectives) <= 4:
        faults.append(f"`objectives` lists {len(objectives)}; give two to four")
    if faults:
        raise LessonError(f"{where}: front matter: " + "; ".join(faults))
    return FrontMatter(**values)
