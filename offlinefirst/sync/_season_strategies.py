"""What the simulator asks of a strategy, and three that people build first."""

from collections.abc import Sequence
from typing import Any

from offlinefirst.sync._season_plan import OFFICE, SEED, Edit


class Strategy:
    """One phone's copy of the register, and its rules. Make a class of your own from this one.

    Everything that must outlive the app stands in `self.state`, made of what JSON can hold: dicts with text as keys,
    lists, texts, numbers, True, False and None. A phone that restarts is made anew and gets its state back, and
    nothing else.

    An edit is a dict: `id` ("kioko-1:17"), `phone` ("kioko-1"), `number` (17, growing with each edit of that phone;
    some numbers are left out), `place` ("plot-03/area", or "seed"), `kind`, `value`, and `clock`: what the phone's
    clock showed, in minutes since the season began. Clocks can be wrong by anything. The kinds: "set" (the place now
    has this value; on any place, for it is also how the office notes what a person decided), "count" (so many bags
    more in a harvest; negative to correct), "attach" and "detach" (one photo), "give" (so many bags of seed).

    Args:
        phone: This phone's own name. A phone that replaces another has a new one.
        stock: Bags of seed that the office has to give out, on all phones together.
        share: How many of them the office has set aside for this phone.
    """

    def __init__(self, phone: str, stock: int, share: int) -> None:
        self.phone, self.stock, self.share = phone, stock, share
        self.state: dict[str, Any] = {}

    def write(self, edit: Edit) -> None:
        """Take in what the person at this phone has just typed."""
        raise NotImplementedError

    def merge(self, received: Any) -> None:
        """Take in what another phone's `since` gave: fresh or days old, for the first time or the third."""
        raise NotImplementedError

    def visible(self, place: str) -> Any:
        """What the screen shows: a value; for a harvest the bags, for photos a list, for "seed" the bags left."""
        raise NotImplementedError

    def may_give(self, bags: int) -> bool:
        """Whether so many bags of seed may be promised here and now."""
        return self.visible(SEED) >= bags

    def reviews(self) -> Sequence[str]:
        """The places that a person should settle: the office rings up, and `write`s the truth."""
        return []

    def revoke(self, phone: str, last: int) -> None:
        """Learn, at the office, that a phone is in wrong hands: no edit of it after number `last` is its officer's."""

    def have(self) -> Any:
        """What this phone tells another one before it is sent something, to be spared what it knows; None: nothing."""
        return None

    def since(self, have: Any) -> Any:
        """What to send to a phone that said `have`; everything when that is None."""
        return self.state


def _changed(edit: Edit, shown: Any) -> Any:
    """What a register that holds whole values holds after an edit."""
    kind, value = edit["kind"], edit["value"]
    if kind == "count":
        return shown + value
    if kind == "give":
        return shown - value
    if kind == "attach":
        return [*shown, value]
    if kind == "detach":
        return [other for other in shown if other != value]
    return value


def _empty(place: str, stock: int) -> Any:
    if place == SEED:
        return stock
    return {"harvest": 0, "photos": []}.get(place.partition("/")[2])


class NaiveLastWrite(Strategy):
    """The value with the latest wall clock wins, whatever it is."""

    def write(self, edit: Edit) -> None:
        value = _changed(edit, self.visible(edit["place"]))
        self.state[edit["place"]] = [edit["clock"], edit["phone"], edit["number"], value]

    def merge(self, received: Any) -> None:
        for place, theirs in received.items():
            ours = self.state.get(place)
            if ours is None or theirs[:3] > ours[:3]:
                self.state[place] = theirs

    def visible(self, place: str) -> Any:
        return self.state[place][-1] if place in self.state else _empty(place, self.stock)


class FirstWrite(Strategy):
    """Each value has a version; of two with the same version the one that was written first is kept, by its clock."""

    def write(self, edit: Edit) -> None:
        place = edit["place"]
        version = self.state[place][0] + 1 if place in self.state else 1
        self.state[place] = [version, -edit["clock"], edit["phone"], _changed(edit, self.visible(place))]

    def merge(self, received: Any) -> None:
        for place, theirs in received.items():
            ours = self.state.get(place)
            if ours is None or theirs[:3] > ours[:3]:
                self.state[place] = theirs

    def visible(self, place: str) -> Any:
        return self.state[place][-1] if place in self.state else _empty(place, self.stock)


class ReviewAll(Strategy):
    """Each officer's latest value is kept; wherever two phones say different things, a person settles it."""

    def __init__(self, phone: str, stock: int, share: int) -> None:
        super().__init__(phone, stock, share)
        self.state = {"said": {}, "settled": {}}

    def write(self, edit: Edit) -> None:
        place, phone = edit["place"], edit["phone"]
        value = _changed(edit, self.visible(place))
        said = self.state["said"].setdefault(place, {})
        if phone == OFFICE:
            settled = self.state["settled"].setdefault(place, {})
            settled.update({other: number for other, (number, _, _) in said.items()})
            said.clear()
        said[phone] = [edit["number"], edit["clock"], value]

    def merge(self, received: Any) -> None:
        for place, theirs in received["settled"].items():
            settled = self.state["settled"].setdefault(place, {})
            for phone, number in theirs.items():
                settled[phone] = max(number, settled.get(phone, 0))
        for place, theirs in received["said"].items():
            said = self.state["said"].setdefault(place, {})
            for phone, entry in theirs.items():
                if entry[0] > said.get(phone, [0])[0]:
                    said[phone] = entry
        for place, said in self.state["said"].items():
            for phone, number in self.state["settled"].get(place, {}).items():
                if said.get(phone, [number + 1])[0] <= number:
                    del said[phone]

    def visible(self, place: str) -> Any:
        said = self.state["said"].get(place)
        if not said:
            return _empty(place, self.stock)
        return max((clock, phone, value) for phone, (_, clock, value) in said.items())[-1]

    def reviews(self) -> list[str]:
        return [place for place, said in self.state["said"].items() if len({str(v) for _, _, v in said.values()}) > 1]
