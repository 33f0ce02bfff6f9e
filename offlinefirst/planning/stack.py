"""Where a model should run and how it gets there: one pure function from a situation to a plan, with its reasons.

The rules, each deciding one part of the plan for every situation:

1. *Inference* runs in the cloud only if the link is reliable, the data may leave the device, sending them costs nobody
   much, and a round trip leaves time to answer. Otherwise it runs on the device. A plan for the cloud keeps a small
   model on the device for the hours that no link promises, so the other parts are decided for it too.
2. *Hardware*: the accelerator where there is one, with the processor behind it; trees always use the processor.
3. *Runtime*: ONNX Runtime for trees and for mixed platforms, LiteRT where every device is an Android phone.
4. *Compression*: none for trees, int8 for everything else; pruning as well unless the link is reliable, distillation as
   well without an accelerator.
5. *Size*: below 64 GB of storage at most 5 MB, above at most a thousandth of the storage.
6. *Latency*: 200 ms to an answer, whoever computes it.
7. *Delivery*: inside the app below 64 GB of storage or without any link, else downloaded on the first Wi-Fi.
8. *Sync*: at once, when there is a link, or carried by hand.
9. *Alternatives*: what to try before a neural network; gradient boosting and random forests wherever there are columns.

Source: the questions, and the figures 64 GB, 5 MB and 200 ms, are those of the decision tree in "Building and Deploying
AI in Constrained Environments" (`002_4296e9f1c300415a.txt`). That the tree is asked in full for every situation, and
what is said where it is silent (privacy, costly data, round trips, a thousandth of the storage), was chosen for the
course.
"""

from dataclasses import dataclass, fields
from typing import Literal

from offlinefirst.planning.situation import Data, Situation

BUNDLE_BELOW_GB = 64.0
SMALL_MODEL_MB = 5.0
LATENCY_TARGET_MS = 200.0
_SHARE_OF_STORAGE = 1 / 1000
#: What a person sends with one question, roughly: these kinds cost money on a dear link. Chosen for the course.
_HEAVY: tuple[Data, ...] = ("image", "audio")
_BOOSTING, _FOREST = "gradient boosting", "random forest"
_SIMPLER: dict[Data, tuple[str, ...]] = {
    "tabular": (_BOOSTING, _FOREST),
    "image": (f"{_FOREST} on colour and texture", "linear model on a small network's features"),
    "text": ("linear model on character n-grams", f"{_BOOSTING} on word counts"),
    "audio": (f"{_BOOSTING} on spectral features", f"{_FOREST} on spectral features"),
}


@dataclass(frozen=True)
class Reason:
    """Why one part of a plan is as it is."""

    about: str
    because: str

    def __str__(self) -> str:
        return f"{self.about}: {self.because}"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A whole plan; `reasons` says why for each part.

    Args:
        inference: Where an answer is computed; "cloud" keeps a small model on the device for when the link is down.
        hardware: What computes it on the device.
        runtime: What runs the model on the device.
        compression: What to do to the model, in this order; empty for trees.
        max_model_mb: The largest model to aim for, in MB.
        latency_ms: The longest that a person should wait for an answer, in ms.
        delivery: Inside the app, or downloaded on the first Wi-Fi.
        sync: How results and new versions travel.
        alternatives: Simpler models to try first, the best bet first.
        reasons: At least one for each part.
    """

    inference: Literal["cloud", "device"]
    hardware: Literal["accelerator, else CPU", "CPU"]
    runtime: Literal["LiteRT", "ONNX Runtime"]
    compression: tuple[str, ...]
    max_model_mb: float
    latency_ms: float
    delivery: Literal["bundle", "download"]
    sync: Literal["at once", "when available", "by hand"]
    alternatives: tuple[str, ...]
    reasons: tuple[Reason, ...]


PARTS = tuple(part.name for part in fields(Stack) if part.name != "reasons")


def choose(situation: Situation) -> Stack:
    """Plan a stack for a situation.

    Args:
        situation: Checked when it was made, so that every one has an answer.

    Returns:
        The plan, with a reason for each of its parts.

    >>> plan = choose(Situation(connectivity="reliable", storage_gb=128, data="tabular", private=True))
    >>> plan.inference, plan.alternatives
    ('device', ('gradient boosting', 'random forest'))
    >>> print(plan.reasons[0])
    inference: the inputs must not leave the device
    """
    inference, why_there = _inference(situation)
    hardware, why_hardware = _hardware(situation)
    runtime, why_runtime = _runtime(situation)
    compression, why_compressed = _compression(situation)
    max_model_mb, why_size = _size(situation)
    delivery, why_delivered = _delivery(situation)
    sync, why_sync = _sync(situation)
    alternatives, why_simpler = _alternatives(situation)
    because = {
        "inference": why_there,
        "hardware": (why_hardware,),
        "runtime": (why_runtime,),
        "compression": why_compressed,
        "max_model_mb": (why_size,),
        "latency_ms": (
            f"a person waits, wherever it is computed; the link alone needs {situation.round_trip_ms:g} ms",
        ),
        "delivery": why_delivered,
        "sync": (why_sync,),
        "alternatives": (why_simpler,),
    }
    return Stack(
        inference=inference,
        hardware=hardware,
        runtime=runtime,
        compression=compression,
        max_model_mb=max_model_mb,
        latency_ms=LATENCY_TARGET_MS,
        delivery=delivery,
        sync=sync,
        alternatives=alternatives,
        reasons=tuple(Reason(about, text) for about in PARTS for text in because[about]),
    )


def _inference(situation: Situation) -> tuple[Literal["cloud", "device"], tuple[str, ...]]:
    against = []
    if situation.private:
        against.append("the inputs must not leave the device")
    if situation.connectivity != "reliable":
        link = "there is no link" if situation.connectivity == "none" else "the link comes and goes"
        against.append(f"{link}, and people cannot wait for it")
    if situation.costly_data and situation.data in _HEAVY:
        against.append(f"sending each {situation.data} costs the user money")
    if situation.round_trip_ms > LATENCY_TARGET_MS:
        against.append(f"a round trip of {situation.round_trip_ms:g} ms is over {LATENCY_TARGET_MS:g} ms already")
    if against:
        return "device", tuple(against)
    return "cloud", ("the link is reliable, quick and cheap enough; a small model on the device covers its outages",)


def _hardware(situation: Situation) -> tuple[Literal["accelerator, else CPU", "CPU"], str]:
    if situation.data == "tabular":
        return "CPU", "trees are a few hundred comparisons, which any processor does at once"
    if situation.accelerator:
        return (
            "accelerator, else CPU",
            "there is one; not every driver runs every operator, so the CPU stands behind it",
        )
    return "CPU", "there is no accelerator"


def _runtime(situation: Situation) -> tuple[Literal["LiteRT", "ONNX Runtime"], str]:
    if situation.data == "tabular":
        return "ONNX Runtime", "it has operators for trees"
    if situation.android_only:
        return "LiteRT", "every device is an Android phone"
    return "ONNX Runtime", "one model file for mixed platforms"


def _compression(situation: Situation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if situation.data == "tabular":
        return (), ("trees are small; limit their number and their depth instead",)
    steps, why = ["int8"], ["int8: a quarter of the bytes of float32"]
    if situation.connectivity != "reliable":
        steps.append("pruning")
        why.append("pruning: fewer bytes on a link that has few")
    if not situation.accelerator:
        steps.append("distillation")
        why.append("distillation: without an accelerator a smaller network is what saves time")
    return tuple(steps), tuple(why)


def _size(situation: Situation) -> tuple[float, str]:
    if situation.storage_gb < BUNDLE_BELOW_GB:
        return SMALL_MODEL_MB, f"{situation.storage_gb:g} GB of storage are shared with photos, apps and the system"
    return 1000 * situation.storage_gb * _SHARE_OF_STORAGE, f"a thousandth of {situation.storage_gb:g} GB"


def _delivery(situation: Situation) -> tuple[Literal["bundle", "download"], tuple[str, ...]]:
    why = []
    if situation.storage_gb < BUNDLE_BELOW_GB:
        why.append(f"below {BUNDLE_BELOW_GB:g} GB room may be gone by the first start; the installer checks it once")
    if situation.connectivity == "none":
        why.append("there is no link over which the app could fetch a model")
    if why:
        return "bundle", tuple(why)
    return "download", ("there is room, and there is a Wi-Fi sooner or later",)


def _sync(situation: Situation) -> tuple[Literal["at once", "when available", "by hand"], str]:
    if situation.connectivity == "reliable":
        return "at once", "the link is nearly always there"
    if situation.connectivity == "intermittent":
        return "when available", "results are stored first and sent when there is a link"
    return "by hand", "somebody carries results out and new versions in, on a card or a phone"


def _alternatives(situation: Situation) -> tuple[tuple[str, ...], str]:
    simpler = _SIMPLER[situation.data]
    if situation.data == "tabular":
        return simpler, "on columns they are hard to beat and quick on any processor: try them first"
    return simpler, "a simple model tells what the network has to beat"
