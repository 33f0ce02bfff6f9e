"""Farm advice in English and Swahili: synthetic, seeded, with real noun-class agreement.

A grammar, not a corpus: it makes sentences such as an officer might send as a text message, in lower case and without
a full stop. English does not say which class a noun has; Swahili says it in nearly every word. So a model that has
learnt words alone makes mistakes here, and one that has learnt agreement can put words together that it never saw
together. For that, some pairs of words are held out: no training sentence has them, every test sentence has one.

>>> one = sentences(1, seed=5)[0]
>>> one.english, one.swahili
('the farmer should cut your seedling today', 'mkulima anapaswa kukata mche wako leo')
"""

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offlinefirst.datasets.farm_words import (
    ACTIONS,
    ADJECTIVES,
    EVENTS,
    NUMBERS,
    OWNERS,
    PEOPLE,
    POSSESSIVE,
    THAT,
    THINGS,
    THIS,
    Noun,
    Verb,
    adjective,
    counted,
    last_vowel,
    negative,
    subject,
)

Part = Literal["train", "test"]
Pair = tuple[str, str]
HELD_OUT_PERCENT = 15

_WHEN = {
    "future": {"tomorrow": "kesho", "next week": "wiki ijayo", "in the evening": "jioni"},
    "past": {"yesterday": "jana", "last week": "wiki iliyopita"},
    "present": {"now": "sasa", "today": "leo"},
    "perfect": {"today": "leo"},
    "advice": {"today": "leo", "tomorrow": "kesho", "every day": "kila siku"},
}
_TENSES = ("future", "past", "present", "perfect")
#: Positive markers, and negative ones; the negative present has none and changes the last vowel.
_MARKS = {"future": ("ta", "ta"), "past": ("li", "ku"), "present": ("na", ""), "perfect": ("me", "ja")}
_PRONOUNS = {"i": ("ni", 0), "you": ("u", 0), "we": ("tu", 1), "they": ("wa", 1), "she": ("a", 0)}


@dataclass(frozen=True)
class Sentence:
    """One sentence in two languages.

    Args:
        english: Lower case, no full stop.
        swahili: Its translation.
        pattern: Which rule made it, such as "statement".
        pairs: The adjective and noun, and verb and noun, that stand together in it, in English.
    """

    english: str
    swahili: str
    pattern: str
    pairs: frozenset[Pair]


@dataclass(frozen=True)
class _Phrase:
    """A subject or an object, with what a verb needs to agree with it."""

    english: str
    swahili: str
    prefix: str
    number: int
    noun: Noun | None = None
    person: str = ""
    pairs: frozenset[Pair] = frozenset()

    def pair(self, verb: Verb) -> frozenset[Pair]:
        return self.pairs | ({(verb.english[0], self.noun.english[0])} if self.noun else set())


def held_out(pair: Pair) -> bool:
    """Whether a pair of words is kept for the test; the same for every seed.

    Args:
        pair: An adjective or verb, and a noun, in English.
    """
    return zlib.crc32("|".join(pair).encode()) % 100 < HELD_OUT_PERCENT


def sentences(count: int, *, seed: int, part: Part = "train") -> list[Sentence]:
    """Make sentences, no two with the same English.

    Args:
        count: How many, up to 200,000.
        seed: Decides everything.
        part: "train": no held-out pair. "test": at least one in every sentence.

    Returns:
        The sentences; the first of a seed and part are the same whatever the count.

    Raises:
        ValueError: A negative or too large count, or no such part.
    """
    if not 0 <= count <= 200_000:
        raise ValueError(f"{count} sentences cannot be made; ask for 0 to 200,000")
    if part not in ("train", "test"):
        raise ValueError(f"there is no part {part!r}; choose train or test")
    draw = random.Random(f"farm advice {seed} {part}")
    found: dict[str, Sentence] = {}
    while len(found) < count:
        one = draw.choices(_PATTERNS, _WEIGHTS)[0](draw)
        if any(map(held_out, one.pairs)) == (part == "test"):
            found.setdefault(one.english, one)
    return list(found.values())


def conjugate(stem: str, prefix: str, tense: str, *, positive: bool = True, you: bool = False, thing: str = "") -> str:
    """A verb in one word.

    Args:
        stem: Such as "kagua".
        prefix: Who does it, such as "wa".
        tense: "future", "past", "present" or "perfect".
        positive: False for the negative.
        you: Whether the prefix "u" is "you".
        thing: What it is done to, as a prefix such as "zi"; empty when the object follows.

    >>> conjugate("kagua", "a", "future", positive=False), conjugate("kagua", "wa", "future", positive=False)
    ('hatakagua', 'hawatakagua')
    >>> conjugate("panda", "a", "future", thing="zi"), conjugate("ona", "i", "present", positive=False)
    ('atazipanda', 'haioni')
    """
    mark = _MARKS[tense][not positive]
    if positive:
        return prefix + mark + thing + stem
    return negative(prefix, you=you) + mark + thing + (last_vowel(stem, "i") if tense == "present" else stem)


def _thing(draw: random.Random, verb: Verb, *, plain: bool = False) -> _Phrase:
    nouns = [noun for noun in THINGS if noun.kinds & verb.kinds]
    return _noun_phrase(draw, draw.choice(nouns), plain=plain)


def _noun_phrase(draw: random.Random, noun: Noun, *, plain: bool = False) -> _Phrase:
    number = draw.randrange(2)
    english, before, after = "the", [noun.swahili[number]], []
    kind = draw.choice(("the", "the", "owner", "this"))
    if kind == "owner":
        english = draw.choice(list(OWNERS))
        before.append(POSSESSIVE[noun.noun_class][number] + OWNERS[english])
    elif kind == "this" and not plain:
        near = draw.randrange(2)
        english = (("that", "those"), ("this", "these"))[near][number]
        after.append((THAT, THIS)[near][noun.noun_class][number])
    words, pairs = [english], set()
    quality = draw.random() < 0.45 and not plain
    many = number and draw.random() < 0.25 and not plain
    if many:
        count = draw.choice(list(NUMBERS))
        words.append(count)
    if quality:
        name, stem, _ = draw.choice([one for one in ADJECTIVES if noun.kinds & set(one[2].split())])
        words.append(name)
        before.append(adjective(stem, noun.noun_class, number))
        pairs.add((name, noun.english[0]))
    if many:
        before.append(counted(NUMBERS[count], noun.noun_class))
    words.append(noun.english[number])
    prefix = subject(noun.noun_class, number)
    return _Phrase(" ".join(words), " ".join(before + after), prefix, number, noun, pairs=frozenset(pairs))


def _somebody(draw: random.Random) -> _Phrase:
    if draw.random() < 0.45:
        english = draw.choice(list(_PRONOUNS))
        prefix, number = _PRONOUNS[english]
        return _Phrase(english, "", prefix, number, person=english)
    return _noun_phrase(draw, draw.choice(PEOPLE), plain=draw.random() < 0.6)


def _be(who: _Phrase) -> str:
    return {"i": "am", "you": "are"}.get(who.person, "are" if who.number else "is")


def _english_verb(who: _Phrase, verb: Verb, tense: str, *, positive: bool) -> str:
    base, past, participle, ing = verb.english
    no = "" if positive else " not"
    has = "has" if not who.number and who.person not in ("i", "you") else "have"
    if tense == "future":
        return f"will{no} {base}"
    if tense == "past":
        return past if positive else f"did not {base}"
    return f"{_be(who)}{no} {ing}" if tense == "present" else f"{has}{no} {participle}"


def _join(pattern: str, english: list[str], swahili: list[str], *pairs: frozenset[Pair]) -> Sentence:
    first, second = (" ".join(word for word in words if word) for words in (english, swahili))
    return Sentence(first, second, pattern, frozenset().union(*pairs))


def _time(draw: random.Random, when: str) -> tuple[str, str]:
    return draw.choice(list(_WHEN[when].items())) if draw.random() < 0.4 else ("", "")


def _statement(draw: random.Random) -> Sentence:
    who, verb, tense, positive = _somebody(draw), draw.choice(ACTIONS), draw.choice(_TENSES), draw.random() < 0.6
    what, (english, swahili) = _thing(draw, verb), _time(draw, tense)
    does = conjugate(verb.stem, who.prefix, tense, positive=positive, you=who.person == "you")
    said = [who.english, _english_verb(who, verb, tense, positive=positive), what.english, english]
    return _join("statement", said, [who.swahili, does, what.swahili, swahili], who.pairs, what.pair(verb))


def _event(draw: random.Random) -> Sentence:
    verb, tense, positive = draw.choice(EVENTS), draw.choice(_TENSES), draw.random() < 0.6
    what, (english, swahili) = _thing(draw, verb), _time(draw, tense)
    does = conjugate(verb.stem, what.prefix, tense, positive=positive)
    said = [what.english, _english_verb(what, verb, tense, positive=positive), english]
    return _join("event", said, [what.swahili, does, swahili], what.pair(verb))


def _order(draw: random.Random) -> Sentence:
    verb, positive = draw.choice(ACTIONS), draw.random() < 0.5
    what, (english, swahili) = _thing(draw, verb), _time(draw, "advice")
    does = verb.stem if positive else "usi" + last_vowel(verb.stem, "e")
    said = ["" if positive else "do not", verb.english[0], what.english, english]
    return _join("order", said, [does, what.swahili, swahili], what.pair(verb))


def _advice(draw: random.Random) -> Sentence:
    who, verb, positive = _somebody(draw), draw.choice(ACTIONS), draw.random() < 0.6
    what, (english, swahili) = _thing(draw, verb), _time(draw, "advice")
    should = conjugate("paswa", who.prefix, "present", positive=positive, you=who.person == "you")
    said = [who.english, "should" if positive else "should not", verb.english[0], what.english, english]
    words = [who.swahili, should, "ku" + verb.stem, what.swahili, swahili]
    return _join("advice", said, words, who.pairs, what.pair(verb))


def _quality(draw: random.Random) -> Sentence:
    what, positive = _noun_phrase(draw, draw.choice(THINGS), plain=True), draw.random() < 0.6
    assert what.noun is not None, "it was given"
    name, stem, _ = draw.choice([one for one in ADJECTIVES if what.noun.kinds & set(one[2].split())])
    agreeing = adjective(stem, what.noun.noun_class, what.number)
    said = [what.english, _be(what), "" if positive else "not", name]
    words = [what.swahili, "ni" if positive else "si", agreeing]
    return _join("quality", said, words, frozenset({(name, what.noun.english[0])}))


def _condition(draw: random.Random) -> Sentence:
    event = draw.choice(EVENTS)
    what, who, positive = _thing(draw, event), _somebody(draw), draw.random() < 0.7
    assert what.noun is not None, "a thing has a noun"
    kinds = what.noun.kinds
    action = draw.choice([verb for verb in ACTIONS if verb.kinds & kinds])
    happens = event.english[0] + (("es" if event.english[0].endswith("sh") else "s") if not what.number else "")
    if event.english[0] == "dry up" and not what.number:
        happens = "dries up"
    does = conjugate(action.stem, who.prefix, "future", positive=positive, you=who.person == "you", thing=what.prefix)
    them = "them" if what.number else "it"
    said = ["if", what.english, happens + ",", who.english, "will" if positive else "will not"]
    said.append(f"{action.english[0]} {them}")
    words = [what.swahili, what.prefix + "ki" + event.stem + ",", who.swahili, does]
    return _join("condition", said, words, what.pair(event), what.pair(action), who.pairs)


_PATTERNS: tuple[Callable[[random.Random], Sentence], ...] = (
    _statement,
    _event,
    _order,
    _advice,
    _quality,
    _condition,
)
_WEIGHTS = (35, 15, 15, 15, 8, 12)
