"""Who may come to the hub: a file of tokens, kept as hashes, read again whenever it changes.

    [[token]]
    name = "Mutheu"
    sha256 = "9f86d0..."        # of the token; the token itself is shown once, when it is made
    read = ["kitui-03", "kitui-04"]
    write = ["kitui-03"]        # "*" is every farm

To take a token back, delete its entry: its connections are closed within seconds.
"""

import hashlib
import hmac
import json
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offlinefirst.sync._document_rules import FieldError, check_name
from offlinefirst.sync._hub_protocol import Rights
from offlinefirst.sync.errors import SyncError


class TokensError(SyncError):
    """The tokens' file cannot be read or is not one."""


@dataclass(frozen=True)
class Token:
    """An entry of the file."""

    name: str
    sha256: str
    read: tuple[str, ...]
    write: tuple[str, ...]


class Tokens:
    """The file's entries as they are now.

    Args:
        path: Of the file.

    Raises:
        TokensError: It is missing or wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._stamp()
        self._entries = _read(path)

    def refresh(self) -> bool:
        """Read the file again if it has changed.

        Returns:
            Whether it had.

        Raises:
            TokensError: It is wrong now, or gone. What it said before goes on, so that half a file does not send
                everybody away; whoever calls this has to say so.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen, self._entries = stamp, _read(self.path)
        return True

    def rights(self, token: str, farm: str) -> Rights | None:
        """What a token allows on a farm; None is nothing.

        Every entry is compared, each in the same time wherever it differs: how long it takes tells nothing.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for entry in self._entries:
            if hmac.compare_digest(entry.sha256, digest):
                found = entry
        if found is None:
            return None
        write = _covers(found.write, farm)
        return Rights(found.name, write) if write or _covers(found.read, farm) else None

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def grant(path: Path, name: str, *, read: Sequence[str] = (), write: Sequence[str] = ()) -> str:
    """Add an entry to the file, which is made if it is missing.

    Args:
        path: Of the file.
        name: Whose token.
        read: Farms it may read; "*" is all.
        write: Farms it may read and write.

    Returns:
        The token: 43 characters that nobody can guess. It is kept nowhere.

    Raises:
        TokensError: The file cannot be written, a name cannot be, or the token would open no farm.
    """
    if not (*read, *write):
        raise TokensError(f"a token for {name} that opens no farm: say which it may read or write")
    token = secrets.token_urlsafe(32)
    try:
        check_name(name, "officer")
        for farm in (*read, *write):
            farm == "*" or check_name(farm, "farm")
    except FieldError as error:
        raise TokensError(str(error)) from error
    if '"' in name or "\\" in name:
        raise TokensError(f"{name!r}: no quotes or backslashes in a name")
    lists = {"read": list(read), "write": list(write)}
    lines = ["[[token]]", f'name = "{name}"', f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"']
    lines += [f"{what} = {json.dumps(farms)}" for what, farms in lists.items()]  # a list of plain names is TOML too
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n\n")
    except OSError as error:
        raise TokensError(f"{path} cannot be written: {error.strerror}") from error
    return token


def _covers(farms: Sequence[str], farm: str) -> bool:
    return "*" in farms or farm in farms


def _read(path: Path) -> tuple[Token, ...]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TokensError(f"{path} cannot be read: {error.strerror}; `hub --grant` makes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TokensError(f"{path} is no TOML: {error}") from error
    entries = found.get("token", [])
    if set(found) - {"token"} or not isinstance(entries, list):
        raise TokensError(f"{path}: there may be [[token]] entries only")
    return tuple(_entry(path, number, entry) for number, entry in enumerate(entries, 1))


def _entry(path: Path, number: int, entry: dict[str, Any]) -> Token:
    good = set(entry) <= {"name", "sha256", "read", "write"} and isinstance(entry.get("name"), str)
    digest = str(entry.get("sha256", "")).lower()
    good = good and len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    farms = {what: entry.get(what, []) for what in ("read", "write")}
    good = good and all(isinstance(one, list) and all(isinstance(farm, str) for farm in one) for one in farms.values())
    if not good:
        raise TokensError(f"{path}: token {number} needs a name, the SHA-256 of a token, and lists of farms")
    return Token(entry["name"], digest, tuple(farms["read"]), tuple(farms["write"]))
