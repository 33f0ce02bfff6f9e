"""One small interface over three runtimes: ONNX Runtime, LiteRT and torch, each imported when a file needs it.

A file's ending says which. What comes out is a function from a batch of floats to a batch of scores, whatever the
runtime is and whether the file computes in floats or in 8 bits.

>>> runtime_of(Path("leaf.tflite"))
'litert'
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.device.quiet import swallowed_stderr
from offlinefirst.inference.errors import InferenceError

_RUNTIMES = {".onnx": "onnxruntime", ".tflite": "litert", ".pt2": "torch"}
_MODULES = {"onnxruntime": "onnxruntime", "litert": "ai_edge_litert.interpreter", "torch": "torch"}
_Floats = npt.NDArray[np.float32]


class RuntimeAbsentError(InferenceError):
    """The runtime that a file needs is not installed."""


class ModelLoadError(InferenceError):
    """A file is no model that its runtime can load."""


@dataclass(frozen=True)
class Model:
    """A model in memory.

    Args:
        name: The file's name.
        runtime: What runs it.
        shape: Of one input, without the batch.
        scores: From float32 (batch, *shape) to float32 (batch, labels).
    """

    name: str
    runtime: str
    shape: tuple[int, ...]
    scores: Callable[[_Floats], _Floats]

    def photo(self, photo: npt.NDArray[np.uint8]) -> _Floats:
        """The scores of one photo.

        Args:
            photo: uint8 (height, width, 3), red first; as large as the model takes.

        Returns:
            float32 (labels,).
        """
        if self.shape[0] == 3:  # colours first, as ONNX files have them
            photo = photo.transpose(2, 0, 1)
        batch = np.ascontiguousarray(photo[None], np.float32)
        batch /= np.float32(255)
        return self.scores(batch)[0]


def runtime_of(path: Path) -> str:
    """Which runtime a file needs, from its ending.

    Raises:
        ModelLoadError: No runtime here takes such files.
    """
    try:
        return _RUNTIMES[path.suffix.lower()]
    except KeyError:
        raise ModelLoadError(f"{path.name}: no runtime takes it; a model ends in {', '.join(_RUNTIMES)}") from None


def open_model(path: Path, *, threads: int = 1) -> Model:
    """Load a model.

    Args:
        path: The file: .onnx, .tflite, or .pt2 (torch.export).
        threads: For ONNX Runtime and LiteRT; torch has one number of threads for a process and keeps it.

    Returns:
        The model.

    Raises:
        RuntimeAbsentError: Its runtime is not installed.
        ModelLoadError: The file is missing, or is no such model.
        MemoryError: It does not fit.
    """
    runtime = runtime_of(path)
    if not path.is_file():
        raise ModelLoadError(f"{path.name} is not there. Fetch it again, or check its path")
    try:
        library = importlib.import_module(_MODULES[runtime])
    except ImportError as error:
        raise RuntimeAbsentError(
            f"{path.name} needs {runtime}, which is not installed ({error}). Run: python3 course.py setup --full"
        ) from error
    load = {"onnxruntime": _onnx, "litert": _litert, "torch": _torch}[runtime]
    try:
        shape, scores = load(library, path, threads)
    except Exception as error:
        from offlinefirst.device.memory import is_out_of_memory

        # The library names the whole path, which is nobody's business but this device's.
        said = " ".join(str(error).replace(str(path), path.name).split())[:200]
        if is_out_of_memory(error):
            raise MemoryError(f"{path.name} does not fit into memory: {said or type(error).__name__}") from error
        raise ModelLoadError(f"{path.name} cannot be loaded by {runtime} ({said}). Fetch it again") from error
    return Model(path.name, runtime, shape, scores)


_Loaded = tuple[tuple[int, ...], Callable[[_Floats], _Floats]]


def _onnx(library: Any, path: Path, threads: int) -> _Loaded:
    options = library.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,), (out, *_) = session.get_inputs(), session.get_outputs()
    name, outputs, run = given.name, [out.name], session.run
    return tuple(given.shape[1:]), lambda batch: run(outputs, {name: batch})[0]


def _litert(library: Any, path: Path, threads: int) -> _Loaded:
    with swallowed_stderr():  # it announces its kernels
        interpreter = library.Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    (given,), (out, *_) = interpreter.get_input_details(), interpreter.get_output_details()

    def one(row: _Floats) -> _Floats:
        interpreter.set_tensor(given["index"], _to_file(row[None], given))
        interpreter.invoke()
        return _from_file(interpreter.get_tensor(out["index"])[0], out)

    # One row at a time: a file is made for one batch size, and 8-bit files often for a batch of one.
    return tuple(int(size) for size in given["shape"][1:]), lambda batch: np.stack([one(row) for row in batch])


def _torch(library: Any, path: Path, threads: int) -> _Loaded:
    program = library.export.load(path)
    module, names = program.module(), set(program.graph_signature.user_inputs)
    (given,) = [node.meta["val"] for node in program.graph.nodes if node.name in names]

    def scores(batch: _Floats) -> _Floats:
        with library.no_grad():
            found: _Floats = module(library.from_numpy(batch)).numpy()
        return found

    return tuple(int(size) for size in given.shape[1:]), scores


def _to_file(floats: _Floats, place: Any) -> npt.NDArray[Any]:
    """Floats as the whole numbers that a file asks for; as they are where it takes floats."""
    scale, zero = place["quantization"]
    if not scale:
        return floats
    ends = np.iinfo(place["dtype"])
    return np.clip(np.rint(floats / scale) + zero, ends.min, ends.max).astype(place["dtype"])


def _from_file(found: npt.NDArray[Any], place: Any) -> _Floats:
    scale, zero = place["quantization"]
    floats = found.astype(np.float32)
    return (floats - np.float32(zero)) * np.float32(scale) if scale else floats
