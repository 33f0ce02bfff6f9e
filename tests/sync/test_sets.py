from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicas import Kind, Op, broken_laws, history, machine_fails, machine_of, next_number, spread, standing

from offlinefirst.sync._causal import Context
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.sets import ORSet

FARMS = ["Mbooni 1", "Mbooni 2", "Mbooni 3"]


def _edit(state, replica, choice, known):
    element = FARMS[choice % 3]
    number = next_number(replica, known)
    seen = frozenset(op.id for op in standing(known) if op.what == ("add", element))
    if choice % 2:
        return *state.add(replica, element), Op(replica, number, ("add", element), seen)
    return *state.remove(element), Op(replica, number, ("remove", element), seen)


def _expected(known):
    return sorted({op.what[1] for op in standing(known) if op.what[0] == "add"})


SET = Kind(ORSet, _edit, sorted, _expected)
TestORSet = machine_of(SET).TestCase
TestORSet.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(seed):
    assert broken_laws(spread(history(SET, seed))) == set()


class AddsReturn(ORSet):
    """Forgets the context: what one side removed, the other side brings back."""

    def merge(self, other):
        adds = {name: {**self.adds.get(name, {}), **other.adds.get(name, {})} for name in {**self.adds, **other.adds}}
        return type(self)(adds, self.context.merge(other.context))


class MineStands(ORSet):
    def merge(self, other):
        return type(self)(self.adds, self.context.merge(other.context))


class VectorOnly(ORSet):
    """Reads "I saw the third add" as "I saw the first three"."""

    def merge(self, other):
        seen = dict(self.context.seen)
        for name, number in [*other.context.seen.items(), *self.context.apart, *other.context.apart]:
            seen[name] = max(number, seen.get(name, 0))
        whole = type(self)(self.adds, Context(self.context.seen))
        return type(self)(ORSet.merge(whole, other).adds, Context(seen))


def _as(broken, states):
    return [broken(state.adds, state.context) for state in states]


def test_the_laws_catch_a_merge_that_keeps_its_own():
    assert {"commutative"} <= broken_laws(_as(MineStands, spread(history(SET, 5))))


def test_the_laws_catch_a_context_without_gaps():
    assert broken_laws(_as(VectorOnly, history(SET, 5, steps=16)))


class RemovalWithoutContext(ORSet):
    def remove(self, *elements):
        new, _ = super().remove(*elements)
        return new, type(self)()


class AddForgetsTheOldDots(ORSet):
    """A re-add that does not say which adds it replaces: harmless in one place, but the delta is not the change."""

    def add(self, replica, *elements):
        new, delta = super().add(replica, *elements)
        return new, type(self)(delta.adds, Context.of((name, n) for name, mine in delta.adds.items() for n in mine))


class RemoveWins(ORSet):
    def merge(self, other):
        both = super().merge(other)
        gone = [e for e in {*self, *other} if (e in self) != (e in other)]
        adds = {name: {n: e for n, e in mine.items() if e not in gone} for name, mine in both.adds.items()}
        return type(self)({name: mine for name, mine in adds.items() if mine}, both.context)


@pytest.mark.parametrize(
    "broken", [AddsReturn, MineStands, VectorOnly, RemovalWithoutContext, AddForgetsTheOldDots, RemoveWins]
)
def test_the_machine_catches_a_broken_set(broken):
    assert machine_fails(replace(SET, empty=broken))


def test_an_add_wins_over_a_removal_that_has_not_seen_it():
    farms, _ = ORSet().add("mutheu", "Mbooni 1")
    without, removal = farms.remove("Mbooni 1")
    again, _ = farms.add("kioko", "Mbooni 1")
    assert list(again.merge(without)) == list(without.merge(again)) == ["Mbooni 1"]
    assert list(again.merge(removal)) == ["Mbooni 1"]


def test_a_removal_that_has_seen_the_add_wins():
    farms, added = ORSet().add("mutheu", "Mbooni 1")
    _, removal = farms.remove("Mbooni 1")
    for first, second in permutations([added, removal]):  # also when the removal arrives first
        assert list(ORSet().merge(first).merge(second)) == []


def test_what_came_and_went_leaves_nothing_behind():
    farms = ORSet()
    for _ in range(200):
        farms, _ = farms.add("mutheu", "Mbooni 1")
        farms, _ = farms.remove("Mbooni 1")
    assert farms.to_json() == '{"adds":{},"apart":{},"seen":{"mutheu":200}}'


def test_an_element_that_is_added_again_and_again_stands_once():
    farms = ORSet()
    for replica in ["mutheu", "kioko"] * 20:
        farms, _ = farms.add(replica, "Mbooni 1")
    assert farms.to_json() == '{"adds":{"kioko":[[20,"Mbooni 1"]]},"apart":{},"seen":{"kioko":20,"mutheu":20}}'


def test_a_gap_is_closed_when_it_is_filled():
    deltas = []
    farms = ORSet()
    for farm in FARMS:
        farms, delta = farms.add("mutheu", farm)
        deltas.append(delta)
    late = ORSet().merge(deltas[2]).merge(deltas[1])
    assert late.context == Context({}, frozenset({("mutheu", 2), ("mutheu", 3)}))
    assert late.merge(deltas[0]) == farms
    assert farms.context == Context({"mutheu": 3})


def test_a_dot_seen_apart_is_not_used_again():
    farms, _ = ORSet().add("mutheu", *FARMS)
    _, delta = farms.add("mutheu", "Mbooni 4")
    blank = ORSet().merge(delta)  # the phone lost its disk, and hears of its own fourth add
    again, _ = blank.add("mutheu", "Mbooni 5")
    assert sorted(again.merge(farms)) == [*FARMS, "Mbooni 4", "Mbooni 5"]


def test_adding_many_is_one_delta():
    farms, delta = ORSet().add("mutheu", *FARMS, FARMS[0])
    assert sorted(farms) == FARMS
    assert farms == ORSet().merge(delta)
    assert farms.context == Context({"mutheu": 3})
    assert farms.add("mutheu")[0] == farms == farms.remove("nobody's farm")[0]


def test_a_restored_backup_damages_but_does_not_divide():
    one, _ = ORSet().add("mutheu", "Mbooni 1")
    other, _ = ORSet().add("mutheu", "Mbooni 2")  # the same dot again
    both = one.merge(other)
    assert both == other.merge(one)
    assert ORSet.from_json(both.to_json()) == both
    assert broken_laws([one, other, both, both.remove("Mbooni 1")[0]]) == set()


def test_a_delta_of_a_hundredth_is_small():
    farms, _ = ORSet().add("mutheu", *(f"farm {n:05}" for n in range(10_000)))
    new, added = farms.add("kioko", *(f"new {n:05}" for n in range(50)))
    new, removed = new.remove(*(f"farm {n:05}" for n in range(0, 10_000, 200)))
    delta = added.merge(removed)
    assert farms.merge(delta) == new
    assert len(delta.to_json()) <= 0.05 * len(new.to_json())


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6))), st.lists(st.integers(0, 5), max_size=3))
def test_a_context_holds_what_was_put_in(dots, seen):
    vector = {name: number for name, number in zip("abc", seen, strict=False) if number}
    context = Context.of(dots, vector)
    wanted = {*dots, *((name, n) for name, most in vector.items() for n in range(1, most + 1))}
    assert {(name, n) for name in "abc" for n in range(1, 8) if (name, n) in context} == wanted
    assert context == Context.of(wanted)
    assert context.next("a") == ("a", 1 + max([n for name, n in wanted if name == "a"], default=0))
    assert Context.from_fields("test", *context.as_fields().values()) == context


@pytest.mark.parametrize("element", [7, None, b"farm", "\ud800"])
def test_an_element_that_is_no_text_is_refused(element):
    with pytest.raises(ValueError, match="no text"):
        ORSet().add("mutheu", element)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"adds":[],"seen":{},"apart":{}}',
        '{"adds":{"mutheu":[]},"seen":{},"apart":{}}',
        '{"adds":{"mutheu":{"1":"a"}},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[1,"a"]]},"seen":{},"apart":{}}',
        '{"adds":{"mutheu":[[2,"a"]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[1,"a"],[1,"b"]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[-1,"a"]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[true,"a"]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[1]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":["a"]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[1,7]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"mutheu":[[[1],"a"]]},"seen":{"mutheu":1},"apart":{}}',
        '{"adds":{"":[[1,"a"]]},"seen":{},"apart":{"":[1]}}',
        '{"adds":{},"seen":{"mutheu":9007199254740992},"apart":{}}',
        '{"adds":{},"seen":[],"apart":{}}',
        '{"adds":{},"seen":{},"apart":{"mutheu":3}}',
        '{"adds":{},"seen":{},"apart":{"":[3]}}',
        '{"adds":{},"seen":{},"apart":{}',
    ],
)
def test_a_broken_set_is_refused(text):
    with pytest.raises(SyncError):
        ORSet.from_json(text)
