import json
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicas import Kind, Op, broken_laws, history, machine_fails, machine_of, next_number, spread, standing

from offlinefirst.sync.clocks import Hybrid
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.registers import LWWRegister, MVRegister

VALUES = ["healthy", "armyworm", None, 1, True, {"leaf": [1, 2]}]


def _stamped(state, replica, choice, known):
    number = next_number(replica, known)
    value, stamp = VALUES[choice % len(VALUES)], Hybrid(choice % 7, number, replica)
    return *state.set(value, stamp), Op(replica, number, (stamp, json.dumps(value)))


def _latest(known):
    return json.loads(max((op.what for op in known), default=(None, "null"))[1])


def _seen(state, replica, choice, known):
    number = next_number(replica, known)
    value = VALUES[choice % len(VALUES)]
    replaces = frozenset(op.id for op in standing(known))
    return *state.set(replica, value), Op(replica, number, json.dumps(value), replaces)


def _choices(known):
    return sorted({op.what for op in standing(known)})


LAST = Kind(LWWRegister, _stamped, lambda state: state.value, _latest)
ALL = Kind(MVRegister, _seen, lambda state: sorted(map(json.dumps, state.values)), _choices)

TestLWWRegister = machine_of(LAST).TestCase
TestMVRegister = machine_of(ALL).TestCase
TestLWWRegister.settings = TestMVRegister.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("kind", [LAST, ALL])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(kind, seed):
    assert broken_laws(spread(history(kind, seed))) == set()


class MineOnATie(LWWRegister):
    def merge(self, other):
        return other if (other.stamp and (not self.stamp or other.stamp > self.stamp)) else self


class NoContext(MVRegister):
    def merge(self, other):
        both = {n: {**self.writes.get(n, {}), **other.writes.get(n, {})} for n in {**self.writes, **other.writes}}
        return type(self)(both, self.context.merge(other.context))


def test_the_laws_catch_a_tie_that_is_not_broken():
    one = MineOnATie(Hybrid(5, 0, "mutheu"), '"healthy"')
    other = MineOnATie(Hybrid(5, 0, "mutheu"), '"armyworm"')
    assert "commutative" in broken_laws([one, other])
    assert broken_laws([LWWRegister(one.stamp, one.text), LWWRegister(other.stamp, other.text)]) == set()


class EarliestWins(LWWRegister):
    def merge(self, other):
        both = [side for side in (self, other) if side.stamp]
        return min(both, key=lambda side: (side.stamp, side.text), default=self)


class DeltaWithoutContext(MVRegister):
    def set(self, replica, value):
        new, delta = super().set(replica, value)
        return new, type(self)(delta.writes, type(self.context).of(delta.texts))


@pytest.mark.parametrize(
    ("kind", "broken"),
    [(LAST, EarliestWins), (ALL, NoContext), (ALL, DeltaWithoutContext)],
)
def test_the_machine_catches_a_broken_register(kind, broken):
    assert machine_fails(replace(kind, empty=broken))


@pytest.mark.parametrize("kind", [LWWRegister, MVRegister])
def test_a_dot_or_stamp_that_a_restored_backup_used_again_still_converges(kind):
    def write(value):
        return kind().set(value, Hybrid(5, 0, "mutheu"))[0] if kind is LWWRegister else kind().set("mutheu", value)[0]

    states = [write(value) for value in ("healthy", "armyworm", 1, True)]
    merged = {_merge(order).to_json() for order in permutations(states)}
    assert len(merged) == 1
    assert broken_laws(states) == set()
    assert kind.from_json(merged.pop()) == _merge(states)


def _merge(states):
    total = states[0]
    for state in states[1:]:
        total = total.merge(state)
    return total


def test_an_old_stamp_changes_nothing():
    new, _ = LWWRegister().set("healthy", Hybrid(1000, 0, "mutheu"))
    assert new.set("armyworm", Hybrid(999, 9, "wanza"))[0] == new


def test_a_write_replaces_what_it_has_seen_and_no_more():
    one, _ = MVRegister().set("mutheu", "healthy")
    other, _ = MVRegister().set("kioko", "armyworm")
    both = one.merge(other)
    assert both.values == ["armyworm", "healthy"]
    assert both.written_by == {"mutheu": "healthy", "kioko": "armyworm"}
    decided, delta = both.set("wanza", "streak virus")
    assert decided.values == ["streak virus"]
    assert one.merge(delta).values == other.merge(delta).values == ["streak virus"]
    late = one.merge(delta).merge(other)  # what was replaced arrives after what replaced it
    assert late.values == ["streak virus"]


def test_equal_values_of_two_are_one_choice():
    one, _ = MVRegister().set("mutheu", "healthy")
    other, _ = MVRegister().set("kioko", "healthy")
    assert one.merge(other).values == ["healthy"]


def test_a_value_is_not_changed_from_outside():
    value = {"leaf": [1]}
    register, _ = MVRegister().set("mutheu", value)
    value["leaf"].append(2)
    register.values[0]["leaf"].append(3)
    assert register.values == [{"leaf": [1]}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, "\ud800", b"bytes"])
def test_a_value_that_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError, match="cannot be kept as JSON"):
        LWWRegister().set(value, Hybrid(1, 0, "mutheu"))
    with pytest.raises(ValueError, match="cannot be kept as JSON"):
        MVRegister().set("mutheu", value)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"stamp":null,"value":1}',
        '{"stamp":[1,0],"value":1}',
        '{"stamp":[1,0,""],"value":1}',
        '{"stamp":[-1,0,"mutheu"],"value":1}',
        '{"stamp":[1,65536,"mutheu"],"value":1}',
        '{"stamp":[1.5,0,"mutheu"],"value":1}',
        '{"stamp":[1,0,"mutheu"],"value":NaN}',
        '{"stamp":[1,0,"mutheu"],"value":1e400}',
        '{"stamp":[1,0,"mutheu"],"value":[{"area":-1e999}]}',
        '{"stamp":[1,0,"mutheu"],"value":"\\ud800"}',
        '{"stamp":[1,0,"mutheu"],"value":1,"more":2}',
        '{"stamp":"now","value":1}',
    ],
)
def test_a_broken_last_write_is_refused(text):
    with pytest.raises(SyncError):
        LWWRegister.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"stand":[],"seen":{},"apart":[]}',
        '{"stand":{},"seen":{},"apart":{}}',
        '{"stand":[["mutheu",1]],"seen":{"mutheu":1},"apart":{}}',
        '{"stand":[["mutheu",1,"a"]],"seen":{},"apart":{}}',
        '{"stand":[["mutheu",1,"a"],["mutheu",1,"b"]],"seen":{"mutheu":1},"apart":{}}',
        '{"stand":[["mutheu",0,"a"]],"seen":{"mutheu":1},"apart":{}}',
        '{"stand":[["",1,"a"]],"seen":{"mutheu":1},"apart":{}}',
        '{"stand":[["mutheu",1,1e400]],"seen":{"mutheu":1},"apart":{}}',
        '{"stand":[],"seen":{"mutheu":0},"apart":{}}',
        '{"stand":[],"seen":{},"apart":{"mutheu":[0]}}',
        '{"stand":[],"seen":{},"apart":{"mutheu":["1"]}}',
    ],
)
def test_broken_writes_are_refused(text):
    with pytest.raises(SyncError):
        MVRegister.from_json(text)
