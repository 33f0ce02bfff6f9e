# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: words that arrive whole"
#     chapter: 3
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 90
#     objectives:
#       - Normalise text so that equal words are equal and different words stay different
#       - Route a message to a language, or say honestly that it is not known
#       - Count things aloud in a language whose numbers agree with their nouns
#       - Design an app's messages so that a few recordings speak all of them
#     after: [03-local-language-support/02-knowing-the-language, 03-local-language-support/03-answers-you-can-hear]
# ---

# %% [markdown]
# # Lab: words that arrive whole
#
# The cooperative's app gets messages in six languages and answers aloud. You write what stands at its door and at its
# mouth. The exercises stand on their own: do them in any order.
#
# **How this works.** Fill in an answer cell, run it, run its check. A check attacks your function and says in words
# what went wrong. Run all cells as often as you like: a check that is not done yet does not stop the others, and your
# points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 20 minutes, 2 20, 3 20, 4 30 and a discussion of 15.
#
# **Common mistakes.** 1: NFKC because it sounds stronger; replacing every apostrophe, and quotation marks with them;
# removing the Ethiopic word space, which glues words together. 2: choosing among the served languages only, which turns
# French into Swahili; measuring the margin among the served ones only. 3: letting six, seven and nine agree, or ten;
# and reading the class off the noun's first letter (mtoto and mti begin alike; ng'ombe looks like one class and agrees
# like another). 4: a price as free text; a count without a sentence for none.
#
# **Early birds.** In exercise 2, what would you do for Somali speakers, who are now never understood? (Ask them: two
# buttons. Or a second identifier that knows Hausa, for these messages only.)
#
# **Rubric for exercise 4** (10 points, beside its check): the messages are what a person there needs to hear, first
# things first (3); none, one and many are thought of, and so is what happens when a value is out of range (3); it says
# what it saved by rephrasing, with the number of recordings before and after (2); it names who would record, in which
# language, and who would check the grammar (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: a normaliser that keeps meaning (4 points, 20 minutes)
#
# The same word, typed on six telephones, arrives in six forms, and the search finds one of them. Make them equal, and
# make nothing else equal.

# %%
import re
import unicodedata

APOSTROPHES = "'\u2019\u2018\u02bc`\u00b4"  # ' ’ ‘ ʼ ` ´


# %% answer="normalise"
def normalise(text, language):
    """Give a text its one form.

    - Unicode form NFC.
    - Between two letters each of `APOSTROPHES` is the straight one: ng’ombe becomes ng'ombe. In Hausa ("ha") also
      before a y that begins a word ('yanci). Anywhere else it is a quotation mark, and stays.
    - The Ethiopic word space, U+1361, is a space. Two in a row, which people type for a full stop, are one full
      stop ።. A full stop that is there stays.
    - Spaces of any kind, also no-break ones and several, are one space, and none is at the ends.

    Everything else stays: case, accents, tones, dots below, hooked letters, ² and ½. What is normalised already
    does not change. Hint: `re.sub` with (?<=...) and (?=...); a letter is `[^\\W\\d_]`.
    """
    ### BEGIN SOLUTION
    text = unicodedata.normalize("NFC", text).replace("\u1361\u1361", "።").replace("\u1361", " ")
    text = " ".join(text.split())
    text = re.sub(rf"(?<=[^\W\d_])[{APOSTROPHES}](?=[^\W\d_])", "'", text)
    if language == "ha":
        text = re.sub(rf"(?<!\w)[{APOSTROPHES}](?=[yY])", "'", text)
    return text
    ### END SOLUTION


# %% [markdown]
# The attack. What must become equal; what must stay as it is, and what it would mean if not.

# %% tags=["long"]
BECOMES = [
    ("sw", f"ng{sign}ombe wetu", "ng'ombe wetu", "the signs for one apostrophe") for sign in APOSTROPHES
]
BECOMES += [("ha", f"{sign}yanci", "'yanci", "an apostrophe before y, in Hausa") for sign in APOSTROPHES]
BECOMES += [
    ("yo", "o\u0323\u0300ro\u0323\u0300", "ọ̀rọ̀", "one letter, typed in parts"),
    ("yo", "o\u0300\u0323ro\u0300\u0323", "ọ̀rọ̀", "its marks, in the other order"),
    ("sw", "ng\u2019ombe\u00a0ni \t wazima ", "ng'ombe ni wazima", "spaces of many kinds"),
    ("sw", "a     b", "a b", "many spaces"),
    ("sw", "a\u202fb", "a b", "a narrow no-break space"),
    ("ha", "ƙ\u2019a", "ƙ'a", "an apostrophe after a hooked letter"),
    ("sw", "NG\u2019OMBE", "NG'OMBE", "an apostrophe between capitals"),
    ("am", "ሰላም፡ለዓለም።", "ሰላም ለዓለም።", "the Ethiopic word space"),
    ("am", "ሰላም ፡ ለዓለም", "ሰላም ለዓለም", "the Ethiopic word space, with spaces"),
    ("am", "ሰላም፡ለዓለም፡፡", "ሰላም ለዓለም።", "two word spaces, typed for a full stop"),
]

# %%
STAYS = [
    ("yo", "ọkọ́", "a hoe, no husband: the tone is part of the word"),
    ("yo", "ọkọ̀", "a vehicle: the tone is part of the word"),
    ("yo", "oko", "a farm: the dots are part of the word"),
    ("ha", "ɗaya", "a hooked letter is a letter"),
    ("ha", "ƙasa da ɓera", "a hooked letter is a letter"),
    ("am", "ሰላም።", "here a sentence ends"),
    ("sw", "Baraka", "a person's name; in small letters it is a blessing"),
    ("sw", "shamba la 50 m²", "square metres, not m2"),
    ("sw", "kilo 2½", "two and a half, not twenty-one halves"),
    ("sw", "alisema ‘ndiyo’", "quotation marks, no letters"),
    ("en", "‘yes’ she said", "quotation marks; only in Hausa can 'y begin a word"),
    ("ha", "ya ce ‘na gode’", "quotation marks in Hausa too, with no y after them"),
    ("sw", "5’6", "a sign between digits, no letter"),
]


# %% [markdown]
# On top of it words that nobody has seen before: letters drawn with marks, typed in parts.

# %%
import random


def unseen_words(count, rng):
    for _ in range(count):
        letters = [rng.choice("aeioɗƙɓ") + rng.choice(["", "\u0300", "\u0301"]) for _ in range(5)]
        wanted = unicodedata.normalize("NFC", "ẹ\u0301" + "".join(letters) + "ng'a")
        typed = unicodedata.normalize("NFD", wanted).replace("'", rng.choice(APOSTROPHES))
        yield "yo", typed, wanted, "a word typed in parts"


# %% check="normalise" points=4
from offlinefirst.course.checks import check

with check(
    "03-local-language-support/normalise",
    points=4,
    revisit="02-knowing-the-language.ipynb#Unicode:-the-same-word,-and-not-equal",
) as verify:
    for language, text, why in STAYS:
        text = unicodedata.normalize("NFC", text)
        got = normalise(text, language)
        verify(got == text, f"{text!r} became {got!r}. It has to stay: {why}.")
    for language, typed, wanted, why in [*BECOMES, *unseen_words(50, random.Random(3))]:
        wanted, got = unicodedata.normalize("NFC", wanted), normalise(typed, language)
        verify(got == wanted, f"{typed!r} became {got!r} and not {wanted!r}: {why}.")
        again = normalise(got, language)
        verify(again == got, f"Normalised twice, {typed!r} became something else: {again!r}.")

# %% [markdown]
# ## Exercise 2: a router that can say "don't know" (4 points, 20 minutes)
#
# An identifier gives each of its labels a score. It has no label for Hausa: in the benchmark Hausa messages came out as
# Somali (in this exercise; which neighbour it is, your own benchmark tells). The app serves some languages, and
# a wrong answer costs more than a question with two buttons.

# %%
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    served: frozenset  # languages that the app can answer in
    mistaken: dict  # label -> languages of this place without a label, whose messages come out as it
    threshold: float  # the least score of the best label
    margin: float  # the least distance from the best to the second
    shortest: int  # letters; with fewer nobody can tell


# %% answer="route"
def route(scores, letters, setting):
    """Choose the language to answer in.

    Args:
        scores: Dict from label to a score from 0 to 1, in any order; may be empty, and a broken identifier gives NaN.
        letters: How many letters the message has.
        setting: A `Setting`.

    Returns:
        The label with the best score, if the message is long enough, the score at least the threshold and at least the
        margin above the second of *all* labels, the language is served, and no other language of this place is
        mistaken for it. Otherwise None, for "don't know".
    """
    ### BEGIN SOLUTION
    if letters < setting.shortest or not scores or any(map(math.isnan, scores.values())):
        return None
    best = max(scores, key=scores.get)
    second = max((score for label, score in scores.items() if label != best), default=0.0)
    sure = scores[best] >= setting.threshold and scores[best] - second >= setting.margin
    known = best in setting.served and not setting.mistaken.get(best)
    return best if sure and known else None
    ### END SOLUTION


# %% [markdown]
# The attack: both sides of every border, for two settings (their numbers are sums of powers of two, so that borders are
# exact).

# %%
SETTINGS = [
    Setting(frozenset({"sw", "so", "am"}), {"so": {"ha"}, "fr": {"ln"}}, 0.5, 0.25, 8),
    Setting(frozenset({"yo", "zu", "en"}), {"zu": {"ss", "nr"}, "yo": set()}, 0.75, 0.125, 20),
]
HOME, NEIGHBOUR, FAR = ("sw", "yo"), ("so", "zu"), ("fr", "pt")


# %% tags=["long"]
def borders(number):
    """Cases for one setting: scores, letters, the answer, and why."""
    setting = SETTINGS[number]
    home, neighbour, far = HOME[number], NEIGHBOUR[number], FAR[number]
    t, m, long, tiny = setting.threshold, setting.margin, 5 * setting.shortest, 2**-10
    halfway = (1 + m) / 2
    return [
        ({far: tiny, home: 1 - tiny}, long, home, "a clear case"),
        ({home: 1.0}, long, home, "a clear case with one label"),
        ({home: t, far: 0.0}, long, home, "the score is exactly the threshold"),
        ({home: t - tiny, far: 0.0}, long, None, "the score is below the threshold"),
        (
            {far: 1 - halfway, home: halfway} if halfway >= t else {home: t, far: t - m},
            long,
            home,
            "the margin is exact",
        ),
        ({home: t, far: t - m + tiny}, long, None, "the margin is too small"),
        ({home: t, "xx": t, far: 0.0}, long, None, "a tie"),
        ({home: 1 - tiny}, setting.shortest, home, "the text is just long enough"),
        ({home: 1 - tiny}, setting.shortest - 1, None, "the text is too short"),
        ({far: 1 - tiny, home: tiny}, long, None, "the app does not serve the language"),
        ({far: 0.0, neighbour: 1 - tiny}, long, None, "another language comes out as this neighbour"),
        ({}, long, None, "no scores at all"),
        ({home: float("nan")}, long, None, "the score is not a number"),
        ({home: 1 - tiny, far: float("nan")}, long, None, "a score is not a number"),
    ]


# %% [markdown]
# Then six hundred messages with drawn scores (synthetic), a third of them in a language that the app does not serve or
# the identifier does not know. *Coverage*: how many messages in served languages get an answer. *Risk*: how many
# answers are wrong.


# %%
def season(setting, home, neighbour, far, rng):
    """True language, scores and letters of 600 messages."""
    unknown = sorted(setting.mistaken[neighbour])[0]
    for _ in range(600):
        truth = rng.choice([home, home, home, home, far, unknown])
        label = {unknown: neighbour}.get(truth, truth)
        weights = {one: rng.random() for one in (home, neighbour, far, "xx")}
        letters = rng.randint(2, 80)
        weights[label] += rng.random() * letters / 4
        total = sum(weights.values())
        yield truth, {one: weight / total for one, weight in weights.items()}, letters


# %% check="route" points=4
with check(
    "03-local-language-support/route",
    points=4,
    revisit="02-knowing-the-language.ipynb#Where-to-put-the-threshold",
) as verify:
    for number, setting in enumerate(SETTINGS):
        for scores, letters, expected, why in borders(number):
            got = route(dict(scores), letters, setting)
            wanted = "don't know (None)" if expected is None else repr(expected)
            verify(
                got == expected, f"{scores}, {letters} letters: {why}. Expected {wanted}, you said {got!r}."
            )
        drawn = list(season(setting, HOME[number], NEIGHBOUR[number], FAR[number], random.Random(number)))
        answers = [(truth, route(scores, letters, setting)) for truth, scores, letters in drawn]
        given = [truth == answer for truth, answer in answers if answer is not None]
        ours = [answer is not None for truth, answer in answers if truth in setting.served]
        risk, coverage = 1 - sum(given) / max(1, len(given)), sum(ours) / len(ours)
        print(f"setting {number + 1}: coverage {coverage:.0%}, risk {risk:.1%}")
        verify(risk <= 0.02, f"{risk:.1%} of your answers went to the wrong language.")
        verify(coverage >= 0.5, f"Only {coverage:.0%} of the messages in served languages got an answer.")

# %% [markdown]
# ## Exercise 3: counting aloud (4 points, 20 minutes)
#
# The phrasebook gives each noun its plural and its class. From 1 to 10, say how many.

# %%
BOOK = {
    "mtoto": ("watoto", "m-wa"),  # child
    "mti": ("miti", "m-mi"),  # tree
    "gunia": ("magunia", "ji-ma"),  # sack
    "kitabu": ("vitabu", "ki-vi"),  # book
    "siku": ("siku", "n"),  # day
    "ng'ombe": ("ng'ombe", "m-wa"),  # cow: a noun like siku, that agrees like a person
}
NUMBERS = ["sifuri", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa", "kumi"]


# %% answer="counted"
def counted(noun, count, book):
    """The noun and its number, such as "watoto wawili".

    Args:
        noun: The singular, a key of `book`.
        count: From 1 to 10.
        book: From singular to (plural, class); the classes are those of `BOOK`.

    Raises:
        ValueError: The count is below 1 or above 10; the app then has to say something else.

    1 to 5 and 8 agree with the class, the others stay as in `NUMBERS`. The stems are -moja, -wili, -tatu, -nne, -tano and
    -nane; class n counts as `NUMBERS` does. The table is in the notebook: mtoto mmoja and mti mmoja, but watoto
    wawili and miti miwili.
    """
    ### BEGIN SOLUTION
    if not 1 <= count <= 10:
        raise ValueError(f"cannot say {count} {noun}")
    plural, noun_class = book[noun]
    one, several = {"m-wa": ("m", "wa"), "m-mi": ("m", "mi"), "ji-ma": ("", "ma"), "ki-vi": ("ki", "vi")}.get(
        noun_class, ("", "")
    )
    stem = "wili" if count == 2 and several else NUMBERS[count]
    prefix = one if count == 1 else several if count in (2, 3, 4, 5, 8) else ""
    return f"{noun if count == 1 else plural} {prefix}{stem}"
    ### END SOLUTION


# %% [markdown]
# The check adds nouns that are not in your book, and compares with the course's own grammar.

# %%
from offlinefirst.language import swahili

MORE = {
    "mgonjwa": ("wagonjwa", "m-wa"),  # a sick person
    "mwaka": ("miaka", "m-mi"),  # year
    "yai": ("mayai", "ji-ma"),  # egg
    "kiti": ("viti", "ki-vi"),  # chair
    "dawa": ("dawa", "n"),  # medicine
}


# %% check="counted" points=4
with check(
    "03-local-language-support/counted",
    points=4,
    revisit="03-answers-you-can-hear.ipynb#Agreement-by-hand",
) as verify:
    everything = BOOK | MORE
    for count in [2, 1, 8, 6, 7, 9, 10, 3, 4, 5]:
        for noun, (plural, noun_class) in everything.items():
            wanted = " ".join(swahili.counted(count, swahili.Noun(noun, plural, noun_class)))
            got = counted(noun, count, dict(everything))
            first = got.split()[0] in (noun, plural)
            verify(first, f"{count} {noun}: you say {got!r}. In Swahili the noun comes first.")
            verify(got == wanted, f"{count} {noun}: you say {got!r}, Nekesa expects {wanted!r}.")
    for count in (0, -1, 11):
        try:
            got = counted("mti", count, dict(everything))
        except ValueError:
            continue
        verify(False, f"{count} mti: you say {got!r}. Nobody says that; raise a ValueError.")

# %% [markdown]
# ## Exercise 4: an app that a few recordings can speak (3 points, 30 minutes)
#
# There is no single right answer. Choose a small clinic or a market stall, and design what its app says: at least
# **five messages**, of which two count things, in **two noun classes** or more; **300 different sentences** at least;
# from at most **45 recordings**, in at most **130,000 bytes** of Opus. Every message can be spoken for every value,
# none is heard the same for two values or says only what another message says, and a count can be 0. `none` replaces
# the whole message, so a count that can be 0 must be the only slot with several values.
#
# The slots are those of
# [03-answers-you-can-hear](../../chapters/03-local-language-support/03-answers-you-can-hear.ipynb): `{n:count NOUN}`,
# `{n:verb NOUN REST}`, `{n:number}`, `{n:money}`, `{n:halves NOUN}`, `{name:phrase}`. If you know no Swahili, use the
# nouns of exercise 3 and sentences from the notebook, or write the fixed parts in your own language: only slots are
# bound to a grammar.

# %%
from offlinefirst.language.phrases import Message, Phrasebook, gaps, heard_alike, recordings
from offlinefirst.language.swahili import Noun


# %% answer="design"
def design():
    """The phrasebook of an app of yours.

    Returns:
        Phrasebook({singular: Noun(singular, plural, class)}, {name: Message(text, {slot: values}, none="...")})
    """
    ### BEGIN SOLUTION
    nouns = [
        Noun("mgonjwa", "wagonjwa", "m-wa"),
        Noun("kidonge", "vidonge", "ki-vi"),
        Noun("siku", "siku", "n"),
    ]
    queue = "{n:count mgonjwa} {n:verb mgonjwa nasubiri}"
    messages = {
        "queue": Message(queue, {"n": range(31)}, none="hakuna mgonjwa anayesubiri"),
        "tablets": Message("meza {n:count kidonge}", {"n": range(4)}, none="usimeze kidonge"),
        "times": Message("mara {n:number} kwa siku", {"n": (1, 2, 3)}),
        "return": Message("rudi baada ya {n:count siku}", {"n": range(1, 31)}),
        "pay": Message("lipa {sh:money}", {"sh": range(50, 5000, 10)}),
    }
    return Phrasebook({noun.singular: noun for noun in nouns}, messages)
    ### END SOLUTION


# %% [markdown]
# For the bytes the Swahili voice stands in for a speaker.

# %%
from offlinefirst.language.sound import encode, join
from offlinefirst.language.speech import speak


def opus_bytes(pieces):
    return sum(len(encode(join([speak(piece, "sw")]), "opus", compression=0.95)) for piece in pieces)


def counts_of(message):
    return [name for name in message.names() if f"{{{name}:count " in message.text]


def counted_classes(book):
    used = {noun for noun in book.nouns for m in book.messages.values() if f":count {noun}}}" in m.text}
    return {book.nouns[noun].noun_class for noun in used}


# %% [markdown]
# A sentence is what is heard, so two that sound the same are one, and values that no slot speaks add nothing.

# %% tags=["long"]
import itertools


def said(book, name):
    """What a message sounds like, for all its values."""
    slots, values = book.messages[name].names(), book.messages[name].values
    cases = itertools.product(*(values[slot] for slot in slots))
    heard = (" ".join(book.pieces(name, dict(zip(slots, case, strict=True)))) for case in cases)
    return {" ".join(sentence.casefold().split()) for sentence in heard}


def idle(book):
    """Messages and slots that are counted in a list and say nothing."""
    for name, message in book.messages.items():
        for slot in set(message.values) - set(message.names()):
            yield f"{name}: there are values for {slot!r}, and the text has no such slot."
    heard = {name: said(book, name) for name in book.messages}
    for name, sentences in heard.items():
        if not all(re.search(r"[^\W\d_]", sentence) for sentence in sentences):
            yield f"{name}: for some value it says nothing. A message needs words."
    for one, other in itertools.permutations(heard, 2):
        if heard[one] <= heard[other]:
            yield f"{one}: all that it says, {other} says too."


# %% [markdown]
# The check goes from what an app must say to what it may cost.

# %% check="design" points=3 tags=["long"]
with check(
    "03-local-language-support/design",
    points=3,
    revisit="03-answers-you-can-hear.ipynb#Every-message,-every-value",
) as verify:
    book = design()
    messages, classes = book.messages.values(), counted_classes(book)
    verify(len(messages) >= 5, f"{len(messages)} messages are too few for an app; five are asked for.")
    dead = [gap for gap in gaps(book, ()) if not gap.missing]
    verify(
        not dead, "\n".join(f"{gap.message} {dict(gap.values)} cannot be said: {gap.why}" for gap in dead[:1])
    )
    for fault in idle(book):
        verify(False, fault)
    counting = [message for message in messages if counts_of(message)]
    verify(len(counting) >= 2, f"{len(counting)} of your messages count things; two are asked for.")
    verify(len(classes) >= 2, f"All that you count is of class {classes}; two classes are asked for.")
    can_be_none = any(0 in message.values[slot] for message in counting for slot in counts_of(message))
    verify(can_be_none, "No count of yours can be 0. On a quiet day it will be.")
    pieces, alike = recordings(book), heard_alike(book)
    digits = [piece for piece in pieces if any(sign.isdigit() for sign in piece)]
    verify(not digits, f"{digits[:1]}: digits are no words. Put a slot there.")
    verify(not alike, f"{alike[:1]}: two values, and both sound the same.")
    sentences = len(set().union(*(said(book, name) for name in book.messages)))
    verify(sentences >= 300, f"Your app can say {sentences} different sentences; 300 are asked for.")
    verify(len(pieces) <= 45, f"{len(pieces)} recordings, among them {pieces[:3]}; 45 are the limit.")
    size = opus_bytes(pieces)
    verify(size <= 130_000, f"{size:,} bytes of recordings; 130,000 are the limit.")
    print(f"{len(messages)} messages, {sentences} sentences, {len(pieces)} recordings, {size:,} bytes")

# %% [markdown]
# Now argue. Which sentence did you rephrase, and how many recordings did it save? Who records them, in which language,
# and who hears them before they go out? And what does the app say for a value that is on none of your lists?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("03-local-language-support", normalise=4, route=4, counted=4, design=3)
