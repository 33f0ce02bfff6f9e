"""The stock never goes below zero, whatever is given, handed on, lost or told late; and merging keeps its laws."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from replicas import Kind, Op, broken_laws, history, next_number, spread

from offlinefirst.sync._states import BadStateError
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.escrow import Escrow, NoRightsError

NAMES = ("office", "mutheu", "kioko", "wanza")


def edited(state, replica, choice):
    """One of: receive, give, move; what there is no right to is not done. Returns (new, delta, what, amount)."""
    amount = choice // 8 % 9
    to = [name for name in NAMES if name != replica][choice % 3]
    what = ("receive", "give", "give", "move")[choice // 3 % 4]
    try:
        if what == "move":
            return *state.move(replica, to, amount), "move", amount
        return *getattr(state, what)(replica, amount), what, amount
    except NoRightsError:
        return state, Escrow(), what, 0


def _edit(state, replica, choice, known):
    new, delta, what, amount = edited(state, replica, choice)
    return new, delta, Op(replica, next_number(replica, known), (what, amount))


STOCK = Kind(Escrow, _edit, lambda state: state.value, lambda known: None)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(seed):
    assert broken_laws(spread(history(STOCK, seed, steps=20))) == set()


class Phones(RuleBasedStateMachine):
    """Four replicas; deltas and whole states arrive late, twice, never; phones crash and come back from their disk."""

    escrow = Escrow

    @initialize(bags=st.integers(0, 40))
    def start(self, bags):
        first, _ = self.escrow().receive("office", bags)
        for name in NAMES[1:]:
            first, _ = first.move("office", name, bags // 5)
        self.states = dict.fromkeys(NAMES, self.escrow()) | {"office": first}
        self.underway = [(name, first.to_json()) for name in NAMES]
        self.there = bags

    @rule(who=st.sampled_from(NAMES), choice=st.integers(0, 9999))
    def edit(self, who, choice):
        old = self.states[who]
        new, delta, what, amount = edited(old, who, choice)
        assert old.merge(delta) == new
        assert type(old).from_json(new.to_json()) == new
        assert old <= new
        self.there += {"receive": amount, "give": -amount, "move": 0}[what]
        self.states[who] = new
        self.underway += [(other, delta.to_json()) for other in NAMES if other != who]

    @precondition(lambda self: self.underway)
    @rule(which=st.integers(0, 999), again=st.booleans())
    def deliver(self, which, again):
        name, text = self.underway[which % len(self.underway)]
        if not again:
            del self.underway[which % len(self.underway)]
        self.states[name] = self.states[name].merge(self.escrow.from_json(text))

    @precondition(lambda self: self.underway)
    @rule(which=st.integers(0, 999))
    def lose(self, which):
        del self.underway[which % len(self.underway)]

    @rule(one=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def meet(self, one, other):
        both = self.states[one].merge(self.states[other])
        self.states[one] = self.states[other] = both

    @rule(who=st.sampled_from(NAMES))
    def crash(self, who):
        self.states[who] = self.escrow.from_json(self.states[who].to_json())

    @invariant()
    def nobody_sees_less_than_nothing(self):
        for state in getattr(self, "states", {}).values():
            assert state.value >= 0
            assert all(state.rights(name) >= 0 for name in NAMES)

    @invariant()
    def together_they_know_what_is_there(self):
        total = self.escrow()
        for state in getattr(self, "states", {}).values():
            total = total.merge(state)
        assert total.value == getattr(self, "there", 0) >= 0
        assert sum(total.rights(name) for name in NAMES) == total.value


TestPhones = Phones.TestCase
TestPhones.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_two_officers_cannot_give_away_the_same_bags():
    stock, _ = Escrow().receive("office", 20)
    stock, _ = stock.move("office", "mutheu", 10)
    stock, _ = stock.move("office", "kioko", 10)
    mutheu, _ = stock.give("mutheu", 10)
    kioko, _ = stock.give("kioko", 10)
    assert mutheu.merge(kioko).value == 0
    for state, name in ((mutheu, "mutheu"), (kioko, "kioko"), (mutheu.merge(kioko), "wanza")):
        with pytest.raises(NoRightsError):
            state.give(name, 1)


def test_the_refusal_says_who_could_help():
    stock, _ = Escrow().receive("office", 20)
    stock, _ = stock.move("office", "mutheu", 12)
    with pytest.raises(NoRightsError, match="kioko has the right to 0 and wants to give away 5") as caught:
        stock.give("kioko", 5)
    assert "mutheu 12, office 8. Ask for a transfer" in str(caught.value)
    assert isinstance(caught.value, SyncError)
    with pytest.raises(NoRightsError, match="Nobody has more"):
        Escrow().move("kioko", "mutheu", 1)


def test_a_right_counts_once_it_is_heard_of():
    stock, _ = Escrow().receive("office", 20)
    kioko = stock
    stock, told = stock.move("office", "kioko", 5)
    with pytest.raises(NoRightsError):
        kioko.give("kioko", 1)
    assert kioko.merge(told).merge(told).give("kioko", 5)[0].value == 15


def test_a_delta_tells_where_the_rights_came_from():
    stock, _ = Escrow().receive("office", 20)
    stock, _ = stock.move("office", "mutheu", 9)
    stock, _ = stock.move("mutheu", "kioko", 4)
    stock, _ = stock.receive("wanza", 7)
    _, delta = stock.give("kioko", 3)
    assert set(delta.rows) == {"office", "mutheu", "kioko"}
    assert Escrow().merge(delta).value == 17


@pytest.mark.parametrize("amount", [-1, 1.5, True, "3", None, 2**60])
def test_bags_are_whole_numbers(amount):
    stock, _ = Escrow().receive("office", 5)
    for edit in (stock.receive, stock.give, lambda name, bags: stock.move(name, "kioko", bags)):
        with pytest.raises(ValueError, match="whole numbers"):
            edit("office", amount)


def test_odd_edits_are_refused():
    stock, _ = Escrow().receive("office", 2**53 - 1)
    with pytest.raises(ValueError, match="whole numbers"):
        stock.receive("office", 1)
    with pytest.raises(ValueError, match="to itself"):
        stock.move("office", "office", 1)
    with pytest.raises(ValueError, match="name"):
        stock.move("office", "", 1)


ROW = [5, 2, {"kioko": 3}]


@pytest.mark.parametrize(
    "found",
    [
        [],
        {"office": [1, 2]},
        {"office": [1, 2, {}]},
        {"office": [5, 2, {"kioko": 4}]},
        {"office": [5.0, 2, {}]},
        {"office": [-1, 0, {}]},
        {"office": [1, 0, {"kioko": 0}]},
        {"office": [True, 0, {}]},
        {"": ROW},
        {"office": ROW, "kioko": [0, 4, {}]},
        {"kioko": [0, 1, {}]},
        {"kioko": [0, 0, {"office": 1}]},
    ],
)
def test_a_state_that_cannot_be_is_refused(found):
    with pytest.raises(BadStateError, match=r"nothing was merged|replica's name"):
        Escrow.from_json(json.dumps(found))


def test_a_state_that_can_be_is_read():
    assert Escrow.from_json(json.dumps({"office": ROW, "kioko": [0, 3, {}]})).value == 0


class Greedy(Escrow):
    """Gives what others have, as a plain counter does."""

    def _need(self, replica, amount, what):
        if amount > self.value:
            raise NoRightsError("too many")


class ThinDelta(Escrow):
    def _with(self, replica, row):
        new, _ = super()._with(replica, row)
        return new, type(self)({replica: row})


class Forgetful(Escrow):
    def merge(self, other):
        return type(self)({**self.rows, **other.rows})


@pytest.mark.parametrize("broken", [Greedy, ThinDelta, Forgetful])
def test_the_machine_catches_a_broken_stock(broken):
    from hypothesis import Phase
    from hypothesis.stateful import run_state_machine_as_test

    quick = settings(
        max_examples=300,
        stateful_step_count=40,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    with pytest.raises((AssertionError, BadStateError)):
        run_state_machine_as_test(type("Broken", (Phones,), {"escrow": broken}), settings=quick)
