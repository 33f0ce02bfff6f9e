"""The synthetic leaves: the same everywhere, well formed, with signs; and the models that were trained on them."""

import hashlib
import json

import numpy as np
import onnxruntime
import pytest

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.leaves import CLASSES, leaves


@pytest.fixture(scope="module")
def drawn():
    return leaves(640, seed=11)


def test_form(drawn):
    images, labels = drawn
    assert images.shape == (640, 48, 48, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (640,)
    assert np.issubdtype(labels.dtype, np.integer)
    assert set(labels) == set(range(len(CLASSES)))
    assert min(np.bincount(labels)) > 100


def test_the_same_bytes_on_every_machine():
    images, labels = leaves(70, seed=3)
    assert hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest() == (
        "4100ee3ab4c1f7fbbad6365de3c5bf1c43170e1b2fda8f6ab0f66f4258c68c61"
    )


def test_a_seed_decides_and_a_count_only_cuts(drawn):
    images, labels = drawn
    for count in (0, 1, 63, 64, 65, 200):
        fewer, theirs = leaves(count, seed=11)
        assert np.array_equal(fewer, images[:count])
        assert np.array_equal(theirs, labels[:count])
    assert not np.array_equal(leaves(64, seed=12)[0], images[:64])


@pytest.mark.parametrize("size", [16, 31, 96])
def test_other_sizes(size):
    images, _ = leaves(3, seed=0, size=size)
    assert images.shape == (3, size, size, 3)


@pytest.mark.parametrize(("count", "seed", "size"), [(-1, 0, 48), (1, -1, 48), (1, 0, 15)])
def test_what_cannot_be_drawn(count, seed, size):
    with pytest.raises(ValueError, match=r"0 or more|16 or more"):
        leaves(count, seed=seed, size=size)


def test_pictures_are_neither_empty_nor_alike(drawn):
    images, _ = drawn
    assert images.std(axis=(1, 2, 3)).min() > 4
    assert len({image.tobytes() for image in images}) == len(images)


def _features(images):
    """Two things that a person would look at, near the middle of the picture: how much is yellow, how uneven it is."""
    middle = images[:, 12:36, 12:36].astype(float)
    red, green = middle[..., 0] + 1, middle[..., 1] + 1
    return np.stack([(red / green > 0.9).mean((1, 2)), red.std((1, 2)) / red.mean((1, 2))], axis=1)


def test_the_classes_differ_on_average_and_overlap(drawn):
    images, labels = drawn
    yellow, uneven = _features(images).T
    healthy, streaks, holes, deficient = (labels == label for label in range(4))
    assert yellow[deficient].mean() > 1.3 * yellow[healthy].mean()
    assert uneven[streaks].mean() > uneven[healthy].mean()
    assert uneven[holes].mean() > uneven[healthy].mean()
    assert yellow[deficient].min() < yellow[healthy].max(), "no threshold tells them apart"


def test_a_straight_line_on_pixels_does_better_than_chance_and_far_from_well():
    images, labels = leaves(1200, seed=1)
    small = images[:, ::4, ::4].reshape(len(images), -1) / 255 - 0.5
    wanted = np.eye(4)[labels] - 0.25
    weights = np.linalg.solve(small[:800].T @ small[:800] + 30 * np.eye(small.shape[1]), small[:800].T @ wanted[:800])
    right = ((small[800:] @ weights).argmax(axis=1) == labels[800:]).mean()
    assert 0.28 < right < 0.65


MODELS = course_root() / "datasets" / "models"
ABOUT = json.loads((MODELS / "leaf.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def tested():
    return leaves(384, seed=ABOUT["test"]["seed"])


def test_the_models_are_those_that_the_json_describes():
    assert set(ABOUT["models"]) == {"leaf-small", "leaf-medium", "leaf-medium-int8", "leaf-large"}
    assert tuple(ABOUT["classes"]) == CLASSES
    for name, row in ABOUT["models"].items():
        data = (MODELS / f"{name}.onnx").read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row["bytes"], row["sha256"])
    assert sum(row["bytes"] for row in ABOUT["models"].values()) < 4_000_000


@pytest.mark.parametrize("name", ["leaf-small", "leaf-medium", "leaf-large"])
def test_a_model_sorts_leaves_as_well_as_the_json_says(tested, name):
    images, labels = tested
    session = onnxruntime.InferenceSession(MODELS / f"{name}.onnx", providers=["CPUExecutionProvider"])
    given, answer = session.get_inputs()[0], session.get_outputs()[0]
    assert (given.name, given.shape[1:], given.type) == ("image", [3, 48, 48], "tensor(float)")
    assert answer.name == "scores"
    pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / 255
    scores = session.run(None, {"image": pixels})[0]
    right = (scores.argmax(axis=1) == labels).mean()
    assert abs(right - ABOUT["models"][name]["accuracy"]) < 0.05
    alone = session.run(None, {"image": pixels[:1]})[0]
    assert np.allclose(alone, scores[:1], atol=1e-3), "one leaf alone and in a batch"


def test_the_task_is_neither_easy_nor_hopeless():
    accuracy = {name: row["accuracy"] for name, row in ABOUT["models"].items()}
    assert 0.90 <= accuracy["leaf-medium"] <= 0.95
    assert ABOUT["linear_on_pixels"] < accuracy["leaf-small"] - 0.2
    assert accuracy["leaf-small"] < accuracy["leaf-medium"] <= accuracy["leaf-large"]
