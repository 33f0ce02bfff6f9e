"""Structural similarity: against TensorFlow's, against the formula window by window, and what it cannot compare."""

import numpy as np
import pytest

from offlinefirst.measure.ssim import ssim


def pair(shape, seed=0, wrong=40):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.integers(-9, 10, shape), axis=0)
    one = np.clip(smooth + 128, 0, 255).astype(np.uint8)
    other = np.clip(one.astype(int) + rng.integers(-wrong, wrong + 1, shape), 0, 255).astype(np.uint8)
    return one, other


@pytest.mark.parametrize("shape", [(11, 11), (12, 40), (60, 80, 3), (300, 90), (139, 20, 3)])
def test_it_is_the_formula_window_by_window(shape):
    one, other = pair(shape)
    away = np.arange(-5, 6)
    weights = np.outer(*[np.exp(-(away**2) / (2 * 1.5**2))] * 2)
    weights /= weights.sum()

    def mean(plane):
        return (np.lib.stride_tricks.sliding_window_view(plane, (11, 11), axis=(0, 1)) * weights).sum((-2, -1))

    x, y = one.astype(float), other.astype(float)
    mx, my, c1, c2 = mean(x), mean(y), 2.55**2, 7.65**2
    shared = 2 * (mean(x * y) - mx * my) + c2
    expected = (2 * mx * my + c1) * shared / ((mx**2 + my**2 + c1) * (mean(x * x) - mx**2 + mean(y * y) - my**2 + c2))
    assert ssim(one, other) == pytest.approx(expected.mean(), abs=2e-6)


@pytest.mark.parametrize("shape", [(64, 48, 1), (200, 150, 3)])
@pytest.mark.parametrize("wrong", [3, 40, 250])
def test_it_is_tensorflows(shape, wrong):
    import tensorflow as tf

    one, other = pair(shape, wrong=wrong)
    assert ssim(one, other) == pytest.approx(
        float(tf.image.ssim(one, other, 255)), abs=2e-4
    )  # it adds up in single precision


def test_the_same_picture_is_1_and_less_is_less():
    one, _ = pair((80, 80, 3))
    found = [ssim(one, pair((80, 80, 3), wrong=wrong)[1]) for wrong in (0, 5, 20, 80)]
    assert found[0] == pytest.approx(1)
    assert found == sorted(found, reverse=True)
    assert ssim(one / 255, one / 255, largest=1.0) == pytest.approx(1)


@pytest.mark.parametrize(
    "shapes", [((20, 20), (20, 21)), ((20,), (20,)), ((10, 30), (10, 30)), ((20, 20), (20, 20, 1))]
)
def test_what_cannot_be_compared_is_refused(shapes):
    with pytest.raises(ValueError, match="picture"):
        ssim(*[np.zeros(shape) for shape in shapes])
