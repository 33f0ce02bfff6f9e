"""Baskets are what they promise: seeded, of known products, and different at harvest."""

from collections import Counter

import pytest

from offlinefirst.datasets.kiosk import SEASONS, baskets, products


def test_the_same_seed_makes_the_same_baskets_and_another_one_others():
    assert baskets(50, seed=1, season="planting") == baskets(50, seed=1, season="planting")
    assert baskets(50, seed=1, season="planting") != baskets(50, seed=2, season="planting")


@pytest.mark.parametrize("season", SEASONS)
def test_every_basket_holds_different_known_products(season):
    known = set(products())
    assert len(known) == len(products()) == 240
    for basket in baskets(500, seed=3, season=season):
        assert 2 <= len(basket.products) == len(set(basket.products)) <= 5
        assert known.issuperset(basket.products)


def test_a_season_changes_what_is_bought():
    sold = {season: Counter(n for b in baskets(2000, seed=4, season=season) for n in b.products) for season in SEASONS}
    assert sold["planting"]["maize seed"] > 3 * sold["harvest"]["maize seed"]
    assert sold["harvest"]["hermetic bag, imported"] > 3 * sold["planting"]["hermetic bag, imported"]


def test_an_unknown_season_is_refused():
    with pytest.raises(KeyError):
        baskets(1, seed=1, season="winter")
