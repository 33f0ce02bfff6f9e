"""What a learner has done, in a local file that survives the power going: one JSON object a line, only ever appended.

A line counts once its newline is there. A line torn by a power cut is skipped when reading and never joined with the
next one, because every record begins on a line of its own.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from offlinefirst.course.lessons import course_root


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run of one check.

    Args:
        exercise: "chapter-folder/exercise".
        points: Points that the exercise is worth.
        earned: Points earned by this run.
        at: When, ISO 8601 in UTC.
        reason: Why it failed (empty when it passed).
        revisit: Where to look, as "notebook.ipynb#Section" (may be empty).
    """

    exercise: str
    points: int
    earned: int
    at: str
    reason: str = ""
    revisit: str = ""


def progress_path() -> Path:
    """$OFFLINEFIRST_PROGRESS, or .progress/progress.jsonl in the course folder."""
    named = os.environ.get("OFFLINEFIRST_PROGRESS")
    return Path(named) if named else course_root() / ".progress" / "progress.jsonl"


def append(record: Record, *, path: Path | None = None) -> None:
    """Add a record and return only when it is on the disk.

    Raises:
        OSError: The file cannot be written.
    """
    path = path or progress_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = "\n" + json.dumps(asdict(record), ensure_ascii=False) + "\n"
    with path.open("ab") as file:  # one write in append mode: two kernels never mix their lines
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def records(*, path: Path | None = None) -> list[Record]:
    """Every whole record, oldest first. A missing file is an empty list."""
    path = path or progress_path()
    if not path.exists():
        return []
    found = []
    for line in path.read_text("utf-8", errors="replace").split("\n")[:-1]:
        try:
            found.append(Record(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue  # blank, or torn by a power cut
    return found


def best(*, path: Path | None = None) -> dict[str, Record]:
    """For each exercise its best record, the newest among equals."""
    found: dict[str, Record] = {}
    for record in records(path=path):
        if record.exercise not in found or record.earned >= found[record.exercise].earned:
            found[record.exercise] = record
    return found


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
