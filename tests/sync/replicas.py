"""Replicas of any of the part's states: random histories, the laws, and a machine with a network that misbehaves."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

NAMES = ("mutheu", "kioko", "wanza", "ekai", "achieng")


@dataclass(frozen=True)
class Op:
    """One edit: who made it, their how-manieth, what was done, and which edits it means to replace."""

    replica: str
    number: int
    what: Any
    replaces: frozenset[tuple[str, int]] = frozenset()

    @property
    def id(self) -> tuple[str, int]:
        return self.replica, self.number


@dataclass(frozen=True)
class Kind:
    """How a machine edits a state, reads it, and knows what it should read.

    Args:
        empty: Makes the first state.
        edit: From state, replica, a whole number to choose by, and the ops known there, to new state, delta, op.
        view: What a person would see.
        expected: What they should see, from the known ops alone.
        prefix: A delta tells all of its replica's ops so far, not its own alone.
    """

    empty: Callable[[], Any]
    edit: Callable[[Any, str, int, list[Op]], tuple[Any, Any, Op]]
    view: Callable[[Any], Any]
    expected: Callable[[list[Op]], Any]
    prefix: bool = False


def history(kind: Kind, seed: int, steps: int = 12, replicas: int = 3) -> list[Any]:
    """States and deltas that edits and meetings of replicas lead to."""
    rng = random.Random(seed)
    states = {name: kind.empty() for name in NAMES[:replicas]}
    known: dict[str, list[Op]] = {name: [] for name in states}
    seen = [kind.empty()]
    for _ in range(steps):
        name, other = rng.sample(list(states), 2)
        if rng.random() < 0.6:
            states[name], delta, op = kind.edit(states[name], name, rng.randrange(1000), known[name])
            known[name].append(op)
            seen.append(delta)
        else:
            states[name] = states[name].merge(states[other])
            known[name] += [op for op in known[other] if op not in known[name]]
        seen.append(states[name])
    return seen


def broken_laws(states: list[Any]) -> set[str]:
    """Which laws some of these states break, by trying all triples."""
    found = set()
    for a in states:
        if a.merge(a) != a:
            found.add("idempotent")
        for b in states:
            both = a.merge(b)
            if both != b.merge(a):
                found.add("commutative")
            for c in states:
                if both.merge(c) != a.merge(b.merge(c)):
                    found.add("associative")
    return found


def spread(states: list[Any], count: int = 9) -> list[Any]:
    """Some of a history, from its beginning to its end."""
    step = max(1, len(states) // count)
    return states[::step]


def machine_of(kind: Kind) -> type[RuleBasedStateMachine]:
    """Three to five replicas that edit, lose touch, hear late, twice or never, crash, and come back from their disk."""

    class Replicas(RuleBasedStateMachine):
        @initialize(count=st.integers(3, 5))
        def start(self, count: int) -> None:
            self.states = {name: kind.empty() for name in NAMES[:count]}
            self.disk = {name: state.to_json() for name, state in self.states.items()}
            self.known: dict[str, dict[tuple[str, int], Op]] = {name: {} for name in self.states}
            self.every: dict[tuple[str, int], Op] = {}
            self.underway: list[tuple[str, str, tuple[Op, ...]]] = []
            self.away: set[str] = set()

        def _name(self, choice: int) -> str:
            return list(self.states)[choice % len(self.states)]

        def _becomes(self, name: str, state: Any, ops: Any) -> None:
            assert self.states[name] <= state, "a replica knows less than before"
            self.states[name] = state
            self.disk[name] = state.to_json()
            self.known[name].update({op.id: op for op in ops})

        @rule(who=st.integers(0, 4), choice=st.integers(0, 999))
        def edit(self, who: int, choice: int) -> None:
            name = self._name(who)
            old = self.states[name]
            new, delta, op = kind.edit(old, name, choice, list(self.known[name].values()))
            assert old.merge(delta) == new
            assert type(old).from_json(new.to_json()) == new
            self.every[op.id] = op
            self._becomes(name, new, [op])
            told = [o for o in self.every.values() if o.replica == name] if kind.prefix else [op]
            self.underway += [(other, delta.to_json(), tuple(told)) for other in self.states if other != name]

        @precondition(lambda self: self.underway)
        @rule(which=st.integers(0, 999), again=st.booleans(), lost=st.booleans())
        def deliver(self, which: int, again: bool, lost: bool) -> None:
            which %= len(self.underway)
            name, delta, ops = self.underway[which]
            if name in self.away:
                return
            if not again:
                del self.underway[which]
            if again or not lost:
                state = self.states[name]
                self._becomes(name, state.merge(type(state).from_json(delta)), ops)

        @rule(who=st.integers(0, 4))
        def lose_or_find_the_link(self, who: int) -> None:
            self.away ^= {self._name(who)}

        @rule(who=st.integers(0, 4))
        def crash(self, who: int) -> None:
            name = self._name(who)
            self.states[name] = type(self.states[name]).from_json(self.disk[name])

        @rule(who=st.integers(0, 4), whom=st.integers(0, 4))
        def meet(self, who: int, whom: int) -> None:
            one, other = self._name(who), self._name(whom)
            if {one, other} & self.away:
                return
            both = self.states[one].merge(self.states[other])
            ops = [*self.known[one].values(), *self.known[other].values()]
            self._becomes(one, both, ops)
            self._becomes(other, both, ops)

        @invariant()
        def everybody_sees_what_they_know(self) -> None:
            for name, state in getattr(self, "states", {}).items():
                assert kind.view(state) == kind.expected(list(self.known[name].values())), name

        def teardown(self) -> None:
            states = list(getattr(self, "states", {}).values())
            for start in range(len(states)):
                order = states[start:] + states[:start]
                total = order[0]
                for state in order[1:]:
                    total = total.merge(state)
                assert kind.view(total) == kind.expected(list(self.every.values()))
                assert total.to_json() == _merged(states).to_json()

    return Replicas


def machine_fails(kind: Kind) -> bool:
    """Whether the machine finds anything wrong with a kind."""
    quick = settings(
        max_examples=200,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    try:
        run_state_machine_as_test(machine_of(kind), settings=quick)
    except AssertionError:
        return True
    return False


def _merged(states: list[Any]) -> Any:
    total = states[0]
    for state in states[1:]:
        total = total.merge(state)
    return total


def next_number(replica: str, known: list[Op]) -> int:
    return 1 + max((op.number for op in known if op.replica == replica), default=0)


def standing(known: list[Op]) -> list[Op]:
    """The ops that no known op replaces."""
    replaced = {old for op in known for old in op.replaces}
    return [op for op in known if op.id not in replaced]
