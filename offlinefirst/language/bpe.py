"""Byte-pair encoding on a page: learn merges from text, and cut text with them.

Rules of the encoder (the same as tiktoken's, so that real tables run through both):

1. Text is cut into pieces by a pattern; no token reaches over the edge of a piece.
2. A piece that is itself a token is that token. Any other begins as its UTF-8 bytes.
3. Among neighbours whose join is in the table, the join with the lowest rank is made first; the leftmost of equals.
4. When no join is in the table, what is left are the tokens.

The trainer counts pairs over *different* pieces, weighted by how often each occurs, and after a merge looks again only
at the pieces that held the pair. A heap with stale entries finds the most frequent pair.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from offlinefirst.language.errors import TrainingError

Pair = tuple[bytes, bytes]
Symbol = TypeVar("Symbol", bytes, str)
#: A word with the space before it, a run of punctuation, or a white space. Reads the same in Python and in tiktoken.
PIECES = r""" ?[^\s.,;:!?()"፡-፨]+| ?[.,;:!?()"፡-፨]+|\s"""
BYTES = {bytes([value]): value for value in range(256)}


@dataclass(frozen=True)
class Vocabulary:
    """A learned vocabulary.

    Args:
        merges: The pairs in the order in which they were learned.
        ranks: Every token with its rank: the 256 bytes, then one for each merge.
    """

    merges: tuple[Pair, ...]
    ranks: Mapping[bytes, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ranks)

    def encode(self, text: str) -> list[bytes]:
        """Cut a text into tokens; joined they are the text's UTF-8 bytes again.

        >>> vocabulary = train(["maji maji majani"], merges=3)
        >>> vocabulary.encode("maji")
        [b'maj', b'i']
        """
        return list(encode(text, self.ranks))


def encode(text: str, ranks: Mapping[bytes, int], pattern: str = PIECES) -> Iterator[bytes]:
    """Cut a text into tokens with a table of ranks.

    Args:
        text: Anything; no text is refused, since every byte is a token.
        ranks: Tokens with their ranks, all 256 bytes among them.
        pattern: What a piece is; must match every character.
    """
    known: dict[str, list[bytes]] = {}
    for piece in re.findall(pattern, text):
        if piece not in known:
            whole = piece.encode()
            known[piece] = [whole] if whole in ranks else join([bytes([value]) for value in whole], ranks)
        yield from known[piece]


def join(symbols: Sequence[Symbol], ranks: Mapping[Symbol, int]) -> list[Symbol]:
    """Join neighbours, lowest rank first, until no join is in the table (rule 3).

    Args:
        symbols: What a piece begins as: bytes, or characters.
        ranks: Tokens with their ranks.
    """
    done = list(symbols)
    while len(done) > 1:
        best = min(range(len(done) - 1), key=lambda i: ranks.get(done[i] + done[i + 1], len(ranks) + 1))
        if done[best] + done[best + 1] not in ranks:
            break
        done[best : best + 2] = [done[best] + done[best + 1]]
    return done


def train(texts: Iterable[str], *, merges: int, pattern: str = PIECES) -> Vocabulary:
    """Learn a vocabulary from texts.

    Args:
        texts: What to learn from; how much of each language they hold decides whom the vocabulary serves.
        merges: How many tokens to learn beside the 256 bytes. Fewer come out when nothing occurs twice any more.
        pattern: What a piece is.

    Raises:
        TrainingError: No text, or a number of merges below zero.

    Source: Sennrich, Haddow and Birch 2016, on bytes as in GPT-2.
    """
    if merges < 0:
        raise TrainingError(f"{merges} merges cannot be learned: give 0 or more.")
    count_of = Counter(piece for text in texts for piece in re.findall(pattern, text))
    if not count_of:
        raise TrainingError("There is no text to learn from: every text is empty.")
    pieces = [[bytes([value]) for value in piece.encode()] for piece in count_of]
    pairs = _Pairs(pieces, list(count_of.values()))
    ranks, learned = dict(BYTES), list[Pair]()
    while len(learned) < merges and (pair := pairs.most_frequent()):
        pairs.merge(pair)
        if pair[0] + pair[1] not in ranks:  # another pair may have made the same token before
            ranks[pair[0] + pair[1]] = len(ranks)
            learned.append(pair)
    return Vocabulary(tuple(learned), ranks)


class _Pairs:
    """How often each pair occurs and in which pieces, kept right while pairs are merged."""

    def __init__(self, pieces: list[list[bytes]], weights: list[int]) -> None:
        self._pieces, self._weights = pieces, weights
        self._count: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index, piece in enumerate(pieces):
            for pair in pairwise(piece):
                self._count[pair] += weights[index]
                self._where[pair].add(index)
        self._heap = [(-count, pair) for pair, count in self._count.items()]
        heapq.heapify(self._heap)

    def most_frequent(self) -> Pair | None:
        """The pair that occurs most often, the first in byte order of equals; None when none occurs twice."""
        while self._heap:
            count, pair = self._heap[0]
            if self._count[pair] == -count:
                return pair if -count > 1 else None
            heapq.heappop(self._heap)
        return None

    def merge(self, pair: Pair) -> None:
        """Make one symbol of a pair, wherever it stands."""
        changed: set[Pair] = set()
        for index in self._where.pop(pair):
            old = self._pieces[index]
            new = _replace(old, pair)
            for symbols, sign in ((old, -1), (new, 1)):
                for each in pairwise(symbols):
                    self._count[each] += sign * self._weights[index]
                    changed.add(each)
            for each in set(pairwise(old)) - set(pairwise(new)) - {pair}:
                self._where[each].discard(index)
            for each in pairwise(new):
                self._where[each].add(index)
            self._pieces[index] = new
        for each in changed - {pair}:
            heapq.heappush(self._heap, (-self._count[each], each))
        del self._count[pair]


def _replace(symbols: list[bytes], pair: Pair) -> list[bytes]:
    new: list[bytes] = []
    position = 0
    while position < len(symbols):
        if tuple(symbols[position : position + 2]) == pair:
            new.append(pair[0] + pair[1])
            position += 2
        else:
            new.append(symbols[position])
            position += 1
    return new
