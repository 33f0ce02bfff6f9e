"""Writes torch networks as ONNX: one way for every lesson, tool and benchmark."""

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from offlinefirst.device.quiet import swallowed_stderr
from offlinefirst.models.errors import ModelError
from offlinefirst.models.quantize import WeightsError

Exporter = Literal["trace", "dynamo"]


class ExportError(ModelError):
    """A network cannot be written in the format asked for."""


def export_onnx(
    module: Any,
    examples: Mapping[str, Any],
    path: Path | str,
    *,
    outputs: Sequence[str] = ("scores",),
    free: Mapping[str, Mapping[int, str]] | None = None,
    bounds: Mapping[str, tuple[int, int]] | None = None,
    opset: int | None = 17,
    fold: bool = True,
    exporter: Exporter = "trace",
    note: str = "",
) -> Path:
    """Write a torch network as ONNX: quietly, checked, with the oldest format version that its operators allow.

    Args:
        module: The network; written as it answers in use (`eval`), and left in the mode that it was in.
        examples: Tensors by input name, in the order in which the network takes them.
        path: Where to write; replaced in one step when the file is whole.
        outputs: The outputs' names.
        free: Axes that are left open, by the name of the input (or, when tracing, output) and the axis' number; axes
            of one name have one size. None: the first axis of every input and output is the batch.
        bounds: For "dynamo", the least and the greatest size of an open axis, by its name.
        opset: The version of ONNX's operators; the older, the more runtimes read it. None: the exporter's choice.
        fold: Whether batch normalisations and constants are folded into weights; for tracing.
        exporter: "trace" runs the network once and writes down what it did; "dynamo" also follows branches and sizes.
        note: Goes into the file: what the input means, who made it.

    Returns:
        The path.

    Raises:
        WeightsError: A parameter is NaN or infinite, or a buffer NaN; names them.
        ExportError: The exporter refuses, for example an operator that ONNX lacks in this version.
    """
    import onnx
    import torch

    path = Path(path)
    _refuse_broken(module)
    if free is None:
        free = {name: {0: "batch"} for name in (*examples, *outputs)}
    names: dict[str, Any] = {"input_names": list(examples), "output_names": list(outputs), "opset_version": opset}
    if exporter == "trace":
        training = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
        names |= {"dynamic_axes": free, "do_constant_folding": fold, "training": training}
    else:
        names |= {"dynamic_shapes": _dimensions(examples, free, bounds or {}), "external_data": False}
    modes = [(each, each.training) for each in module.modules()]
    with tempfile.TemporaryDirectory(prefix="offlinefirst-export-") as folder:
        made = Path(folder) / "made.onnx"
        try:
            module.eval()
            with _quiet():
                torch.onnx.export(module, tuple(examples.values()), str(made), dynamo=exporter == "dynamo", **names)
            model = onnx.load(made)
            model.ir_version = onnx.helper.find_min_ir_version_for(list(model.opset_import))
            model.doc_string = note
            onnx.checker.check_model(model)
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise ExportError(
                f"{type(module).__name__} cannot be written as ONNX with opset {opset}: {said}. Replace that "
                "operation, or try a later opset or exporter='dynamo'."
            ) from error
        finally:
            for each, mode in modes:
                each.training = mode
    waiting = path.with_name(path.name + ".part")
    with waiting.open("wb") as file:
        file.write(model.SerializeToString())
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(path)
    return path


def _refuse_broken(module: Any) -> None:
    import torch

    broken = [name for name, value in module.named_parameters() if not torch.isfinite(value).all()]
    broken += [name for name, value in module.named_buffers() if torch.isnan(value).any()]  # masks may be infinite
    if broken:
        raise WeightsError(
            f"{type(module).__name__} holds values that are NaN or infinite: {', '.join(broken[:5])}. Nothing was "
            "written. Go back to the last checkpoint without them."
        )


def _dimensions(
    examples: Mapping[str, Any], free: Mapping[str, Mapping[int, str]], bounds: Mapping[str, tuple[int, int]]
) -> tuple[dict[int, Any] | None, ...]:
    import torch

    named = {axis for name in examples for axis in free.get(name, {}).values()}
    sizes = {
        name: torch.export.Dim(name, min=bounds[name][0], max=bounds[name][1])
        if name in bounds
        else torch.export.Dim(name)
        for name in named
    }
    return tuple({axis: sizes[size] for axis, size in free.get(name, {}).items()} or None for name in examples)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what exporters say on the way; their errors are raised all the same."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), swallowed_stderr(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
