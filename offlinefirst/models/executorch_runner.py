"""Runs a .pte file with ExecuTorch, the successor of PyTorch Mobile; as a runner for `measure.bench`:

bench(path, runner="offlinefirst.models.executorch_runner:load")

ExecuTorch is optional: its package is large, made for a few platforms, and installed for the course's tests alone. What
needs it asks `available()` first, and says what it did without.
"""

import contextlib
import importlib
import io
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.device.quiet import swallowed_stderr
from offlinefirst.models.errors import ModelError

_Array = npt.NDArray[Any]
_BEGINS = b"ET"  # of the file identifier, ET and the version, at byte 4


class ExecutorchMissingError(ModelError):
    """ExecuTorch cannot be imported here."""


class ProgramError(ModelError):
    """A file is no ExecuTorch program, or one that this runtime cannot run."""


class ProgramInputsError(ModelError, ValueError):
    """Inputs are not what the program takes."""


def available() -> bool:
    """Whether ExecuTorch can be imported here."""
    try:
        _runtime()
    except ExecutorchMissingError:
        return False
    return True


def load(model_path: str) -> Callable[..., list[_Array]]:
    """Load a program and give back a function that runs it once.

    Args:
        model_path: The .pte file. Its method is called "forward".

    Returns:
        A function of a mapping of arrays, whose order is that of the program's inputs (names are not in the file), to
        the list of output arrays. Without arrays it takes noughts of the right shape and kind.

    Raises:
        ExecutorchMissingError: ExecuTorch or torch is not installed, or not whole.
        ProgramError: The file is missing, is no program, is cut, or needs a backend that is not built in.
    """
    runtime = _runtime()
    import torch

    path = Path(model_path)
    _check_file(path)
    told = io.StringIO()  # some of it says its piece through Python's own stream
    with swallowed_stderr() as said, contextlib.redirect_stderr(told):
        try:
            _hold_threads()
            method = runtime.get().load_program(path).load_method("forward")
            meta = method.metadata
            kinds = [meta.input_tensor_meta(number) for number in range(meta.num_inputs())]
        except Exception as error:
            why = _last_line(told.getvalue() + said()) or error
            raise ProgramError(
                f"{path.name} is not an ExecuTorch program that this runtime can run ({why}). "
                "Export it again with the backends that the device has."
            ) from error
    shapes = [tuple(int(size) for size in kind.sizes()) for kind in kinds]

    def run(arrays: Mapping[str, _Array] | None = None) -> list[_Array]:
        """Run once; raises ProgramInputsError for other shapes or counts than the program takes."""
        if arrays is None:
            arrays = {str(number): np.zeros(shape, np.float32) for number, shape in enumerate(shapes)}
        given = [np.require(array, requirements=["C", "W"]) for array in arrays.values()]  # torch wants both
        if [array.shape for array in given] != shapes:
            raise ProgramInputsError(
                f"{path.name} takes inputs of the shapes {[list(shape) for shape in shapes]}, and was given "
                f"{[list(array.shape) for array in given]}"
            )
        try:
            outputs = method.execute([torch.from_numpy(array) for array in given])
        except Exception as error:
            raise ProgramInputsError(f"{path.name} refuses these inputs ({error}): right kind of numbers?") from error
        return [output.numpy() for output in outputs]

    return run


def _runtime() -> Any:
    """The class Runtime of ExecuTorch, imported without its warnings."""
    try:
        with warnings.catch_warnings(), swallowed_stderr():
            warnings.simplefilter("ignore")
            return importlib.import_module("executorch.runtime").Runtime
    except ImportError as error:
        raise ExecutorchMissingError(
            f"ExecuTorch cannot be imported: {error}. It is optional, and the course goes on without it; where your "
            "platform has it: pip install --no-deps executorch==1.5.1 ruamel.yaml (without the second, its error "
            "names another cause)"
        ) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ProgramError(f"{path} does not exist, or is no file. Check the path, or export the program first.")
    with path.open("rb") as file:
        head = file.read(8)
    if head[4:6] != _BEGINS:
        raise ProgramError(f"{path.name} does not begin as an ExecuTorch program does. Was the right file fetched?")


def _hold_threads() -> None:
    """As many threads as the other runtimes are held to; ExecuTorch has a pool of its own, one thread for each core.

    Asking for the pool makes it, and what it says about the processor is then said here, where it is held back.
    """
    portable_lib = importlib.import_module("executorch.extension.pybindings.portable_lib")
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    now = portable_lib._threadpool_get_thread_count()
    if wanted.isdigit() and 0 < int(wanted) != now:
        portable_lib._unsafe_reset_threadpool(int(wanted))


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1][-200:] if lines else ""
