"""Baskets of a made-up agro-dealer's shop: what people buy together, and how it changes with the season. **Synthetic.**

People come for a project (plant maize, keep hens, spray tomatoes). A project draws on some products more than others,
and a season makes some projects likelier. Nothing of this is measured from a real shop.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Season = Literal["planting", "harvest"]
SEASONS: tuple[Season, ...] = ("planting", "harvest")

_THINGS: Mapping[str, tuple[str, ...]] = {
    "maize": ("maize seed", "DAP fertiliser", "CAN fertiliser", "planting string", "jembe", "stalk borer dust"),
    "beans": ("bean seed", "inoculant", "aphid spray", "bean sieve", "storage bag", "moisture meter"),
    "tomatoes": ("tomato seed", "seed tray", "mancozeb", "trellis twine", "drip line", "crate"),
    "hens": ("layer mash", "chick drinker", "vaccine", "egg tray", "heat lamp", "sawdust"),
    "cow": ("dairy meal", "mineral lick", "milk can", "teat dip", "dewormer", "rope"),
    "trees": ("mango seedling", "pruning saw", "grafting tape", "copper spray", "manure bag", "mesh guard"),
    "storage": ("hermetic bag", "pallet", "grain dust", "tarpaulin", "sack needle", "weighing hook"),
    "water": ("jerrican", "hose", "foot valve", "tank tap", "pipe glue", "pump belt"),
}
_LIKELY: Mapping[Season, Mapping[str, float]] = {
    "planting": {"maize": 5, "beans": 4, "tomatoes": 3, "trees": 2, "hens": 2, "cow": 2, "water": 2, "storage": 0.5},
    "harvest": {"storage": 5, "hens": 3, "cow": 2, "water": 2, "maize": 1, "beans": 2, "tomatoes": 1, "trees": 1},
}
_BRANDS_LIKELY: Mapping[Season, tuple[int, ...]] = {"planting": (5, 4, 3, 2, 1), "harvest": (1, 2, 3, 4, 5)}
BRANDS = ("", ", small", ", large", ", no. 2", ", imported")


@dataclass(frozen=True)
class Basket:
    """What one customer bought.

    Args:
        products: Different products, in the order of being picked; at least two.
        season: When.
    """

    products: tuple[str, ...]
    season: Season


def products() -> list[str]:
    """All products, 240 of them."""
    return [thing + brand for things in _THINGS.values() for thing in things for brand in BRANDS]


def baskets(count: int, *, seed: int, season: Season) -> list[Basket]:
    """Make baskets.

    Args:
        count: How many.
        seed: The same seed makes the same baskets.
        season: Some projects are likelier in it, at harvest other things go together (storage joins maize
            and beans), and people with money buy other brands.

    Raises:
        KeyError: There is no such season.
    """
    likely = _LIKELY[season]
    rng = random.Random(f"{seed} {season}")
    made: list[Basket] = []
    while len(made) < count:
        project = rng.choices(list(likely), list(likely.values()))[0]
        picked: dict[str, None] = {}
        for _ in range(rng.randint(2, 5)):
            chance = rng.random()
            if chance < 0.1:
                source = rng.choice(list(_THINGS))
            elif season == "harvest" and chance < 0.4 and project in ("maize", "beans"):
                source = "storage"
            else:
                source = project
            thing = rng.choices(_THINGS[source], [6, 5, 4, 3, 2, 1])[0]
            picked[thing + rng.choices(BRANDS, _BRANDS_LIKELY[season])[0]] = None
        if len(picked) >= 2:
            made.append(Basket(tuple(picked), season))
    return made
