"""An engine that answers with what the device can afford, and that never raises at whoever asks.

It loads a tier when a job first needs it, drops tiers when memory gets short, sets one aside that fails, and falls back
on a rule that needs no model. Which tier a job gets is decided by `offlinefirst.inference.policy`; every decision is
kept with its reason.

What "never" covers: everything that the field can do, such as sensors that fail, files that are broken, memory that
runs out, models that raise or give NaN, and input that is no input. What it leaves alone: `KeyboardInterrupt` and its
like, which are somebody's wish. What is wrong in the app's own code is refused when the engine is made (`EngineError`),
before it is in the field.
"""

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from offlinefirst.device.sensors import PRIORITIES, DeviceState, Sensors
from offlinefirst.inference._answers import Answer, Record, Status, Work, checked, said
from offlinefirst.inference.errors import InferenceError
from offlinefirst.inference.policy import Decision, Lane, Rules, budget_bytes, choose_tier
from offlinefirst.inference.tiers import Predict, Tier, ladder

__all__ = ["LAST_RESORT", "Answer", "Engine", "EngineError", "Record"]

LAST_RESORT = "rule"
_LONGEST_ASIDE_S = 86_400.0


class EngineError(InferenceError, ValueError):
    """The engine was put together so that it could never give an answer."""


@dataclass(frozen=True)
class _Aside:
    until_s: float
    lasted_s: float
    reason: str


class Engine:
    """Answers; one job at a time, from any thread."""

    def __init__(
        self,
        tiers: Iterable[Tier],
        last_resort: Predict,
        *,
        labels: Sequence[str],
        sensors: Sensors,
        sample: Any,
        check: Callable[[Any], str | None] = lambda given: None,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.monotonic,
        retry_s: float = 600.0,
        history: int = 1000,
        on_record: Callable[[Record], object] | None = None,
    ) -> None:
        """Put it together; no tier is loaded yet.

        Args:
            tiers: In any order.
            last_resort: From any input that `check` lets through to scores; needs no memory and cannot fail.
            labels: What the scores belong to.
            sensors: Where the device's state comes from.
            sample: An input of the usual kind. A tier answers it once when it is loaded, which warms it up; and again
                when it failed on another input, which tells whose fault it was.
            check: Says why an input is none; None when it is one.
            rules: What the policy goes by.
            clock: A monotonic clock, in seconds.
            retry_s: How long a tier that failed is set aside at first; twice as long each time after.
            history: How many records to keep.
            on_record: Told of every record; what it raises is dropped.

        Raises:
            EngineError: The last resort does not answer the sample, or a number makes no sense.
            TierError: The tiers are no ladder.
        """
        self.tiers = ladder(tiers)
        self._last_resort, self._labels, self._sensors = last_resort, tuple(labels), sensors
        self._sample, self._check, self._rules = sample, check, rules or Rules()
        self._clock, self._retry_s, self._on_record = clock, retry_s, on_record
        self.records: deque[Record] = deque(maxlen=history)
        self._loaded: OrderedDict[str, Predict] = OrderedDict()
        self._lanes = dict.fromkeys(PRIORITIES, Lane())
        self._asides: dict[str, _Aside] = {}
        self._memory = {tier.name: tier.memory_bytes for tier in self.tiers}
        self._state: DeviceState | None = None
        self._lock = threading.RLock()
        if retry_s <= 0 or LAST_RESORT in self._memory:
            raise EngineError(f"retry_s={retry_s!r} is above 0, and no tier is called {LAST_RESORT!r}")
        try:
            wrong = check(sample)
            checked(last_resort, sample, len(self._labels))
        except Exception as error:
            raise EngineError(f"the last resort does not answer the sample: {said(error)}") from error
        if wrong is not None:
            raise EngineError(f"the sample is no input: {wrong}")

    @property
    def held_bytes(self) -> int:
        """What the loaded tiers take together, as measured beforehand."""
        return sum(self._memory[name] for name in self._loaded)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the loaded tiers, the longest unused first."""
        return tuple(self._loaded)

    @property
    def set_aside(self) -> dict[str, str]:
        """Tiers that are set aside at the moment, and why."""
        now = self._clock()
        return {name: aside.reason for name, aside in self._asides.items() if now < aside.until_s}

    def answered_by(self) -> Counter[str]:
        """How many of the kept records each tier answered."""
        return Counter(record.answer.tier or record.answer.status for record in self.records)

    def predict(self, given: Any, priority: str = "normal") -> Answer:
        """Answer. Never raises.

        Args:
            given: The input.
            priority: One of `PRIORITIES`.

        Returns:
            An answer with its reason; its status says whether there is a label.
        """
        with self._lock:
            try:
                return self._predict(given, priority)
            except Exception as error:  # noqa: BLE001 - such as no memory left for the engine's own few objects
                return Answer("refused", None, (), None, f"the engine itself failed: {said(error)}", 0.0)

    def warm_up(self, priority: str = "normal") -> Answer:
        """Load what a job of this priority would get now, and answer the sample with it. Never raises."""
        return self.predict(self._sample, priority)

    def release(self) -> int:
        """Drop every loaded tier, as when the system asks for memory; the next job loads what it needs.

        Returns:
            Bytes given back, as measured beforehand.
        """
        with self._lock:
            held = self.held_bytes
            self._loaded.clear()
            return held

    def _predict(self, given: Any, priority: str) -> Answer:
        began, now = time.perf_counter(), self._clock()
        state, blind = self._read()
        work = Work(now, priority, state, began)
        work.failed += blind
        wrong = self._why_not(given, priority)
        if wrong is not None:
            self._make_room(work, budget_bytes(state, self.held_bytes, self._rules))
            return self._finish(work, "refused", None, None, wrong)
        # Every turn but the last sets a tier aside, so there is one turn more than tiers at most.
        for _ in range(len(self.tiers) + 1):
            lane = self._lanes[priority]
            decision = self._decide(work, lane)
            self._make_room(work, decision.budget_bytes, decision.tier)
            if decision.paused:
                self._lanes[priority] = decision.lane
                return self._finish(work, "paused", None, None, decision.reason)
            if decision.tier is None:
                self._lanes[priority] = decision.lane
                break
            scores = self._ask(work, decision.tier, given)
            if scores is not None:
                self._lanes[priority] = decision.lane
                work.switched = lane.tier not in (None, decision.tier.name)
                why = "; ".join([*work.failed, decision.reason])
                return self._finish(work, "answered", scores, decision.tier.name, why)
            if work.input_at_fault:
                break
        return self._resort(work, given, decision.reason)

    def _why_not(self, given: Any, priority: Any) -> str | None:
        if not isinstance(priority, str) or priority not in self._lanes:
            return f"a job is {', '.join(PRIORITIES)}, and this one is something else"
        try:
            return self._check(given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            return f"the check failed on it: {said(error)}"

    def _decide(self, work: Work, lane: Lane) -> Decision:
        aside = [name for name, each in self._asides.items() if work.now_s < each.until_s] if self._asides else ()
        return choose_tier(
            work.state,
            work.priority,
            self.tiers,
            lane,
            now_s=work.now_s,
            held_bytes=self.held_bytes,
            rules=self._rules,
            aside=aside,
        )

    def _make_room(self, work: Work, budget: int, tier: Tier | None = None) -> None:
        """Drop tiers until what is held, and what is about to be loaded, is within the budget."""
        work.budget_bytes = budget
        keep = tier.name if tier is not None else None
        coming = tier.memory_bytes if tier is not None and keep not in self._loaded else 0
        for name in list(self._loaded):
            if self.held_bytes + coming <= budget:
                return
            if name != keep:
                self._drop(work, name)

    def _drop(self, work: Work, name: str) -> None:
        del self._loaded[name]
        work.evicted.append(name)
        # The reading was taken before: what this job frees and takes is added to it, so that the budget stays.
        freed = work.state.free_memory_bytes + self._memory[name]
        work.state = replace(work.state, free_memory_bytes=freed)
        self._forget_reading()

    def _ask(self, work: Work, tier: Tier, given: Any) -> tuple[float, ...] | None:
        predict = self._loaded.get(tier.name)
        if predict is None:
            try:
                predict = tier.load()
                checked(predict, self._sample, len(self._labels))
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
                self._fail(work, tier, f"did not load: {said(error)}")
                return None
            self._loaded[tier.name] = predict
            work.loaded.append(tier.name)
            free = work.state.free_memory_bytes - tier.memory_bytes
            work.state = replace(work.state, free_memory_bytes=free)
            self._forget_reading()
        else:
            self._loaded.move_to_end(tier.name)
        try:
            return checked(predict, given, len(self._labels))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            what = said(error)
        try:
            checked(predict, self._sample, len(self._labels))
        except Exception:  # noqa: BLE001 - whatever it is, this tier answers nothing any more
            self._drop(work, tier.name)
            self._fail(work, tier, f"stopped answering: {what}")
        else:
            work.input_at_fault = True
            work.failed.append(f"{tier.name} cannot answer this input: {what}")
        return None

    def _fail(self, work: Work, tier: Tier, reason: str) -> None:
        before = self._asides.get(tier.name)
        lasts = self._retry_s if before is None else min(_LONGEST_ASIDE_S, 2 * before.lasted_s)
        self._asides[tier.name] = _Aside(work.now_s + lasts, lasts, reason)
        work.failed.append(f"{tier.name} {reason}")

    def _resort(self, work: Work, given: Any, reason: str) -> Answer:
        why = "; ".join([*work.failed, reason])
        try:
            scores = checked(self._last_resort, given, len(self._labels))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            return self._finish(work, "refused", None, None, f"not even the rule answers it: {said(error)}; {why}")
        return self._finish(work, "answered", scores, LAST_RESORT, why)

    def _read(self) -> tuple[DeviceState, list[str]]:
        try:
            state = self._sensors.read()
            if not isinstance(state, DeviceState):
                raise TypeError(f"a reading is a DeviceState, not {type(state).__name__}")
        except Exception as error:  # noqa: BLE001 - a reading that fails is a state of the field like any other
            # Nothing is known: no more is taken than is held, and the battery is what it was, at worst empty.
            unknown = self._state or DeviceState(0.0, False, 0, 0)
            blind = f"the sensors cannot be read ({said(error)})"
            return replace(unknown, free_memory_bytes=self._rules.reserve_bytes), [blind]
        self._state = state
        return state, []

    def _forget_reading(self) -> None:
        getattr(self._sensors, "forget", lambda: None)()

    def _finish(
        self, work: Work, status: Status, scores: tuple[float, ...] | None, tier: str | None, reason: str
    ) -> Answer:
        label = None if scores is None else self._labels[scores.index(max(scores))]
        answer = Answer(status, label, scores or (), tier, reason, time.perf_counter() - work.began_s)
        record = work.record(answer, self.held_bytes)
        self.records.append(record)
        if self._on_record is not None:
            try:
                self._on_record(record)
            except Exception:  # noqa: BLE001 - whoever listens must not cost an answer
                self._on_record = None
        return answer
