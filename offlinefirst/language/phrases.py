"""Recorded phrases put together by a small grammar, and the proof that every message of an app can be spoken.

For a language without a synthesiser, a speaker records pieces once and the app joins them. Pieces are words and fixed
phrases; which pieces, in which form and which order, is a matter of the language's own grammar (here
`offlinefirst.language.swahili`) and never of English.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from string import Formatter

from offlinefirst.language.errors import LanguageError
from offlinefirst.language.swahili import CLASSES, Noun, counted, halves, number

#: Counts at which grammars change their mind: none, one, few, eight, the tens and what comes after them.
EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 20, 21, 28, 99, 100, 101, 111, 121, 200, 999, 1000, 1001, 1100)
MOST_COMBINATIONS = 200_000
Value = int | float | str
Values = Mapping[str, Value]


@dataclass(frozen=True)
class Message:
    """What an app says, with places for values.

    Args:
        text: With slots: `{n:count NOUN}`, `{n:verb NOUN REST}` (the verb agrees: "mefika" after magunia becomes
            "yamefika"), `{n:number}`, `{n:money}`, `{n:halves NOUN}`, `{name:phrase}`. What stands between them is
            recorded as one piece.
        values: For each slot's name all values that the app can put there.
        none: What is said instead when a counted value is 0; empty when that cannot happen.

    >>> Message("{n:count gunia} {n:verb gunia mefika}", {"n": range(3)}, none="hakuna gunia").names()
    ['n']
    """

    text: str
    values: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    none: str = ""

    def names(self) -> list[str]:
        """The names of the slots, each once, in order."""
        return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.text) if name))


@dataclass(frozen=True)
class Gap:
    """A message that cannot be spoken for some values.

    Args:
        message: Its name.
        values: The first values for which it cannot.
        missing: Pieces that nobody recorded; empty when no sentence could be made at all.
        why: In words.
    """

    message: str
    values: Values
    missing: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Phrasebook:
    """Nouns and messages of one app in one language.

    Args:
        nouns: By their singular.
        messages: By name.
    """

    nouns: Mapping[str, Noun]
    messages: Mapping[str, Message]

    def pieces(self, name: str, values: Values) -> tuple[str, ...]:
        """The recordings to play for a message, in order.

        Raises:
            LanguageError: No such message, a slot without a value, an unknown noun or kind of slot, or a value that
                the grammar has no form for.
        """
        if name not in self.messages:
            raise LanguageError(f"there is no message {name!r}; the phrasebook has {', '.join(self.messages)}")
        message = self.messages[name]
        try:
            return self._pieces(message, values)
        except LanguageError as error:
            raise LanguageError(f"message {name!r}: {error}") from error

    def _pieces(self, message: Message, values: Values) -> tuple[str, ...]:
        try:
            slots = list(Formatter().parse(message.text))
        except ValueError as error:
            raise LanguageError(f"{message.text!r} cannot be read ({error}); close every brace") from error
        if message.none and any(
            spec.startswith("count") and values.get(name) == 0 for _, name, spec, _ in _named(slots)
        ):
            return (message.none,)
        pieces: list[str] = []
        for fixed, name, spec, _ in slots:
            if fixed.strip():
                pieces.append(fixed.strip())
            if name is not None:
                if name not in values:
                    raise LanguageError(f"there is no value for the slot {name!r}; give one")
                pieces += self._slot(spec or "", values[name])
        return tuple(pieces)

    def _slot(self, spec: str, value: Value) -> tuple[str, ...]:
        kind, _, rest = spec.partition(" ")
        noun, _, ending = rest.partition(" ")
        counting: dict[str, Callable[[], tuple[str, ...]]] = {
            "phrase": lambda: (str(value),),
            "number": lambda: number(value),  # type: ignore[arg-type]
            "money": lambda: ("shilingi", *number(value)),  # type: ignore[arg-type]
            "count": lambda: counted(value, self._noun(noun)),  # type: ignore[arg-type]
            "halves": lambda: halves(value, self._noun(noun)),  # type: ignore[arg-type]
            "verb": lambda: (self._subject(noun, value) + ending,),
        }
        if kind not in counting:
            raise LanguageError(f"there is no kind of slot {kind!r}; choose from {', '.join(counting)}")
        if isinstance(value, str) != (kind == "phrase"):
            raise LanguageError(f"a slot of kind {kind!r} cannot take {value!r}")
        return counting[kind]()

    def _noun(self, singular: str) -> Noun:
        if singular not in self.nouns:
            raise LanguageError(f"the noun {singular!r} is not in the phrasebook; add it with its plural and class")
        return self.nouns[singular]

    def _subject(self, noun: str, value: object) -> str:
        agreement = CLASSES[self._noun(noun).noun_class]
        return agreement.subject if value == 1 else agreement.subjects


def recordings(book: Phrasebook) -> tuple[str, ...]:
    """Every piece that a speaker has to record so that all messages can be spoken for all their values, sorted.

    Raises:
        LanguageError: A message has values for which no sentence can be made.
    """
    return tuple(sorted({piece for name, values in _cases(book) for piece in book.pieces(name, values)}))


def gaps(book: Phrasebook, recorded: Collection[str]) -> tuple[Gap, ...]:
    """What keeps an app's messages from being spoken; empty when every one can be, for all its values.

    Args:
        book: Nouns, messages and the values that the app can put into them.
        recorded: The pieces that there are recordings of.

    Returns:
        One gap for each message and missing piece, or each message and reason, with the first values that show it.
    """
    found: dict[tuple[str, str], Gap] = {}
    have = set(recorded)
    for name, message in book.messages.items():
        absent = [slot for slot in message.names() if not message.values.get(slot)]
        if absent:
            found[name, ""] = Gap(name, {}, (), f"no values are listed for {', '.join(absent)}")
    for name, values in _cases(book):
        try:
            missing = [piece for piece in book.pieces(name, values) if piece not in have]
        except LanguageError as error:
            reason = re.sub(r"\d+", "", str(error))  # one gap for a reason, whatever the number
            found.setdefault((name, reason), Gap(name, values, (), str(error)))
            continue
        for piece in missing:
            found.setdefault((name, piece), Gap(name, values, (piece,), f"nobody recorded {piece!r}"))
    return tuple(found.values())


def heard_alike(
    book: Phrasebook,
) -> tuple[tuple[str, Values, Values], ...]:
    """Pairs of different values for which a message sounds the same; whoever listens cannot tell them apart.

    Raises:
        LanguageError: A message has values for which no sentence can be made.
    """
    first: dict[tuple[str, str], Values] = {}
    pairs = []
    for name, values in _cases(book):
        sound = name, " ".join(book.pieces(name, values))
        if first.setdefault(sound, values) != values:
            pairs.append((name, first[sound], values))
    return tuple(pairs)


def _named(
    slots: Sequence[tuple[str, str | None, str | None, str | None]],
) -> Iterator[tuple[str, str, str, str | None]]:
    for fixed, name, spec, conversion in slots:
        if name is not None:
            yield fixed, name, spec or "", conversion


def _cases(book: Phrasebook) -> Iterator[tuple[str, dict[str, Value]]]:
    """Every message with every combination of its values."""
    for name, message in book.messages.items():
        slots = [slot for slot in message.names() if message.values.get(slot)]
        if len(slots) < len(message.names()):
            continue
        combinations = 1
        for slot in slots:
            combinations *= len(message.values[slot])
        if combinations > MOST_COMBINATIONS:
            raise LanguageError(
                f"message {name!r} has {combinations:,} combinations of values; split it, or list fewer"
            )
        for values in product(*(message.values[slot] for slot in slots)):
            yield name, dict(zip(slots, values, strict=True))
