"""Structural similarity: how much of a picture's local pattern another picture of the same size still shows.

Two pictures are compared window by window: is the mean the same, the contrast, the pattern? 1 is the same picture; 0
has nothing of it. A person sees more than this (colour, faces, what matters), and less (noise): it orders the outputs
of a codec well, and says nothing of whether a picture is useful.
"""

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

WINDOW_PX = 11
SIGMA_PX = 1.5
_K1, _K2 = 0.01, 0.03
#: Rows that are worked on together: what bounds the memory.
_STRIP = 128


def ssim(one: npt.ArrayLike, other: npt.ArrayLike, *, largest: float = 255.0) -> float:
    """The mean structural similarity of two pictures, over all whole windows and all colours.

    Args:
        one: Height by width, or height by width by colours; pixels from 0 to `largest`.
        other: Of the same shape.
        largest: The largest value that a pixel can have.

    Returns:
        At most 1, which only equal pictures have.

    Raises:
        ValueError: The shapes differ, are no picture's, or are smaller than one window of 11 by 11 pixels.

    Source:
        Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
        IEEE Transactions on Image Processing 13 (2004), with its Gaussian window of 11 pixels and sigma 1.5.

    >>> import numpy as np
    >>> picture = np.arange(400).reshape(20, 20) % 256
    >>> round(ssim(picture, picture), 3)
    1.0
    """
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape or first.ndim not in (2, 3):
        raise ValueError(f"two pictures of one shape are compared, not {first.shape} and {second.shape}")
    height, width = first.shape[:2]
    if min(height, width) < WINDOW_PX:
        raise ValueError(f"a picture of {width} by {height} pixels holds no window of {WINDOW_PX} by {WINDOW_PX}")
    if first.ndim == 2:
        first, second = first[..., None], second[..., None]
    total, count = 0.0, 0
    for top in range(0, height - WINDOW_PX + 1, _STRIP):
        rows = slice(top, min(height, top + _STRIP + WINDOW_PX - 1))
        for colour in range(first.shape[2]):
            some = _similarities(first[rows, :, colour], second[rows, :, colour], np.float32(largest))
            total, count = total + float(some.sum(dtype=np.float64)), count + some.size
    return total / count


def _similarities(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic], largest: np.float32) -> Plane:
    """The similarity of each window of one colour."""
    # About the middle of the range squares are smaller, so less is lost when means are taken off again.
    half = largest / np.float32(2)
    x, y = one.astype(np.float32) - half, other.astype(np.float32) - half
    mean_x, mean_y = _blurred(x), _blurred(y)
    product = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    covariance = _blurred(x * y) - product
    variances = _blurred(x * x + y * y) - squares
    c1, c2 = (np.float32((k * float(largest)) ** 2) for k in (_K1, _K2))
    # The luminance term speaks of the true means.
    true_x, true_y = mean_x + half, mean_y + half
    luminance = (2 * true_x * true_y + c1) / (true_x * true_x + true_y * true_y + c1)
    found: Plane = luminance * (2 * covariance + c2) / (variances + c2)
    return found


def _window() -> Plane:
    away = np.arange(WINDOW_PX) - WINDOW_PX // 2
    weights = np.exp(-(away**2) / (2 * SIGMA_PX**2))
    return (weights / weights.sum()).astype(np.float32)


_WEIGHTS = _window()


def _blurred(plane: Plane) -> Plane:
    """The weighted mean of each whole window: across, then down. The window is symmetric, so pairs share a weight."""
    middle = WINDOW_PX // 2
    for axis in (1, 0):
        size = plane.shape[axis] - WINDOW_PX + 1
        parts = [plane[:, k : k + size] if axis == 1 else plane[k : k + size] for k in range(WINDOW_PX)]
        result = parts[middle] * _WEIGHTS[middle]
        for k in range(middle):
            result += (parts[k] + parts[-1 - k]) * _WEIGHTS[k]
        plane = result
    return plane
