from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicas import Kind, Op, broken_laws, history, machine_fails, machine_of, next_number, spread

from offlinefirst.sync._states import LARGEST, BadStateError
from offlinefirst.sync.counters import GCounter, PNCounter
from offlinefirst.sync.errors import SyncError


def _edit(amounts):
    def edit(state, replica, choice, known):
        amount = amounts[choice % len(amounts)]
        return *state.add(replica, amount), Op(replica, next_number(replica, known), amount)

    return edit


def _total(known):
    return sum(op.what for op in known)


GROWING = Kind(GCounter, _edit([0, 1, 5, 20]), lambda state: state.value, _total, prefix=True)
BOTH_WAYS = Kind(PNCounter, _edit([0, 1, 7, -1, -20]), lambda state: state.value, _total, prefix=True)

TestGCounter = machine_of(GROWING).TestCase
TestPNCounter = machine_of(BOTH_WAYS).TestCase
TestGCounter.settings = TestPNCounter.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("kind", [GROWING, BOTH_WAYS])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(kind, seed):
    assert broken_laws(spread(history(kind, seed))) == set()


class Summed(GCounter):
    def merge(self, other):
        return type(self)({"all": self.value + other.value})


class NewestWins(GCounter):
    def merge(self, other):
        return type(self)({**self.counts, **other.counts})


class Averaged(GCounter):
    def merge(self, other):
        return type(self)({"all": (self.value + other.value + 1) // 2})


class Smaller(GCounter):
    def merge(self, other):
        return type(self)({name: min(count, other.counts.get(name, 0)) for name, count in self.counts.items()})


@pytest.mark.parametrize(
    ("broken", "law"), [(Summed, "idempotent"), (NewestWins, "commutative"), (Averaged, "associative")]
)
def test_the_laws_catch_a_broken_merge(broken, law):
    states = [broken(dict(state.counts)) for state in spread(history(GROWING, 1, steps=30))]
    assert law in broken_laws(states)


@pytest.mark.parametrize("broken", [Summed, NewestWins, Averaged, Smaller])
def test_the_machine_catches_a_broken_merge(broken):
    assert machine_fails(replace(GROWING, empty=broken))


class DeltaOfTheAmount(PNCounter):
    def add(self, replica, amount):
        new, _ = super().add(replica, amount)
        return new, super().add(replica, amount)[1] if not self.came.value else PNCounter().add(replica, amount)[1]


class DeltaOfOneSide(PNCounter):
    def add(self, replica, amount):
        new, delta = super().add(replica, amount)
        return new, type(self)(delta.came, type(delta.went)()) if amount > 0 else type(self)(
            type(delta.came)(), delta.went
        )


@pytest.mark.parametrize("broken", [DeltaOfTheAmount, DeltaOfOneSide])
def test_the_machine_catches_a_broken_delta(broken):
    assert machine_fails(replace(BOTH_WAYS, empty=broken))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-30, 30), st.integers(0, 5)), max_size=12), st.randoms())
def test_every_reading_is_acceptable(ops, rng):
    """A reader who got some of the deltas, in any order, sees a sum of what each officer had reached at some time."""
    states, reached = [PNCounter()] * 3, [[0], [0], [0]]
    deltas = []
    for who, amount, copies in ops:
        states[who], delta = states[who].add(str(who), amount)
        reached[who].append(reached[who][-1] + amount)
        deltas += [delta] * copies
    rng.shuffle(deltas)
    acceptable = {sum(way) for way in product(*reached)}
    reader = PNCounter()
    for delta in deltas:
        reader = reader.merge(delta)
        assert reader.value in acceptable
    for state in states:
        reader = reader.merge(state)
    assert reader.value == sum(amount for _, amount, _ in ops)


def test_a_giving_away_is_never_seen_without_the_getting():
    state, _ = PNCounter().add("mutheu", 20)
    _, gave = state.add("mutheu", -20)
    assert PNCounter().merge(gave).value == 0


def test_the_value_is_not_changed_from_outside():
    given_counts = {"mutheu": 2}
    counter = GCounter(given_counts)
    given_counts["mutheu"] = 99
    assert counter.value == 2
    assert GCounter({"mutheu": 0}) == GCounter()


@pytest.mark.parametrize("amount", [-1, 1.5, True, "3", LARGEST + 1])
def test_a_growing_counter_refuses(amount):
    with pytest.raises(ValueError, match="whole number"):
        GCounter().add("mutheu", amount)


@pytest.mark.parametrize("amount", [0.5, None, True])
def test_a_counter_refuses(amount):
    with pytest.raises(ValueError, match="whole numbers"):
        PNCounter().add("mutheu", amount)


@pytest.mark.parametrize("name", ["", "x" * 65, 7, "\ud800"])
def test_a_name_that_could_not_be_read_back_is_refused(name):
    with pytest.raises(BadStateError):
        GCounter().add(name, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        "",
        "[]",
        "null",
        '{"mutheu":-1}',
        '{"mutheu":0}',
        '{"mutheu":1.0}',
        '{"mutheu":true}',
        '{"mutheu":1e400}',
        '{"mutheu":' + "9" * 20 + "}",
        '{"mutheu":' + "9" * 5000 + "}",
        '{"mutheu":NaN}',
        '{"":1}',
        '{"mutheu":1,"mutheu":2}',
        '{"\\ud800":1}',
        "[" * 100_000,
        '{"came":{}',
    ],
)
def test_a_broken_state_is_refused(text):
    for kind in (GCounter, PNCounter):
        with pytest.raises(SyncError):
            kind.from_json(text)


@pytest.mark.parametrize("text", ['{"came":{}}', '{"came":{},"went":{},"more":1}', '{"came":[],"went":{}}'])
def test_a_broken_two_way_counter_is_refused(text):
    with pytest.raises(BadStateError):
        PNCounter.from_json(text)


def test_a_delta_speaks_of_its_own_replica_alone():
    state = GCounter({"kioko": 3}).merge(GCounter({"wanza": 4}))
    assert state.add("mutheu", 5)[1] == GCounter({"mutheu": 5})
    both, _ = PNCounter(state, GCounter()).add("mutheu", 5)
    assert both.add("mutheu", -2)[1] == PNCounter(GCounter({"mutheu": 5}), GCounter({"mutheu": 2}))
