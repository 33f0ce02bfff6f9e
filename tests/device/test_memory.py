import errno
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.device import memory
from offlinefirst.device.memory import Shortage, Variable
from offlinefirst.device.units import GiB, MiB
from offlinefirst.device.usage import Child

TORCH = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
TORCH += "you tried to allocate 2936012800 bytes. Error code 12 (Cannot allocate memory)"
TENSORFLOW = (
    "{{function_node __wrapped__Fill}} OOM when allocating tensor with shape[700,1024,1024] and type float on /job"
)
ONNX = (
    "[ONNXRuntimeError] : 1 : FAIL : bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 2936012800"
)
NUMPY = "Unable to allocate 2.00 GiB for an array with shape (268435456,) and data type float64"
SEGMENT = "libtorch_cpu.so: failed to map segment from shared object"


class ResourceExhaustedError(Exception):
    """Stands for TensorFlow's, which derives from Exception alone."""


class Fail(Exception):  # noqa: N818 - ONNX Runtime's name
    """Stands for ONNX Runtime's."""


Fail.__module__ = "onnxruntime.capi.onnxruntime_pybind11_state"


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "asked_bytes"),
    [
        (MemoryError(), None),
        (MemoryError(NUMPY), 2 * GiB),
        (MemoryError("std::bad_alloc"), None),
        (RuntimeError(TORCH), 2_936_012_800),
        (ResourceExhaustedError(TENSORFLOW), 700 * 1024 * 1024 * 4),
        (Fail(ONNX), 2_936_012_800),
        (ImportError(SEGMENT), None),
        (RuntimeError("can't start new thread"), None),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), None),
        (RuntimeError("std::bad_alloc"), None),
        (caused(ValueError("model could not be read"), MemoryError()), None),
    ],
)
def test_every_shape_of_running_out_is_recognised(error: BaseException, asked_bytes: int | None) -> None:
    assert memory.is_out_of_memory(error)
    assert memory.asked_bytes(error) == asked_bytes


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"),
        KeyError("MemoryError"),
        RuntimeError("shape mismatch"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOENT, "cannot allocate memory.txt"),
        ImportError("No module named 'torch'"),
        Fail("Invalid rank for input"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_are_left_alone(error: BaseException) -> None:
    assert not memory.is_out_of_memory(error)


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert not memory.is_out_of_memory(first)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert memory.asked_bytes(RuntimeError(text)) is None or True
    memory.is_out_of_memory(RuntimeError(text))


def test_the_largest_variables_are_named_without_running_their_code() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        def __len__(self) -> int:
            raise AssertionError

        __sizeof__ = __len__

    namespace = {
        "rows": [bytes(1000) for _ in range(20_000)],
        "image": np.zeros((4, MiB), dtype=np.uint8),
        "same": [np.zeros(MiB, dtype=np.uint8)] * 50,
        "table": {number: bytes(150) for number in range(10_000)},
        "trap": Trap(),
        "small": [1],
        "_hidden": bytes(9 * MiB),
        "Out": {1: bytes(9 * MiB)},
    }
    found = memory.biggest(namespace)
    assert [each.name for each in found] == ["rows", "image", "table"]
    assert found[0].size_bytes == pytest.approx(20_000 * 1033 + 8 * 20_000, rel=0.05)
    assert found[1] == Variable("image", "ndarray", 4 * MiB)
    assert memory.biggest({"same": namespace["same"]})[0].size_bytes == pytest.approx(MiB, rel=0.01)


def test_two_names_of_one_object_count_once() -> None:
    block = bytes(2 * MiB)
    assert len(memory.biggest({"a": block, "b": block})) == 1


def shortage(**known: object) -> Shortage:
    facts: dict[str, object] = {
        "title": "Phone, 2 GB",
        "limit_bytes": GiB,
        "used_bytes": 200 * MiB,
        "grown_bytes": 0,
        **known,
    }
    return Shortage(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        ({"asked_bytes": 2 * GiB}, [r"asked    2.0 GiB in one piece", r"free     824.0 MiB of the 1.0 GiB"]),
        ({}, [r"asked    one piece of more than the 824.0 MiB that were free"]),
        ({"used_bytes": GiB + MiB, "grown_bytes": 900 * MiB}, [r"a little at a time; .* grew by 900.0 MiB", "0 bytes"]),
        ({"grown_bytes": 600 * MiB}, [r"a little at a time; this cell grew by 600.0 MiB"]),
        ({"threads": True}, [r"asked    one more thread", r"try      run fewer threads"]),
        ({"biggest": (Variable("rows", "list", 700 * MiB),)}, [r"rows \(list, about 700.0 MiB\)", r"try .*: del rows"]),
        ({"children": (Child(7, "python", 900 * MiB),)}, [r"children python \(pid 7, 900.0 MiB\)", "end child proc"]),
    ],
)
def test_the_message_says_device_asked_free_and_what_to_try(known: dict[str, object], lines: list[str]) -> None:
    text = memory.describe(shortage(**known))
    assert text.startswith("Phone, 2 GB: out of memory.\n  asked    ")
    for pattern in [*lines, r"\n  free     ", r"\n  try      ", r"runs your next cell\.$"]:
        assert re.search(pattern, text), text
