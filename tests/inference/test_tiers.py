"""Ladders of models: their order, which rungs earn their place, and where the numbers come from."""

from types import SimpleNamespace

import numpy as np
import pytest

from offlinefirst.datasets.leaves import CLASSES, leaves
from offlinefirst.datasets.places import locate
from offlinefirst.inference.runtime import open_model
from offlinefirst.inference.tiers import (
    Tier,
    TierError,
    from_candidate,
    from_package,
    from_report,
    ladder,
    within,
    worthwhile,
)
from offlinefirst.models.choose import Candidate
from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import Tensor
from offlinefirst.models.package import pack


def tier(name, quality, latency_us, memory_mb=10):
    return Tier(name, lambda: None, memory_mb * 1_000_000, quality, latency_us * 1e-6)


#: About what the course's leaf models measure.
LEAVES = [
    tier("small", 0.875, 45, 9.7),
    tier("large", 0.940, 213, 14.6),
    tier("int8", 0.931, 52, 10.4),
    tier("medium", 0.933, 77, 10.6),
]


def names(tiers):
    return [each.name for each in tiers]


@pytest.mark.parametrize(
    "fields", [(0, 0.5, 1.0), (10, 1.5, 1.0), (10, -0.1, 1.0), (10, 0.5, 0.0), (10, 0.5, float("inf"))]
)
def test_numbers_that_nobody_measured(fields):
    with pytest.raises(TierError):
        Tier("a", lambda: None, *fields)


def test_the_best_first_and_of_equals_the_quicker():
    equal = [tier("slow", 0.9, 200), tier("quick", 0.9, 100), tier("worse", 0.8, 50)]
    assert names(ladder(equal)) == ["quick", "slow", "worse"]


@pytest.mark.parametrize("tiers", [[], [tier("a", 0.9, 1), tier("a", 0.8, 2)]])
def test_no_ladder(tiers):
    with pytest.raises(TierError):
        ladder(tiers)


def test_of_the_leaf_models_two_earn_their_place():
    # The small one saves 13 % of time and 7 % of memory for six points; the medium one is no better than its int8.
    assert names(worthwhile(LEAVES)) == ["large", "int8"]


def test_a_rung_that_saves_memory_alone_stays():
    assert names(worthwhile([tier("large", 0.94, 100, 100), tier("thin", 0.90, 100, 50)])) == ["large", "thin"]


def test_the_best_stays_however_little_better():
    assert names(worthwhile([tier("best", 0.941, 200), tier("near", 0.940, 50)])) == ["best", "near"]


def test_with_other_demands_other_rungs_stay():
    assert names(worthwhile(LEAVES, saves=0.05)) == ["large", "int8", "small"]
    assert names(worthwhile(LEAVES, saves=0.05, no_worse=0.001)) == ["large", "medium", "int8", "small"]
    assert names(worthwhile(LEAVES, saves=0.5)) == ["large", "int8"]
    with pytest.raises(TierError):
        worthwhile(LEAVES, saves=1)


def test_within_so_many_points():
    assert names(within(LEAVES, 0.0)) == ["large"]
    assert names(within(LEAVES, 0.03)) == ["int8", "medium", "large"]


def test_from_a_report():
    runs = [
        SimpleNamespace(rss_before_load_bytes=100, peak_rss_bytes=150),
        SimpleNamespace(rss_before_load_bytes=100, peak_rss_bytes=170),
    ]
    made = from_report("a", lambda: None, SimpleNamespace(runs=runs, p50_s=0.002), right=93, count=100)
    assert (made.memory_bytes, made.quality, made.latency_s) == (70, 0.93, 0.002)
    with pytest.raises(TierError):
        from_report("a", lambda: None, SimpleNamespace(runs=runs, p50_s=0.002), right=101, count=100)


def test_from_a_candidate():
    one = Candidate(name="a", size_bytes=1, right=90, count=100, memory_bytes=50, p95_s=0.002)
    made = from_candidate(one, lambda: None)
    assert (made.name, made.memory_bytes, made.quality, made.latency_s) == ("a", 50, 0.9, 0.002)


def test_from_a_package(tmp_path):
    model = open_model(locate("leaf-small"))
    photos, labels = leaves(64, seed=5)
    right = [int(model.photo(photo).argmax()) == label for photo, label in zip(photos, labels, strict=True)]
    chosen = [next(i for i in range(64) if right[i] and labels[i] == label) for label in range(len(CLASSES))]
    about = {
        "name": "leaf",
        "version": "1.0.0",
        "licence": "Apache-2.0",
        "runtime": "1.20",
        "memory_bytes": 60_000_000,
        "photo": Tensor(name="photo", kind="uint8", shape=("photos", 48, 48, 3), low=0, high=255),
        "preprocessing": [{"step": "scale", "divide_by": 255}, {"step": "layout", "to": "NCHW"}],
        "input": Tensor(name="image", kind="float32", shape=("photos", 3, 48, 48), low=0, high=1),
        "output": Tensor(name="scores", kind="float32", shape=("photos", 4)),
        "labels": list(CLASSES),
        "quality": {"metric": "accuracy", "right": 87, "count": 100, "data": "synthetic leaves"},
        "lineage": {"data": [{"name": "leaves", "licence": "Apache-2.0", "synthetic": True}], "made_by": "this test"},
    }
    path, truth = tmp_path / "leaf.zip", [CLASSES[labels[i]] for i in chosen]
    pack(path, model=locate("leaf-small"), golden=photos[chosen], truth=truth, about=about)
    made = from_package(path, latency_s=0.001)
    assert (made.name, made.memory_bytes, made.quality) == ("leaf 1.0.0", 60_000_000, 0.87)
    np.testing.assert_allclose(made.load()(photos[0]), model.photo(photos[0]), atol=1e-5)
    assert from_package(path, latency_s=0.001, memory_bytes=9).memory_bytes == 9
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ModelError):
        from_package(path, latency_s=0.001)
