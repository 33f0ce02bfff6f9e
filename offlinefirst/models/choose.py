"""The smallest model that is good enough: by what the test photos prove, not by what they happen to show.

An accuracy is a count of photos, and a count has luck in it. A model meets a demand when even the accuracy that the
count leaves possible at worst is enough. Several candidates have several chances of being lucky, so each is asked to
be that much surer (Bonferroni): with the usual 95 %, a model below the demand is chosen in one test of twenty at most.

>>> round(accuracy_at_worst(37, 40), 2), round(accuracy_at_worst(925, 1000), 2)
(0.82, 0.91)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import format_bytes
from offlinefirst.models.errors import ModelError

Judgement = Literal["chosen", "larger", "not enough", "cannot tell", "does not fit"]
_STEPS = 50  # halvings: as close as a float gets
_MOST_PHOTOS = 100_000


class ChoiceError(ModelError, ValueError):
    """Candidates or a demand that make no sense."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One model, as it was measured; everything between photo and answer included.

    Args:
        name: What it is called.
        size_bytes: What has to be sent, code that only it needs included if that is sent too.
        right: How many test photos it answered rightly; nobody trained, calibrated or chose anything on them.
        count: How many there were.
        memory_bytes: The most that a process with it held.
        p95_s: What 19 of 20 answers took at most, from the photo on, in seconds.
    """

    name: str
    size_bytes: int
    right: int
    count: int
    memory_bytes: int
    p95_s: float

    @property
    def accuracy(self) -> float:
        """The share that was right: a measurement, with luck in it."""
        return self.right / self.count


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A candidate, what it proved, and what became of it and why."""

    candidate: Candidate
    at_worst: float
    judgement: Judgement
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        one = self.candidate
        shown = f"{one.accuracy:.1%} of {one.count:,}, at worst {self.at_worst:.1%}"
        return f"{one.name}, {format_bytes(one.size_bytes)}, {shown}: {self.judgement}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen, or None; and every candidate with its reasons, the smallest first."""

    chosen: Candidate | None
    judged: tuple[Judged, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.judged))

    __repr__ = __str__


def choose(
    candidates: Iterable[Candidate],
    *,
    accuracy: float,
    device: Profile,
    p95_s: float | None = None,
    confidence: float = 0.95,
) -> Choice:
    """Choose the smallest candidate that meets a demand on a device.

    Args:
        candidates: At least one, each name once.
        accuracy: The least share of right answers, between 0 and 1; stated before the test photos are looked at.
        device: Its memory for an app and its storage for one are the limits.
        p95_s: How long 19 of 20 answers may take, in seconds; None for any time.
        confidence: How sure to be that what is chosen meets the accuracy; between 0.5 and 1.

    Returns:
        The choice. Without one, the reasons say what would have to change.

    Raises:
        ChoiceError: There is no candidate, a name twice, a count that is none, or a demand outside its range.

    Source: Clopper and Pearson, The Use of Confidence or Fiducial Limits (1934); Dunn, Multiple Comparisons Among Means
        (1961).
    """
    found = sorted(candidates, key=lambda one: (one.size_bytes, one.memory_bytes, one.name))
    if not found or len({one.name for one in found}) < len(found):
        raise ChoiceError("there is nothing to choose from, or one name stands for two candidates")
    if not 0 < accuracy < 1 or not 0.5 < confidence < 1:
        raise ChoiceError(f"accuracy={accuracy!r} is between 0 and 1, confidence={confidence!r} between 0.5 and 1")
    each = 1 - (1 - confidence) / len(found)
    chosen: Candidate | None = None
    judged = []
    for one in found:
        at_worst = accuracy_at_worst(one.right, one.count, confidence=each)
        wrong = _does_not_fit(one, device, p95_s)
        judgement: Judgement
        if wrong:
            judgement = "does not fit"
        elif at_worst >= accuracy and chosen is None:
            chosen, judgement = one, "chosen"
            wrong = [f"the smallest of which {accuracy:.1%} is proven"]
        elif at_worst >= accuracy:
            judgement = "larger"
            wrong = [f"good enough as well, and {one.size_bytes / max(1, _size(chosen)):.1f} times as large"]
        elif one.accuracy >= accuracy:
            judgement = "cannot tell"
            needed = photos_needed(one.accuracy, accuracy, confidence=each)
            many = f"about {needed:,}" if needed else "more than a hundred thousand"
            wrong = [f"it may be luck: if it is as good as it looks, {many} photos would prove {accuracy:.1%}"]
        else:
            judgement = "not enough"
            wrong = [f"{one.accuracy:.1%} is below {accuracy:.1%} as measured"]
        judged.append(Judged(candidate=one, at_worst=at_worst, judgement=judgement, reasons=tuple(wrong)))
    return Choice(chosen=chosen, judged=tuple(judged))


def accuracy_at_worst(right: int, count: int, *, confidence: float = 0.95) -> float:
    """The least accuracy that a count leaves possible: below it, so many right answers would be too rare a luck.

    Args:
        right: How many were right.
        count: Of how many independent photos.
        confidence: How sure, on this one side; above 0.5 and below 1.

    Returns:
        From 0 to right / count. It is exact for any count, and so a little too careful for small ones.

    Raises:
        ChoiceError: These are no counts, or no confidence.

    Source: Clopper and Pearson (1934).
    """
    if not (isinstance(right, int | np.integer) and isinstance(count, int | np.integer) and 0 <= right <= count > 0):
        raise ChoiceError(f"{right!r} of {count!r} right are no counts; give whole numbers, not shares")
    if not 0.5 < confidence < 1:
        raise ChoiceError(f"confidence={confidence!r} is between 0.5 and 1")
    if right == 0:
        return 0.0
    k = np.arange(right, count + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    ways = log_factorial[count] - log_factorial[k] - log_factorial[count - k]
    low, high = 0.0, right / count
    for _ in range(_STEPS):
        middle = (low + high) / 2
        as_many = np.exp(ways + k * math.log(middle) + (count - k) * math.log1p(-middle)).sum()
        low, high = (middle, high) if as_many < 1 - confidence else (low, middle)
    return low


def photos_needed(true: float, accuracy: float, *, confidence: float = 0.95) -> int | None:
    """How many test photos would prove an accuracy, if the share that is right is `true`.

    Returns:
        About so many, to a twentieth; None when they are over a hundred thousand, or none would do.
    """
    if not true > accuracy:
        return None
    spread = math.sqrt(accuracy * (1 - accuracy))
    rough = (NormalDist().inv_cdf(confidence) * spread / (true - accuracy)) ** 2
    many = max(1, round(0.8 * rough))
    while many <= _MOST_PHOTOS:
        if accuracy_at_worst(math.floor(true * many), many, confidence=confidence) >= accuracy:
            return many
        many += max(1, many // 20)
    return None


def _does_not_fit(one: Candidate, device: Profile, p95_s: float | None) -> list[str]:
    found = [
        f"it takes {format_bytes(need)} of {what}; {device.title} has {format_bytes(have)} for an app"
        for what, need, have in (
            ("memory", one.memory_bytes, device.app_memory_bytes),
            ("storage", one.size_bytes, device.storage_quota_bytes),
        )
        if need > have
    ]
    if p95_s is not None and not one.p95_s <= p95_s:
        found.append(f"19 of 20 answers take up to {1000 * one.p95_s:.1f} ms, and {1000 * p95_s:.1f} are allowed")
    return found


def _size(one: Candidate | None) -> int:
    return one.size_bytes if one is not None else 1
