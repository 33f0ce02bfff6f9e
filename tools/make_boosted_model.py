"""Train gradient boosting on hand-made leaf features and write it as ONNX: `python tools/make_boosted_model.py`.

Needs the full tier, and about a minute on two cores. It learns from the same synthetic leaves as the networks
(`tools/make_leaf_models.py`), described by `offlinefirst.models.leaf_features`; the ONNX file holds the trees and not
the features. It is held against scikit-learn on the test leaves before it replaces the old one. Afterwards the hash in
`datasets/catalog.toml` has to be written anew; the script prints the entry.
"""

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # beside other work, its threads would wait for each other

import numpy as np
import onnx
import onnxruntime as ort
import skl2onnx.common._container as skl2onnx_container
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from offlinefirst.datasets.leaves import CLASSES, leaves  # noqa: E402
from offlinefirst.models.leaf_features import COUNT, VERSION, features  # noqa: E402

TARGET = ROOT / "datasets" / "models" / "runtimes" / "leaf-boosted.onnx"
TRAIN, TEST = (6000, 1), (2000, 2)  # how many leaves, and their seed: those of the networks
TREES, LEAVES, RATE = 120, 8, 0.15
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8


def with_whole_numbers(make_node: Any) -> Any:
    """skl2onnx 1.20 hands over truth values where onnx 1.23 wants 0 and 1; later versions of the two may agree."""

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [int(one) if isinstance(one, bool | np.bool_) else one for one in value]
        return value

    return lambda *places, **named: make_node(*places, **{key: whole(value) for key, value in named.items()})


def main() -> None:
    described = [(features(images), labels) for images, labels in (leaves(n, seed=seed) for n, seed in (TRAIN, TEST))]
    (train, labels), (test, test_labels) = described
    began = time.perf_counter()
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        l2_regularization=1.0,
        max_features=0.2,
        early_stopping=False,
        random_state=0,
    ).fit(train, labels)
    print(f"trained in {time.perf_counter() - began:.0f} s")
    skl2onnx_container.make_node = with_whole_numbers(skl2onnx_container.make_node)
    graph = to_onnx(
        model,
        train[:1],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
    )
    graph.ir_version = IR_VERSION
    graph.graph.input[0].name = "features"
    for node in graph.graph.node:
        node.input[:] = ["features" if name == "X" else name for name in node.input]
    graph.doc_string = f"Synthetic maize leaves; {COUNT} numbers, leaf features version {VERSION}; " + ", ".join(
        CLASSES
    )
    onnx.checker.check_model(graph)
    data = graph.SerializeToString()
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"features": test})[0]
    difference = float(np.abs(found - model.predict_proba(test)).max())
    print(f"ONNX differs from scikit-learn by at most {difference:.1e}")
    if difference > 1e-4:
        raise SystemExit("the ONNX file does not compute what scikit-learn does; nothing was written")
    print(f"right: {(found.argmax(axis=1) == test_labels).mean():.2%} of {len(test_labels)} test leaves")
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(data)
    print(f"size_bytes = {len(data):_}\nsha256 = {hashlib.sha256(data).hexdigest()!r}")


if __name__ == "__main__":
    main()
