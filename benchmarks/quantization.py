"""EfficientNet-Lite0 with four classes of leaves: float beside 8 bits, in size, time and accuracy, on one thread.

Under ONNX Runtime, whose ratios are the metrics, and under LiteRT with the same weights (`--no-litert` leaves it away).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _lite0_litert as litert
import _report
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import make_quantization_models as made  # noqa: E402

from offlinefirst.datasets.leaves import CLASSES, leaves  # noqa: E402
from offlinefirst.measure.bench import bench  # noqa: E402
from offlinefirst.measure.sizes import measure_sizes  # noqa: E402
from offlinefirst.measure.stats import percentile_interval  # noqa: E402
from offlinefirst.models import _qdq  # noqa: E402
from offlinefirst.models.quantize import METHODS, quantise_model, saturates  # noqa: E402

PHONE, LATENCY_MS = "phone-2gb", 200.0
CALIBRATION_SEED, CHOICE_SEED = 3, 4  # neither trained nor tested on
FLOATS = 2  # the first convolutions sum over three colours and over one channel: integers gain no time there
SESSIONS = 6  # where a session's memory comes to lie changes its time by some percent
LIMITS = {
    "int8_size_ratio": ("at least", 3.5),
    "int8_speedup": ("at least", 2.0),
    "lite0_leaf_int8_mb": ("at most", 4.0),
    "int8_accuracy_drop_points": ("at most", 1.0),
}


def scores(path: Path, images: np.ndarray) -> np.ndarray:
    run = made.session(path, threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1).run
    batches = [images[at : at + 8] for at in range(0, len(images), 8)]
    return np.concatenate([run(None, {"image": made.as_input(batch)})[0] for batch in batches])


def colours_last(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(made.as_input(images).transpose(0, 2, 3, 1))


def litert_models(source: Path, folder: Path, calibration: np.ndarray) -> dict[str, Path]:
    """The same network as two .tflite files; refuses to go on where the rebuilt network answers otherwise."""
    model = litert.rebuild(_qdq.prepared(source, folder))
    exact = made.session(source).run(None, {"image": made.as_input(calibration[:4])})[0]
    off = float(np.abs(model.predict(colours_last(calibration[:4]), verbose=0) - exact).max())
    if off > 1e-3 * float(np.abs(exact).max()):
        raise SystemExit(f"the network in Keras is off by {off:g}; look into benchmarks/_lite0_litert.py")
    shown = colours_last(calibration)
    return {
        "LiteRT, float": litert.converted(model, folder / "float.tflite", None),
        "LiteRT, int8": litert.converted(model, folder / "int8.tflite", shown),
    }


def one_photo(path: Path, image: np.ndarray) -> Callable[[], object]:
    """One inference on one thread, by the file's engine."""
    if path.suffix == ".tflite":
        run, given = litert.runner(path, 1), colours_last(image)
        return lambda: run(given)
    session, feed = made.session(path), {"image": made.as_input(image)}
    return lambda: session.run(None, feed)


def all_scores(path: Path, images: np.ndarray) -> np.ndarray:
    if path.suffix != ".tflite":
        return scores(path, images)
    run = litert.runner(path, 1)
    return np.concatenate([run(colours_last(images[at : at + 1])) for at in range(len(images))])


def seconds_in_turn(models: dict[str, Path], rounds: int, image: np.ndarray) -> dict[str, list[float]]:
    """Time single photos on one thread, all models in turn, the order reversed each time; of three the fastest."""
    calls = {name: one_photo(path, image) for name, path in models.items()}
    for call in calls.values():
        for _ in range(3):
            call()
    taken: dict[str, list[float]] = {name: [] for name in models}
    for number in range(rounds):
        for name in list(models)[:: 1 if number % 2 else -1]:
            three = []
            for _ in range(3):
                began = time.perf_counter()
                calls[name]()
                three.append(time.perf_counter() - began)
            taken[name].append(min(three))
    return taken


def paired_ratios(ours: Path, theirs: Path, pairs: int, image: np.ndarray) -> tuple[list[float], list[float]]:
    """How many times faster ours is, in pairs of blocks of five photos, with several sessions of each.

    Returns:
        The ratios of the blocks' medians; and of their fastest photos, as neighbours only add time.
    """
    feed = {"image": made.as_input(image)}
    fastest, usual = [], []
    each = -(-pairs // SESSIONS)
    for number in range(SESSIONS * (each + 2)):
        turn = number % (each + 2)  # the first two of a session warm it up
        if turn == 0:
            run = [made.session(ours).run, made.session(theirs).run]
        blocks: list[list[float]] = [[], []]
        for which in (0, 1) if number % 2 else (1, 0):
            for _ in range(5):
                began = time.perf_counter()
                run[which](None, feed)
                blocks[which].append(time.perf_counter() - began)
        if turn >= 2:
            fastest.append(min(blocks[1]) / min(blocks[0]))
            usual.append(statistics.median(blocks[1]) / statistics.median(blocks[0]))
    return usual, fastest


def onnx_models(folder: Path, calibration: np.ndarray) -> tuple[dict[str, Path], dict[str, float], str]:
    """Float and its quantised kinds; the share that each has right of the leaves for choosing; and the best way."""
    choice, labels = leaves(200, seed=CHOICE_SEED, size=made.DRAWN)
    models = {"float": folder / "float.onnx"}
    made.export(made.Lite0(made.read_head()), models["float"])

    def add(row: str, **how: Any) -> None:
        models[row] = folder / f"{row}.onnx"
        quantise_model(models["float"], models[row], {"image": calibration}, **how)

    for method in METHODS:
        add(f"int8, {method}", method=method, first_in_float=FLOATS)
    right = {row: float((scores(path, choice).argmax(1) == labels).mean()) for row, path in models.items()}
    best = max(METHODS, key=lambda method: right[f"int8, {method}"])
    add("int8, every layer", method=best)
    add("int8, one scale", method=best, per_channel=False, first_in_float=FLOATS)
    add("int8, 7-bit weights", method=best, reduce_range=True, first_in_float=FLOATS)
    return models, right, f"int8, {best}"


def measured(path: Path, image: np.ndarray) -> dict[str, Any]:
    """A file's sizes, and time and memory of one photo on the small phone."""
    sizes, how = measure_sizes(path), {"inputs": {"image": made.as_input(image)}}
    if path.suffix == ".tflite":
        how = {"runner": "litert", "inputs": litert.input_for_bench(path, colours_last(image))}
    phone = bench(path, profile=PHONE, min_calls=100, warm_up=5, **how)
    return {
        "raw_mb": sizes.raw_bytes / 1e6,
        "gzip_mb": sizes.compressed_bytes / 1e6,
        "phone_p95_ms": 1000 * phone.p95_s,
        "phone_peak_mb": phone.peak_rss_bytes / 1e6,
    }


def main() -> None:
    parser = _report.options(__doc__ or "")
    parser.add_argument("--test", type=int, default=1000, help="leaves to test on (1000)")
    parser.add_argument("--calibration", type=int, default=64, help="leaves to calibrate with (64)")
    parser.add_argument("--rounds", type=int, default=60, help="timed rounds for each model (60)")
    parser.add_argument("--no-litert", action="store_true", help="without LiteRT, which needs tensorflow to convert")
    arguments = parser.parse_args()
    facts = _report.host("onnxruntime", "onnx", "numpy", "torch", "tensorflow-cpu", "ai-edge-litert")
    shown = leaves(arguments.calibration, seed=CALIBRATION_SEED, size=made.DRAWN)[0]
    test, labels = leaves(arguments.test, seed=made.TEST[1], size=made.DRAWN)
    with tempfile.TemporaryDirectory() as name:
        models, chosen_on, best = onnx_models(Path(name), made.as_input(shown))
        ratios, of_fastest = paired_ratios(models[best], models["float"], arguments.rounds, test[:1])
        if not arguments.no_litert:
            models |= litert_models(models["float"], Path(name), shown)
        taken = seconds_in_turn(models, arguments.rounds, test[:1])
        rows, answers = [], {}
        for row, path in models.items():
            answers[row] = all_scores(path, test).argmax(1)
            rows.append(
                {"model": row, "median_ms": 1000 * statistics.median(taken[row])}
                | measured(path, test[:1])
                | {
                    "right_on_choice": chosen_on.get(row, ""),
                    "right": float((answers[row] == labels).mean()),
                    "same_as_float": float((answers[row] == answers["float"]).mean()),
                    "by_class": [round(float((answers[row][labels == n] == n).mean()), 4) for n in range(len(CLASSES))],
                    "samples_s": [round(value, 6) for value in taken[row]],
                }
            )
    table = {row["model"]: row for row in rows}
    ours, plain = table[best], table["float"]
    metrics = {
        "int8_size_ratio": plain["raw_mb"] / ours["raw_mb"],
        "int8_speedup": statistics.median(ratios),
        "int8_speedup_of_fastest": statistics.median(of_fastest),
        "lite0_leaf_int8_mb": ours["raw_mb"],
        "int8_accuracy_drop_points": 100 * (plain["right"] - ours["right"]),
        "phone_p95_ms": ours["phone_p95_ms"],
        "phone_peak_rss_ratio": plain["phone_peak_mb"] / ours["phone_peak_mb"],
    }
    _report.show([{key: value for key, value in row.items() if key not in ("by_class", "samples_s")} for row in rows])
    print(f"\ncalibrated with {arguments.calibration} leaves; {best!r} was chosen on 200 others, {len(test)} tested")
    print(f"each class: float {plain['by_class']}, int8 {ours['by_class']}")
    flags = facts["cpu_flags"]
    vnni = bool(flags) and not saturates(flags)
    for key, value in metrics.items():
        word, limit = LIMITS.get(key, ("", None))
        gate = "" if limit is None else f"  target {word} {limit}"
        if key == "int8_accuracy_drop_points" and not vnni:
            gate = "  reported only: no VNNI or its like is known here"
        gate += f"  reported against {LATENCY_MS:g} ms" if key == "phone_p95_ms" else ""
        print(f"{key:<28}{value:8.3f}{gate}")
    for what, pairs in (("median of five", ratios), ("fastest of five", of_fastest)):
        sure = percentile_interval(pairs, 50)
        print(f"speed-up, {what}: between {sure.low:.2f} and {sure.high:.2f} (95 %, {len(pairs)} pairs of blocks)")
    print(f"one thread; {facts['cpu']}: {' '.join(flags)}")
    ours["ratios_to_float"] = [round(value, 4) for value in ratios]
    ours["ratios_of_fastest"] = [round(value, 4) for value in of_fastest]
    facts |= {"integer_dot_products": vnni, "chosen": best, "threads": 1, "first_in_float": FLOATS}
    _report.write(arguments.json, benchmark="quantization", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
