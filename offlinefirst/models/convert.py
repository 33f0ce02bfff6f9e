"""Converts models, and says whether a conversion may be trusted: parity, operators, and what a runtime lacks.

A conversion is a claim: this file computes the same function. Three questions come before it is believed:
1. Does the target have every operator of the file? `lacking`, before anything is sent; it says what it looks at.
2. Are the outputs as close as rounding lets them be? `parity`, with a tolerance from `rounding_tolerance` that is known
   before the outputs are.
3. Which decisions differ, and were they ties? The same report says.

>>> import numpy as np
>>> report = parity(np.array([[1.0, 3.0]]), np.array([[1.0, 3.0 + 1e-6]]), tolerance=1e-5)
>>> report.ok, report.decisions_changed
(True, 0)
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from offlinefirst.models import _graphs
from offlinefirst.models._export import Exporter, ExportError, export_onnx
from offlinefirst.models._operators import (
    RUNTIMES,
    Lack,
    LackingOperatorsError,
    Runtime,
    TargetError,
    lacking,
    operators,
    require,
)
from offlinefirst.models.errors import ModelError

__all__ = [
    "HALF_STEP",
    "RUNTIMES",
    "ExportError",
    "Exporter",
    "Lack",
    "LackingOperatorsError",
    "OutputsError",
    "Parity",
    "Runtime",
    "TargetError",
    "export_onnx",
    "lacking",
    "operators",
    "parity",
    "require",
    "rounding_tolerance",
]

#: Half the distance between 1 and the next float32: how far one rounding can be off, as a share.
HALF_STEP = 2.0**-24


class OutputsError(ModelError, ValueError):
    """Outputs that cannot be compared: of other shapes, none at all, or not finite."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far apart two sets of outputs are.

    Args:
        examples: How many.
        worst, mean: The largest and the mean absolute difference.
        worst_example: Which example has the largest.
        scale: The largest magnitude among the reference's outputs.
        tolerance: How large the worst difference may be, in the outputs' unit.
        changed: The examples whose greatest output is another one.
        undecided: How many examples have their two greatest outputs nearer than twice the tolerance: rounding alone
            may turn those.
    """

    examples: int
    worst: float
    mean: float
    worst_example: int
    scale: float
    tolerance: float
    changed: tuple[int, ...]
    undecided: int

    @property
    def decisions_changed(self) -> int:
        """How many examples are decided otherwise."""
        return len(self.changed)

    @property
    def ok(self) -> bool:
        """Whether the worst difference is within the tolerance; then only undecided examples can have changed."""
        return self.worst <= self.tolerance

    def __str__(self) -> str:
        return (
            f"{'ok' if self.ok else 'DIFFERS'}: worst {self.worst:.1e} (example {self.worst_example}), tolerance "
            f"{self.tolerance:.1e}; {self.decisions_changed} of {self.examples} decisions changed, "
            f"{self.undecided} undecided"
        )


def parity(reference: npt.ArrayLike, other: npt.ArrayLike, *, tolerance: float) -> Parity:
    """Compare what two runtimes made of the same examples: by the worst output, not the mean, and by every decision.

    Args:
        reference: Outputs of the model that is believed, (examples, outputs); a further axis is flattened.
        other: Outputs of the converted one.
        tolerance: As a share of the reference's largest magnitude, above 0; `rounding_tolerance` gives one.

    Raises:
        OutputsError: The shapes differ, there is no example, or a value is NaN or infinite.
        ValueError: The tolerance is no share.
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance={tolerance!r} is a share of the outputs' scale, above 0 and below 1, such as 1e-5")
    first, second = np.asarray(reference, np.float64), np.asarray(other, np.float64)
    if first.shape != second.shape:
        raise OutputsError(
            f"the reference's outputs have the shape {list(first.shape)}, the other's {list(second.shape)}: compare "
            "the same examples, and the same output of the model"
        )
    if first.ndim < 2 or first.size == 0:
        raise OutputsError(f"outputs are (examples, outputs) with at least one of each, not {list(first.shape)}")
    for name, values in (("reference", first), ("other model", second)):
        if not np.isfinite(values).all():
            bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
            raise OutputsError(
                f"the {name} gives NaN or infinite outputs for {len(bad)} of {len(values)} examples, the first being "
                f"example {bad[0]}. No tolerance covers that: look for an overflow (float16?) or broken weights."
            )
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)
    off = np.abs(first - second)
    scale = float(np.abs(first).max())
    allowed = tolerance * scale
    best = np.sort(first, axis=1)[:, -2:]
    near = best[:, -1] - best[:, 0] <= 2 * allowed if first.shape[1] > 1 else np.zeros(len(first), bool)
    return Parity(
        examples=len(first),
        worst=float(off.max()),
        mean=float(off.mean()),
        worst_example=int(off.max(axis=1).argmax()),
        scale=scale,
        tolerance=allowed,
        changed=tuple(np.flatnonzero(first.argmax(axis=1) != second.argmax(axis=1)).tolist()),
        undecided=int(near.sum()),
    )


def rounding_tolerance(path: Path | str, *, margin: float = 16.0) -> float:
    """How far apart two float32 runtimes may be on a model, from its depth alone; known before anything is run.

    A sum of n products is rounded n times. The roundings go either way, so they add up like steps of a walk: to about
    sqrt(n) half steps of float32. The layers' walks go on from each other, hence sqrt(n1 + n2 + ...). The margin
    stands for what the model's numbers decide: terms that cancel, and layers that amplify.

    Args:
        path: The .onnx file; convolutions and products with known weights are counted.
        margin: A factor, at least 1.

    Returns:
        A share of the outputs' scale, for `parity`.

    Raises:
        SourceError: The file is no ONNX model.
        ValueError: The margin is below 1, or the model has no such layer.

    Source: Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis (2019).
    """
    if not margin >= 1:
        raise ValueError(f"margin={margin!r} is a factor from 1")
    model = _graphs.read_onnx(Path(path))
    shapes = {value.name: tuple(value.dims) for value in model.graph.initializer}
    roundings = 0
    for node in _graphs.onnx_nodes(model.graph):
        shape = shapes.get(node.input[1]) if len(node.input) > 1 else None
        if shape and node.op_type in ("Conv", "ConvTranspose"):
            roundings += math.prod(shape[1:])
        elif shape and node.op_type in ("Gemm", "MatMul"):
            across = any(each.name == "transB" and each.i for each in node.attribute)
            roundings += shape[-1 if across else -2] if len(shape) > 1 else shape[0]
    if not roundings:
        raise ValueError(f"{Path(path).name} has no convolution or product with weights, so there is no depth to count")
    return margin * math.sqrt(roundings) * HALF_STEP
