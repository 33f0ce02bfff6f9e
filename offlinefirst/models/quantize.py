"""Quantises: real numbers to whole ones and back, and an ONNX model to 8 bits with what it needs to stay right.

The first half is arithmetic on arrays and needs numpy alone:

>>> pixels = affine(-0.5, 1.5)
>>> int(pixels.zero_point), pixels.quantise(np.array([0.0, 0.25, 9.0])).tolist()
(64, [64, 96, 255])
>>> float(pixels.restore(np.array(64)))
0.0

The second, `quantise_model`, needs the packages onnx and onnxruntime. It refuses what would cost an hour or a model:
weights that are no numbers, a model that is in integers already, a calibration set that is empty or of another shape
or kind; and it replaces the target only when the new file is whole.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from offlinefirst.models.errors import ModelError

Method = Literal["range", "percentile", "entropy", "error"]
METHODS: tuple[Method, ...] = ("range", "percentile", "entropy", "error")
BINS = 2048
_Floats = npt.NDArray[np.float64]
_BATCH = 16


class CalibrationError(ModelError, ValueError):
    """A calibration set is empty, or not what the model takes."""


class WeightsError(ModelError, ValueError):
    """A model holds weights that are no finite numbers."""


class QuantisedAlreadyError(ModelError, ValueError):
    """A model computes in integers already; start from the float one."""


class SourceError(ModelError):
    """A model's file is missing or is no ONNX model, or what reads it is not installed."""


@dataclass(frozen=True)
class Affine:
    """Whole numbers that stand for real ones: real = scale * (whole - zero_point).

    Args:
        scale: How far apart two neighbours are; one number, or an array that broadcasts (one for each channel).
        zero_point: The whole number that stands for exactly 0.
        low: The least whole number, such as 0 or -127.
        high: The greatest, such as 255 or 127.
    """

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int32]
    low: int
    high: int

    def quantise(self, values: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """The nearest whole numbers, ties to even; what lies outside goes to the nearest end."""
        steps = np.rint(np.asarray(values, np.float32) / self.scale) + self.zero_point
        return np.clip(steps, self.low, self.high).astype(np.int32)

    def restore(self, whole: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The real numbers that these stand for."""
        return ((np.asarray(whole) - self.zero_point) * self.scale).astype(np.float32)


def affine(low: float, high: float, *, bits: int = 8) -> Affine:
    """Spread the whole numbers 0 to 2^bits - 1 over a range. The range is widened to hold 0, which must be exact.

    Args:
        low: The least value to be told apart.
        high: The greatest.
        bits: 1 to 16.

    Raises:
        CalibrationError: The range is no range of finite numbers.
        ValueError: So many bits are not meant here.

    Source: Jacob et al., Quantization and Training of Neural Networks (2018), sections 2.1 and 3.
    """
    _check_bits(bits)
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise CalibrationError(f"from {low} to {high} is no range; look for NaN in what was calibrated with")
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    most = 2**bits - 1
    scale = np.float32(max((high - low) / most, 1e-30))  # a tensor of noughts: any scale is right
    zero_point = np.int32(np.clip(np.rint(-low / scale), 0, most))
    return Affine(np.asarray(scale), np.asarray(zero_point), 0, most)


def symmetric(values: npt.ArrayLike, *, bits: int = 8, axis: int | None = None) -> Affine:
    """Signed whole numbers around 0, for weights; with an axis, each of its channels has its own scale.

    Args:
        values: The weights.
        bits: 2 to 16; 8 bits use -127 to 127.
        axis: The channels' axis, or None for one scale.

    Raises:
        WeightsError: A weight is NaN or infinite, or there is none.
        ValueError: So many bits are not meant here.
    """
    _check_bits(bits, least=2)
    array = np.asarray(values, np.float32)
    if array.size == 0 or not np.isfinite(array).all():
        raise WeightsError("weights must be finite numbers, and at least one; find out which training step broke them")
    others = None if axis is None else tuple(n for n in range(array.ndim) if n != axis % array.ndim)
    reach = np.abs(array).max(axis=others, keepdims=axis is not None)
    most = 2 ** (bits - 1) - 1
    scale = np.asarray(np.maximum(reach / most, 1e-30), np.float32)
    return Affine(scale, np.zeros_like(scale, dtype=np.int32), -most, most)


def clipped_range(
    counts: npt.ArrayLike, edges: npt.ArrayLike, *, method: Method = "error", bits: int = 8, percentile: float = 99.99
) -> tuple[float, float]:
    """Choose a range for what a histogram shows: what lies outside will be cut to its ends.

    Args:
        counts: How many values fell into each bin.
        edges: The bins' edges, one more than there are bins.
        method: "range" keeps everything; "percentile" keeps that share, cutting half of the rest at each end;
            "entropy" and "error" try ranges that are smaller by the same factor at both ends, and take the one whose
            quantised distribution diverges least from the true one, or whose expected squared error is least.
        bits: For how many bits.
        percentile: For that method; above 50, at most 100.

    Returns:
        The least and the greatest value to tell apart.

    Raises:
        CalibrationError: The histogram is empty or broken.
        ValueError: An unknown method, or a percentile or bits out of their range.

    Source: Migacz, 8-bit Inference with TensorRT (2017) for entropy; Krishnamoorthi, Quantizing Deep Convolutional
        Networks (2018) for the others.
    """
    _check_bits(bits)
    if method not in METHODS or not 50 < percentile <= 100:
        raise ValueError(
            f"method={method!r} is one of {', '.join(METHODS)}, and percentile={percentile!r} from 50 to 100"
        )
    seen, bounds = np.asarray(counts, np.float64), np.asarray(edges, np.float64)
    if seen.ndim != 1 or bounds.shape != (len(seen) + 1,) or not seen.sum() > 0 or not np.isfinite(bounds).all():
        raise CalibrationError("a histogram has counts, not all 0, and one finite edge more than counts")
    low, high = float(bounds[0]), float(bounds[-1])
    if method == "range" or low == high:
        return low, high
    middles = (bounds[1:] + bounds[:-1]) / 2
    if method == "percentile":
        below, cut = np.cumsum(seen) / seen.sum(), (100 - percentile) / 200
        first, last = int(np.searchsorted(below, cut, side="right")), int(np.searchsorted(below, 1 - cut))
        return float(bounds[min(first, len(seen) - 1)]), float(bounds[min(last, len(seen) - 1) + 1])
    cost = _divergence if method == "entropy" else _squared_error
    factors = np.linspace(1, 1 / 16, 121)
    costs = [cost(seen, middles, affine(low * factor, high * factor, bits=bits)) for factor in factors]
    best = float(factors[int(np.argmin(costs))])
    return low * best, high * best


def saturates(cpu_flags: Iterable[str]) -> bool:
    """Whether a processor's 8-bit products can overflow: x86 with AVX2 whose sums of two products have 16 bits.

    Args:
        cpu_flags: Instruction sets, as the Linux kernel names them.

    Returns:
        True for x86 without VNNI; there, unsigned by signed products want weights of 7 bits (`reduce_range`).
    """
    flags = set(cpu_flags)
    return bool(flags & {"avx", "avx2", "sse4_2"}) and not flags & {"avx512_vnni", "avx_vnni", "amx_int8"}


@dataclass(frozen=True, kw_only=True)
class QuantisedModel:
    """What came out: where, how large, and which nodes with weights are still in float."""

    path: Path
    source_bytes: int
    target_bytes: int
    ranges: Mapping[str, tuple[float, float]]
    left_in_float: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """How many times larger the source was."""
        return self.source_bytes / self.target_bytes


def quantise_model(
    source: Path | str,
    target: Path | str,
    calibration: Mapping[str, npt.NDArray[Any]],
    *,
    method: Method = "range",
    per_channel: bool = True,
    reduce_range: bool = False,
    percentile: float = 99.99,
    first_in_float: int = 0,
) -> QuantisedModel:
    """Quantise an ONNX model to unsigned 8-bit activations and signed 8-bit weights (QDQ, U8S8).

    Args:
        source: The float model. Fold batch normalisation first, as exporters do.
        target: Where to write; replaced in one step when all is done.
        calibration: Examples by input name, the first axis counting them; never those that the result is tested on.
        method: How activations' ranges are chosen; see `clipped_range`.
        per_channel: Whether each output channel's weights have a scale of their own.
        reduce_range: Weights of 7 bits, for processors where `saturates` is true; elsewhere it only costs accuracy.
        percentile: For the method of that name.
        first_in_float: So many convolutions at the start are left as they are. Where there are three colours to sum
            over, or one channel, integers gain no time, and the first layers are the most sensitive.

    Raises:
        SourceError: The source cannot be read as an ONNX model, or onnx is not installed.
        QuantisedAlreadyError: The source computes in integers already.
        WeightsError: The source holds NaN or infinite weights; names them.
        CalibrationError: The calibration set is empty, or its names, kinds or shapes are not the model's.
        ValueError: An unknown method, a percentile out of its range, or a count below 0.
    """
    from offlinefirst.models import _qdq

    if first_in_float < 0:
        raise ValueError(f"first_in_float={first_in_float} is a count of convolutions")

    source, target = Path(source), Path(target)
    clipped_range([1], [0, 1], method=method, percentile=percentile)  # refuses what makes no sense, at once
    graph = _qdq.read(source)
    _qdq.check(graph, source.name)
    _qdq.check_calibration(graph, calibration, source.name)
    with tempfile.TemporaryDirectory(prefix="offlinefirst-quantise-") as folder:
        ready = _qdq.prepared(source, Path(folder))

        def batches() -> Iterator[dict[str, npt.NDArray[Any]]]:
            step = _qdq.batch_size(graph, _BATCH)
            for at in range(0, len(next(iter(calibration.values()))), step):
                yield {name: values[at : at + step] for name, values in calibration.items()}

        histograms = _qdq.observe(ready, batches, exact=method == "range")
        ranges = {
            name: clipped_range(counts, edges, method=method, percentile=percentile)
            for name, (counts, edges) in histograms.items()
        }
        made = Path(folder) / "made.onnx"
        _qdq.write(ready, made, ranges, per_channel=per_channel, reduce_range=reduce_range, floats=first_in_float)
        left = _qdq.left_in_float(made)
        waiting = target.with_name(target.name + ".part")
        waiting.write_bytes(made.read_bytes())
        with waiting.open("rb") as file:
            os.fsync(file.fileno())
        waiting.replace(target)
    return QuantisedModel(
        path=target,
        source_bytes=source.stat().st_size,
        target_bytes=target.stat().st_size,
        ranges=ranges,
        left_in_float=left,
    )


def _check_bits(bits: int, least: int = 1) -> None:
    if not (isinstance(bits, int) and least <= bits <= 16):
        raise ValueError(f"bits={bits!r} is a whole number from {least} to 16")


def _squared_error(seen: _Floats, middles: _Floats, to: Affine) -> float:
    return float((seen * (to.restore(to.quantise(middles)) - middles) ** 2).sum())


def _divergence(seen: _Floats, middles: _Floats, to: Affine) -> float:
    """Kullback-Leibler divergence of the quantised distribution from the clipped one, over the bins inside.

    The bin of 0 is counted like its neighbours: 0 is exact for every range, and a ReLU's zeros would drown the rest.
    """
    seen, zero = seen.copy(), int(np.argmin(np.abs(middles)))
    beside = seen[[n for n in (zero - 1, zero + 1) if 0 <= n < len(seen)]]
    seen[zero] = min(seen[zero], beside.mean()) if beside.size else seen[zero]
    level = to.quantise(middles)
    ends = to.restore(np.array([to.low, to.high]))
    inside = (middles >= ends[0] - to.scale / 2) & (middles <= ends[1] + to.scale / 2)
    if inside.sum() < to.high:
        return float("inf")
    true = seen[inside].copy()
    used = true > 0
    outside = seen[~inside]
    below = middles[~inside] < 0
    true[0], true[-1] = true[0] + outside[below].sum(), true[-1] + outside[~below].sum()
    merged = np.bincount(level[inside], seen[inside], to.high + 1)
    spread = np.bincount(level[inside], used, to.high + 1)
    approximate = np.where(used, (merged / np.maximum(spread, 1))[level[inside]], 0)
    p, q = true / true.sum(), np.maximum(approximate / max(approximate.sum(), 1), 1e-12)
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())
