from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicas import Kind, Op, broken_laws, history, machine_of, next_number, spread

from offlinefirst.sync._states import LARGEST, BadStateError
from offlinefirst.sync.clocks import LARGEST_COUNT, ClockDriftError, Hybrid, HybridClock, Lamport, VectorClock, larger
from offlinefirst.sync.errors import SyncError

DRIFT = 1_000


class Wall:
    """A wall clock that a test sets."""

    def __init__(self, ms=0):
        self.ms = ms

    def __call__(self):
        return self.ms


def _clock(ms=10_000, name="mutheu"):
    wall = Wall(ms)
    return HybridClock(name, wall, max_drift_ms=DRIFT), wall


def _tick(state, replica, choice, known):
    delta = VectorClock({replica: state[replica] + 1})
    return state.tick(replica), delta, Op(replica, next_number(replica, known), 1)


def _numbers(known):
    highest = {}
    for op in known:
        highest[op.replica] = max(op.number, highest.get(op.replica, 0))
    return highest


VECTOR = Kind(VectorClock, _tick, lambda state: dict(state.counts), _numbers)
TestVectorClock = machine_of(VECTOR).TestCase
TestVectorClock.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(seed):
    assert broken_laws(spread(history(VECTOR, seed))) == set()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=25))
def test_a_vector_clock_is_exactly_who_could_have_known_and_a_lamport_clock_half_of_it(steps):
    """Events on three phones; each step is an event at one, which hears all that the other knows."""
    names = ["mutheu", "kioko", "wanza"]
    vectors, lamports = {n: VectorClock() for n in names}, {n: Lamport(0, n) for n in names}
    knows = {n: frozenset() for n in names}
    events = []
    for number, (one, other) in enumerate(steps):
        name, told = names[one], names[other]
        vectors[name] = vectors[name].merge(vectors[told]).tick(name)
        lamports[name] = lamports[name].receive(lamports[told])
        knows[name] = knows[name] | knows[told] | {number}
        events.append((number, knows[name], vectors[name], lamports[name]))
    for number, _, vector, lamport in events:
        for other, known, other_vector, other_lamport in events:
            before = number != other and number in known
            assert (vector < other_vector) == before
            if before:
                assert lamport < other_lamport
    for number, known, vector, _ in events:
        for other, other_known, other_vector, _ in events:
            apart = number not in other_known and other not in known
            assert vector.concurrent(other_vector) == apart


def test_vector_clocks_that_are_neither_before_nor_after():
    one, other = VectorClock().tick("mutheu"), VectorClock().tick("kioko")
    assert one.concurrent(other)
    assert not one <= other
    assert not other <= one
    assert not one.concurrent(one)
    assert not one < one  # noqa: PLR0124 - that is the question
    assert one["wanza"] == 0


def test_larger():
    assert larger({"a": 1, "b": 5}, {"a": 3, "c": 1}) == {"a": 3, "b": 5, "c": 1}


moves = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(-5_000, 5_000)),
        st.tuples(st.just("hear"), st.integers(-3_000, 6_000)),
        st.tuples(st.just("crash"), st.integers(-20_000, 0)),
    ),
    max_size=40,
)


@given(moves)
def test_stamps_grow_whatever_the_wall_clock_does(steps):
    """The wall clock jumps, others' stamps are old, new or far ahead, and the phone restarts with its clock at zero."""
    clock, wall = _clock()
    stamps, highest = [], 0
    for kind, amount in steps:
        if kind == "crash":
            wall.ms = max(0, wall.ms + amount)
            clock = HybridClock.restore(clock.to_json(), wall, max_drift_ms=DRIFT)
        elif kind == "tick":
            wall.ms = max(0, wall.ms + amount)
            highest = max(highest, wall.ms)
            stamps.append(clock.tick())
        else:
            other = Hybrid(max(0, wall.ms + amount), 3, "kioko")
            highest_now = max(highest, wall.ms)
            before = clock.to_json()
            if other.wall_ms > highest_now + DRIFT:
                with pytest.raises(ClockDriftError):
                    clock.receive(other)
                assert clock.to_json() == before
            else:
                highest = highest_now
                stamps.append(clock.receive(other))
                assert other < stamps[-1]
    assert all(one < other for one, other in pairwise(stamps))
    assert all(stamp.wall_ms <= highest + DRIFT + 1 for stamp in stamps)


def test_the_time_is_shown_when_it_can_be():
    clock, wall = _clock()
    assert clock.last is None
    assert clock.tick() == Hybrid(10_000, 0, "mutheu")
    assert clock.tick() == Hybrid(10_000, 1, "mutheu")
    wall.ms = 9_000
    assert clock.tick() == Hybrid(10_000, 2, "mutheu")
    wall.ms = 10_001
    assert clock.tick() == clock.last == Hybrid(10_001, 0, "mutheu")
    assert clock.receive(Hybrid(10_500, 7, "kioko")) == Hybrid(10_500, 8, "mutheu")
    assert clock.receive(Hybrid(10_500, 2, "kioko")) == Hybrid(10_500, 9, "mutheu")
    assert clock.receive(Hybrid(10_500, 20, "wanza")) == Hybrid(10_500, 21, "mutheu")
    assert clock.receive(Hybrid(3, 60_000, "wanza")) == Hybrid(10_500, 22, "mutheu")
    wall.ms = 20_000
    assert clock.receive(Hybrid(10_600, 5, "wanza")) == Hybrid(20_000, 0, "mutheu")


def test_the_limit_of_drift_is_the_last_stamp_accepted():
    clock, _ = _clock()
    assert clock.receive(Hybrid(11_000, 0, "kioko")) == Hybrid(11_000, 1, "mutheu")
    with pytest.raises(ClockDriftError) as caught:
        clock.receive(Hybrid(11_001, 0, "kioko"))
    assert (caught.value.ahead_ms, caught.value.max_drift_ms, caught.value.replica) == (1_001, DRIFT, "kioko")
    assert isinstance(caught.value, SyncError)
    assert clock.tick() == Hybrid(11_000, 2, "mutheu")


def test_what_others_say_does_not_move_the_limit():
    clock, _ = _clock()
    clock.receive(Hybrid(11_000, 0, "kioko"))
    with pytest.raises(ClockDriftError):
        clock.receive(Hybrid(11_500, 0, "kioko"))


def test_a_phone_in_1970_keeps_the_time_that_it_knew():
    clock, wall = _clock()
    clock.tick()
    wall.ms = 0
    restored = HybridClock.restore(clock.to_json(), wall, max_drift_ms=DRIFT)
    assert restored.tick() == Hybrid(10_000, 1, "mutheu")
    assert restored.receive(Hybrid(10_900, 0, "kioko")) == Hybrid(10_900, 1, "mutheu")


def test_a_clock_before_1970_counts_as_1970():
    clock, _ = _clock(-5)
    assert clock.tick() == Hybrid(0, 0, "mutheu")


def test_a_full_count_adds_a_millisecond():
    clock, _ = _clock()
    clock.receive(Hybrid(10_000, LARGEST_COUNT - 1, "kioko"))
    assert clock.tick() == Hybrid(10_001, 0, "mutheu")


@pytest.mark.parametrize(
    ("ms", "says"), [(300_000, "5 minutes"), (3 * 3_600_000, "3 hours"), (20_000 * 86_400_000, "20,000 days")]
)
def test_the_error_says_how_far_and_what_to_do(ms, says):
    clock, _ = _clock(0)
    with pytest.raises(ClockDriftError, match=f"kioko's stamp is {says} ahead.*1 seconds is the limit.*set it"):
        clock.receive(Hybrid(ms, 0, "kioko"))


@pytest.mark.parametrize(
    "parts",
    [
        (-1, 0, "a"),
        (1.0, 0, "a"),
        (True, 0, "a"),
        (1, -1, "a"),
        (1, LARGEST_COUNT + 1, "a"),
        (1, 0, ""),
        (1, 0, None),
        (LARGEST + 1, 0, "a"),
        (1, 0, "x" * 65),
    ],
)
def test_a_stamp_that_is_none_is_refused(parts):
    with pytest.raises(BadStateError):
        Hybrid(*parts)


def test_stamps_are_ordered_by_time_then_count_then_name():
    stamps = [Hybrid(1, 5, "z"), Hybrid(2, 0, "z"), Hybrid(2, 1, "a"), Hybrid(2, 1, "b")]
    assert sorted(reversed(stamps)) == stamps
    assert [Hybrid.from_json(stamp.to_json()) for stamp in stamps] == stamps


@pytest.mark.parametrize("text", ["", "{}", "[1,2]", '[1,2,"a",4]', '["1",2,"a"]', "[1,2,3]"])
def test_a_broken_stamp_is_refused(text):
    with pytest.raises(BadStateError):
        Hybrid.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"replica":"mutheu","own_ms":-1,"last":null}',
        '{"replica":"","own_ms":1,"last":null}',
        '{"replica":"mutheu","own_ms":1,"last":[1,0]}',
        '{"replica":"mutheu","own_ms":1,"last":[1,0,"kioko"]}',
        '{"replica":"mutheu","own_ms":1}',
    ],
)
def test_a_broken_clock_is_not_restored(text):
    with pytest.raises(BadStateError):
        HybridClock.restore(text, Wall(), max_drift_ms=DRIFT)


@pytest.mark.parametrize("text", ["[]", '{"a":-1}', '{"a":1.5}', "{"])
def test_a_broken_vector_clock_is_refused(text):
    with pytest.raises(BadStateError):
        VectorClock.from_json(text)
