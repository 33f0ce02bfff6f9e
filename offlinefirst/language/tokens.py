"""Real tokenizers from their tables: how many tokens a text takes, and what that costs.

A byte-level tokenizer *is* its table of ranks and the pattern that cuts text into pieces. tiktoken runs any such table;
the tables come through the course's catalogue, so nothing is downloaded here. Gemma's table is of another kind:
characters, a visible space, and bytes only for what it does not know; our own `bpe.join` runs it.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.datasets.places import locate
from offlinefirst.language.bpe import BYTES, join
from offlinefirst.language.errors import PriceError, TableError, UnknownTokenizerError
from offlinefirst.language.normalise import words

#: The patterns of the three byte-level tables, as tiktoken's own `tiktoken_ext.openai_public` has them.
R50K = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"""
    r"""|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_TAIL}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_TAIL}",
        r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ]
)
PATTERNS = {"r50k": R50K, "cl100k": CL100K, "o200k": O200K}
#: The tokenizers of the catalogue.
NAMES = (*PATTERNS, "gemma")


@dataclass(frozen=True)
class Tokenizer:
    """Cuts text into tokens.

    Args:
        name: What it is called.
        size: How many different tokens it knows.
        pieces: Gives the tokens of a text, as bytes; joined they are its UTF-8 form.
    """

    name: str
    size: int
    pieces: Callable[[str], list[bytes]]

    def count(self, text: str) -> int:
        """How many tokens a text takes."""
        return len(self.pieces(text))


def utf8() -> Tokenizer:
    """The tokenizer that never learned anything: one token for each byte."""
    return Tokenizer("bytes", 256, lambda text: [bytes([value]) for value in text.encode()])


def byte_level(name: str, ranks: Mapping[bytes, int], pattern: str) -> Tokenizer:
    """Run a table of ranks with tiktoken.

    Args:
        name: What to call it.
        ranks: Every token with its rank, all 256 bytes among them.
        pattern: Cuts text into pieces; a regular expression as tiktoken reads them.

    Raises:
        TableError: A byte is missing, so that some text could not be written.
    """
    import tiktoken

    if missing := BYTES.keys() - ranks.keys():
        raise TableError(f"{name}: {len(missing)} of the 256 bytes are missing from the table. Fetch it again.")
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=dict(ranks), special_tokens={})

    def pieces(text: str) -> list[bytes]:
        return encoding.decode_tokens_bytes(encoding.encode_ordinary(text))

    return Tokenizer(name, len(ranks), pieces)


def load(name: str, *, data: Path | None = None) -> Tokenizer:
    """A real tokenizer, from the catalogue's table.

    Args:
        name: One of `NAMES`.
        data: The folder for fetched data; the usual one when None.

    Raises:
        UnknownTokenizerError: There is no such tokenizer.
        TableError: Its file is here and cannot be read as a table.
        MissingDataError: Its file is not here; says what to run.
    """
    if name not in NAMES:
        raise UnknownTokenizerError(f"There is no tokenizer {name!r}; there are {', '.join(NAMES)}.")
    path = locate(f"tokenizer-{name}", data=data)
    if name == "gemma":
        return characters(name, read_tokens(path))
    return byte_level(name, read_ranks(path), PATTERNS[name])


def read_ranks(path: Path) -> dict[bytes, int]:
    """Read a table of ranks: a line for each token, base64 and its rank.

    Raises:
        TableError: A line is not of this form, a token or a rank is there twice, or the file is empty.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise TableError(f"{path}, line {number}: no base64 and rank. Fetch the file again.") from None
        if len(ranks) != number:
            raise TableError(f"{path}, line {number}: this token was there before. Fetch the file again.")
    if not ranks or len(set(ranks.values())) != len(ranks):
        raise TableError(f"{path}: empty, or a rank is there twice. Fetch the file again.")
    return ranks


def read_tokens(path: Path) -> dict[str, int]:
    """Read the vocabulary of a `tokenizer.json` of the BPE kind: tokens with their ids, which are their ranks.

    Raises:
        TableError: The file is no such JSON.
    """
    try:
        model = json.loads(path.read_bytes())["model"]
        vocabulary = model["vocab"]
        if model["type"] not in ("BPE", 3) or not all(type(rank) is int for rank in vocabulary.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TableError(f"{path}: no tokenizer.json with a BPE vocabulary. Fetch the file again.") from None
    return dict(vocabulary)


def characters(name: str, ranks: Mapping[str, int]) -> Tokenizer:
    """Run a table over characters: a space is ▁ and begins a word; an unknown character becomes its bytes.

    Args:
        name: What to call it.
        ranks: Every token with its rank.
    """
    cache: dict[str, list[bytes]] = {}

    def cut(piece: str) -> list[bytes]:
        if piece not in cache:
            cache[piece] = [
                part
                for token in join(list(piece), ranks)
                for part in ([token.replace("▁", " ").encode()] if token in ranks else map(_byte, token.encode()))
            ]
        return cache[piece]

    def pieces(text: str) -> list[bytes]:
        return [token for piece in re.findall("▁*[^▁]+|▁+", text.replace(" ", "▁")) for token in cut(piece)]

    return Tokenizer(name, len(ranks), pieces)


def _byte(value: int) -> bytes:
    return bytes([value])


def tokens_per_word(tokenizer: Tokenizer, text: str) -> float:
    """Fertility: how many tokens a word takes, on average.

    Args:
        tokenizer: Any.
        text: Normalised, with at least one word.

    Raises:
        PriceError: The text has no word.
    """
    if not (found := words(text)):
        raise PriceError("The text has no word: there is nothing to divide by.")
    return tokenizer.count(text) / len(found)


def premium(tokenizer: Tokenizer, text: str, reference: str) -> float:
    """How many tokens a text takes for each token that the same text takes in another language.

    Args:
        tokenizer: Any.
        text: What is asked about.
        reference: The same content, usually in English.

    Raises:
        PriceError: The reference is empty.
    """
    if not (tokens := tokenizer.count(reference)):
        raise PriceError("The reference text is empty: there is nothing to divide by.")
    return tokenizer.count(text) / tokens


def cost_usd(*, tokens_in: float, tokens_out: float, usd_per_million_in: float, usd_per_million_out: float) -> float:
    """What a request costs at prices for each token.

    Args:
        tokens_in: Tokens of question and instructions.
        tokens_out: Tokens of the answer.
        usd_per_million_in: Price of a million of the first, in US dollars.
        usd_per_million_out: Price of a million of the second, in US dollars.

    Raises:
        PriceError: One of them is below zero.
    """
    if min(tokens_in, tokens_out, usd_per_million_in, usd_per_million_out) < 0:
        raise PriceError("Tokens and prices are zero or more.")
    return (tokens_in * usd_per_million_in + tokens_out * usd_per_million_out) / 1_000_000
