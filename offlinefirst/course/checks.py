"""Checks that attack an answer and say in words what went wrong.

    with check("02-offline-first-design/publish", points=3, revisit="01-principles.ipynb#The-fix") as verify:
        verify(reader_sees in (OLD, NEW), f"after the power cut the reader saw {reader_sees!r}")

A check that holds shows one line and records its points. One that does not raises `CheckFailedError`, which notebooks
show as three lines instead of a traceback and which nbgrader counts as no points.
"""

import html
import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from IPython.display import display

from offlinefirst.course import progress
from offlinefirst.course.errors import CourseError

Verify = Callable[[bool, str], None]


class CheckFailedError(CourseError, AssertionError):
    """An answer does not do yet what its exercise asks for.

    Args:
        exercise: "chapter-folder/exercise".
        points: What it is worth.
        reason: What went wrong, in words a learner can act on.
        revisit: "notebook.ipynb#Section" of the same chapter, or empty.
    """

    def __init__(self, exercise: str, points: int, reason: str, revisit: str = "") -> None:
        super().__init__(reason)
        self.exercise, self.points, self.reason, self.revisit = exercise, points, reason, revisit

    def __str__(self) -> str:
        return "\n".join(self._render_traceback_())

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        lines = [f"✗ {_short(self.exercise)}: not yet (0 of {self.points} points)", "", self.reason]
        if self.revisit:
            lines += ["", f"Look again at: {_spoken(self.revisit)}"]
        return lines


class Passed:
    """Shown when a check holds."""

    def __init__(self, exercise: str, points: int) -> None:
        self.exercise, self.points = exercise, points

    def __repr__(self) -> str:
        return f"✓ {_short(self.exercise)}: done ({self.points} of {self.points} points)"

    def _repr_html_(self) -> str:
        return f'<div style="border-left:4px solid #1b7f4d;padding:.3em .8em">{html.escape(repr(self))}</div>'


@contextmanager
def check(exercise: str, *, points: int, revisit: str = "") -> Iterator[Verify]:
    """Run the checks of one exercise: show the result, record it, raise when it is not done.

    Args:
        exercise: "chapter-folder/exercise", the key in the progress file.
        points: What the exercise is worth.
        revisit: "notebook.ipynb#Section" that teaches it.

    Yields:
        `verify(condition, reason)`, which ends the check with `reason` when the condition is false.

    Raises:
        CheckFailedError: The answer is blank, raised an error, or a `verify` did not hold.
        MemoryError: The answer used up the device; the kernel itself explains that one.
    """

    def verify(condition: bool, reason: str) -> None:
        if not condition:
            raise CheckFailedError(exercise, points, reason, revisit)

    try:
        yield verify
    except (CheckFailedError, MemoryError) as error:
        _record(exercise, points, 0, str(getattr(error, "reason", error)), revisit)
        raise
    except NotImplementedError as error:
        reason = "Nothing here yet: fill in the answer cell above, run it, then run this cell again."
        _record(exercise, points, 0, reason, revisit)
        raise CheckFailedError(exercise, points, reason, revisit) from error
    except Exception as error:
        reason = _own_words(error, error.__traceback__)
        _record(exercise, points, 0, reason, revisit)
        raise CheckFailedError(exercise, points, reason, revisit) from error
    _record(exercise, points, points, "", "")
    display(Passed(exercise, points))


class Score:
    """What the last cell of a lab shows: points, and what to revisit.

    Args:
        chapter: The chapter's folder name.
        exercises: Points of each exercise of the lab.
    """

    def __init__(self, chapter: str, **exercises: int) -> None:
        best = progress.best()
        self.total = sum(exercises.values())
        self.rows = [(name, points, best.get(f"{chapter}/{name}")) for name, points in exercises.items()]
        self.earned = sum(min(points, record.earned) for _, points, record in self.rows if record)
        self.chapter = chapter

    def __repr__(self) -> str:
        lines = [f"{self.earned} of {self.total} points"]
        for name, points, record in self.rows:
            if record is None:
                lines.append(f"  {name}: not tried yet ({points} points)")
            elif record.earned:
                lines.append(f"  {name}: done ({record.earned} of {points} points)")
            else:
                lines.append(f"  {name}: not yet; look again at {_spoken(record.revisit)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = []
        for name, points, record in self.rows:
            if record is None:
                state = "not tried yet"
            elif record.earned:
                state = "done"
            elif record.revisit:
                link = f"../../chapters/{self.chapter}/{record.revisit}"
                state = (
                    f'not yet; look again at <a href="{html.escape(link)}">{html.escape(_spoken(record.revisit))}</a>'
                )
            else:
                state = "not yet"
            earned = record.earned if record else 0
            rows.append(f"<tr><td>{html.escape(name)}</td><td>{earned} of {points}</td><td>{state}</td></tr>")
        head = f"<p><b>{self.earned} of {self.total} points</b></p>"
        return head + "<table><tr><th>exercise</th><th>points</th><th></th></tr>" + "".join(rows) + "</table>"


def _record(exercise: str, points: int, earned: int, reason: str, revisit: str) -> None:
    progress.append(
        progress.Record(
            exercise=exercise, points=points, earned=earned, at=progress.now(), reason=reason, revisit=revisit
        )
    )


def _short(exercise: str) -> str:
    return exercise.rsplit("/", 1)[-1]


def _spoken(revisit: str) -> str:
    """'01-principles.ipynb#The-fix' -> '“The fix” in 01-principles'."""
    notebook, _, section = revisit.partition("#")
    name = notebook.removesuffix(".ipynb")
    return f"“{section.replace('-', ' ')}” in {name}" if section else name


def _own_words(error: Exception, tb: TracebackType | None) -> str:
    """Name the error and the last line of the learner's own cells that it passed through."""
    text = (
        f"Your code raised {type(error).__name__}: {error}"
        if str(error)
        else f"Your code raised {type(error).__name__}"
    )
    frames = [frame for frame in traceback.extract_tb(tb) if frame.name != "<module>"]  # not the check cell itself
    own = [frame for frame in frames if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython")]
    if own:
        line = (own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
        text += f"\nin `{own[-1].name}`, at the line: {line}"
    return text
