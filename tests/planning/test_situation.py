"""Situations: what a profile tells about one, and which cannot be."""

from dataclasses import replace

import pytest

from offlinefirst import device
from offlinefirst.planning import PlanningError, Situation, SituationError, every_situation, situation_on

BASE = Situation(connectivity="reliable", storage_gb=128, data="image", accelerator=True)


def test_every_combination_is_there_once():
    every = list(every_situation())
    assert len(every) == len(set(every)) == 3 * 4 * 4 * 2**4 * 2


@pytest.mark.parametrize("name", ["phone-2gb", "phone-4gb", "laptop-4gb"])
def test_a_profile_tells_what_it_knows(name):
    profile = device.load(name)
    situation = situation_on(profile, data="image", private=True)
    assert (situation.connectivity, situation.private, situation.accelerator) == ("intermittent", True, False)
    assert situation.storage_gb == profile.storage_total_bytes / 2**30
    assert situation.round_trip_ms == pytest.approx(1000 * profile.link.latency_s)
    assert situation.costly_data == (name != "laptop-4gb")  # 1.2, 0.6 and 0.2 minutes of work for a megabyte


@pytest.mark.parametrize(("uptime", "expected"), [(1.0, "reliable"), (0.99, "reliable"), (0.989, "intermittent")])
def test_the_uptime_decides_the_connectivity(uptime, expected):
    phone = device.load("phone-2gb")
    changed = replace(phone, link=replace(phone.link, uptime=uptime))
    assert situation_on(changed, data="text").connectivity == expected


def test_a_profile_without_a_link_or_prices():
    lonely = replace(device.load("phone-2gb"), link=None, price_usd_per_gb=None, wage_usd_per_hour=None)
    situation = situation_on(lonely, data="audio")
    assert (situation.connectivity, situation.costly_data, situation.round_trip_ms) == ("none", False, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connectivity": "sometimes"}, "say one of reliable, intermittent, none"),
        ({"data": "video"}, "say one of tabular, image, text, audio"),
        ({"storage_gb": 0}, "storage_gb is 0"),
        ({"storage_gb": float("nan")}, "storage_gb is nan"),
        ({"storage_gb": "16"}, "storage_gb is '16'"),
        ({"round_trip_ms": -0.5}, "round_trip_ms is -0.5"),
        ({"round_trip_ms": float("inf")}, "round_trip_ms is inf"),
        ({"accelerator": "maybe"}, "say True or False"),
        ({"private": None}, "say True or False"),
    ],
)
def test_a_situation_that_cannot_be_is_refused(change, words):
    with pytest.raises(SituationError, match=words):
        replace(BASE, **change)
    assert issubclass(SituationError, PlanningError)
