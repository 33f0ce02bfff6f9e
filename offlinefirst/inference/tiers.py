"""The rungs that an engine may stand on: models of one task, each with what it takes and what it is worth, measured.

A rung that saves nothing is left out (`worthwhile`): it would make the ladder longer and the day no cheaper. Below the
last rung stands a rule that needs no model (`offlinefirst.inference.leaf_rule` for the leaves).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offlinefirst.inference.errors import InferenceError
from offlinefirst.measure.report import Report
from offlinefirst.models.choose import Candidate
from offlinefirst.models.package import Package, open_package

#: Two measurements of one thing may differ by so much.
_NOISE = 0.1

Predict = Callable[[Any], Any]
"""From one input to a score for each label."""


class TierError(InferenceError, ValueError):
    """A tier, or a ladder of them, that no engine could stand on."""


@dataclass(frozen=True)
class Tier:
    """One model that could answer, with its measured price.

    Args:
        name: What it is called; each name once on a ladder.
        load: Brings it into memory and gives a function from one input to scores; may raise anything.
        memory_bytes: The most that a process grew by loading it and answering: never the size of its file.
        quality: The share of test inputs that it answered rightly, from 0 to 1.
        latency_s: What half of its answers took at most, once warm; it also stands for the energy of an answer.

    Raises:
        TierError: A number that cannot have been measured.
    """

    name: str
    load: Callable[[], Predict] = field(repr=False, compare=False)
    memory_bytes: int
    quality: float
    latency_s: float

    def __post_init__(self) -> None:
        good = self.memory_bytes > 0 and 0 <= self.quality <= 1 and 0 < self.latency_s < math.inf
        if not self.name or not good:
            raise TierError(f"{self!r}: memory and latency are above 0, and quality is a share from 0 to 1")


def ladder(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    """Put tiers into order, the best first; of equal quality the quicker one.

    Raises:
        TierError: There is none, or one name stands for two.
    """
    found = tuple(sorted(tiers, key=lambda tier: (-tier.quality, tier.latency_s, tier.memory_bytes, tier.name)))
    if not found or len({tier.name for tier in found}) < len(found):
        raise TierError("a ladder has at least one tier, and each name once")
    return found


def worthwhile(tiers: Iterable[Tier], *, saves: float = 1 / 3, no_worse: float = 0.01) -> tuple[Tier, ...]:
    """Leave out every tier that another one makes useless.

    First those that are hardly better than a cheaper one; then, from the best down, those that save nothing to speak of
    against a better one that stays.

    Args:
        tiers: At least one.
        saves: What share of time or memory a step down has to save, from 0 to below 1.
        no_worse: A difference in quality that is not worth a tier of its own; about what the test photos can tell.

    Returns:
        The rest, best first. The best in quality always stays.

    Raises:
        TierError: As `ladder`, or a share outside its range.
    """
    if not (0 <= saves < 1 and 0 <= no_worse < 1):
        raise TierError(f"saves={saves!r} and no_worse={no_worse!r} are from 0 to below 1")
    found = list(ladder(tiers))
    for tier in found[1:]:
        if any(_replaces(other, tier, no_worse) for other in found if other is not tier):
            found.remove(tier)
    kept = found[:1]
    for tier in found[1:]:
        if all(_saves(tier, better, saves) for better in kept):
            kept.append(tier)
    return tuple(kept)


def from_package(
    path: Path,
    *,
    latency_s: float,
    memory_bytes: int | None = None,
    opened: Callable[[Path], Package] = open_package,
) -> Tier:
    """A tier from a model's package: name, quality and memory as its manifest promises.

    Args:
        path: The folder or zip file. Its manifest is checked now, its model when the tier is loaded.
        latency_s: As measured on this device; a manifest cannot know it.
        memory_bytes: What loading it adds, as measured here; when None the manifest's, which is a whole process and
            so rather too much.
        opened: How to open it.

    Raises:
        ModelError: It is no package, or not what its manifest says.
        TierError: Its numbers are none.
    """
    from offlinefirst.models.package import verify

    manifest = verify(path)

    def load() -> Predict:
        package = opened(path)
        return lambda photo: package.scores(photo[None])[0]

    right, count = manifest.quality["right"], manifest.quality["count"]
    return Tier(manifest.title, load, memory_bytes or manifest.memory_bytes, right / count, latency_s)


def from_report(name: str, load: Callable[[], Predict], report: Report, *, right: int, count: int) -> Tier:
    """A tier from a bench's report and a count of right answers.

    Args:
        name: What to call it.
        load: As `Tier`.
        report: Measured on the device where the tier will run.
        right: How many test inputs it answered rightly.
        count: How many there were.

    Returns:
        The tier; its memory is what the process grew by, from before loading to its peak.

    Raises:
        TierError: These are no counts.
    """
    if not 0 <= right <= count or count < 1:
        raise TierError(f"{right} of {count} right are no counts")
    grew = max(run.peak_rss_bytes - run.rss_before_load_bytes for run in report.runs)
    return Tier(name, load, max(1, grew), right / count, report.p50_s)


def from_candidate(candidate: Candidate, load: Callable[[], Predict]) -> Tier:
    """A tier from a candidate of `offlinefirst.models.choose`, which also tells what its accuracy proves.

    Args:
        candidate: As it was measured. Its memory is a whole process and its time that of 19 answers in 20: rather too
            much of both for a tier, and nothing is promised that it does not keep.
        load: As `Tier`.
    """
    return Tier(candidate.name, load, candidate.memory_bytes, candidate.accuracy, candidate.p95_s)


def within(tiers: Sequence[Tier], points: float) -> tuple[Tier, ...]:
    """Those tiers that give up at most so much quality against the best, the quickest first.

    Args:
        tiers: At least one.
        points: From 0 to 1; a share, not percent.
    """
    best = max(tier.quality for tier in tiers)
    good = [tier for tier in tiers if tier.quality >= best - points]
    return tuple(sorted(good, key=lambda tier: (tier.latency_s, -tier.quality)))


def _saves(lower: Tier, upper: Tier, share: float) -> bool:
    quicker = lower.latency_s <= (1 - share) * upper.latency_s
    smaller = lower.memory_bytes <= (1 - share) * upper.memory_bytes
    return quicker or smaller


def _replaces(other: Tier, tier: Tier, no_worse: float) -> bool:
    """Whether another tier is about as good, cheaper in one way, and about as cheap in the other."""
    about = 1.0 + _NOISE
    as_cheap = other.latency_s <= about * tier.latency_s and other.memory_bytes <= about * tier.memory_bytes
    return other.quality >= tier.quality - no_worse and as_cheap and _saves(other, tier, _NOISE)
