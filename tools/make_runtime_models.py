"""Convert leaf classifiers for other runtimes: `python tools/make_runtime_models.py`. Full tier, under a minute.

Nothing is trained. The weights of `datasets/models/leaf-medium.onnx` and `leaf-small.onnx` go into the same network
in other libraries, written for other runtimes into `datasets/models/runtimes/`, and every file is held against the ONNX
one on the test leaves before it stays:
- `leaf-medium.tflite`, float32, input (1, 48, 48, 3): from torch by litert-torch. Where that is not installed, the
  network is rebuilt in tf-keras and goes through TFLiteConverter; the file has the same operators and answers.
- `leaf-medium-int8.tflite` and `leaf-small-int8.tflite`: from tf-keras by TFLiteConverter as full-integer models,
  calibrated on leaves of seed 3. The first takes and gives unsigned bytes (a camera's), the second signed ones.
- `leaf-medium.pte` and `leaf-small.pte`, float32, input (1, 3, 48, 48): by ExecuTorch for its XNNPACK backend. Left as
  they are, aloud, where executorch or torchao is not installed.

litert-torch and torchao are in no tier of the course: 700 MB, for files of this script alone. The shipped files were
made in a throw-away environment that sees the course's packages through a .pth file, after

    pip install --no-deps litert-torch==0.10.0 litert-converter ai-edge-quantizer multipledispatch jaxtyping \\
        wadler-lindig jax jaxlib immutabledict torchao

`leaf-runtimes.json` says what came out; hashes in `datasets/catalog.toml` have to be written anew, and are printed.
"""

import argparse
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from offlinefirst.datasets.leaves import CLASSES, leaves  # noqa: E402
from offlinefirst.device.quiet import swallowed_stderr  # noqa: E402
from offlinefirst.models import executorch_runner  # noqa: E402
from offlinefirst.models.convert import parity, rounding_tolerance  # noqa: E402

MODELS = ROOT / "datasets" / "models"
FOLDER = MODELS / "runtimes"
STRIDES = (2, 1, 2, 1, 2, 1)
SIZE = 48
TEST, CALIBRATION = (1000, 2), (200, 3)  # how many leaves, and their seed
LEAST_AGREEMENT = 0.98  # of the 8-bit models with the float one


def weights_of(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight and bias of every layer of a leaf classifier, in their order, as torch has them."""
    graph = onnx.load(MODELS / f"{name}.onnx").graph
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    return [(values[node.input[1]].copy(), values[node.input[2]].copy()) for node in layers]


def torch_network(name: str) -> nn.Sequential:
    weights = weights_of(name)
    layers: list[nn.Module] = []
    for (weight, _), stride in zip(weights[:-1], STRIDES, strict=True):
        layers += [nn.Conv2d(weight.shape[1], weight.shape[0], 3, stride, 1), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(weights[-1][0].shape[1], len(CLASSES))]
    with torch.no_grad():
        for layer, (weight, bias) in zip([one for one in layers if hasattr(one, "weight")], weights, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))  # type: ignore[operator, union-attr]
            layer.bias.copy_(torch.from_numpy(bias))  # type: ignore[operator, union-attr]
    return nn.Sequential(*layers).eval()


def keras_network(name: str) -> Any:
    """The same network, channels last. Where it halves the picture the border is written out: `padding="same"` would
    put it at the right and below alone, half a step beside torch's."""
    import tf_keras as keras

    keras.backend.clear_session()  # layers are numbered from 1 again, and their names are in the file
    weights = weights_of(name)
    layers = [keras.layers.Input((SIZE, SIZE, 3), batch_size=1, name="image")]
    for (weight, _), stride in zip(weights[:-1], STRIDES, strict=True):
        if stride == 2:
            layers.append(keras.layers.ZeroPadding2D(1))
        padding = "valid" if stride == 2 else "same"
        layers.append(keras.layers.Conv2D(weight.shape[0], 3, stride, padding, activation="relu"))
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(len(CLASSES), name="scores")]
    model = keras.Sequential(layers)
    arrays = []
    for weight, bias in weights[:-1]:
        arrays += [weight.transpose(2, 3, 1, 0), bias]
    model.set_weights([*arrays, weights[-1][0].T, weights[-1][1]])
    return model


def to_tflite(name: str, kind: str | None) -> bytes:
    """The Keras network as a .tflite file: float32 when there is no kind, else full integer with that input."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(keras_network(name))
    if kind is not None:
        photos = leaves(CALIBRATION[0], seed=CALIBRATION[1], size=SIZE)[0].copy()
        photos[0, 0, :2] = [[0] * 3, [255] * 3]  # so that the range is the camera's, and a byte stands for itself
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([photo[None] / np.float32(255)] for photo in photos)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
    with swallowed_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


def has(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


def to_tflite_from_torch(name: str) -> bytes:
    """The torch network as a float .tflite file that takes its colours last, as a camera gives them."""
    if not has("litert_torch"):
        print("litert-torch is not installed: the float .tflite goes through tf-keras")
        return to_tflite(name, None)
    with swallowed_stderr(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import litert_torch

        network = litert_torch.to_channel_last_io(torch_network(name), args=[0])
        made = litert_torch.convert(network, (torch.zeros(1, SIZE, SIZE, 3),))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.tflite"
        with swallowed_stderr(), contextlib.redirect_stdout(io.StringIO()):
            made.export(str(path))
        return path.read_bytes()


def to_executorch(name: str) -> bytes:
    with swallowed_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        program = torch.export.export(torch_network(name), (torch.zeros(1, 3, SIZE, SIZE),))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        return bytes(lowered.to_executorch().buffer)


def onnx_scores(name: str, photos: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(MODELS / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255
    return session.run(None, {"image": pixels})[0]


def tflite_scores(path: Path, photos: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    with swallowed_stderr():
        engine = Interpreter(model_path=str(path), num_threads=1)
        engine.allocate_tensors()
    given, made = engine.get_input_details()[0], engine.get_output_details()[0]
    if given["dtype"] == np.float32:
        ready = photos / np.float32(255)
    else:
        scale, zero = given["quantization"]
        if abs(scale * 255 - 1) > 1e-4 or zero != np.iinfo(given["dtype"]).min:
            raise SystemExit(f"{path.name}: a byte of the camera does not stand for itself ({scale}, {zero})")
        ready = (photos.astype(np.int16) + zero).astype(given["dtype"])
    scores = []
    for photo in ready:
        engine.set_tensor(given["index"], photo[None])
        engine.invoke()
        scores.append(engine.get_tensor(made["index"])[0].astype(np.float32))
    found = np.array(scores)
    if made["dtype"] != np.float32:
        found = (found - made["quantization"][1]) * made["quantization"][0]
    return found


def executorch_scores(path: Path, photos: np.ndarray) -> np.ndarray:
    run = executorch_runner.load(str(path))
    pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255
    return np.concatenate([run({"image": photo[None]})[0] for photo in pixels])


def made_with() -> dict[str, str]:
    packages = ("torch", "litert-torch", "tensorflow-cpu", "tensorflow", "tf-keras", "executorch", "torchao")
    packages += ("ai-edge-litert", "onnxruntime")
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions | {"machine": platform.machine()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the files alone and test those that are there")
    keep = parser.parse_args().keep
    torch.set_num_threads(2)
    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs: dict[str, tuple[str, Callable[[], bytes], Callable[[Path, np.ndarray], np.ndarray]]] = {
        "leaf-medium.tflite": ("leaf-medium", lambda: to_tflite_from_torch("leaf-medium"), tflite_scores),
        "leaf-medium-int8.tflite": ("leaf-medium", lambda: to_tflite("leaf-medium", "uint8"), tflite_scores),
        "leaf-small-int8.tflite": ("leaf-small", lambda: to_tflite("leaf-small", "int8"), tflite_scores),
        "leaf-medium.pte": ("leaf-medium", lambda: to_executorch("leaf-medium"), executorch_scores),
        "leaf-small.pte": ("leaf-small", lambda: to_executorch("leaf-small"), executorch_scores),
    }
    if not keep and not has("executorch", "torchao"):
        print("executorch or torchao is not installed: the .pte files are left as they are")
        jobs = {name: job for name, job in jobs.items() if not name.endswith(".pte")}
    photos, labels = leaves(TEST[0], seed=TEST[1], size=SIZE)
    about: dict[str, dict[str, object]] = {}
    for name, (source, make, run) in jobs.items():
        path = FOLDER / name
        if not keep:
            path.write_bytes(make())
        reference, scores = onnx_scores(source, photos), run(path, photos)
        report = parity(reference, scores, tolerance=rounding_tolerance(MODELS / f"{source}.onnx"))
        agreement = 1 - report.decisions_changed / len(photos)
        print(f"{name:24} {report}")
        if not report.ok and ("int8" not in name or agreement < LEAST_AGREEMENT):
            raise SystemExit(f"{path} does not compute what {source}.onnx does")
        about[name] = {
            "source": f"{source}.onnx",
            "accuracy": round(float((scores.argmax(1) == labels).mean()), 4),
            "source_accuracy": round(float((reference.argmax(1) == labels).mean()), 4),
            "worst_difference": float(f"{report.worst:.2g}"),
            "decisions_changed": report.decisions_changed,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    described = {
        "data": "synthetic maize leaves, offlinefirst.datasets.leaves",
        "classes": list(CLASSES),
        "test": {"count": TEST[0], "seed": TEST[1]},
        "calibration": {"count": CALIBRATION[0], "seed": CALIBRATION[1]},
        "made_with": made_with(),
        "models": about,
    }
    (FOLDER / "leaf-runtimes.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    for name in [*jobs, "leaf-runtimes.json"]:
        path = FOLDER / name
        print(f"{name:24} {path.stat().st_size:>9,} bytes {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
