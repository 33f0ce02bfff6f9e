"""chrF++: sacrebleu's own score, and intervals that behave as intervals do."""

import pytest

sacrebleu = pytest.importorskip("sacrebleu")

from offlinefirst.models import chrf  # noqa: E402

NUMBERS = ("moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane")
REFERENCES = [f"mkulima atapanda mbegu {word} leo" for word in NUMBERS] * 5
GOOD = [text.replace("leo", "kesho") if number % 7 == 0 else text for number, text in enumerate(REFERENCES)]
POOR = ["mkulima " + text[3:9] for text in REFERENCES]


def test_the_score_is_sacrebleus():
    for said in (GOOD, POOR, REFERENCES):
        theirs = sacrebleu.corpus_chrf(said, [REFERENCES], word_order=2).score
        assert chrf.chrf(said, REFERENCES) == pytest.approx(theirs)
        assert chrf.score(chrf.count(said, REFERENCES)).value == pytest.approx(theirs)


def test_intervals_hold_the_value_and_shrink_with_more_sentences():
    few = chrf.score(chrf.count(GOOD[:15], REFERENCES[:15]))
    many = chrf.score(chrf.count(GOOD * 10, REFERENCES * 10))
    assert few.value in few.interval
    assert many.interval.high - many.interval.low < few.interval.high - few.interval.low


def test_a_clear_gain_is_clear_of_zero_and_none_is_not():
    good, poor = chrf.count(GOOD, REFERENCES), chrf.count(POOR, REFERENCES)
    assert chrf.gain(good, poor).interval.low > 0
    assert chrf.gain(poor, good).interval.high < 0
    same = chrf.gain(good, good)
    assert (same.value, same.interval.low, same.interval.high) == (0, 0, 0)
    assert chrf.retention(good, good).value == 1


def test_paired_draws_are_narrower_than_two_single_ones():
    good = chrf.count(GOOD, REFERENCES)
    nearly = chrf.count(["watu" if number == 3 else text for number, text in enumerate(GOOD)], REFERENCES)
    paired = chrf.gain(good, nearly).interval
    first, second = chrf.score(good).interval, chrf.score(nearly).interval
    assert paired.high - paired.low < (first.high - first.low) + (second.high - second.low)


def test_refuses_what_cannot_be_compared():
    with pytest.raises(chrf.ChrfError, match="one for each"):
        chrf.count(GOOD[:3], REFERENCES)
    with pytest.raises(chrf.ChrfError, match="one for each"):
        chrf.count([], [])
    with pytest.raises(chrf.ChrfError, match="compare the same"):
        chrf.gain(chrf.count(GOOD[:3], REFERENCES[:3]), chrf.count(GOOD, REFERENCES))
