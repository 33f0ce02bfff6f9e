"""Numbers that somebody thought of, from a photo of a leaf: colour, grain, direction, and what runs along the veins.

What the classes look like is put in by hand. Yellow and brown are ratios of colours, whatever the light. Streaks have a
direction, along which a leaf is even and across which it is not: so each photo is first turned until its veins lie
across the picture, and only then divided into bands. With such numbers a forest of small trees learns from a few
thousand photos; given pixels, it would see nothing.

Numpy alone, and no trained part: `VERSION` says which numbers these are, and a model is bound to one.
"""

import numpy as np
import numpy.typing as npt

VERSION = 1
_Array = npt.NDArray[np.float32]
_PERCENTILES = (5, 25, 50, 75, 95)
_ENDS = (2, 10, 50, 90, 98)
_BINS, _DIRECTIONS, _BANDS = 6, 8, 12
_SIZE = 48  # every photo is brought to this, so that a band is the same part of a leaf


def features(photos: npt.ArrayLike) -> _Array:
    """Describe photos of leaves.

    Args:
        photos: uint8 (photos, height, width, 3), red first; at least 16 pixels each way.

    Returns:
        float32 (photos, `COUNT`), finite.

    Raises:
        ValueError: They are no such photos.

    >>> features(np.zeros((2, 48, 48, 3), np.uint8)).shape == (2, COUNT)
    True
    """
    found = np.asarray(photos)
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[3] != 3 or min(found.shape[1:3]) < 16:
        raise ValueError(f"photos are uint8 (photos, height, width, 3), not {found.dtype} {list(found.shape)}")
    if len(found) == 0:
        return np.empty((0, COUNT), np.float32)
    pixels = _sized(found).astype(np.float32) / np.float32(255)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    light, dark = (red + green + blue) / 3, np.float32(0.02)
    yellow = red / (green + dark)  # about 0.6 on a green leaf, 1 where it yellows, above where it is brown
    pale = blue / (green + dark)
    even = light / (light.mean(axis=(1, 2), keepdims=True) + dark)
    planes = (yellow, pale, even)
    parts = [_palette(yellow, pale)]
    for plane in planes:
        flat = plane.reshape(len(plane), -1)
        parts += [_percentiles(flat, _PERCENTILES), _mean_and_deviation(flat), _directions(plane)]
        parts += [_percentiles(_grain(plane, reach), _ENDS) for reach in (1, 2, 4)]
        parts.append(_patches(plane))
    for plane in _turned(np.stack(planes)):
        parts += [_bands(plane), _along_and_across(plane)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _sized(photos: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    down, across = (np.arange(_SIZE) * size // _SIZE for size in photos.shape[1:3])
    return photos if photos.shape[1:3] == (_SIZE, _SIZE) else photos[:, down][:, :, across]


def _percentiles(flat: _Array, which: tuple[int, ...]) -> _Array:
    return np.percentile(flat, which, axis=1).T


def _mean_and_deviation(flat: _Array) -> _Array:
    return np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)


def _palette(yellow: _Array, pale: _Array) -> _Array:
    """How many pixels have which colour, whatever their light: shares of a grid of two ratios."""
    across = np.clip((yellow - 0.4) * (_BINS / 1.2), 0, _BINS - 1).astype(np.int64)
    down = np.clip((pale - 0.1) * _BINS, 0, _BINS - 1).astype(np.int64)
    cell = (across * _BINS + down).reshape(len(yellow), -1)
    return _sums(cell, np.ones_like(cell, np.float32), _BINS * _BINS)


def _grain(plane: _Array, reach: int) -> _Array:
    """How much each pixel differs from those around it."""
    middle = plane[:, reach:-reach, reach:-reach]
    around = plane[:, : -2 * reach, reach:-reach] + plane[:, 2 * reach :, reach:-reach]
    around = around + plane[:, reach:-reach, : -2 * reach] + plane[:, reach:-reach, 2 * reach :]
    return (middle - around / np.float32(4)).reshape(len(plane), -1)


def _patches(plane: _Array) -> _Array:
    """How patches of 6 by 6 pixels differ from each other, and how uneven they are inside."""
    tiles = plane.reshape(len(plane), 8, 6, 8, 6)[:, 1:-1, :, 1:-1]
    means, deviations = tiles.mean(axis=(2, 4)), tiles.std(axis=(2, 4))
    return np.hstack([_percentiles(some.reshape(len(plane), -1), _PERCENTILES) for some in (means, deviations)])


def _directions(plane: _Array) -> _Array:
    """How strong edges are in each direction, counted from the direction in which they are strongest."""
    down, right = _slopes(plane)
    strength = np.hypot(down, right).reshape(len(plane), -1)
    angle = np.arctan2(down, right).reshape(len(plane), -1) % np.pi
    sector = np.minimum((angle * (_DIRECTIONS / np.pi)).astype(np.int64), _DIRECTIONS - 1)
    sums = _sums(sector, strength, _DIRECTIONS)
    order = (sums.argmax(axis=1)[:, None] + np.arange(_DIRECTIONS)) % _DIRECTIONS
    return np.take_along_axis(sums, order, axis=1)


def _slopes(plane: _Array) -> tuple[_Array, _Array]:
    return plane[:, 2:, 1:-1] - plane[:, :-2, 1:-1], plane[:, 1:-1, 2:] - plane[:, 1:-1, :-2]


def _sums(cell: npt.NDArray[np.int64], weight: _Array, count: int) -> _Array:
    """For each photo, the weights of each cell together, as shares of the pixels."""
    first = np.arange(len(cell))[:, None] * count
    sums = np.bincount((cell + first).ravel(), weight.ravel(), len(cell) * count)
    return (sums.reshape(len(cell), count) / cell.shape[1]).astype(np.float32)


def _turned(planes: _Array) -> _Array:
    """Each photo turned about its middle until its light changes least from left to right; the nearest pixel is taken.

    Source: Bigun and Granlund, Optimal Orientation Detection of Linear Symmetry (1987), for the direction.
    """
    down, right = _slopes(planes[2])
    uneven = (right * right).mean(axis=(1, 2)) - (down * down).mean(axis=(1, 2))
    angle = np.arctan2(2 * (right * down).mean(axis=(1, 2)), uneven) / 2 + np.pi / 2
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    middle = (_SIZE - 1) / 2
    y, x = np.mgrid[:_SIZE, :_SIZE] - middle
    column = np.clip(np.rint(cosine * x - sine * y + middle), 0, _SIZE - 1).astype(np.int64)
    row = np.clip(np.rint(sine * x + cosine * y + middle), 0, _SIZE - 1).astype(np.int64)
    return planes[:, np.arange(len(column))[:, None, None], row, column]


def _bands(plane: _Array) -> _Array:
    """Means and deviations of bands along the leaf, and means of blocks along its middle; the same upside down."""
    bands = plane.reshape(len(plane), _BANDS, _SIZE // _BANDS, _SIZE)
    blocks = plane[:, 12:36].reshape(len(plane), 24, 6, _SIZE // 6)
    found = [_both_ways(some) for some in (bands.mean(axis=(2, 3)), bands.std(axis=(2, 3)), blocks.mean(axis=(1, 3)))]
    return np.hstack(found)


def _both_ways(row: _Array) -> _Array:
    half = row.shape[1] // 2
    one, other = row[:, :half], row[:, : half - 1 : -1]
    return np.hstack([one + other, np.abs(one - other)])


def _along_and_across(plane: _Array) -> _Array:
    """Slopes along the veins and across them; and lines, after noise is averaged out along them."""
    middle = plane[:, 10:38, 6:42]
    found = []
    for turned in (middle, middle.transpose(0, 2, 1)):
        for step in (1, 4):
            slopes = (turned[:, :, step:] - turned[:, :, :-step]).reshape(len(plane), -1)
            found.append(_mean_and_deviation(np.abs(slopes)))
        wide = turned.shape[2] - 6
        near, far = turned[:, :, :wide] + turned[:, :, 2:-4], turned[:, :, 4:-2] + turned[:, :, 6:]
        smooth = (near + far) / np.float32(4)
        beside = (smooth[:, :-4] + smooth[:, 4:]) / np.float32(2)
        lines = (smooth[:, 2:-2] - beside).reshape(len(plane), -1).astype(np.float32)
        found += [_percentiles(lines, _ENDS), _mean_and_deviation(np.abs(lines))]
    return np.hstack(found)


_FLAT = len(_PERCENTILES) + 2 + _DIRECTIONS + 3 * len(_ENDS) + 2 * len(_PERCENTILES)
_TURNED = 2 * _BANDS + 6 + 2 * (2 * 2 + len(_ENDS) + 2)
COUNT = _BINS * _BINS + 3 * (_FLAT + _TURNED)
"""How many numbers there are for a photo."""
