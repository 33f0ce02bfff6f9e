"""Reads stored measurements back: every key and every type is checked, and errors name the file and the remedy."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from offlinefirst.measure.errors import ReportError

#: Counts up when a key changes its meaning or goes; an older report is then refused or translated, never misread.
SCHEMA = 1
_LARGEST = 2**63
REMEDY = "Measure again, or take the file from where it was made."


def read_text(path: Path) -> str:
    """Read a stored file's text. Raises ReportError, which names the file, when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError(f"{path.name} is damaged: it is no text ({error.reason}). {REMEDY}") from error
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}. Check the path, or measure again.") from error


def parse(text: str, name: str) -> object:
    """Parse JSON. Raises ReportError, which names what it was, when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{name} is damaged: it is no JSON ({error}). {REMEDY}") from error


def without_schema(table: object, name: str) -> dict[str, Any]:
    """Check the schema of a parsed table. Returns the other keys; raises ReportError when it cannot be read."""
    if not isinstance(table, dict) or type(table.get("schema")) is not int or table["schema"] < 1:
        raise ReportError(f"{name} is damaged: it names no schema. {REMEDY}")
    if table["schema"] > SCHEMA:
        raise ReportError(
            f"{name} has the schema {table['schema']}, and this course reads up to {SCHEMA}: a newer version of the "
            "course wrote it. Update this copy of the course."
        )
    return {key: value for key, value in table.items() if key != "schema"}


def build(kind: Any, table: object, name: str, where: str) -> Any:
    """Make a dataclass out of a table, every key and type checked: a stored number is believed by nobody unseen."""
    if not isinstance(table, dict):
        raise ReportError(f"{name} is damaged: {where or 'it'} is no table. {REMEDY}")
    hints = get_type_hints(kind)
    wanted = {each.name for each in fields(kind)}
    if wrong := wanted ^ set(table):
        raise ReportError(
            f"{name} is damaged: {', '.join(sorted(where + key for key in wrong))} missing or unknown. {REMEDY}"
        )
    return kind(**{key: _value(hints[key], table[key], name, where + key) for key in table})


def _value(hint: Any, value: object, name: str, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return None if value is None else _value(arguments[0], value, name, where)
    if hasattr(hint, "__dataclass_fields__"):
        return build(hint, value, name, f"{where}.")
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(arguments[0], item, name, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(arguments[1], item, name, f"{where}.{key}") for key, item in value.items()}
    if not _is(hint, value):
        raise ReportError(f"{name} is damaged: {where} is {str(value)[:40]!r}. {REMEDY}")
    return value


def _is(hint: Any, value: object) -> bool:
    if hint is Any:
        return True
    if hint in (float, int):
        # Times, sizes and counts: never below nought, and True is no number.
        return type(value) in (int, hint) and 0 <= value < _LARGEST  # type: ignore[operator]
    return type(value) is hint
