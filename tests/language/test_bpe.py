"""The encoder agrees with tiktoken on any table; the trainer agrees with one that counts everything anew."""

import re
from collections import Counter
from itertools import pairwise

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.language.bpe import PIECES, Vocabulary, encode, join, train
from offlinefirst.language.errors import LanguageError, TrainingError

TEXTS = [
    "shamba shambani maji majani mahindi, mbegu; shamba shambani maji maji majani.",
    "Ẹ̀tọ́ ọmọnìyàn ẹ̀tọ́ àti ọ̀rọ̀ ẹ̀tọ́",
    "ሰላም ለሁሉ። ሰላም፡ለዓለም፡፡",
    "aaaaaaa aaaa aa aaaaa",
]


def learn_slowly(texts, merges):
    """The textbook: count every pair anew before each merge."""
    weights = Counter(piece for text in texts for piece in re.findall(PIECES, text))
    cut = {piece: [bytes([value]) for value in piece.encode()] for piece in weights}
    learned = []
    known = {bytes([value]) for value in range(256)}
    while len(learned) < merges:
        counts = Counter()
        for piece, symbols in cut.items():
            for pair in pairwise(symbols):
                counts[pair] += weights[piece]
        if not counts or max(counts.values()) < 2:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        for symbols in cut.values():
            position = 0
            while position < len(symbols) - 1:
                if tuple(symbols[position : position + 2]) == best:
                    symbols[position : position + 2] = [best[0] + best[1]]
                position += 1
        if best[0] + best[1] not in known:
            known.add(best[0] + best[1])
            learned.append(best)
    return tuple(learned)


def rust(vocabulary):
    encoding = tiktoken.Encoding("test", pat_str=PIECES, mergeable_ranks=dict(vocabulary.ranks), special_tokens={})
    return lambda text: encoding.decode_tokens_bytes(encoding.encode_ordinary(text))


@pytest.mark.parametrize("merges", [0, 1, 7, 40, 1000])
def test_the_trainer_learns_what_counting_anew_learns(merges):
    assert train(TEXTS, merges=merges).merges == learn_slowly(TEXTS, merges)


@given(st.lists(st.text("abn \u0301፡", max_size=40), min_size=1, max_size=4), st.integers(0, 25))
def test_the_trainer_learns_what_counting_anew_learns_on_any_text(texts, merges):
    if "".join(texts):
        assert train(texts, merges=merges).merges == learn_slowly(texts, merges)


@given(st.text(max_size=60))
def test_any_text_comes_back_and_tiktoken_agrees(text):
    tokens = VOCABULARY.encode(text)
    assert b"".join(tokens).decode() == text
    assert tokens == RUST(text)


VOCABULARY = train(TEXTS, merges=60)
RUST = rust(VOCABULARY)


@pytest.mark.parametrize("text", TEXTS)
def test_tiktoken_agrees_on_the_texts_themselves(text):
    assert VOCABULARY.encode(text) == RUST(text)
    assert len(VOCABULARY.encode(text)) < len(text.encode())


def test_the_lowest_rank_goes_first_and_the_leftmost_of_equals():
    ranks = {b"a": 0, b"b": 1, b"bc": 2, b"ab": 3, b"aa": 4}
    assert join([b"a", b"b", b"c"], ranks) == [b"a", b"bc"]
    assert join([b"a", b"a", b"a"], ranks) == [b"aa", b"a"]
    assert join([], ranks) == []


def test_a_piece_that_is_a_token_stays_whole_as_in_tiktoken():
    ranks = {**{bytes([value]): value for value in range(256)}, b"maji": 256}  # no merge leads there
    encoding = tiktoken.Encoding("t", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
    assert next(encode("maji majini", ranks)) == b"maji"
    assert list(encode("maji majini", ranks)) == encoding.decode_tokens_bytes(encoding.encode("maji majini"))


def test_a_pair_that_occurs_once_is_not_learned():
    assert train(["ab cd"], merges=10).merges == ()


def test_a_bare_vocabulary_gives_bytes():
    assert Vocabulary((), {}).encode("mbú") == [b"m", b"b", b"\xc3", b"\xba"]
    assert list(encode("", {})) == []


@pytest.mark.parametrize(("texts", "merges"), [([], 1), (["", ""], 1), (["a"], -1)])
def test_what_cannot_be_trained_is_refused(texts, merges):
    with pytest.raises(TrainingError) as refused:
        train(texts, merges=merges)
    assert isinstance(refused.value, LanguageError)
