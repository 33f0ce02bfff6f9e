"""What can be measured: a model under ONNX Runtime, one under LiteRT, or anything that a Python function makes.

A runner is loaded inside the measuring process and gives one thing: a function that does one inference.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offlinefirst.measure.errors import InputsError, ModelFileError, UnknownRunnerError
from offlinefirst.measure.host import versions

ONNX_RUNTIME, LITERT = "onnxruntime", "litert"
Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Loaded:
    """A model that is ready: what one inference is, what goes in, and what is worth writing down."""

    call: Callable[[], object]
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def prepare(runner: str) -> Callable[[Path, Arrays | None, int, int], Loaded]:
    """Import what a runner needs, so that the import is not counted as loading the model.

    Args:
        runner: "onnxruntime", "litert", "package.module:factory" or "file.py:factory".

    Returns:
        A function of model path, arrays by input name or None, threads and seed, which loads the model.

    Raises:
        UnknownRunnerError: There is no such runner, or what it needs is not installed.
    """
    if runner == ONNX_RUNTIME:
        try:
            runtime = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise UnknownRunnerError(
                f"onnxruntime cannot be imported: {error}. Run: python3 course.py setup"
            ) from error
        return lambda path, arrays, threads, seed: _onnx(runtime, path, arrays, threads, seed)
    if runner == LITERT:
        interpreter, found = _litert_interpreter()
        return lambda path, arrays, threads, seed: _litert(interpreter, found, path, arrays, threads, seed)
    make = _factory(runner)
    return lambda path, arrays, threads, seed: _python(make, runner, path, arrays)


def check_name(runner: str) -> None:
    """Refuse what cannot be the name of a runner, before a process is started for it.

    Raises:
        UnknownRunnerError: It is none of the known ones, and no "module:factory".
    """
    where, _, name = runner.rpartition(":")
    if runner not in (ONNX_RUNTIME, LITERT) and not (where and name.isidentifier()):
        raise UnknownRunnerError(
            f"no runner is called {runner!r}; use {ONNX_RUNTIME!r}, {LITERT!r}, or 'package.module:factory' where "
            "factory(model_path) returns a function that does one inference"
        )


def _onnx(runtime: Any, path: Path, arrays: Arrays | None, threads: int, seed: int) -> Loaded:
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if _is_memory(error):
            raise
        raise _no_model(path, "an ONNX model", error) from error
    wanted = {each.name: (each.shape, _onnx_type(each.type)) for each in session.get_inputs()}
    given = _choose_inputs(wanted, arrays, path, seed)
    return Loaded(lambda: session.run(None, given), _described(given), versions("onnxruntime", "numpy"))


def _onnx_type(text: str) -> str:
    kind = text.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64", "string": "object"}.get(kind, kind)


def _litert_interpreter() -> tuple[Any, str]:
    for module, package in (("ai_edge_litert.interpreter", "ai-edge-litert"), ("tensorflow.lite", "tensorflow")):
        if package == "tensorflow":
            if importlib.util.find_spec("tensorflow") is None:
                continue
            # tensorflow.lite is an attribute, loaded when it is asked for, and no module of its own.
            return importlib.import_module("tensorflow").lite.Interpreter, "tensorflow-cpu"
        try:
            return importlib.import_module(module).Interpreter, package
        except ModuleNotFoundError:
            continue
    raise UnknownRunnerError(
        "the runner 'litert' needs ai-edge-litert or tensorflow, and neither is installed. "
        "Run: python3 course.py setup --full, or measure an ONNX model with runner='onnxruntime'"
    )


def _litert(interpreter_class: Any, package: str, path: Path, arrays: Arrays | None, threads: int, seed: int) -> Loaded:
    try:
        interpreter = interpreter_class(model_path=str(path), num_threads=threads)
        details = interpreter.get_input_details()
        wanted = {each["name"]: (list(each["shape_signature"]), _kind(each["dtype"])) for each in details}
        given = _choose_inputs(wanted, arrays, path, seed)
        for each in details:
            interpreter.resize_tensor_input(each["index"], given[each["name"]].shape)
        interpreter.allocate_tensors()
    except InputsError:
        raise
    except Exception as error:
        if _is_memory(error):
            raise
        raise _no_model(path, "a LiteRT model (.tflite)", error) from error
    places = [(each["index"], given[each["name"]]) for each in interpreter.get_input_details()]
    outputs = [each["index"] for each in interpreter.get_output_details()]

    def call() -> object:
        for index, array in places:
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return Loaded(call, _described(given), versions(package, "numpy"))


def _kind(dtype: Any) -> str:
    import numpy as np

    return str(np.dtype(dtype))


def _factory(runner: str) -> Callable[[str], Callable[..., object]]:
    check_name(runner)
    where, _, name = runner.rpartition(":")
    try:
        module = _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    except (ImportError, OSError) as error:
        raise UnknownRunnerError(f"the runner {runner!r} cannot be imported: {error}. Check its spelling.") from error
    factory: Callable[[str], Callable[..., object]] | None = getattr(module, name, None)
    if not callable(factory):
        raise UnknownRunnerError(f"the runner {runner!r}: {where} has no function called {name}. Check its spelling.")
    return factory


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _python(make: Callable[[str], Any], runner: str, path: Path, arrays: Arrays | None) -> Loaded:
    call = make(str(path))
    if not callable(call):
        raise UnknownRunnerError(f"the runner {runner!r} returned {call!r}; a factory returns a function")
    places = _places(call)
    if places is None or (not places and arrays is None):
        return Loaded(call)
    if arrays is None and any(place.default is place.empty for place in places):
        raise InputsError(f"the function of the runner {runner!r} takes an argument: give inputs=, an .npz file")
    if arrays is None:
        return Loaded(call)
    if not places:
        raise InputsError(f"the function of the runner {runner!r} takes no argument: leave inputs away")
    given = dict(arrays)
    return Loaded(lambda: call(given), _described(given))


def _places(call: Callable[..., object]) -> list[inspect.Parameter] | None:
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return None  # a function of C that does not tell
    return [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]


def _choose_inputs(
    wanted: Mapping[str, tuple[list[Any], str]], arrays: Arrays | None, path: Path, seed: int
) -> dict[str, Any]:
    """Take the caller's arrays, or make some: random floats, and noughts of other kinds, which are valid tokens."""
    import numpy as np

    if arrays is not None:
        if set(arrays) != set(wanted):
            raise InputsError(
                f"{path.name} takes the inputs {', '.join(sorted(wanted))}, and was given {', '.join(sorted(arrays))}"
            )
        return dict(arrays)
    random = np.random.default_rng(seed)
    made: dict[str, Any] = {}
    for name, (shape, kind) in wanted.items():
        # What the model leaves open (a name, None or -1) is a batch of one, a text of one token.
        known = tuple(size if isinstance(size, int) and size > 0 else 1 for size in map(_plain, shape))
        if kind.startswith("float"):
            made[name] = random.standard_normal(known).astype(kind)
        elif kind == "object":
            made[name] = np.full(known, "", dtype=object)
        else:
            made[name] = np.zeros(known, dtype=kind)
    return made


def _plain(size: Any) -> Any:
    return size.item() if hasattr(size, "item") else size


def _described(arrays: Arrays) -> dict[str, str]:
    return {name: f"{array.dtype}{list(array.shape)}" for name, array in arrays.items()}


def _no_model(path: Path, what: str, error: Exception) -> ModelFileError:
    said = " ".join(str(error).split())[:300]
    return ModelFileError(
        f"{path.name} cannot be loaded as {what}: it is something else, or not all of it is there ({said}). "
        "Compare its size and its SHA-256 with where it came from, and fetch it again."
    )


def _is_memory(error: BaseException) -> bool:
    from offlinefirst.device.memory import is_out_of_memory

    return is_out_of_memory(error)
