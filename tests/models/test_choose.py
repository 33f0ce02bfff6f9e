"""The accuracy at worst against a trusted library, and choices among candidates that are larger, slower or lucky."""

from dataclasses import replace

import numpy as np
import pytest

from offlinefirst.device import load
from offlinefirst.models.choose import Candidate, ChoiceError, accuracy_at_worst, choose, photos_needed
from offlinefirst.models.errors import ModelError

PHONE = load("phone-2gb")


def one(name="medium", *, size_bytes=300_000, right=920, count=1000, memory_bytes=70_000_000, p95_s=0.001):
    return Candidate(name=name, size_bytes=size_bytes, right=right, count=count, memory_bytes=memory_bytes, p95_s=p95_s)


def judgements(choice):
    return {each.candidate.name: each.judgement for each in choice.judged}


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("right", "count"), [(1, 1), (0, 7), (36, 40), (40, 40), (1, 40), (925, 1000), (9990, 10_000)])
def test_the_accuracy_at_worst_is_that_of_clopper_and_pearson(right, count, confidence):
    beta = pytest.importorskip("scipy.stats").beta
    expected = 0.0 if right == 0 else beta.ppf(1 - confidence, right, count - right + 1)
    assert accuracy_at_worst(right, count, confidence=confidence) == pytest.approx(expected, abs=1e-9)


def test_it_is_missed_no_more_often_than_was_said():
    rng = np.random.default_rng(3)
    for true in (0.6, 0.88, 0.97):
        right = rng.binomial(60, true, 4000)
        worst = {n: accuracy_at_worst(int(n), 60) for n in np.unique(right)}
        assert np.mean([worst[n] > true for n in right]) <= 0.05 + 0.012


@pytest.mark.parametrize("bad", [(5, 4), (-1, 4), (0, 0), (0.9, 1), (3, 4.0), (None, 4)])
def test_what_are_no_counts_is_refused(bad):
    with pytest.raises(ChoiceError, match="no counts"):
        accuracy_at_worst(*bad)
    assert issubclass(ChoiceError, ModelError)


@pytest.mark.parametrize("confidence", [0.5, 1, 95, float("nan")])
def test_what_is_no_confidence_is_refused(confidence):
    with pytest.raises(ChoiceError, match="confidence"):
        accuracy_at_worst(3, 4, confidence=confidence)


@pytest.mark.parametrize(("true", "accuracy", "confidence"), [(0.93, 0.9, 0.99), (0.9, 0.8, 0.95), (0.99, 0.98, 0.95)])
def test_so_many_photos_prove_it_and_far_fewer_do_not(true, accuracy, confidence):
    many = photos_needed(true, accuracy, confidence=confidence)
    assert accuracy_at_worst(int(true * many), many, confidence=confidence) >= accuracy
    fewer = int(0.7 * many)
    assert accuracy_at_worst(int(true * fewer), fewer, confidence=confidence) < accuracy


@pytest.mark.parametrize(("true", "accuracy"), [(0.9, 0.9), (0.8, 0.9), (0.9001, 0.9)])
def test_where_no_number_of_photos_helps_none_is_named(true, accuracy):
    assert photos_needed(true, accuracy) is None


def test_the_smallest_that_is_good_enough_is_chosen_and_not_the_smallest_nor_the_best():
    found = choose(
        [
            one("large", size_bytes=900_000, right=960),
            one("medium"),
            one("small", size_bytes=80_000, right=850),
        ],
        accuracy=0.88,
        device=PHONE,
    )
    assert found.chosen.name == "medium"
    assert judgements(found) == {"small": "not enough", "medium": "chosen", "large": "larger"}
    assert list(judgements(found)) == ["small", "medium", "large"]
    assert "3.0 times as large" in str(found)
    assert "85.0% is below 88.0%" in str(found)


def test_luck_with_few_photos_is_not_proof():
    few = choose([one(right=37, count=40)], accuracy=0.9, device=PHONE)
    assert (few.chosen, judgements(few)) == (None, {"medium": "cannot tell"})
    assert "photos would prove 90.0%" in str(few)
    assert choose([one(right=925)], accuracy=0.9, device=PHONE).chosen is not None


def test_more_candidates_have_more_chances_of_luck_so_each_must_be_surer():
    narrow = one(right=917)
    assert choose([narrow], accuracy=0.9, device=PHONE).chosen == narrow
    beside = [one(f"other-{n}", right=500, size_bytes=1000 + n) for n in range(9)]
    assert choose([narrow, *beside], accuracy=0.9, device=PHONE).chosen is None


def test_a_model_below_the_demand_is_chosen_in_few_tests_however_many_try():
    rng = np.random.default_rng(5)
    wrong = 0
    for right in rng.binomial(200, 0.87, (100, 6)):
        tried = [one(f"c{n}", right=int(each), count=200) for n, each in enumerate(right)]
        wrong += choose(tried, accuracy=0.88, device=PHONE).chosen is not None
    assert wrong <= 100 * 0.05


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"memory_bytes": PHONE.app_memory_bytes + 1}, "of memory"),
        ({"size_bytes": PHONE.storage_quota_bytes + 1}, "of storage"),
        ({"p95_s": 0.3}, "300.0 ms, and 200.0 are allowed"),
        ({"p95_s": float("nan")}, "are allowed"),
    ],
)
def test_what_does_not_fit_is_not_chosen_however_good(changed, says):
    found = choose([replace(one(right=999), **changed)], accuracy=0.5, device=PHONE, p95_s=0.2)
    assert (found.chosen, judgements(found)) == (None, {"medium": "does not fit"})
    assert says in str(found)


def test_a_small_file_with_a_large_process_does_not_fit():
    tiny = one("tiny", size_bytes=10, memory_bytes=2 * PHONE.app_memory_bytes)
    assert choose([tiny, one()], accuracy=0.88, device=PHONE).chosen.name == "medium"


def test_time_counts_only_when_it_was_asked_for():
    assert choose([one(p95_s=60)], accuracy=0.88, device=PHONE).chosen is not None


def test_equal_sizes_are_told_apart_in_the_same_way_each_time():
    a, b = one("a", memory_bytes=2), one("b", memory_bytes=1)
    assert choose([a, b], accuracy=0.88, device=PHONE).chosen == choose([b, a], accuracy=0.88, device=PHONE).chosen == b


@pytest.mark.parametrize(
    ("candidates", "options"),
    [
        ([], {}),
        ([one(), one()], {}),
        ([one()], {"accuracy": 88}),
        ([one()], {"accuracy": 0}),
        ([one()], {"confidence": 0.4}),
        ([one(right=1001)], {}),
    ],
)
def test_what_makes_no_sense_is_refused(candidates, options):
    with pytest.raises(ChoiceError):
        choose(candidates, **{"accuracy": 0.88, "device": PHONE, **options})
