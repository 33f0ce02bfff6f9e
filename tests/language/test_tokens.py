"""Tables are read whole or refused; counts and costs are what a hand would compute."""

import base64
import hashlib
import json
import math

import pytest

from offlinefirst.datasets.places import MissingDataError
from offlinefirst.language import tokens
from offlinefirst.language.bpe import BYTES, PIECES, train
from offlinefirst.language.errors import PriceError, TableError, UnknownTokenizerError


def written(ranks):
    return b"\n".join(base64.b64encode(token) + b" %d" % rank for token, rank in ranks.items())


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.tiktoken"
    path.write_bytes(written({**BYTES, b"ma": 256, b"maji": 257, b"ji": 258}))
    return path


def test_a_table_comes_back(table):
    ranks = tokens.read_ranks(table)
    assert len(ranks) == 259
    assert ranks[b"maji"] == 257
    tokenizer = tokens.byte_level("t", ranks, PIECES)
    assert tokenizer.pieces("maji mbu") == [b"maji", b" ", b"m", b"b", b"u"]
    assert tokenizer.size == 259


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1] + b"x",
        lambda data: data + b"\nbWE= 300",
        lambda data: data + b"\neA== 1 2",
        lambda data: data + b"\nenp6 256",
        lambda data: b"<html>login</html>",
    ],
)
def test_a_damaged_table_is_refused_by_name(table, damage):
    table.write_bytes(damage(table.read_bytes()))
    with pytest.raises(TableError, match=r"table\.tiktoken.*again"):
        tokens.read_ranks(table)


def test_a_table_with_a_hole_is_refused():
    ranks = dict(BYTES)
    del ranks[b"\xe1"]
    with pytest.raises(TableError, match="1 of the 256"):
        tokens.byte_level("t", ranks, PIECES)


def test_characters_and_their_bytes(tmp_path):
    path = tmp_path / "tokenizer.json"
    vocabulary = ["▁", "m", "a", "j", "i", "▁m", "aj", "▁maj", "ọ", "ma"]
    path.write_text(json.dumps({"model": {"type": "BPE", "vocab": {t: n for n, t in enumerate(vocabulary)}}}))
    tokenizer = tokens.characters("t", tokens.read_tokens(path))
    assert tokenizer.pieces("i maji") == [b"i", b" maj", b"i"]
    assert tokenizer.pieces("ọz") == ["ọ".encode(), b"z"]
    assert tokenizer.pieces("ሰ") == [b"\xe1", b"\x88", b"\xb0"]
    assert b"".join(tokenizer.pieces("a  maji ")) == b"a  maji "


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 3}', '{"model": {"type": "Unigram", "vocab": []}}'])
def test_no_tokenizer_json_is_refused(tmp_path, text):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(TableError, match="again"):
        tokens.read_tokens(path)


def test_a_tokenizer_that_is_not_here_says_what_to_run(tmp_path):
    for name in tokens.NAMES:
        with pytest.raises(MissingDataError, match=f"data fetch tokenizer-{name}"):
            tokens.load(name, data=tmp_path)
    with pytest.raises(UnknownTokenizerError, match="r50k"):
        tokens.load("gpt-9", data=tmp_path)


def test_the_patterns_are_tiktokens_own():
    from tiktoken_ext import openai_public

    assert openai_public.r50k_pat_str == tokens.R50K


def test_a_newer_pattern_keeps_a_marked_word_whole():
    word = "ẹ̀tọ́"
    joins = [word.encode()[:n] for n in range(2, len(word.encode()))]
    ranks = {**BYTES, **{token: 256 + n for n, token in enumerate([*joins, word.encode()])}}
    counts = {name: tokens.byte_level(name, ranks, pattern).count(word) for name, pattern in tokens.PATTERNS.items()}
    assert counts["o200k"] == 1
    assert min(counts["r50k"], counts["cl100k"]) > 1


def test_fertility_premium_and_cost():
    raw = tokens.utf8()
    assert tokens.tokens_per_word(raw, "maji safi") == 4.5
    assert tokens.premium(raw, "ሰላም", "abc") == 3
    usd = tokens.cost_usd(tokens_in=1000, tokens_out=500, usd_per_million_in=2, usd_per_million_out=8)
    assert math.isclose(usd, 0.006)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tokens.tokens_per_word(tokens.utf8(), "..."),
        lambda: tokens.premium(tokens.utf8(), "maji", ""),
        lambda: tokens.cost_usd(tokens_in=-1, tokens_out=0, usd_per_million_in=1, usd_per_million_out=1),
        lambda: tokens.cost_usd(tokens_in=1, tokens_out=0, usd_per_million_in=1, usd_per_million_out=-1),
    ],
)
def test_what_cannot_be_computed_is_refused(wrong):
    with pytest.raises(PriceError):
        wrong()


def test_equal_text_makes_a_vocabulary_fairer():
    english, amharic = "the right to water and the right to land " * 3, "የውሃ መብት እና የመሬት መብት " * 3
    alone, fair = train([english], merges=12), train([english, amharic], merges=12)

    def premium(vocabulary):
        return len(vocabulary.encode(amharic)) / len(vocabulary.encode(english))

    assert premium(fair) < premium(alone)


def test_the_catalogues_tables_are_what_tiktoken_expects():
    """The hashes in the catalogue are the ones that tiktoken's own source asks for."""
    import inspect

    from tiktoken_ext import openai_public

    from offlinefirst.course.lessons import course_root
    from offlinefirst.datasets.catalog import choose, read_catalog

    source = inspect.getsource(openai_public)
    for name in tokens.PATTERNS:
        entry = choose(read_catalog(course_root()), [f"tokenizer-{name}"])[0]
        assert len(entry.sha256) == len(hashlib.sha256().hexdigest())
        if name != "r50k":  # tiktoken's file of that generation is compared by its own hash too
            assert entry.sha256 in source
