"""What may stand in a farm's document, and which updates are refused before they are tried. Pure: no document in here.

A farm's document has four roots, named after the farm, so that another farm's changes show by their names:

    FARM/authors   map    client id -> officer; written once, by that client itself
    FARM/plots     map    "PLOT/FIELD" -> value, and "PLOT/bags/CLIENT" -> what that client has counted in all
    FARM/todo      map    "ITEM/text" -> words, "ITEM/done" -> true or false; ITEM is "NUMBER-CLIENT"
    FARM/text      text   plain, without formats

The maps are flat on purpose. With a map inside the map for each plot, two officers who register the same plot offline
make two inner maps under one key, and one of them, with everything in it, loses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from offlinefirst.device.units import KiB, MiB
from offlinefirst.sync._updates import Struct, Update
from offlinefirst.sync.errors import SyncError

CONDITIONS = ("healthy", "stressed", "diseased", "lost")
TOLERANCE = timedelta(days=1)  # a neighbour's phone may be in tomorrow
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_ITEM = re.compile(r"\d{1,9}-\d{1,16}")
_HALF = re.compile("[\ud800-\udfff]")  # half a character, which no UTF-8 holds
_PHOTO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class DocumentError(SyncError):
    """A shared document cannot do this; it is as it was."""


class FieldError(DocumentError, ValueError):
    """A name or value that may not stand in a document."""


class FullDocumentError(DocumentError):
    """The document has as many bytes as a document may have; it can be read and sent, and no longer edited."""


class RefusedUpdateError(DocumentError):
    """Somebody else's update was refused; nothing of it is in the document."""


class CorruptUpdateError(RefusedUpdateError):
    """The bytes are truncated, damaged, or no update."""


class OversizedUpdateError(RefusedUpdateError):
    """More bytes than a document takes."""


class FutureUpdateError(RefusedUpdateError):
    """It holds a date after today: the sender's clock is wrong, or this one's."""


class WrongSchemaError(RefusedUpdateError):
    """It holds something that does not belong into a farm's document."""


class WrongFarmError(RefusedUpdateError):
    """It belongs to another farm."""


class ForgedUpdateError(RefusedUpdateError):
    """It was written in somebody else's name."""


class MissingHistoryError(RefusedUpdateError):
    """It builds upon changes that are not here: ask the sender for all since this document's state vector."""


@dataclass(frozen=True)
class Limits:
    """What a phone is ready to take in.

    Args:
        update_bytes: One update; by default a whole document may come at once.
        document_bytes: The document, written out.
        value_characters: One text value in a map.
    """

    update_bytes: int = 8 * MiB
    document_bytes: int = 8 * MiB
    value_characters: int = 2 * KiB


def check_name(name: Any, what: str) -> str:
    """A farm's, plot's or officer's name; officers may be written in any script.

    Raises:
        FieldError: It is empty, too long or has a slash or control character in it.
    """
    good = isinstance(name, str) and (
        NAME.fullmatch(name)
        if what != "officer"
        else 0 < len(name.strip()) <= 80 and name.isprintable() and "/" not in name
    )
    if not good:
        rule = "80 characters without a slash" if what == "officer" else "40 letters, digits, spaces, . _ -"
        raise FieldError(f"{name!r} cannot be the name of a {what}: use up to {rule}")
    return str(name)


def check_field(field: str, value: Any, *, today: date, limits: Limits) -> Any:
    """A plot's field on its way in.

    Args:
        field: crop, planted, area_ha, condition, note or photo.
        value: As a caller or a document holds it; `planted` as a date or as "2026-03-14".
        today: Dates after this, and a day, are refused.
        limits: For the note.

    Returns:
        The value as the document keeps it.

    Raises:
        FieldError: There is no such field, or it cannot hold this value.
        FutureUpdateError: A date in the future.
    """
    if field == "planted":
        return _check_date(value, today)
    if field == "area_ha":
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 10_000:
            return float(value)
        raise FieldError(f"area_ha {value!r}: hectares are a number above 0 and up to 10,000")
    if field == "condition":
        if value in CONDITIONS:
            return value
        raise FieldError(f"condition {value!r}: must be one of {', '.join(CONDITIONS)}")
    if field == "crop":
        if isinstance(value, str) and 0 < len(value) <= 60 and value.isprintable():
            return value
        raise FieldError(f"crop {value!r}: must be up to 60 printable characters")
    if field == "note":
        return check_words(value, "note", limits)
    if field == "photo":
        if isinstance(value, str) and _PHOTO.fullmatch(value):
            return value
        raise FieldError(f"photo {value!r}: must be a plain file name, the photo itself travels apart")
    raise FieldError(f"plots have no field {field!r}; they have {', '.join(FIELDS)} and bags")


FIELDS = ("crop", "planted", "area_ha", "condition", "note", "photo")


def _check_date(value: Any, today: date) -> str:
    try:
        found = value if isinstance(value, date) else date.fromisoformat(value)
        found = found.date() if isinstance(found, datetime) else found
    except (TypeError, ValueError):
        raise FieldError(f"planted {value!r}: must be a date such as 2026-03-14") from None
    if found > today + TOLERANCE:
        raise FutureUpdateError(
            f"planted on {found}, and today is {today}: a date in the future. Check both phones' clocks."
        )
    return found.isoformat()


def check_words(value: Any, what: str, limits: Limits) -> str:
    """Words that people read.

    Raises:
        FieldError: Not a string, or too long.
    """
    if isinstance(value, str) and len(value) <= limits.value_characters and not _HALF.search(value):
        return value
    raise FieldError(f"{what} {str(value)[:30]!r}: must be a text of up to {limits.value_characters:,} characters")


def check_count(value: Any) -> int:
    """Bags that one client has counted.

    Raises:
        FieldError: Not a whole number of up to a million.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e6 and value == int(value):
        return int(value)
    raise FieldError(f"{value!r} bags: must be a whole number of up to a million")


def check_entry(root: str, key: str, value: Any, *, today: date, limits: Limits) -> None:
    """One entry of one of the maps, as a document holds it.

    Args:
        root: "authors", "plots" or "todo".
        key: The map's key.
        value: Its value.
        today: For dates.
        limits: For words.

    Raises:
        FieldError: It may not be there.
        FutureUpdateError: A date in the future.
    """
    if root == "authors":
        if not (key.isascii() and key.isdigit()):
            raise FieldError(f"author {key!r}: must be a client's number")
        check_name(value, "officer")
        return
    name, _, field = key.partition("/")
    if root == "todo":
        if not _ITEM.fullmatch(name) or field not in ("text", "done"):
            raise FieldError(f"todo entry {key!r}: must be NUMBER-CLIENT/text or NUMBER-CLIENT/done")
        if field == "text":
            check_words(value, "todo item", limits)
        elif not isinstance(value, bool):
            raise FieldError(f"{key} is {value!r}: must be true or false")
        return
    check_name(name, "plot")
    if field.startswith("bags/"):
        if not (field[5:].isascii() and field[5:].isdigit()):
            raise FieldError(f"plot entry {key!r}: bags are kept for each client's number")
        check_count(value)
    else:
        check_field(field, value, today=today, limits=limits)


def check_update(update: Update, *, farm: str, me: int, known: Mapping[int, int]) -> None:
    """Refuse what can be seen to be wrong without trying it.

    Args:
        update: As read.
        farm: Whose document this is.
        me: The document's own client id.
        known: The document's state vector.

    Raises:
        ForgedUpdateError: Changes by this document's own client that it never made, or an author entry for another.
        WrongFarmError: Another farm's.
        WrongSchemaError: Roots, formats or nested things that documents do not have.
        MissingHistoryError: It builds upon what is not here.
    """
    ends = update.ends()
    if ends.get(me, 0) > known.get(me, 0):
        raise ForgedUpdateError(
            f"it has changes by client {me}, which is this document, that were never made here: a forgery, or two "
            "copies run under one id. Open the document again, so that it gets another id."
        )
    here = {client: max(clock, ends.get(client, 0)) for client, clock in (dict.fromkeys(ends, 0) | dict(known)).items()}
    starts: dict[int, int] = {}
    for one in update.structs:
        _check_struct(one, farm)
        starts.setdefault(one.client, one.clock)
        if one.neighbour and one.neighbour[1] >= here.get(one.neighbour[0], 0):
            raise MissingHistoryError(
                f"it builds upon change {one.neighbour[1]} of client {one.neighbour[0]}, which is not here; {_ASK}"
            )
    for client, clock in starts.items():
        if clock > known.get(client, 0):
            raise MissingHistoryError(
                f"changes {known.get(client, 0)} to {clock - 1} of client {client} are missing; {_ASK}"
            )
    for client, clock, length in update.deletes:
        if clock + length > here.get(client, 0):
            raise MissingHistoryError(
                f"it deletes change {clock + length - 1} of client {client}, which is not here; {_ASK}"
            )


_ASK = "ask for all since this document's state vector"


def _check_struct(one: Struct, farm: str) -> None:
    if one.kind == "skip":
        raise MissingHistoryError(f"{one.length} changes of client {one.client} are missing; {_ASK}")
    if one.kind == "other":
        raise WrongSchemaError(
            f"client {one.client} wrote a {str(one.value)[:40]}; documents hold plain values and text"
        )
    if one.kind == "value" and len(one.value) != 1:
        raise WrongSchemaError(f"client {one.client} wrote a list where a map is")
    if one.root is None:
        return
    owner, _, part = one.root.rpartition("/")
    if part not in ("authors", "plots", "todo", "text"):
        raise WrongSchemaError(f"it writes to {one.root[:60]!r}; documents have no such part")
    if owner != farm:
        raise WrongFarmError(f"it belongs to the farm {owner[:60]!r}; this document is {farm}'s")
    if (one.key is None) != (part == "text"):
        raise WrongSchemaError(f"it uses {one.root} as a {'list' if one.key is None else 'map'}, which it is not")
    if one.kind == ("value" if part == "text" else "text"):
        raise WrongSchemaError(f"it puts {one.kind} into {one.root}")
    if part == "authors" and one.key != str(one.client):
        raise ForgedUpdateError(f"client {one.client} names the officer of client {one.key}; each names its own")
