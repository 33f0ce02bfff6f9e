"""The tree of characters under `sequence`: where a character hangs decides where it stands. No deltas, no waiting.

Reading from left to right (left children, the character, right children; siblings by name) gives the text. `order` is
that reading, kept as a list with the deleted characters in it.

Source: M. Weidner, M. Kleppmann, The Art of the Fugue: Minimizing Interleaving in Collaborative Text Editing (2023).
"""

from bisect import insort
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Literal

from offlinefirst.sync._runs import ROOT, Cut, Id, Run


class Char:
    """A character, or the root before all of them."""

    __slots__ = ("deleted", "id", "left", "parent", "right", "text", "to_right")

    def __init__(self, id: Id, text: str, parent: "Char | None" = None, to_right: bool = True) -> None:
        self.id, self.text, self.to_right, self.deleted = id, text, to_right, id == ROOT
        self.parent: Char = parent or self
        self.left: list[Char] = []
        self.right: list[Char] = []


class Tree:
    """All characters: in the order of the text, and by name.

    Args:
        order: The root, then every character, deleted or not.
        typed: For each replica, its characters in the order in which it typed them.
        cut: For each replica, the names of those that it deleted, in the order in which it did.
    """

    def __init__(self) -> None:
        self.root = Char(ROOT, "")
        self.order = [self.root]
        self.typed: dict[str, list[Char]] = {}
        self.cut: dict[str, list[Id]] = {}

    def alive(self) -> Iterator[Char]:
        """What a reader sees."""
        return (char for char in self.order if not char.deleted)

    def where(self, index: int) -> tuple[Char, bool]:
        """What a character typed at an index has to hang on, and whether to the right of it.

        Raises:
            IndexError: The text is shorter than that.
        """
        places = (place for place, char in enumerate(self.order) if not char.deleted)
        place = 0 if index == 0 else next(islice(places, max(0, index - 1), None), None)
        if place is None or index < 0:
            raise IndexError(f"the text has no place {index}: it has {sum(1 for _ in self.alive())} characters")
        before = self.order[place]
        # Something hangs to its right already: what follows is the first of that branch, with nothing to its left.
        return (self.order[place + 1], False) if before.right else (before, True)

    def grow(self, run: Run) -> None:
        """Hang a run on the tree, but for what of it is there already. It must be `ready`."""
        typed = self.typed.setdefault(run.replica, [])
        skip = len(typed) - run.first
        if skip >= run.length:
            return
        parent, right = (self.char(run.parent), run.right) if skip == 0 else (typed[-1], True)
        chars = [Char((run.replica, len(typed)), run.text[skip], parent, right)]
        for text in run.text[skip + 1 :]:
            chars.append(Char((run.replica, len(typed) + len(chars)), text, chars[-1]))
        for char, following in pairwise(chars):
            char.right.append(following)
        place = self._hang(chars[0])
        self.order[place:place] = chars
        typed.extend(chars)

    def _hang(self, char: Char) -> int:
        """Put a character among its siblings; its place in the order follows from its neighbours there."""
        siblings = char.parent.right if char.to_right else char.parent.left
        insort(siblings, char, key=lambda one: one.id)
        mine = siblings.index(char)
        if char.to_right:
            return self.order.index(_end(siblings[mine - 1], "right") if mine else char.parent) + 1
        return self.order.index(_end(siblings[mine + 1], "left") if mine + 1 < len(siblings) else char.parent)

    def bury(self, cut: Cut) -> None:
        """Mark characters as deleted. The cut must be `ready`."""
        ids = self.cut.setdefault(cut.replica, [])
        for id in cut.ids()[len(ids) - cut.first :]:
            self.char(id).deleted = True
            ids.append(id)

    def ready(self, one: Run | Cut) -> bool:
        """Whether all that a run or a cut builds on is here."""
        if isinstance(one, Run):
            return one.first <= len(self.typed.get(one.replica, ())) and self.knows(one.parent)
        return one.first <= len(self.cut.get(one.replica, ())) and all(map(self.knows, one.ids()))

    def knows(self, id: Id) -> bool:
        """Whether a character is here."""
        return id[1] < len(self.typed.get(id[0], ()))

    def char(self, id: Id) -> Char:
        """A character that is here."""
        return self.root if id == ROOT else self.typed[id[0]][id[1]]

    def runs(self, name: str, have: int) -> Iterator[Run]:
        """What a replica typed from its character `have` on, in runs as long as can be."""
        chars: list[Char] = []
        for char in self.typed[name][have:]:
            if chars and not (char.parent is chars[-1] and char.to_right):
                yield _run_of(chars)
                chars = []
            chars.append(char)
        if chars:
            yield _run_of(chars)

    def clashes(self, one: Run | Cut) -> bool:
        """Whether the names of a run or a cut are here with other contents."""
        if isinstance(one, Cut):
            buried = self.cut.get(one.replica, [])[one.first : one.first + one.length]
            return buried != one.ids()[: len(buried)]
        known = self.typed.get(one.replica, [])[one.first : one.first + one.length]
        if any(char.text != text for char, text in zip(known, one.text, strict=False)):
            return True
        return bool(known) and (known[0].parent.id, known[0].to_right) != (one.parent, one.right)


def _end(char: Char, side: Literal["left", "right"]) -> Char:
    """The first or the last character of a branch."""
    while children := getattr(char, side):
        char = children[-1 if side == "right" else 0]
    return char


def _run_of(chars: list[Char]) -> Run:
    first = chars[0]
    return Run(*first.id, first.parent.id, first.to_right, "".join(char.text for char in chars))
