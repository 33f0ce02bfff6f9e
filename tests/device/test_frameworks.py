"""Each framework says in its own way that memory ran out; the learner reads one message."""

import re
import sys
from collections.abc import Callable

import pytest

from .conftest import Kernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="enforced limits")

SHAPE = re.compile(
    r"Phone, 2 GB: out of memory\.\n  asked    2\.7 GiB in one piece\n  free     [\d.]+ MiB of the 1\.0 GiB"
)

MODEL = """
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper
graph = helper.make_graph(
    [helper.make_node("Expand", ["x", "shape"], ["y"])], "expand",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
     helper.make_tensor_value_info("shape", TensorProto.INT64, [3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString())
def expand(*shape):
    return session.run(None, {"x": np.ones(1, "f"), "shape": np.array(shape)})[0].shape
"""

CASES = {
    "torch": ("import torch", "torch.zeros(700, 1024, 1024)", "torch.ones(2, 3).shape[1]", "3"),
    "tensorflow": ("import tensorflow as tf", "tf.zeros([700, 1024, 1024])", "int(tf.ones([2, 3]).shape[1])", "3"),
    "onnx": (MODEL, "expand(700, 1024, 1024)", "int(expand(1, 2, 3)[2])", "3"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_framework_runs_out_of_memory(name: str, start_kernel: Callable[..., Kernel]) -> None:
    load, eat, use, value = CASES[name]
    pytest.importorskip({"onnx": "onnxruntime"}.get(name, name))
    kernel = start_kernel("phone-2gb")
    loaded = kernel.run(load)
    assert loaded.status == "ok", loaded.shown
    # A quiet import: nothing on either stream.
    assert (loaded.out, loaded.err) == ("", "")
    for _ in range(2):
        result = kernel.run(eat)
        assert result.status == "error"
        assert SHAPE.search(result.shown), result.shown
        assert result.shown.rstrip().endswith("The kernel is alive and runs your next cell.")
    assert kernel.value(use) == value
    assert kernel.is_alive()


def test_torch_uses_the_device_s_threads(start_kernel: Callable[..., Kernel]) -> None:
    pytest.importorskip("torch")
    kernel = start_kernel("phone-2gb")
    assert kernel.value("import torch; torch.get_num_threads(), torch.cuda.is_available()") == "(1, False)"
    kernel.run("held = []\nwhile True: held.append(torch.ones(1 << 20))")
    assert kernel.value("del held; float(torch.ones(1 << 24).sum())") == "16777216.0"
