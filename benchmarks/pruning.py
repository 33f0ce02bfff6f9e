"""What pruning gives when there is time: bytes on the wire by zeros, and speed by fewer filters, on one thread."""

import os

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _report
import numpy as np

from offlinefirst.datasets.leaves import leaves
from offlinefirst.device.quiet import quieten, swallowed_stderr
from offlinefirst.measure.bench import bench
from offlinefirst.measure.sizes import measure_sizes
from offlinefirst.models import prune

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "datasets" / "models" / "pruning"
TRAIN, TEST = (6000, 1), (2000, 2)
ZEROS = 0.80
BATCH = 64
LIMITS = {
    "wire_ratio": (8.0, "at least"),
    "wire_loss_points": (1.5, "at most"),
    "structured_speedup": (2.0, "at least"),
    "structured_loss_points": (2.0, "at most"),
}


def flipped(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A leaf is a leaf from either side and either end; pictures (n, height, width, 3)."""
    if rng.random() < 0.5:
        batch = batch[:, ::-1]
    if rng.random() < 0.5:
        batch = batch[:, :, ::-1]
    return batch.transpose(0, 2, 1, 3) if rng.random() < 0.5 else batch


def in_turn(calls: list[Callable[[], object]], rounds: int) -> np.ndarray:
    """Seconds, a row for each round, in which every call has its turn; (rounds, calls)."""
    seconds = np.empty((rounds, len(calls)))
    for call in calls:
        for _ in range(10):
            call()
    for number, row in enumerate(seconds):
        order = range(len(calls)) if number % 2 else range(len(calls) - 1, -1, -1)
        for one in order:
            start = time.perf_counter()
            calls[one]()
            row[one] = time.perf_counter() - start
    return seconds


def points_lost(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Points of accuracy lost, and half the width of the 95 % interval.

    Both saw the same leaves, so only those count on which they differ.

    Args:
        before, after: For each leaf, whether the model was right.
    """
    lost = before.astype(float) - after
    return 100 * float(lost.mean()), 196 * float(lost.std()) / len(lost) ** 0.5


# --- zeros: the tfmot listing, mended, on the middling network ------------------------------------------------------


def keras_network(tf_keras: Any) -> Any:
    layers = tf_keras.layers
    stack = [layers.InputLayer(input_shape=(48, 48, 3))]
    for channels, stride in [(16, 2), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)]:
        stack += [layers.ZeroPadding2D(1), layers.Conv2D(channels, 3, stride, use_bias=False)]
        stack += [layers.BatchNormalization(momentum=0.9, epsilon=1e-5), layers.ReLU()]
    model = tf_keras.Sequential([*stack, layers.GlobalAveragePooling2D(), layers.Dense(4)])
    stored = np.load(FOLDER / "leaf-medium.npz")
    numbers = sorted({int(name.split(".")[0]) for name in stored})
    for number, layer in zip(numbers, [one for one in model.layers if one.weights], strict=True):
        parts = ("weight", "bias", "running_mean", "running_var")
        arrays = [stored[f"{number}.{part}"].astype(np.float32) for part in parts if f"{number}.{part}" in stored]
        if arrays[0].ndim == 4:
            arrays[0] = arrays[0].transpose(2, 3, 1, 0)
        layer.set_weights([arrays[0].T, *arrays[1:]] if arrays[0].ndim == 2 else arrays)
    return model


def keras_fit(model: Any, train: np.ndarray, labels: np.ndarray, epochs: int, zeros: bool) -> Any:
    """Train a network on, with zeros put into all convolutions but the first, or in just the same way without."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    tf_keras.utils.set_random_seed(5)
    rng, steps = np.random.default_rng(5), epochs * -(-len(train) // BATCH)
    kernels = [layer.name for layer in model.layers if isinstance(layer, tf_keras.layers.Conv2D)]
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.30, ZEROS, 0, int(0.6 * steps), frequency=10)

    def wrap(layer: Any) -> Any:
        chosen = zeros and layer.name in kernels[1:]
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule) if chosen else layer

    class Leaves(tf_keras.utils.Sequence):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.on_epoch_end()

        def __len__(self) -> int:
            return (len(train) + BATCH - 1) // BATCH

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            some = self.order[number * BATCH : (number + 1) * BATCH]
            return flipped(train[some], rng), labels[some]

        def on_epoch_end(self) -> None:
            self.order = rng.permutation(len(train))

    wrapped = tf_keras.models.clone_model(model, clone_function=wrap)
    wrapped.build((None, 48, 48, 3))
    rate = tf_keras.optimizers.schedules.CosineDecay(3e-3, steps)
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    wrapped.compile(optimizer=tf_keras.optimizers.Adam(rate), loss=loss)
    counting = [tfmot.sparsity.keras.UpdatePruningStep()] if zeros else []
    wrapped.fit(Leaves(), epochs=epochs, verbose=0, callbacks=counting)
    return tfmot.sparsity.keras.strip_pruning(wrapped) if zeros else wrapped


def loaded(file: bytes, batch: int) -> Callable[[np.ndarray], np.ndarray]:
    """A LiteRT interpreter on one thread, as a function of pictures."""
    from ai_edge_litert.interpreter import Interpreter

    with swallowed_stderr():
        one = Interpreter(model_content=file, num_threads=1)
        one.resize_tensor_input(one.get_input_details()[0]["index"], [batch, 48, 48, 3])
        one.allocate_tensors()
    into, out = one.get_input_details()[0]["index"], one.get_output_details()[0]["index"]

    def call(pictures: np.ndarray) -> np.ndarray:
        one.set_tensor(into, pictures)
        one.invoke()
        return one.get_tensor(out)

    return call


def magnitude(data: tuple[np.ndarray, ...], epochs: int, folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    import tensorflow as tf
    import tf_keras

    tf.get_logger().setLevel("ERROR")
    train, train_labels, test, test_labels = data
    start = keras_network(tf_keras)
    longer = keras_fit(keras_network(tf_keras), train, train_labels, epochs, zeros=False)
    pruned = keras_fit(keras_network(tf_keras), train, train_labels, epochs, zeros=True)

    def convert(model: Any, *optimise: Any) -> bytes:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = list(optimise)
        with swallowed_stderr():
            return converter.convert()

    bits, sparse = tf.lite.Optimize.DEFAULT, tf.lite.Optimize.EXPERIMENTAL_SPARSITY
    files = {
        "dense": convert(start),
        "dense, trained on": convert(longer),
        "80% zeros": convert(pruned),
        "8-bit weights": convert(start, bits),
        "80% zeros, 8-bit weights": convert(pruned, bits),
        "80% zeros, stored sparse": convert(pruned, sparse),
    }
    rows, right = [], {}
    singles = [loaded(file, 1) for file in files.values()]
    seconds = in_turn([lambda call=call: call(test[:1]) for call in singles], 300)
    for number, (name, file) in enumerate(files.items()):
        path = folder / f"{number}.tflite"
        path.write_bytes(file)
        whole = loaded(file, 250)
        answers = np.concatenate([whole(part).argmax(1) for part in np.split(test, len(test) // 250)])
        right[name] = answers == test_labels
        sizes = measure_sizes(path)
        weighed = bench(path, profile="laptop-4gb", runner="litert", threads=1, min_seconds=0.5)
        rows.append(
            {
                "part": "magnitude",
                "model": name,
                "raw_bytes": sizes.raw_bytes,
                "compressed_bytes": sizes.compressed_bytes,
                "peak_rss_bytes": weighed.peak_rss_bytes,
                "p50_ms": 1000 * float(np.median(seconds[:, number])),
                "accuracy": float(right[name].mean()),
            }
        )
    by_name = {row["model"]: row for row in rows}
    thin, control = "80% zeros, 8-bit weights", "dense, trained on"
    lost, margin = points_lost(right[control], right[thin])
    at_first, at_first_margin = points_lost(right["dense"], right[thin])
    metrics = {
        "wire_ratio": by_name["dense"]["compressed_bytes"] / by_name[thin]["compressed_bytes"],
        "wire_loss_points": lost,
        "wire_loss_margin": margin,
        "wire_loss_to_start": at_first,
        "wire_loss_to_start_margin": at_first_margin,
        "raw_ratio_zeros": by_name["dense"]["raw_bytes"] / by_name["80% zeros"]["raw_bytes"],
        "speedup_zeros": float(np.median(seconds[:, 0] / seconds[:, 2])),
    }
    return metrics, rows


# --- filters: half of them removed from the large network ------------------------------------------------------------


def unfolded(path: Path, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Give an exported leaf network its normalisations back, so that it can be trained on.

    The export has folded each into the convolution before it. Here each gets the statistics of what comes in, and
    the scale and shift that undo them: the network computes what it did.
    """
    import onnx
    import torch

    graph = onnx.load(path).graph
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    inside, weights = torch.from_numpy(np.ascontiguousarray(pictures)), {}
    for number, node in zip([*range(0, 18, 3), 20], nodes, strict=True):
        kernel, bias = (np.array(arrays[name]) for name in node.input[1:3])
        weights[f"{number}.weight"] = kernel
        if node.op_type == "Gemm":
            weights[f"{number}.bias"] = bias
            continue
        stride = 2 if number in (0, 6, 12) else 1
        made = torch.nn.functional.conv2d(inside, torch.from_numpy(kernel), None, stride, 1)
        mean, var = made.mean((0, 2, 3)).numpy(), made.var((0, 2, 3)).numpy()
        parts = {"weight": np.sqrt(var + 1e-5), "bias": bias + mean, "running_mean": mean, "running_var": var}
        weights |= {f"{number + 1}.{part}": value for part, value in parts.items()}
        inside = torch.relu(made + torch.from_numpy(bias)[:, None, None])
    return weights


def torch_network(weights: dict[str, np.ndarray]) -> Any:
    """The leaf network with as many filters as the arrays have."""
    import torch
    from torch import nn

    stack: list[nn.Module] = []
    for number in range(0, 18, 3):
        filters, channels = weights[f"{number}.weight"].shape[:2]
        stride = 2 if number in (0, 6, 12) else 1
        stack += [nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
    stack += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(weights["20.weight"].shape[1], 4)]
    model = nn.Sequential(*stack)
    model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()}, strict=False)
    return model.to(memory_format=torch.channels_last)


def fit(model: Any, train: np.ndarray, labels: np.ndarray, epochs: int) -> Any:
    """Train on, every model in the same way."""
    import torch

    rng, rate, batches = np.random.default_rng(5), 3e-3, -(-len(train) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * batches)
    model.train()
    for _ in range(epochs):
        for some in np.array_split(rng.permutation(len(train)), batches):
            scores = model(torch.from_numpy(np.ascontiguousarray(flipped(train[some], rng))).permute(0, 3, 1, 2))
            optimiser.zero_grad()
            wanted = torch.from_numpy(labels[some])
            torch.nn.functional.cross_entropy(scores, wanted, label_smoothing=0.05).backward()
            optimiser.step()
            plan.step()
    return model.eval()


def thinned(weights: dict[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """Remove this share of the filters of each convolution, those of least magnitude, with what reads them."""
    thin: dict[str, Any] = dict(weights)
    for number in range(0, 18, 3):
        size = prune.norms(thin, f"{number}.weight")
        reader = f"{number + 3}.weight" if number < 15 else "20.weight"
        group = [prune.Axis(f"{number}.weight", 0), prune.Axis(reader, 1)]
        group += [prune.Axis(f"{number + 1}.{part}", 0) for part in ("weight", "bias", "running_mean", "running_var")]
        thin = prune.remove(thin, group, np.argsort(size)[: round(share * len(size))].tolist())
    return thin


def structured(
    data: tuple[np.ndarray, ...], epochs: int, share: float, folder: Path
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    import onnxruntime
    import torch

    from offlinefirst.models.convert import export_onnx

    train, train_labels, test, test_labels = data
    torch.set_num_threads(1)
    torch.manual_seed(5)

    weights = unfolded(ROOT / "datasets" / "models" / "leaf-large.onnx", train[:1000].transpose(0, 3, 1, 2))
    thin = thinned(weights, share)
    torch.manual_seed(6)
    fresh = torch_network(thin)
    for layer in fresh:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    pruned, control, alone = f"{share:.0%} of the filters removed", "all filters, trained on", "as small, from scratch"
    models = {
        "all filters": torch_network(weights).eval(),
        control: fit(torch_network(weights), train, train_labels, epochs),
        pruned: fit(torch_network(thin), train, train_labels, epochs),
        alone: fit(fresh, train, train_labels, epochs),
    }
    uneven = f"{share - 0.05:.0%} of the filters removed"  # channels that fill no block of 8 or 16; timed only
    models[uneven] = torch_network(thinned(weights, share - 0.05)).eval()
    paths = {name: folder / f"structured-{number}.onnx" for number, name in enumerate(models)}
    for name, model in models.items():
        export_onnx(model, {"image": torch.zeros(1, 3, 48, 48)}, paths[name])
    paths["the course's leaf-medium"] = ROOT / "datasets" / "models" / "leaf-medium.onnx"  # the same shape at 50 %
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for name, path in paths.items()
    }
    pictures = np.ascontiguousarray(test.transpose(0, 3, 1, 2))
    one = {"image": pictures[:1]}
    calls = [lambda session=session: session.run(None, one) for session in sessions.values()]
    seconds = dict(zip(sessions, in_turn(calls, 400).T, strict=True))
    rows, right = [], {}
    for name, path in paths.items():
        parts = np.split(pictures, len(test) // 250)
        answers = [sessions[name].run(None, {"image": part})[0].argmax(1) for part in parts]
        right[name] = np.concatenate(answers) == test_labels
        sizes = measure_sizes(path)
        weighed = bench(path, profile="phone-2gb", threads=1, min_seconds=0.5)
        rows.append(
            {
                "part": "structured",
                "model": name,
                "raw_bytes": sizes.raw_bytes,
                "compressed_bytes": sizes.compressed_bytes,
                "peak_rss_bytes": weighed.peak_rss_bytes,
                "p50_ms": 1000 * float(np.median(seconds[name])),
                "accuracy": float(right[name].mean()),
                "filters": [len(layer.weight) for layer in models.get(name, []) if hasattr(layer, "stride")],
            }
        )
    rows = [row for row in rows if row["model"] != uneven] + [row for row in rows if row["model"] == uneven]
    del rows[-1]["accuracy"]  # nobody trained it
    sized = {row["model"]: row["raw_bytes"] for row in rows}
    lost, margin = points_lost(right[control], right[pruned])
    metrics = {
        "structured_speedup": float(np.median(seconds["all filters"] / seconds[pruned])),
        "uneven_speedup": float(np.median(seconds["all filters"] / seconds[uneven])),
        "structured_loss_points": lost,
        "structured_loss_margin": margin,
        "scratch_loss_points": points_lost(right[control], right[alone])[0],
        "structured_size_ratio": sized["all filters"] / sized[pruned],
    }
    return metrics, rows


def main() -> None:
    parser = _report.options(re.sub(r":.*", "", __doc__ or ""))
    parser.add_argument("--epochs", type=int, default=8, help="how long to train what was pruned (8)")
    parser.add_argument("--share", type=float, default=0.5, help="the share of filters to remove (0.5)")
    arguments = parser.parse_args()
    quieten("tensorflow")
    data = []
    for count, seed in (TRAIN, TEST):
        images, labels = leaves(count, seed=seed)
        data += [images.astype(np.float32) / 255, labels]
    metrics: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in (
            lambda: magnitude(tuple(data), arguments.epochs, folder),
            lambda: structured(tuple(data), arguments.epochs, arguments.share, folder),
        ):
            found, some = part()
            metrics, rows = metrics | found, rows + some
            _report.show(some)
            print()
    missed = []
    for name, value in metrics.items():
        limit, side = LIMITS.get(name, (None, ""))
        print(f"{name:<28}{value:8.2f}   {f'wanted: {side} {limit}' if limit is not None else ''}")
        if limit is not None and (value < limit if side == "at least" else value > limit):
            missed.append(name)
    packages = ("tensorflow-cpu", "tensorflow-model-optimization", "ai-edge-litert", "torch", "onnxruntime", "numpy")
    facts = _report.host(*packages) | {"threads": 1, "epochs": arguments.epochs, "share": arguments.share}
    facts |= {"zeros": ZEROS, "train_leaves": TRAIN[0], "test_leaves": TEST[0]}
    _report.write(arguments.json, benchmark="pruning", host_facts=facts, metrics=metrics, rows=rows)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
