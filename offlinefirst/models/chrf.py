"""chrF++ of translations, with intervals: how good, how sure, and how much better one model is than another.

The score is sacrebleu's. Its counts are kept for each sentence, so that sentences can be drawn anew a thousand times
without translating or counting again, and so that two models are compared on the same draws.

Source: Popović, chrF++: words helping character n-grams (2017); Koehn, Statistical Significance Tests for Machine
Translation Evaluation (2004), for the paired bootstrap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.chrf import CHRF

from offlinefirst.measure.stats import Interval
from offlinefirst.models.errors import ModelError

WORD_ORDER = 2
"""Pairs of words beside characters: what the two plus signs mean."""


class ChrfError(ModelError, ValueError):
    """Translations that cannot be scored."""


@dataclass(frozen=True)
class Estimate:
    """A number from all sentences, and the interval of the numbers from sentences drawn anew."""

    value: float
    interval: Interval

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.interval.low:.3g} to {self.interval.high:.3g})"


@dataclass(frozen=True)
class Counts:
    """Counts of n-grams, (sentences, 3 numbers for each order): in the translation, in the reference, in both."""

    table: npt.NDArray[np.int64]


def count(translations: Sequence[str], references: Sequence[str]) -> Counts:
    """Count what chrF++ needs.

    Raises:
        ChrfError: Not as many translations as references, or none.
    """
    if len(translations) != len(references) or not references:
        raise ChrfError(
            f"{len(translations)} translations and {len(references)} references: give one for each, at least one"
        )
    metric = CHRF(word_order=WORD_ORDER)
    rows = metric._extract_corpus_statistics(list(translations), [list(references)])
    return Counts(np.asarray(rows, dtype=np.int64))


def chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """chrF++ of a whole set, 0 to 100.

    Raises:
        ChrfError: Not as many translations as references, or none.

    >>> chrf(["kagua shamba lako"], ["kagua shamba lako"])
    100.0
    """
    return _score(count(translations, references).table.sum(axis=0))


def score(counts: Counts, *, rounds: int = 1000, seed: int = 0) -> Estimate:
    """chrF++ with its 95 % bootstrap interval."""
    return compare(counts, counts, lambda first, _: first, rounds=rounds, seed=seed)


def gain(ours: Counts, theirs: Counts, *, rounds: int = 1000, seed: int = 0) -> Estimate:
    """Points of chrF++ that ours has more, with the interval of the paired bootstrap."""
    return compare(ours, theirs, lambda first, second: first - second, rounds=rounds, seed=seed)


def retention(student: Counts, teacher: Counts, *, rounds: int = 1000, seed: int = 0) -> Estimate:
    """The student's chrF++ over the teacher's, with the interval of the paired bootstrap."""
    return compare(student, teacher, lambda first, second: first / second, rounds=rounds, seed=seed)


def compare(
    ours: Counts,
    theirs: Counts,
    by: Callable[[float, float], float],
    *,
    rounds: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Anything made of two scores on the same sentences.

    Args:
        ours: Counts of one model's translations.
        theirs: Counts of the other's, of the same sentences in the same order.
        by: From our score and theirs to the number.
        rounds: How often as many sentences are drawn anew.
        seed: Of the draws.
        confidence: Of the interval.

    Raises:
        ChrfError: Different numbers of sentences, or no rounds.
    """
    sentences = len(ours.table)
    if sentences != len(theirs.table) or rounds < 100:
        raise ChrfError(
            f"{sentences} and {len(theirs.table)} sentences in {rounds} rounds: compare the same ones, in at least 100"
        )
    draw = np.random.default_rng(seed)
    times = draw.multinomial(sentences, np.full(sentences, 1 / sentences), size=rounds)
    drawn = [
        by(_score(first), _score(second))
        for first, second in zip(times @ ours.table, times @ theirs.table, strict=True)
    ]
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    whole = by(_score(ours.table.sum(axis=0)), _score(theirs.table.sum(axis=0)))
    return Estimate(float(whole), Interval(float(low), float(high)))


def _score(totals: npt.NDArray[np.int64]) -> float:
    return float(CHRF(word_order=WORD_ORDER)._compute_f_score(totals.tolist()))
