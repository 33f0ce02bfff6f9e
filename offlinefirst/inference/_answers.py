"""What an engine gives back, and what it writes down about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from offlinefirst.device.sensors import DeviceState

Status = Literal["answered", "paused", "refused"]
_SAID = 160


@dataclass(frozen=True)
class Answer:
    """What whoever asked gets.

    Args:
        status: "answered"; "paused": ask again later (only where the rules allow it); "refused": the input is none.
        label: The label with the highest score; None unless answered.
        scores: A number for each label.
        tier: Which tier answered; "rule" for the last resort; None unless answered.
        reason: Why this tier, or why no answer.
        took_s: From the call to here, loading included.
    """

    status: Status
    label: str | None
    scores: tuple[float, ...]
    tier: str | None
    reason: str
    took_s: float


@dataclass(frozen=True)
class Record:
    """One decision, for telemetry.

    Args:
        at_s: When, on the engine's clock.
        priority: The job's.
        answer: What came out.
        state: What the device was like.
        budget_bytes: What models could hold; `held_bytes` never was above it.
        held_bytes: What they held afterwards.
        loaded: Tiers loaded for this answer.
        evicted: Tiers dropped for it.
        failed: Tiers that failed, each with what happened.
        switched: Whether the lane changed its tier.
    """

    at_s: float
    priority: str
    answer: Answer
    state: DeviceState
    budget_bytes: int
    held_bytes: int
    loaded: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    switched: bool = False


class Work:
    """What one job has come to so far."""

    def __init__(self, now_s: float, priority: str, state: DeviceState, began_s: float) -> None:
        self.now_s, self.priority, self.state, self.began_s = now_s, priority, state, began_s
        self.budget_bytes = 0
        self.loaded: list[str] = []
        self.evicted: list[str] = []
        self.failed: list[str] = []
        self.switched = self.input_at_fault = False

    def record(self, answer: Answer, held_bytes: int) -> Record:
        """All of it, with what came out."""
        done = tuple(self.loaded), tuple(self.evicted), tuple(self.failed)
        about = self.now_s, self.priority, answer, self.state, self.budget_bytes, held_bytes
        return Record(*about, *done, self.switched)


def checked(predict: Callable[[Any], Any], given: Any, count: int) -> tuple[float, ...]:
    """Ask a tier, and look at what it gives before it counts as an answer.

    Args:
        predict: The tier's function.
        given: Its input.
        count: How many labels there are.

    Returns:
        A finite score for each label.

    Raises:
        ValueError: It gave something else.
        Exception: What the tier raises.
    """
    found = np.asarray(predict(given), float)
    if found.shape != (count,):
        raise ValueError(f"scores of the shape {list(found.shape)} for {count} labels")
    scores = tuple(found.tolist())
    if not all(-np.inf < score < np.inf for score in scores):
        raise ValueError(f"scores that are no numbers: {scores}")
    return scores


def said(error: BaseException) -> str:
    """An error in a line, even one that cannot be shown."""
    try:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_SAID]
    except Exception:  # noqa: BLE001 - an error that cannot even be shown
        return type(error).__name__
