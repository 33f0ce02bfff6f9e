"""A confidence cascade: the device answers; where it is unsure and asking is worth it, a service in the cloud is asked.

Rules:
    - The device's own answer is there before anything is sent, and it stands whenever the cloud brings none.
    - Asked is only below the threshold, with a link, with the breaker closed and within the cap of costs.
    - A question has one deadline for everything: name, connection, body. A server that drips bytes does not extend it.
    - What comes back is looked at: a known label, a confidence from 0 to 1. Anything else counts as a failure.
    - Each answer says why it came from where it came, and the reasons are counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from offlinefirst.inference.breaker import Breaker, CostCap, SettingError
from offlinefirst.inference.errors import InferenceError

Reason = Literal[
    "confident",  # not asked, like the next five
    "no link",
    "breaker open",
    "over the cost cap",
    "busy",
    "closed",
    "asked",  # and answered
    "deadline",
    "failed",
    "unusable reply",
]


class CloudError(InferenceError):
    """The service gave no usable answer.

    Args:
        message: What happened, and what to do.
        retry_after_s: The pause that it asked for; 0 when it did not.
        cost: What was spent all the same; None when it is not known, and then the highest price counts.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0, cost: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s, self.cost = retry_after_s, cost


@dataclass(frozen=True)
class Reply:
    """What a model says.

    Args:
        label: One of the classes.
        confidence: From 0 to 1.
        cost: What it cost to ask, in the unit of the cap.
    """

    label: str
    confidence: float
    cost: float = 0.0


@dataclass(frozen=True)
class CascadeAnswer:
    """An answer, and why it is this one.

    Args:
        label: What to show.
        confidence: Of whoever answered, from 0 to 1.
        source: Who answered.
        reason: Why nobody else was asked, or how the asking went.
        local: What the device says, whoever answered.
        elapsed_s: From the question to this answer.
        cost: What asking cost, in the unit of the cap.
        detail: The error's words, where there was one.
    """

    label: str
    confidence: float
    source: Literal["device", "cloud"]
    reason: Reason
    local: Reply
    elapsed_s: float
    cost: float = 0.0
    detail: str = ""


class Cloud(Protocol):
    """The service: takes an input and the seconds that are left, returns a Reply or raises CloudError."""

    def __call__(self, input_: Any, deadline_s: float, /) -> Reply: ...


class Cascade:
    """Answers on the device, and asks the cloud where that is worth it.

    Args:
        local: The device's model. Its errors are the caller's: without it there is nothing to fall back on.
        cloud: The service.
        threshold: Below this confidence the cloud is asked, from 0 (never) to 1.
        labels: The labels that a reply may have.
        deadline_s: How long an answer may take in all, the device's own included.
        highest_cost: What one question may cost at most.
        cap: What may be spent; None for no cap.
        breaker: When to leave a failing service alone.
        has_link: Whether there is a network; False saves the deadline, True promises nothing.
        clock: Monotonic seconds.
        most_under_way: So many questions at most are under way, those given up included.

    Raises:
        SettingError: A number is out of range, or there are no labels.
    """

    def __init__(
        self,
        local: Callable[[Any], Reply],
        cloud: Cloud,
        *,
        threshold: float,
        labels: Sequence[str],
        deadline_s: float,
        highest_cost: float = 0.0,
        cap: CostCap | None = None,
        breaker: Breaker | None = None,
        has_link: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
        most_under_way: int = 2,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise SettingError(f"threshold is {threshold}; a confidence is from 0 to 1")
        if not (0 < deadline_s < float("inf") and 0 <= highest_cost < float("inf") and most_under_way >= 1):
            raise SettingError("deadline_s is above 0, highest_cost not below 0, most_under_way at least 1")
        if not labels:
            raise SettingError("labels is empty: then no reply could be right")
        self._local, self._cloud, self._threshold, self._labels = local, cloud, threshold, frozenset(labels)
        self._deadline_s, self._highest = deadline_s, highest_cost
        self._cap, self._breaker, self._has_link, self._clock = cap, breaker or Breaker(), has_link, clock
        self._lock = threading.Lock()
        self._free = threading.Semaphore(most_under_way)
        self._pool = ThreadPoolExecutor(most_under_way, thread_name_prefix="offlinefirst-cloud")
        self._reasons: Counter[Reason] = Counter()
        self._closed = False

    def __enter__(self) -> "Cascade":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask no more and wait for no one: questions under way are dropped when they end. The device still answers."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason decided."""
        with self._lock:
            return {str(reason): count for reason, count in self._reasons.items()}

    @property
    def spent(self) -> float:
        """What this period has cost, with what is set aside for questions under way."""
        with self._lock:
            return 0.0 if self._cap is None else self._cap.most - self._cap.left(self._clock())

    def answer(self, input_: Any) -> CascadeAnswer:
        """Answer within about `deadline_s`, or once the device is done if that is later; the cloud never raises."""
        begun_s = self._clock()
        local = self._local(input_)
        reason: Reason
        cloud, cost, detail = None, 0.0, ""
        refused = self._may_not_ask(local, self._deadline_s - (self._clock() - begun_s))
        if refused is not None:
            reason = refused
        else:
            cloud, reason, cost, detail = self._ask(input_, self._deadline_s - (self._clock() - begun_s))
        with self._lock:
            self._reasons[reason] += 1
        said, source = (local, "device") if cloud is None else (cloud, "cloud")
        return CascadeAnswer(
            label=said.label,
            confidence=said.confidence,
            source=source,  # type: ignore[arg-type]
            reason=reason,
            local=local,
            elapsed_s=self._clock() - begun_s,
            cost=cost,
            detail=detail,
        )

    def _may_not_ask(self, local: Reply, left_s: float) -> Reason | None:
        """Why the cloud is not asked; None when it is, and then its place, its probe and its price are taken."""
        if local.confidence >= self._threshold:  # a confidence that is not a number is below every threshold
            return "confident"
        if left_s <= 0:  # the device took it all: no fault of the cloud
            return "deadline"
        if not self._has_link():
            return "no link"
        if not self._free.acquire(blocking=False):
            return "busy"
        refused: Reason | None = None
        with self._lock:
            now_s = self._clock()
            if self._closed:
                refused = "closed"
            elif self._breaker.state(now_s) == "open":
                refused = "breaker open"
            elif self._cap is not None and not self._cap.allows(self._highest, now_s=now_s):
                refused = "over the cost cap"
            else:
                self._breaker = self._breaker.begun(now_s)
                if self._cap is not None:
                    self._cap = self._cap.reserved(self._highest, now_s=now_s)
        if refused is not None:
            self._free.release()
        return refused

    def _ask(self, input_: Any, left_s: float) -> tuple[Reply | None, Reason, float, str]:
        """Ask, wait until the deadline, and keep the books. The place that `_may_not_ask` took is given back here."""
        try:
            question = self._pool.submit(self._cloud, input_, max(left_s, 0.0))
        except RuntimeError:  # closed a moment ago
            self._free.release()
            self._failed(0.0, 0.0)
            return None, "closed", 0.0, ""
        question.add_done_callback(lambda _: self._free.release())  # given up or not: the thread is busy until it ends
        try:
            reply = question.result(timeout=max(left_s, 0.0))
        except NotYet:
            if not question.done():
                self._failed(0.0, None)  # what it may still cost stays set aside
                return None, "deadline", self._highest, f"no answer within {self._deadline_s:g} s"
            return self._broken(question)
        except Exception:  # noqa: BLE001 - whatever the service does, the device's answer stands; the words are kept
            return self._broken(question)
        if wrong := self._unusable(reply):
            self._failed(0.0, None)
            return None, "unusable reply", self._highest, wrong
        with self._lock:
            self._breaker = self._breaker.succeeded()
            if self._cap is not None:
                self._cap = self._cap.settled(self._highest, reply.cost, now_s=self._clock())
        return reply, "asked", reply.cost, ""

    def _broken(self, question: "Future[Reply]") -> tuple[None, Reason, float, str]:
        error = question.exception()
        known = isinstance(error, CloudError)
        cost = error.cost if isinstance(error, CloudError) else None
        self._failed(error.retry_after_s if isinstance(error, CloudError) else 0.0, cost)
        words = str(error) if known else f"{type(error).__name__}: {error}"
        return None, "failed", self._highest if cost is None else cost, words

    def _failed(self, retry_after_s: float, cost: float | None) -> None:
        with self._lock:
            now_s = self._clock()
            self._breaker = self._breaker.failed(now_s, retry_after_s=retry_after_s)
            if self._cap is not None and cost is not None:
                self._cap = self._cap.settled(self._highest, cost, now_s=now_s)

    def _unusable(self, reply: object) -> str:
        """What is wrong with a reply; "" when nothing is."""
        if not isinstance(reply, Reply):
            return f"a {type(reply).__name__} is no Reply"
        if reply.label not in self._labels:
            return f"the label {reply.label!r} is none of ours"
        if not 0 <= reply.confidence <= 1:
            return f"a confidence of {reply.confidence} is not from 0 to 1"
        if not 0 <= reply.cost <= self._highest:
            return f"it cost {reply.cost}, and {self._highest} was the most that it might"
        return ""


@dataclass(frozen=True)
class Threshold:
    """A point on the curve of asking against accuracy.

    Args:
        threshold: Ask below this confidence.
        asked: Share of questions that go to the cloud, from 0 to 1.
        accuracy: Share of right answers of the cascade, from 0 to 1.
    """

    threshold: float
    asked: float
    accuracy: float


def thresholds(
    confidence: Sequence[float], local_right: Sequence[bool], cloud_right: Sequence[bool]
) -> list[Threshold]:
    """Every threshold that makes a difference on measured answers, by rising share asked.

    Args:
        confidence: The device's confidence for each input, from 0 to 1.
        local_right: Whether the device was right.
        cloud_right: Whether the cloud was, on the same inputs.

    Raises:
        SettingError: There are no inputs, they are not equally many, or a confidence is out of range.
    """
    count = len(confidence)
    if count == 0 or len(local_right) != count or len(cloud_right) != count:
        raise SettingError("confidence, local_right and cloud_right need one value for each of at least one input")
    if not all(0 <= one <= 1 for one in confidence):
        raise SettingError("a confidence is out of 0 to 1")
    by_confidence = sorted(range(count), key=lambda i: confidence[i])
    right = sum(map(bool, local_right))
    found = [Threshold(0.0, 0.0, right / count)]
    for place, i in enumerate(by_confidence):
        right += bool(cloud_right[i]) - bool(local_right[i])
        after = confidence[by_confidence[place + 1]] if place + 1 < count else None
        if after is None and confidence[i] < 1:  # a confidence of 1 is never below a threshold
            found.append(Threshold(1.0, 1.0, right / count))
        elif after is not None and after > confidence[i]:
            found.append(Threshold(after, (place + 1) / count, right / count))
    return found


def best_threshold(curve: Sequence[Threshold], *, most_asked: float) -> Threshold:
    """The most accurate point that asks no more than a share; of equals the one that asks least.

    Args:
        curve: What `thresholds` returned.
        most_asked: From 0 to 1.

    Raises:
        SettingError: The share is out of range.
    """
    if not 0 <= most_asked <= 1:
        raise SettingError(f"most_asked is {most_asked}; a share is from 0 to 1")
    return max((one for one in curve if one.asked <= most_asked), key=lambda one: (one.accuracy, -one.asked))
