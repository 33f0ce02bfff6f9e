"""Train the leaf classifiers of the course and write them as ONNX files: `python tools/make_leaf_models.py`.

Needs the full tier, and about three minutes on two cores. Three sizes of one network are trained by the same code on
the same synthetic leaves (`offlinefirst.datasets.leaves`), then exported, held against torch on the test leaves, and
described in `datasets/models/leaf.json`: accuracy, parameters, bytes, SHA-256. The middle one is also quantised to
8 bits, per channel, with leaves that nobody trained or tested on. Afterwards the hashes in `datasets/catalog.toml`
have to be written anew: weights depend on the processor and on torch's version, and the script prints the entries.

`--only small` trains one size, `--keep` leaves the files alone and tests those that are there.
"""

import argparse
import hashlib
import json
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from offlinefirst.datasets.leaves import CLASSES, leaves  # noqa: E402
from offlinefirst.models.convert import export_onnx  # noqa: E402

FOLDER = ROOT / "datasets" / "models"
WIDTHS = {"small": 8, "medium": 16, "large": 32}
SIZE = 48
TRAIN, TEST, CALIBRATION = (6000, 1), (2000, 2), (256, 3)  # how many leaves, and their seed
EPOCHS, BATCH, RATE = 8, 64, 4e-3
OPSET = 17


def network(width: int) -> nn.Sequential:
    """Convolutions of 3 by 3 in four stages, the picture halved before each, then an average and one linear layer."""
    layers: list[nn.Module] = []
    came = 3
    for channels, stride in [(1, 2), (1, 1), (2, 2), (2, 1), (4, 2), (4, 1)]:
        layers += [
            nn.Conv2d(came, channels * width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels * width),
            nn.ReLU(),
        ]
        came = channels * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(came, len(CLASSES)))


def as_input(images: np.ndarray) -> np.ndarray:
    """uint8 (n, height, width, 3) to float32 (n, 3, height, width) from 0 to 1: what every exported model takes."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / 255


def trained(width: int, images: np.ndarray, labels: np.ndarray) -> nn.Sequential:
    torch.manual_seed(width)
    model = network(width).to(memory_format=torch.channels_last)
    wanted, answers = torch.from_numpy(as_input(images)), torch.from_numpy(labels)
    steps = EPOCHS * -(-len(wanted) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    model.train()
    for _ in range(EPOCHS):
        for some in torch.randperm(len(wanted)).split(BATCH):
            batch = wanted[some]
            if random.random() < 0.5:
                batch = batch.flip(3)
            if random.random() < 0.5:
                batch = batch.flip(2)
            if random.random() < 0.5:
                batch = batch.transpose(2, 3)
            batch = batch.contiguous(memory_format=torch.channels_last)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(batch), answers[some], label_smoothing=0.05).backward()
            optimiser.step()
            schedule.step()
    return model.eval()


class Leaves(CalibrationDataReader):
    """Hands the calibration leaves to the quantiser."""

    def __init__(self, images: np.ndarray) -> None:
        self._batches = iter(np.array_split(as_input(images), 8))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantise(source: Path, target: Path, images: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(target),
            Leaves(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def accuracy(path: Path, images: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    scores = np.concatenate([session.run(None, {"image": batch})[0] for batch in np.array_split(as_input(images), 16)])
    return float((scores.argmax(1) == labels).mean()), scores


def linear_baseline(images: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """The accuracy of ridge regression on the pixels."""
    flat, flat_test = (as_input(some).reshape(len(some), -1) - 0.5 for some in (images, test))
    weights = np.linalg.solve(flat.T @ flat + 300 * np.eye(flat.shape[1]), flat.T @ (np.eye(4)[labels] - 0.25))
    return float(((flat_test @ weights).argmax(1) == test_labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=WIDTHS)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    images, labels = leaves(TRAIN[0], seed=TRAIN[1], size=SIZE)
    test, test_labels = leaves(TEST[0], seed=TEST[1], size=SIZE)
    FOLDER.mkdir(exist_ok=True)
    models: dict[str, dict[str, object]] = {}
    for name, width in WIDTHS.items():
        if options.only not in (None, name):
            continue
        path = FOLDER / f"leaf-{name}.onnx"
        if not options.keep:
            random.seed(width)
            start = time.perf_counter()
            model = trained(width, images, labels)
            note = "Synthetic maize leaves; input float32 (batch, 3, 48, 48), 0 to 1, RGB; " + ", ".join(CLASSES)
            export_onnx(model, {"image": torch.zeros(1, 3, SIZE, SIZE)}, path, opset=OPSET, note=note)
            with torch.no_grad():
                ours = model(torch.from_numpy(as_input(test))).numpy()
            difference = float(np.abs(accuracy(path, test, test_labels)[1] - ours).max())
            print(f"{name}: {time.perf_counter() - start:.0f} s, ONNX differs from torch by at most {difference:.1e}")
            if difference > 1e-3:
                raise SystemExit(f"{path} does not compute what torch does")
        models[path.stem] = {"width": width, "parameters": sum(value.numel() for value in network(width).parameters())}
    medium = FOLDER / "leaf-medium.onnx"
    if medium.stem in models:
        path = FOLDER / "leaf-medium-int8.onnx"
        if not options.keep:
            quantise(medium, path, leaves(CALIBRATION[0], seed=CALIBRATION[1], size=SIZE)[0])
        models[path.stem] = dict(models[medium.stem])
    for name, row in models.items():
        path = FOLDER / f"{name}.onnx"
        right = accuracy(path, test, test_labels)[0]
        row |= {"accuracy": round(right, 4), "bytes": path.stat().st_size}
        row["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{name:18} {right:.1%} {row['bytes']:>9,} bytes {row['sha256']}")
    if options.only:
        return
    about = {
        "data": "synthetic maize leaves, offlinefirst.datasets.leaves",
        "classes": list(CLASSES),
        "input": "float32 (batch, 3, 48, 48), red first, 0 to 1",
        "train": {"count": TRAIN[0], "seed": TRAIN[1]},
        "test": {"count": TEST[0], "seed": TEST[1]},
        "linear_on_pixels": round(linear_baseline(images, labels, test, test_labels), 4),
        "made_with": {"torch": torch.__version__, "onnxruntime": ort.__version__, "machine": platform.machine()},
        "models": models,
    }
    (FOLDER / "leaf.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
