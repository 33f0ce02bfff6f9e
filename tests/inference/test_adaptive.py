"""The engine in a field that does everything: four promises as a state machine, and each kind of trouble by itself."""

import random
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offlinefirst.device import MiB
from offlinefirst.device.sensors import PRIORITIES, DeviceState
from offlinefirst.inference.adaptive import LAST_RESORT, Engine, EngineError
from offlinefirst.inference.policy import Rules
from offlinefirst.inference.tiers import Tier

LABELS = ("healthy", "sick")
RESERVE = 16 * MiB
WINDOW_S = 60.0
SIZES = {"full": 40, "int8": 20, "light": 5}
SAMPLE = 0


@dataclass
class World:
    """A device that a test moves about, and what the engine has really taken of it."""

    percent: float = 80.0
    charging: bool = False
    room: int = 200 * MiB
    blind: bool = False
    now_s: float = 0.0
    broken: dict = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    loads: list = field(default_factory=list)
    above_budget: list = field(default_factory=list)

    def clock(self):
        return self.now_s

    def read(self):
        if self.blind:
            raise OSError("no such device")
        return DeviceState(self.percent, self.charging, self.room - sum(self.held.values()))

    def tiers(self):
        figures = {"full": (0.94, 2e-4), "int8": (0.93, 5e-5), "light": (0.87, 2e-5)}
        return [Tier(name, self._loader(name), SIZES[name] * MiB, *figures[name]) for name in SIZES]

    def _loader(self, name):
        def load():
            if self.broken.get(name) == "load":
                raise MemoryError("cannot allocate")
            self.loads.append(name)
            return Loaded(self, name)

        return load

    def engine(self, **options):
        defaults = {
            "labels": LABELS,
            "sensors": self,
            "sample": SAMPLE,
            "check": lambda given: None if isinstance(given, int) else "not a whole number",
            "rules": Rules(window_s=WINDOW_S, reserve_bytes=RESERVE),
            "clock": self.clock,
            "retry_s": 300.0,
        }
        return Engine(self.tiers(), lambda given: (0.6, 0.4), **{**defaults, **options})


class Loaded:
    """A model: it takes memory while anybody holds it, and answers as the test says."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.key = object()
        world.held[self.key] = SIZES[name] * MiB
        # An assertion here would be one more error that the engine survives.
        if sum(world.held.values()) > max(0, world.room - RESERVE) and not world.blind:
            world.above_budget.append(name)

    def __del__(self):
        self.world.held.pop(self.key, None)

    def __call__(self, given):
        how = self.world.broken.get(self.name)
        if how == "raise" or given < 0:
            raise RuntimeError("the model's own error")
        return {"nan": (float("nan"), 1.0), "shape": (1.0, 2.0, 3.0), "nothing": None}.get(how, (0.1, 0.9))


#: Room for nothing, for one tier, for two, for all; to the byte and beside it.
ROOMS = [0, *(RESERVE + size * MiB + more for size in (5, 20, 25, 40, 44, 60, 65, 90) for more in (-1, 0))]
SECONDS = [0.0, 1.0, 30.0, WINDOW_S - 1, WINDOW_S, 200.0]


class Field(RuleBasedStateMachine):
    """Any sequence of states, failures and jobs."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.engine = self.world.engine()
        self.last = dict.fromkeys(PRIORITIES)
        self.switched_s = dict.fromkeys(PRIORITIES, -1e9)

    @rule(percent=st.floats(0, 100), charging=st.booleans())
    def battery(self, percent, charging):
        self.world.percent, self.world.charging = percent, charging

    @rule(name=st.sampled_from(list(SIZES)), how=st.sampled_from(["load", "raise", "nan", "shape", "nothing", None]))
    def a_tier_breaks_or_heals(self, name, how):
        self.world.broken[name] = how

    @rule(blind=st.booleans())
    def sensors(self, blind):
        self.world.blind = blind

    @rule()
    def the_system_asks_for_memory(self):
        self.engine.release()
        assert self.world.held == {}

    @rule(room=st.sampled_from(ROOMS), seconds=st.sampled_from(SECONDS), priority=st.sampled_from(PRIORITIES))
    def one_job(self, room, seconds, priority):
        self.world.room = room
        self.world.now_s += seconds
        self.job(1, priority)

    @rule(seed=st.integers(0, 2**32))
    def many_jobs(self, seed):
        """Others take memory or give it back, time passes, a job comes; again and again."""
        rng = random.Random(seed)
        for _ in range(30):
            self.world.room = rng.choice(ROOMS)
            self.world.percent = rng.uniform(0, 100)
            self.world.now_s += rng.choice(SECONDS)
            self.job(rng.choice([-1, 1, 1, 1]), rng.choice(PRIORITIES))

    def job(self, given, priority):
        answer = self.engine.predict(given, priority)
        assert (answer.status, answer.label) in {("answered", label) for label in LABELS}
        assert answer.reason
        record = self.engine.records[-1]
        assert record.held_bytes == self.engine.held_bytes <= record.budget_bytes
        if not self.world.blind:
            assert sum(self.world.held.values()) <= max(0, self.world.room - RESERVE)
        if answer.tier == LAST_RESORT:
            return
        if self.last[priority] not in (None, answer.tier):
            assert self.world.now_s - self.switched_s[priority] >= WINDOW_S
            assert record.switched
            self.switched_s[priority] = self.world.now_s
        else:
            assert not record.switched
        self.last[priority] = answer.tier

    @precondition(lambda self: self.engine.loaded)
    @rule(given=st.sampled_from([None, "photo", 1.5, [], b""]), priority=st.sampled_from([*PRIORITIES, None, [], "x"]))
    def bad_input(self, given, priority):
        answer = self.engine.predict(given, priority)
        assert (answer.status, answer.label) == ("refused", None)
        assert answer.reason

    @invariant()
    def what_is_held_is_what_is_counted(self):
        assert sum(self.world.held.values()) == self.engine.held_bytes
        assert self.world.above_budget == []


TestField = Field.TestCase
TestField.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_nothing_is_loaded_before_it_is_needed():
    world = World()
    engine = world.engine()
    assert (world.loads, engine.loaded) == ([], ())
    engine.predict(1, "background")
    assert world.loads == ["int8"]


def test_a_tier_is_loaded_once_and_kept():
    world = World()
    engine = world.engine()
    for _ in range(3):
        assert [engine.predict(1, priority).tier for priority in PRIORITIES] == ["full", "full", "int8"]
    assert world.loads == ["full", "int8"]


def test_the_longest_unused_goes_first():
    world = World()
    engine = world.engine()
    engine.predict(1, "background")
    engine.predict(1, "urgent")
    world.room = RESERVE + 50 * MiB
    engine.predict(1, "urgent")
    assert engine.loaded == ("full",)
    assert engine.records[-1].evicted == ("int8",)


def test_a_tier_that_does_not_load_is_set_aside_and_the_next_answers():
    world = World(broken={"full": "load"})
    engine = world.engine()
    answer = engine.predict(1, "urgent")
    assert (answer.status, answer.tier) == ("answered", "int8")
    assert answer.reason.startswith("full did not load: MemoryError: cannot allocate")
    assert list(engine.set_aside) == ["full"]
    world.broken.clear()
    world.now_s = 299.0
    assert engine.predict(1, "urgent").tier == "int8"
    world.now_s = 301.0
    assert engine.predict(1, "urgent").tier == "full"


def test_each_failure_sets_it_aside_for_twice_as_long():
    world = World(broken={"full": "load"})
    engine = world.engine()
    tried = []
    for world.now_s in range(0, 3000, 100):
        engine.predict(1, "urgent")
        if engine.records[-1].failed:
            tried.append(world.now_s)
    assert tried == [0, 300, 900, 2100]


@pytest.mark.parametrize("how", ["raise", "nan", "shape", "nothing"])
def test_a_tier_that_stops_answering_is_dropped(how):
    world = World()
    engine = world.engine()
    engine.predict(1, "urgent")
    world.broken["full"] = how
    world.now_s = WINDOW_S
    assert engine.predict(1, "urgent").tier == "int8"
    assert "full" not in engine.loaded
    assert "stopped answering" in engine.set_aside["full"]


def test_an_input_that_breaks_a_healthy_tier_costs_no_tier():
    world = World()
    engine = world.engine()
    answer = engine.predict(-1, "urgent")
    assert (answer.tier, engine.set_aside) == (LAST_RESORT, {})
    assert "cannot answer this input" in answer.reason
    assert engine.predict(1, "urgent").tier == "full"


def test_with_sensors_that_fail_no_more_is_taken_and_it_is_said():
    world = World()
    engine = world.engine()
    engine.predict(1, "urgent")
    world.blind = True
    answer = engine.predict(1, "urgent")
    assert answer.tier == "full"
    assert "the sensors cannot be read (OSError: no such device)" in answer.reason
    assert engine.predict(1, "background").tier == "int8"  # in the room that was held
    engine.release()
    assert engine.predict(1, "urgent").tier == LAST_RESORT


def test_sensors_that_return_nonsense():
    engine = World().engine(sensors=type("Sensors", (), {"read": lambda self: None})())
    assert engine.predict(1).tier == LAST_RESORT


def test_a_last_resort_that_fails_in_the_field_is_an_answer_too():
    world = World(room=0)
    calls = []

    def breaks_later(given):
        calls.append(given)
        if len(calls) > 1:
            raise OSError("gone")
        return 0.5, 0.5

    engine = Engine(world.tiers(), breaks_later, labels=LABELS, sensors=world, sample=SAMPLE, clock=world.clock)
    answer = engine.predict(1)
    assert answer.status == "refused"
    assert "not even the rule answers it: OSError: gone" in answer.reason


def test_an_app_that_is_put_together_wrongly_hears_it_at_once():
    world = World()
    for resort in (lambda given: (1.0,), lambda given: None, lambda given: 1 / 0):
        with pytest.raises(EngineError, match="last resort"):
            Engine(world.tiers(), resort, labels=LABELS, sensors=world, sample=SAMPLE)
    with pytest.raises(EngineError, match="sample is no input"):
        world.engine(check=lambda given: "never right")
    with pytest.raises(EngineError, match="retry_s"):
        world.engine(retry_s=0)


def test_a_check_that_fails_refuses():
    calls = []

    def check(given):
        calls.append(given)
        if len(calls) > 1:
            raise TypeError("cannot look at it")

    assert "cannot look at it" in World().engine(check=check).predict(1).reason


def test_interrupting_is_somebody_s_wish():
    def interrupted():
        raise KeyboardInterrupt

    tier = Tier("full", interrupted, MiB, 0.9, 1e-4)
    engine = Engine([tier], lambda given: (1.0, 0.0), labels=LABELS, sensors=World(), sample=SAMPLE)
    with pytest.raises(KeyboardInterrupt):
        engine.predict(1)


def test_warm_up_loads_what_the_next_job_gets():
    world = World()
    engine = world.engine()
    assert engine.warm_up("background").tier == "int8"
    loads = list(world.loads)
    engine.predict(1, "background")
    assert world.loads == loads


def test_background_jobs_wait_when_the_rules_say_so():
    world = World(percent=10)
    engine = world.engine(rules=Rules(reserve_bytes=RESERVE, pause_background_percent=20))
    answer = engine.predict(1, "background")
    assert (answer.status, answer.label, world.loads) == ("paused", None, [])
    assert engine.predict(1, "normal").status == "answered"
    assert engine.answered_by() == {"paused": 1, "int8": 1}


def test_a_listener_that_fails_costs_no_answer():
    def listener(record):
        raise ValueError("full disk")

    engine = World().engine(on_record=listener)
    assert [engine.predict(1).status for _ in range(2)] == ["answered"] * 2


def test_records_are_kept_up_to_a_number():
    engine = World().engine(history=3)
    for number in range(5):
        engine.predict(number)
    assert len(engine.records) == 3


def test_many_threads():
    world = World()
    engine = world.engine(history=10_000)
    statuses = []

    def work():
        statuses.extend(engine.predict(number, PRIORITIES[number % 3]).status for number in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == ["answered"] * 800
    assert sorted(world.loads) == ["full", "int8"]


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0, 30)), min_size=1, max_size=40))
@settings(deadline=None)
def test_a_battery_around_its_edge_does_not_flap(readings):
    world = World()
    engine = world.engine(rules=Rules(window_s=0, reserve_bytes=RESERVE))  # the dead band alone
    edge = [46 + percent % 9 for percent, _ in readings]
    for world.percent in edge:
        engine.predict(1, "normal")
    assert sum(record.switched for record in engine.records) <= 1
