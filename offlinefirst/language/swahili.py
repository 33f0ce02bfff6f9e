"""Swahili for numbers: nouns in classes, numbers and verbs that agree with them, money and halves.

The noun comes before its number. Numbers 1 to 5 and 8 take the class of the noun, also behind a ten; 6, 7, 9, the tens,
hundreds and thousands do not.

Source: J. F. Safari, "Swahili Made Easy", lesson 11, for the numbers and for where "na" (and) stands. Safari lets the
numbers to five agree; other grammars, which we follow, let eight agree too (watu wanane).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from offlinefirst.language.errors import LanguageError

LARGEST = 9_999
UNITS = ("", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa")
TENS = ("", "kumi", "ishirini", "thelathini", "arobaini", "hamsini", "sitini", "sabini", "themanini", "tisini")


@dataclass(frozen=True)
class NounClass:
    """A pair of noun classes, singular and plural, and what agrees with them.

    Args:
        units: Forms of the numbers that agree: 1, 2, 3, 4, 5 and 8.
        subject: What a verb begins with for one, such as "li" in "limefika".
        subjects: The same for several, such as "ya".
    """

    units: Mapping[int, str]
    subject: str
    subjects: str


def _class(one: str, two: str, three: str, four: str, five: str, eight: str, *subjects: str) -> NounClass:
    return NounClass({1: one, 2: two, 3: three, 4: four, 5: five, 8: eight}, *subjects)


#: By the traditional names of their prefixes.
CLASSES: Mapping[str, NounClass] = {
    "m-wa": _class("mmoja", "wawili", "watatu", "wanne", "watano", "wanane", "a", "wa"),
    "m-mi": _class("mmoja", "miwili", "mitatu", "minne", "mitano", "minane", "u", "i"),
    "ji-ma": _class("moja", "mawili", "matatu", "manne", "matano", "manane", "li", "ya"),
    "ki-vi": _class("kimoja", "viwili", "vitatu", "vinne", "vitano", "vinane", "ki", "vi"),
    "n": _class("moja", "mbili", "tatu", "nne", "tano", "nane", "i", "zi"),
}


@dataclass(frozen=True)
class Noun:
    """A thing that is counted.

    Args:
        singular: Such as "gunia" (sack).
        plural: Such as "magunia".
        noun_class: A key of `CLASSES`.
    """

    singular: str
    plural: str
    noun_class: str

    def __post_init__(self) -> None:
        if self.noun_class not in CLASSES:
            raise LanguageError(f"{self.singular}: no noun class {self.noun_class!r}; choose from {', '.join(CLASSES)}")


def number(value: int, noun_class: str = "n") -> tuple[str, ...]:
    """A number in words, as it follows a noun; class "n" is also how one counts.

    Args:
        value: From 0 to `LARGEST`.
        noun_class: A key of `CLASSES`.

    Raises:
        LanguageError: Out of range (from ten thousand on two numbers can sound the same), or no such class.

    >>> number(21, "m-wa")
    ('ishirini', 'na', 'mmoja')
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise LanguageError(
            f"{value!r} is no number from 0 to {LARGEST:,}: above, 'elfu kumi na moja' is heard as 10,001 and as 11,000"
        )
    if noun_class not in CLASSES:
        raise LanguageError(f"there is no noun class {noun_class!r}; choose from {', '.join(CLASSES)}")
    if value == 0:
        return ("sifuri",)
    thousands, rest = divmod(value, 1000)
    hundreds, rest = divmod(rest, 100)
    tens, units = divmod(rest, 10)
    agreeing = CLASSES[noun_class].units.get(units, UNITS[units])
    small = [word for word in (TENS[tens], "na" if tens and units else "", agreeing) if word]
    groups = [["elfu", UNITS[thousands]]] if thousands else []
    groups += [["mia", UNITS[hundreds]]] if hundreds else []
    groups += [small] if small else []
    if len(groups) > 1:
        groups[-1].insert(0, "na")
    return tuple(word for group in groups for word in group)


def counted(value: int, noun: Noun) -> tuple[str, ...]:
    """A noun and how many of it.

    Args:
        value: From 1 to `LARGEST`; none of a thing needs a sentence of its own.
        noun: What is counted.

    Raises:
        LanguageError: Out of range.

    >>> counted(2, Noun("gunia", "magunia", "ji-ma"))
    ('magunia', 'mawili')
    """
    if value == 0:
        raise LanguageError(f"none of {noun.plural} cannot be counted aloud; give the message a sentence for none")
    words = number(value, noun.noun_class)
    return (noun.singular if value == 1 else noun.plural, *words)


def halves(value: float, noun: Noun) -> tuple[str, ...]:
    """A measure in steps of a half, such as "kilo mbili na nusu".

    Args:
        value: From 0.5 to `LARGEST`, a multiple of 0.5.
        noun: The unit.

    Raises:
        LanguageError: Out of range, or no multiple of a half.
    """
    whole, half = divmod(value, 1)
    if half not in (0, 0.5) or value <= 0:
        raise LanguageError(f"{value!r} {noun.singular} is not a number of halves above zero; round it first")
    if not whole:
        return ("nusu", noun.singular)
    return (*counted(int(whole), noun), *(("na", "nusu") if half else ()))
