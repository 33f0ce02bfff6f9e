"""What `quantize.quantise_model` does to ONNX files: read and check, observe activations, write quantised nodes."""

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.models.quantize import BINS, CalibrationError, QuantisedAlreadyError, SourceError, WeightsError

Feed = Mapping[str, npt.NDArray[Any]]
Histogram = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
_INTEGER = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"}
_INTEGER |= {"QLinearConv", "QLinearMatMul", "MatMulNBits", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"}
_WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN")


def read(path: Path) -> Any:
    """The model, checked by onnx; raises SourceError."""
    try:
        import onnx
    except ImportError as error:
        raise SourceError(f"quantising needs the package onnx: {error}. Run: python3 course.py setup --full") from error
    if not path.is_file():
        raise SourceError(f"{path} does not exist, or is no file. Check the path, or export the model first.")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{path.name} is no ONNX model, or not all of it is there ({said}). Export it again."
        ) from error
    return model


def check(model: Any, name: str) -> None:
    """Refuse a model that is in integers already, or whose weights are no numbers."""
    from onnx import numpy_helper

    found = sorted({node.op_type for node in model.graph.node} & _INTEGER)
    if found:
        raise QuantisedAlreadyError(
            f"{name} is quantised already: it holds {', '.join(found)}. Quantise the float model that it was made from."
        )
    broken = []
    for value in model.graph.initializer:
        array = numpy_helper.to_array(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            broken.append(f"{value.name} ({int((~np.isfinite(array)).sum())} of {array.size})")
    if broken:
        raise WeightsError(
            f"{name} holds weights that are NaN or infinite: {', '.join(broken[:5])}. Go back to the last checkpoint "
            "without them, and look for a learning rate that is too high."
        )


def check_calibration(model: Any, calibration: object, name: str) -> None:
    """Refuse a calibration set that the model would not take, before anything is computed."""
    from onnx import helper

    weights = {value.name for value in model.graph.initializer}
    wanted = {value.name: value.type.tensor_type for value in model.graph.input if value.name not in weights}
    if not isinstance(calibration, Mapping) or set(calibration) != set(wanted):
        given = ", ".join(map(str, calibration)) if isinstance(calibration, Mapping) else type(calibration).__name__
        raise CalibrationError(
            f"{name} takes the inputs {', '.join(wanted)}; the calibration set gives {given or 'none'}"
        )
    for key, kind in wanted.items():
        array = np.asarray(calibration[key])
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        shape = [size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim]
        if array.ndim == 0 or array.shape[0] == 0:
            raise CalibrationError(
                f"the calibration set has no example of {key}. Give some dozens that look like the field's"
            )
        if array.dtype != dtype:
            raise CalibrationError(
                f"{key} is {dtype} in {name}, and {array.dtype} in the calibration set: prepare it as for use"
            )
        fits = len(array.shape) == len(shape) and all(
            size is None or size == there for size, there in zip(shape[1:], array.shape[1:], strict=True)
        )
        if not fits:
            raise CalibrationError(
                f"{key} has the shape {[size or 'any' for size in shape]} in {name}, and {list(array.shape)} in the "
                "calibration set. Is the order of its axes another?"
            )
        if shape[0] not in (None, 1) and len(array) % shape[0]:
            raise CalibrationError(f"{name} takes {shape[0]} examples at once, and {len(array)} do not divide by that")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CalibrationError(
                f"the calibration set holds NaN or infinite values of {key}: one would spoil every range"
            )
    if len({len(np.asarray(each)) for each in calibration.values()}) > 1:
        raise CalibrationError("the inputs of the calibration set have different numbers of examples")


def batch_size(model: Any, most: int) -> int:
    """How many examples the model takes at once: as it says, else `most`."""
    sizes = [value.type.tensor_type.shape.dim[0] for value in model.graph.input]
    fixed = [size.dim_value for size in sizes if size.HasField("dim_value")]
    return int(fixed[0]) if fixed else most


def prepared(source: Path, folder: Path) -> Path:
    """The model with shapes inferred and constants folded, as the quantiser wants it."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = folder / "ready.onnx"
    quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
    return ready


def observe(path: Path, batches: Callable[[], Iterable[Feed]], *, exact: bool) -> dict[str, Histogram]:
    """Run the examples and see what values every float activation takes.

    Args:
        path: The prepared model.
        batches: Gives the examples, as often as it is called.
        exact: Whether ranges suffice; a histogram has one bin then.

    Returns:
        Counts and edges by the activation's name.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path)
    known = {value.name: value for value in (*model.graph.value_info, *model.graph.input, *model.graph.output)}
    made = {name for node in model.graph.node for name in node.output}
    outputs = {value.name for value in model.graph.output}
    floats = [n for n, value in known.items() if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT]
    inputs = {value.name for value in model.graph.input}
    watched = [name for name in floats if name in made]
    model.graph.output.extend(known[name] for name in watched if name not in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def values() -> Iterable[tuple[str, npt.NDArray[Any]]]:
        for feed in batches():
            yield from ((name, array) for name, array in feed.items() if name in inputs and name in floats)
            yield from zip(watched, session.run(watched, dict(feed)), strict=True)

    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for name, array in values():
        low[name] = min(low.get(name, np.inf), float(array.min()))
        high[name] = max(high.get(name, -np.inf), float(array.max()))
    edges = {name: np.linspace(low[name], high[name], 2 if exact else BINS + 1) for name in low}
    counts = {name: np.full(1, 1.0) if exact else np.zeros(BINS) for name in low}
    if not exact:
        for name, array in values():
            if low[name] < high[name]:
                counts[name] += np.histogram(array, BINS, (low[name], high[name]))[0]
            else:
                counts[name][0] += array.size
    return {name: (counts[name], edges[name]) for name in low}


def write(
    source: Path,
    target: Path,
    ranges: Mapping[str, tuple[float, float]],
    *,
    per_channel: bool,
    reduce_range: bool,
    floats: int = 0,
) -> None:
    """Put quantise and dequantise nodes around what ONNX Runtime can compute in integers.

    The first `floats` convolutions, with the activation functions behind them, are left out.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    found = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.items()}
    model = load_model_with_shape_infer(source)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}-{number}"
    left = [node for node in model.graph.node if node.op_type == "Conv"][:floats]
    made = {name for node in left for name in node.output}
    left += [node for node in model.graph.node if node.op_type in ("Relu", "Clip") and node.input[0] in made]
    with contextlib.redirect_stdout(io.StringIO()):
        quantiser = QDQQuantizer(
            model,
            per_channel,
            reduce_range,
            QuantType.QInt8,
            QuantType.QUInt8,
            TensorsData(CalibrationMethod.MinMax, found),
            [],
            [node.name for node in left],
            sorted({*QLinearOpsRegistry, *QDQRegistry}),
            {},
        )
        quantiser.quantize_model()
    quantiser.model.save_model_to_file(str(target), False)


def left_in_float(path: Path) -> tuple[str, ...]:
    """Nodes with weights whose input does not come from integers, as "Gemm head"."""
    import onnx

    graph = onnx.load(path).graph
    restored = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    return tuple(
        f"{node.op_type} {node.name}".strip()
        for node in graph.node
        if node.op_type in _WEIGHTED and not {node.input[0], node.input[1]} <= restored
    )
