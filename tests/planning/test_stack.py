"""The decision framework: every situation has a whole plan, with reasons, and the rules hold in all of them."""

from dataclasses import fields, replace

import pytest

from offlinefirst.planning import Situation, choose, every_situation
from offlinefirst.planning.stack import PARTS

EVERY = list(every_situation())
BASE = Situation(connectivity="reliable", storage_gb=128, data="image", accelerator=True)


def test_no_situation_is_a_dead_end():
    for situation in EVERY:
        plan = choose(situation)
        assert all(getattr(plan, part) for part in PARTS if part != "compression"), situation
        assert plan.compression or situation.data == "tabular", situation


def test_every_part_of_every_plan_has_a_reason_that_says_something():
    assert set(PARTS) == {one.name for one in fields(choose(BASE))} - {"reasons"}
    for situation in EVERY:
        plan = choose(situation)
        assert {reason.about for reason in plan.reasons} == set(PARTS), situation
        assert all(len(reason.because.split()) >= 4 for reason in plan.reasons), plan.reasons


def test_the_cloud_is_chosen_exactly_where_nothing_speaks_against_it():
    for situation in EVERY:
        fine = (
            situation.connectivity == "reliable"
            and not situation.private
            and not (situation.costly_data and situation.data in ("image", "audio"))
            and situation.round_trip_ms <= 200
        )
        assert (choose(situation).inference == "cloud") == fine, situation


def test_models_are_small_and_inside_the_app_below_64_gb():
    for situation in EVERY:
        plan = choose(situation)
        if situation.storage_gb < 64:
            assert (plan.delivery, plan.max_model_mb) == ("bundle", 5), situation
        else:
            assert plan.max_model_mb > 5, situation


def test_nobody_without_a_link_is_told_to_use_one():
    for situation in EVERY:
        plan = choose(situation)
        if situation.connectivity == "none":
            assert (plan.inference, plan.delivery, plan.sync) == ("device", "bundle", "by hand"), situation


def test_trees_are_named_for_columns_and_run_where_trees_run():
    for situation in EVERY:
        plan = choose(situation)
        assert plan.alternatives, situation
        if situation.data == "tabular":
            assert plan.alternatives == ("gradient boosting", "random forest"), situation
            assert (plan.runtime, plan.hardware, plan.compression) == ("ONNX Runtime", "CPU", ()), situation


def test_compression_follows_link_and_hardware():
    for situation in EVERY:
        steps = choose(situation).compression
        if situation.data != "tabular":
            assert steps[0] == "int8", situation
            assert ("pruning" in steps) == (situation.connectivity != "reliable"), situation
            assert ("distillation" in steps) == (not situation.accelerator), situation


def test_the_accelerator_is_used_only_if_it_is_there_and_never_alone():
    assert {choose(s).hardware for s in EVERY if s.accelerator and s.data != "tabular"} == {"accelerator, else CPU"}
    assert {choose(s).hardware for s in EVERY if not s.accelerator} == {"CPU"}


@pytest.mark.parametrize(
    ("change", "part", "before", "after"),
    [
        ({"private": True}, "inference", "cloud", "device"),
        ({"costly_data": True}, "inference", "cloud", "device"),
        ({"costly_data": True, "data": "text"}, "inference", "cloud", "cloud"),
        ({"round_trip_ms": 200.0}, "inference", "cloud", "cloud"),
        ({"round_trip_ms": 200.1}, "inference", "cloud", "device"),
        ({"connectivity": "intermittent"}, "sync", "at once", "when available"),
        ({"connectivity": "none"}, "delivery", "download", "bundle"),
        ({"storage_gb": 63.9}, "delivery", "download", "bundle"),
        ({"storage_gb": 64}, "delivery", "download", "download"),
        ({"android_only": True}, "runtime", "ONNX Runtime", "LiteRT"),
    ],
)
def test_one_change_moves_what_it_should(change, part, before, after):
    assert getattr(choose(BASE), part) == before
    assert getattr(choose(replace(BASE, **change)), part) == after
