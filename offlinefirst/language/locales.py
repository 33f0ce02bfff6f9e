"""Dates, numbers and money as a language writes them, from the CLDR that babel carries, and what the CLDR lacks.

Where a language has no data of its own babel takes the root's, without a word. `coverage` tells the two apart. An
inherited value is not wrong by itself (the CLDR leaves out what equals the root), but nobody has said that it is right.
"""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.numbers import NumberFormatError, format_currency, format_decimal, parse_decimal

from offlinefirst.language.errors import LanguageError, UnknownLanguageError
from offlinefirst.language.parallel import own_data

#: What `coverage` looks for: what people call it, and where the CLDR keeps it.
PARTS = {
    "months": ("months", "format", "wide"),
    "days": ("days", "format", "wide"),
    "date order": ("date_formats",),
    "number signs": ("number_symbols", "latn", "group"),
    "money order": ("currency_formats",),
    "currency names": ("currency_names",),
    "units": ("unit_patterns",),
    "country names": ("territories",),
}
_ETHIOPIC_EPOCH = 1_723_856  # Julian day number from which the four-year cycles are counted
_ORDINAL_TO_JULIAN_DAY = 1_721_425


@dataclass(frozen=True)
class Written:
    """A text for people, and what it rests on.

    Args:
        text: As the language writes it, as far as the CLDR knows.
        inherited: Parts of it for which the language has no data of its own.
    """

    text: str
    inherited: tuple[str, ...] = ()


def coverage(language: str) -> dict[str, int]:
    """How many entries a language has of its own, for each part in `PARTS`; 0 means inherited from the root.

    Raises:
        UnknownLanguageError: babel's CLDR data have no such language.
    """
    found = {}
    for part, keys in PARTS.items():
        value: object = own_data(language)
        for key in keys:
            value = value.get(key, {}) if hasattr(value, "get") else {}
        found[part] = len(value) if hasattr(value, "__len__") else 1
    return found


def write_date(day: datetime.date, language: str) -> Written:
    """A date in full, in the calendar that babel knows: the Gregorian one.

    Args:
        day: The day.
        language: A code such as "sw".

    Raises:
        UnknownLanguageError: babel's CLDR data have no such language.
    """
    return Written(format_date(day, "full", locale=_locale(language)), _inherited(language, "months", "date order"))


def write_number(value: Decimal | int, language: str) -> Written:
    """A number with the language's decimal and grouping signs.

    Raises:
        UnknownLanguageError: babel's CLDR data have no such language.
    """
    return Written(format_decimal(value, locale=_locale(language)), _inherited(language, "number signs"))


def write_money(amount: Decimal | int, currency: str, language: str, *, spelled: bool = False) -> Written:
    """An amount of money.

    Args:
        amount: How much; a Decimal or a whole number, since a float is not an amount.
        currency: The ISO code, "KES".
        language: A code such as "sw".
        spelled: The currency's name in place of its sign.

    Raises:
        UnknownLanguageError: babel's CLDR data have no such language.
        LanguageError: The code has not three capital letters.
    """
    if not re.fullmatch("[A-Z]{3}", currency):
        raise LanguageError(f"{currency!r} is no currency code. Use three capitals, such as 'KES'.")
    kind: Literal["name", "standard"] = "name" if spelled else "standard"
    text = format_currency(amount, currency, locale=_locale(language), format_type=kind)
    return Written(text, _inherited(language, "number signs", "currency names" if spelled else "money order"))


def read_number(text: str, language: str) -> Decimal:
    """A number as somebody typed it, strictly: a grouping sign where none belongs is refused, not guessed away.

    Args:
        text: "1,250" or "1.250", which mean different things in different languages.
        language: A code such as "sw".

    Raises:
        UnknownLanguageError: babel's CLDR data have no such language.
        LanguageError: It cannot be read as a number of this language.
    """
    try:
        return parse_decimal(text.strip(), locale=_locale(language), strict=True)
    except NumberFormatError as error:
        raise LanguageError(f"{text!r} is no number as {language!r} writes them. Ask for it again.") from error


def ethiopic_date(day: datetime.date) -> tuple[int, int, int]:
    """A day in the Ethiopian calendar, which babel does not know: (year, month 1 to 13, day).

    Args:
        day: In the Gregorian calendar.

    Source: Dershowitz and Reingold, Calendrical Calculations: twelve months of 30 days, then 5 or 6; every fourth year
    a leap year.

    >>> ethiopic_date(datetime.date(2007, 9, 12))
    (2000, 1, 1)
    """
    since = day.toordinal() + _ORDINAL_TO_JULIAN_DAY - _ETHIOPIC_EPOCH
    cycles, in_cycle = divmod(since, 1461)
    year = 4 * cycles + in_cycle // 365 - in_cycle // 1460
    in_year = in_cycle % 365 + 365 * (in_cycle // 1460)
    return year, in_year // 30 + 1, in_year % 30 + 1


def _locale(language: str) -> Locale:
    own_data(language)  # refuses what babel would replace by something near
    try:
        return Locale.parse(language)
    except ValueError as error:
        raise UnknownLanguageError(f"{language!r} is no language code. Use one such as 'sw'.") from error


def _inherited(language: str, *parts: str) -> tuple[str, ...]:
    found = coverage(language)
    return tuple(part for part in parts if not found[part])
