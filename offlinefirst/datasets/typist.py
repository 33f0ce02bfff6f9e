"""Keystrokes of people who write a document: recorded ones when they are here, else those of a made-up typist.

Recorded are the catalogue's `editing-sequential` (one author) and `editing-concurrent` (two at once). The typist is
seeded and synthetic: it types words in bursts, takes letters back, jumps, pastes, deletes a piece, and now and then
edits at several cursors at once. No person was watched for it; its shares are chosen. Whoever uses keystrokes is told
which they are, and has to pass that on.
"""

import gzip
import json
import random
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.datasets.places import MissingDataError, locate

Name = Literal["editing-sequential", "editing-concurrent"]
#: As many edits as the recorded ones are said to have.
SEQUENTIAL_TRANSACTIONS, CONCURRENT_TRANSACTIONS = 18_335, 5_380
_VOCABULARY = """maize beans sorghum shamba mahindi maharage mvua jua udongo mbegu plot row leaf rust streak armyworm
dry wet planted weeded sprayed harvested bags after before rain week the on with and no few many lower upper field"""
_WORDS = _VOCABULARY.split()
_RULE = "\n----\n"


@dataclass(frozen=True, slots=True)
class Patch:
    """Characters replaced: `deleted` of them from `at` on, by `text`. Places count code points."""

    at: int
    deleted: int
    text: str

    def apply(self, text: str) -> str:
        """The text after it."""
        return text[: self.at] + self.text + text[self.at + self.deleted :]


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody did at one moment.

    Args:
        agent: Who, from 0.
        patches: One after the other; each finds the text as the one before left it.
        seen: For each agent, how many of its edits were in the text before this one; its own ones all are.
    """

    agent: int
    patches: tuple[Patch, ...]
    seen: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """The making of a document that was empty at first.

    Args:
        edits: In an order in which each comes after all that it had seen.
        agents: How many people.
        end: The text in the end.
        real: Whether somebody typed it.
    """

    edits: tuple[Edit, ...]
    agents: int
    end: str
    real: bool

    @property
    def patches(self) -> int:
        """How many places were changed in all."""
        return sum(len(edit.patches) for edit in self.edits)

    @property
    def told(self) -> str:
        """What it is, for a figure's title."""
        people = "one author" if self.agents == 1 else f"{self.agents} authors"
        return f"recorded keystrokes of {people}" if self.real else f"synthetic keystrokes of {people}"


def editing_trace(name: Name, *, data: Path | None = None) -> Trace:
    """Take the recorded keystrokes, or as many of the made-up typist when they were not fetched.

    Args:
        name: Whose.
        data: The folder for fetched data; the reader's when None.

    Raises:
        DatasetError: The file is not made as it should be; names it.
    """
    try:
        return read_trace(locate(name, data=data))
    except MissingDataError:
        if name == "editing-sequential":
            return typist(SEQUENTIAL_TRANSACTIONS, seed=1)
        return two_typists(CONCURRENT_TRANSACTIONS, seed=1)


class _Hand:
    """A typist at one text."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.text = ""
        self.cursor = 0
        self.todo: list[str] = []  # the letters of a burst, or backspaces

    def next(self) -> tuple[Patch, ...]:
        """The next moment's patches."""
        if not self.todo:
            self._decide()
        return self._do(self.todo.pop(0))

    def _decide(self) -> None:
        what = self.rng.random()
        if self.text and what < 0.14:
            self.cursor = self.rng.randrange(len(self.text) + 1)
        if self.cursor and 0.14 <= what < 0.44:
            self.todo = ["backspace"] * self.rng.randint(1, min(8, self.cursor))
        elif 0.44 <= what < 0.46 and len(self.text) > 40:
            self.todo = ["cut"]
        elif 0.46 <= what < 0.48 and len(self.text) > 40:
            self.todo = ["everywhere"] * self.rng.randint(4, 12)
        elif 0.48 <= what < 0.49:
            self.todo = ["paste " + self._words(8)]
        else:
            self.todo = list(self._words(6))

    def _words(self, most: int) -> str:
        words = [self.rng.choice(_WORDS) for _ in range(self.rng.randint(1, most))]
        return " ".join(words) + self.rng.choice([" ", " ", ", ", ".\n"])

    def _do(self, what: str) -> tuple[Patch, ...]:
        if what == "backspace":
            patches = [Patch(self.cursor - 1, 1, "")]
        elif what == "cut":
            at = self.rng.randrange(len(self.text) - 1)
            patches = [Patch(at, min(self.rng.randint(2, 30), len(self.text) - at), "")]
        elif what == "everywhere":
            # From the end to the beginning, so that no place moves before its turn.
            places = sorted(self.rng.sample(range(len(self.text)), self.rng.randint(2, 9)), reverse=True)
            patches = [Patch(place, 0, "x") for place in places]
        else:
            patches = [Patch(self.cursor, 0, what.removeprefix("paste "))]
        for patch in patches:
            self.text = patch.apply(self.text)
        self.cursor = patches[-1].at + len(patches[-1].text)
        return tuple(patches)


def typist(transactions: int, *, seed: int) -> Trace:
    """One made-up author.

    Args:
        transactions: How many edits.
        seed: Decides everything; the first edits of a seed are the same whatever the number.

    Returns:
        A synthetic trace.

    >>> trace = typist(200, seed=1)
    >>> len(trace.edits), trace.real, trace.told
    (200, False, 'synthetic keystrokes of one author')
    """
    hand = _Hand(random.Random(seed))
    edits = tuple(Edit(0, hand.next(), (number,)) for number in range(transactions))
    return Trace(edits, 1, hand.text, real=False)


def two_typists(transactions: int, *, seed: int) -> Trace:
    """Two made-up authors at one document, who hear from each other now and then.

    One writes above a rule and the other below it, so that they never type at the same place at the same time, as in
    the recorded traces; every way of merging then gives the same text.

    Args:
        transactions: How many edits of both together, at least 1.
        seed: Decides everything.

    Returns:
        A synthetic trace. Its last edit may not have seen all others; `end` has all of them.
    """
    rng = random.Random(seed)
    hands = (_Hand(rng), _Hand(rng))
    done = [0, 0]
    heard = [[1, 0], [1, 0]]  # of the other's edits, by each
    above = [0, 0]  # the length of the first one's part, as each sees it
    edits = [Edit(0, (Patch(0, 0, _RULE),), (0, 0))]
    done[0] = 1
    while len(edits) < transactions:
        agent = rng.randrange(2)
        if rng.random() < 0.2:
            heard[agent] = list(done)
            above[agent] = len(hands[0].text)
        before = 0 if agent == 0 else above[1] + len(_RULE)
        patches = tuple(Patch(before + one.at, one.deleted, one.text) for one in hands[agent].next())
        seen = (done[0], heard[0][1]) if agent == 0 else (heard[1][0], done[1])
        edits.append(Edit(agent, patches, seen))
        done[agent] += 1
    return Trace(tuple(edits), 2, hands[0].text + _RULE + hands[1].text, real=False)


def read_trace(path: Path) -> Trace:
    """Read a recorded trace.

    Args:
        path: A .json.gz file in the format of Joseph Gentle's editing-traces, of one author or of several.

    Returns:
        The trace. With one author it was replayed and gave the text that the file promises.

    Raises:
        DatasetError: It cannot be read, is no trace, or does not give the promised text; names the file.

    Source:
        https://github.com/josephg/editing-traces, its README and that of concurrent_traces
    """
    try:
        value = json.loads(gzip.decompress(path.read_bytes()))
        trace = _concurrent(value) if value.get("kind") == "concurrent" else _sequential(value)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        told = f"{path}: no trace of edits ({type(error).__name__}: {error}). Fetch it again."
        raise DatasetError(told) from error
    return trace


def _sequential(value: Any) -> Trace:
    text = value["startContent"]
    if text != "":
        raise ValueError("the document is not empty at first")
    edits = tuple(Edit(0, _patches(one["patches"]), (number,)) for number, one in enumerate(value["txns"]))
    for edit in edits:
        for patch in edit.patches:
            if patch.at + patch.deleted > len(text):
                raise ValueError(f"an edit at {patch.at}, and the text has {len(text)} characters")
            text = patch.apply(text)
    if text != value["endContent"]:
        raise ValueError("its edits do not give the text that it promises")
    return Trace(edits, 1, text, real=True)


def _concurrent(value: Any) -> Trace:
    agents = value["numAgents"]
    after: list[list[int]] = []  # for each transaction, how many of each agent's are in the text after it
    edits = []
    for number, one in enumerate(value["txns"]):
        if any(not 0 <= parent < number for parent in one["parents"]) or not 0 <= one["agent"] < agents:
            raise ValueError(f"transaction {number} has parents or an agent that cannot be")
        seen = [max((after[parent][agent] for parent in one["parents"]), default=0) for agent in range(agents)]
        edits.append(Edit(one["agent"], _patches(one["patches"]), tuple(seen)))
        after.append([count + (agent == one["agent"]) for agent, count in enumerate(seen)])
    return Trace(tuple(edits), agents, value["endContent"], real=True)


def _patches(value: Any) -> tuple[Patch, ...]:
    patches = tuple(Patch(one[0], one[1], one[2]) for one in value)
    for patch in patches:
        if type(patch.at) is not int or type(patch.deleted) is not int or not isinstance(patch.text, str):
            raise TypeError("a patch is a place, a count and a text")
        if patch.at < 0 or patch.deleted < 0:
            raise ValueError("a patch before the beginning of the text")
    return patches
