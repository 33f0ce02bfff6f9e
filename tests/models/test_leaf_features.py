"""Features of leaves: the same on every call, indifferent to light and turning, and enough for the shipped trees."""

import numpy as np
import pytest

from offlinefirst.datasets.leaves import leaves
from offlinefirst.datasets.places import locate
from offlinefirst.models.leaf_features import COUNT, VERSION, features


@pytest.fixture(scope="module")
def photos():
    return leaves(64, seed=11)


def test_a_photo_has_the_same_numbers_alone_and_among_others(photos):
    together = features(photos[0])
    assert together.shape == (64, COUNT)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    for number in (0, 7, 63):
        np.testing.assert_allclose(features(photos[0][number : number + 1])[0], together[number], rtol=1e-4, atol=1e-5)


def test_leaves_differ_and_so_do_their_numbers(photos):
    found = features(photos[0])
    assert (found.std(axis=0) > 0).mean() > 0.9
    assert len(np.unique(found, axis=0)) == 64


def test_a_leaf_turned_upside_down_has_nearly_the_same_numbers(photos):
    found, turned = features(photos[0]), features(photos[0][:, ::-1, ::-1])
    typical = found.std(axis=0)
    used = typical > 1e-6
    off = np.abs(turned - found)[:, used] / typical[used]
    other = np.abs(found[::-1] - found)[:, used] / typical[used]
    assert np.median(off) < 0.1
    assert np.median(other) > 0.5


def test_less_light_changes_them_little(photos):
    found, dim = features(photos[0]), features((photos[0] * 0.7).astype(np.uint8))
    typical = found.std(axis=0) + 1e-6
    assert np.median(np.abs(dim - found) / typical) < 0.35


@pytest.mark.parametrize("value", [0, 255])
def test_a_photo_without_a_leaf_has_numbers_too(value):
    found = features(np.full((2, 48, 48, 3), value, np.uint8))
    assert np.isfinite(found).all()


def test_a_larger_photo_of_the_same_leaf_is_brought_to_size(photos):
    larger = photos[0].repeat(2, axis=1).repeat(2, axis=2)
    off = np.abs(features(larger) - features(photos[0]))  # an edge on the border of two directions may go to either
    assert off.mean() < 1e-4
    assert np.median(off) < 1e-6
    assert features(photos[0][:0]).shape == (0, COUNT)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 48, 48, 3), np.float32),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((2, 3, 48, 48), np.uint8),
        np.zeros((2, 8, 48, 3), np.uint8),
    ],
)
def test_what_is_no_photo_is_refused(wrong):
    with pytest.raises(ValueError, match="photos are uint8"):
        features(wrong)


def test_the_shipped_trees_read_this_version_and_tell_leaves_apart():
    import onnxruntime

    session = onnxruntime.InferenceSession(locate("leaf-boosted"), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().description
    assert f"version {VERSION}" in about
    assert f"{COUNT} numbers" in about
    images, labels = leaves(400, seed=12)
    found = session.run(["probabilities"], {"features": features(images)})[0]
    assert (found.argmax(axis=1) == labels).mean() > 0.78
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
