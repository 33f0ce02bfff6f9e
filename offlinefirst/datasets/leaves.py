"""Draws pictures of maize leaves: synthetic, seeded, with labels, and the same bytes on every machine.

No registry holds photographs of diseased maize that this course may ship, so it draws some. A picture is a blade with
a midrib and veins before soil, mulch or other plants; on it the signs of one class, from faint to strong:

- Healthy: none. Specks, glare and dust are on every class.
- MLND (maize lethal necrosis): pale streaks along the veins.
- Fall Armyworm: ragged holes and scraped windows, with brown rims.
- Deficiency: yellowing that creeps from the tip along the midrib, or along the margins.

Light, blur, noise, the blade's angle and what lies behind it vary and say nothing of the class. The signs imitate what
field guides describe; no model trained on them has seen a leaf, and no accuracy on them says anything of a field.

Only additions, products, quotients and minima of numpy are used, which IEEE 754 rounds the same way everywhere: no
sine, exponential or matrix product. So a picture that is drawn again elsewhere is the same, bit by bit.
"""

import numpy as np
import numpy.typing as npt

CLASSES = ("Healthy", "MLND", "Fall Armyworm", "Deficiency")
"""The labels 0 to 3."""

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
_Array = npt.NDArray[np.float32]

_CHUNK = 64  # pictures drawn together; a chunk has its own random stream
_MOST_HOLES = 6
_MOST_SPECKS = 4

_YELLOW = (0.80, 0.74, 0.28)
_PALE = (0.76, 0.80, 0.50)
_BROWN = (0.42, 0.29, 0.14)
_SOILS = ((0.36, 0.25, 0.16), (0.52, 0.40, 0.27), (0.62, 0.56, 0.42), (0.22, 0.34, 0.14), (0.45, 0.55, 0.30))


def leaves(count: int, *, seed: int, size: int = 48) -> tuple[Images, Labels]:
    """Draw pictures of maize leaves, the classes equally likely.

    Args:
        count: How many.
        seed: Decides everything; the first pictures of a seed are the same whatever the count.
        size: Height and width in pixels, at least 16.

    Returns:
        The pictures, uint8 of shape (count, size, size, 3), red first; and their labels, int64 of shape (count,),
        which index `CLASSES`.

    Raises:
        ValueError: The count or the seed is negative, or the size is too small to show a sign.

    >>> images, labels = leaves(3, seed=1)
    >>> images.shape, [CLASSES[label] for label in labels]
    ((3, 48, 48, 3), ['MLND', 'Fall Armyworm', 'Deficiency'])
    """
    if count < 0 or seed < 0:
        raise ValueError(f"count and seed are 0 or more, not {count} and {seed}")
    if size < 16:
        raise ValueError(f"a leaf of {size} pixels shows nothing; ask for 16 or more")
    images = np.empty((count, size, size, 3), np.uint8)
    labels = np.empty(count, np.int64)
    for start in range(0, count, _CHUNK):
        there = min(_CHUNK, count - start)
        some, theirs = _Painter(np.random.default_rng([seed, start // _CHUNK]), size).paint()
        images[start : start + there], labels[start : start + there] = some[:there], theirs[:there]
    return images, labels


class _Painter:
    """Draws one chunk. Arrays are (pictures, height, width), colours have a last axis of three."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self._rng, self._size = rng, size
        self._labels: Labels = rng.integers(len(CLASSES), size=_CHUNK)
        self._severity = self._uniform(0.2, 1.0)
        grid = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - np.float32(1)
        x, y = grid[None, None, :], grid[None, :, None]
        # A direction from a rational parameter, in place of sine and cosine.
        t = self._uniform(-1.0, 1.0)
        cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        self._x, self._y = x + 0 * y, y + 0 * x
        self._along = cosine * x + sine * y
        across = cosine * y - sine * x - self._uniform(-0.25, 0.25)
        self._across = across - self._uniform(-0.25, 0.25) * self._along * self._along
        self._width = self._uniform(0.45, 0.80) * (1 - self._uniform(0.0, 0.25) * (self._along + 1))
        self._width = self._width + np.float32(0.10) * (self._noise(self._along * 3, self._across * 0) - 0.5)

    def paint(self) -> tuple[Images, Labels]:
        """The pictures and their labels."""
        behind = self._background()
        leaf = self._blade()
        leaf = self._yellowed(leaf)
        leaf = self._streaked(leaf)
        leaf, hole = self._eaten(leaf)
        leaf = self._specked(leaf)
        mask = _ramp((self._width - np.abs(self._across)) * np.float32(self._size / 3)) * (1 - hole)
        picture = _mix(behind, leaf, mask)
        return self._photographed(picture), self._labels

    def _uniform(self, low: float, high: float, *shape: int) -> _Array:
        numbers = self._rng.random((_CHUNK, *(shape or (1, 1))), dtype=np.float32)
        return np.float32(low) + np.float32(high - low) * numbers

    def _noise(self, u: _Array, v: _Array) -> _Array:
        """Smooth random values from 0 to 1 that change over a distance of 1 in u and in v."""
        lattice = self._rng.random((_CHUNK * 32 * 32,), dtype=np.float32)
        first = np.arange(_CHUNK, dtype=np.int64)[:, None, None] * 1024
        u0, v0 = np.floor(u), np.floor(v)
        fu, fv = _smooth(u - u0), _smooth(v - v0)
        i, j = u0.astype(np.int64), v0.astype(np.int64)
        corner = [lattice[first + ((i + a) % 32) * 32 + (j + b) % 32] for a in (0, 1) for b in (0, 1)]
        left, right = corner[0] + fv * (corner[1] - corner[0]), corner[2] + fv * (corner[3] - corner[2])
        return left + fu * (right - left)

    def _strength(self, label: int) -> _Array:
        """How strong the sign of a class is on each picture: 0 on the others."""
        shown = (self._labels == label).astype(np.float32)[:, None, None]
        return shown * self._severity

    def _background(self) -> _Array:
        soils = np.array(_SOILS, np.float32)
        one, other = (soils[self._rng.integers(len(soils), size=_CHUNK)][:, None, None, :] for _ in range(2))
        scale = self._uniform(1.5, 8.0)
        clods = self._noise(self._x * scale + 9, self._y * scale + 9)
        return (
            _mix(one + 0 * clods[..., None], other, clods)
            * (0.7 + 0.6 * self._noise(self._x * 12, self._y * 12))[..., None]
        )

    def _blade(self) -> _Array:
        red, green, blue = self._uniform(0.20, 0.42), self._uniform(0.46, 0.62), self._uniform(0.10, 0.24)
        colour = np.stack(np.broadcast_arrays(red + 0 * self._along, green, blue), axis=-1).astype(np.float32)
        vein = _triangle(self._across * self._uniform(5.0, 9.0))
        patches = self._noise(self._along * 2 + 7, self._across * 4 + 7)
        colour = colour * (0.86 + 0.12 * vein * self._uniform(0.2, 1.0) + 0.22 * patches)[..., None]
        midrib = _ramp(1 - np.abs(self._across) * self._uniform(9.0, 16.0))
        return _mix(colour, np.array((0.70, 0.76, 0.50), np.float32), midrib * self._uniform(0.5, 0.95))

    def _yellowed(self, leaf: _Array) -> _Array:
        strength = self._strength(3)
        outwards = np.abs(self._across) / self._width
        tip = self._along * np.where(self._uniform(0, 1) < 0.5, np.float32(-1), np.float32(1))
        middle = _ramp(0.4 + 0.9 * tip - 1.3 * outwards + 0.9 * strength)  # a V that opens towards the tip
        margin = _ramp((outwards - 0.95 + 0.55 * strength) * 3 + 0.3 * tip)
        kind = (self._uniform(0, 1) < 0.5).astype(np.float32)
        where = kind * middle + (1 - kind) * margin
        uneven = 0.75 + 0.5 * self._noise(self._along * 4 + 3, self._across * 4 + 3)
        amount = np.minimum(1, where * uneven) * np.minimum(1, strength * 8) * (0.30 + 0.55 * strength)
        pallor = self._uniform(0.0, 0.16)  # a pale variety, or dust: on every class
        leaf = _mix(leaf, np.array(_PALE, np.float32), pallor + 0 * where)
        return _mix(leaf, np.array(_YELLOW, np.float32), amount)

    def _streaked(self, leaf: _Array) -> _Array:
        strength = self._strength(1)
        length, fine = self._uniform(1.2, 3.0), self._uniform(6.0, 12.0)
        noise = self._noise(self._along * length + 5, self._across * fine + 5)
        streak = _ramp((noise - 0.66 + 0.26 * strength) * 5)
        amount = streak * np.minimum(1, strength * 8) * (0.30 + 0.55 * strength)
        glare = _ramp((self._noise(self._along * 1.5 + 2, self._across * 5 + 2) - 0.75) * 4) * self._uniform(-0.4, 0.45)
        leaf = _mix(leaf, np.array((0.86, 0.88, 0.74), np.float32), np.maximum(0, glare))
        return _mix(leaf, np.array(_PALE, np.float32), amount)

    def _eaten(self, leaf: _Array) -> tuple[_Array, _Array]:
        """Holes that show what is behind, windows that show a pale skin, both with a brown rim."""
        strength = self._strength(2)
        hole = np.zeros_like(self._along)
        ragged = self._noise(self._x * 9 + 4, self._y * 9 + 4) - 0.5
        for number in range(_MOST_HOLES):
            there = (strength * (_MOST_HOLES - 1) >= number).astype(np.float32) * (strength > 0)
            away_u = (self._along - self._uniform(-0.8, 0.8)) * self._uniform(0.5, 1.0)
            away_v = self._across - self._uniform(-0.9, 0.9) * self._width
            radius = self._uniform(0.09, 0.13) + self._uniform(0.0, 0.14) * strength
            inside = 1 - (away_u * away_u + away_v * away_v) / (radius * radius) + 0.9 * ragged
            rim = _ramp((inside + 0.8) * 1.5) * there
            leaf = _mix(leaf, np.array(_BROWN, np.float32), rim * self._uniform(0.15, 0.65))
            window = (self._uniform(0, 1) < 0.35).astype(np.float32)
            gone = _ramp(inside * 3 + 0.5) * there
            leaf = _mix(leaf, np.array(_PALE, np.float32), gone * window * 0.8)
            hole = np.maximum(hole, gone * (1 - window))
        return leaf, hole

    def _specked(self, leaf: _Array) -> _Array:
        """Specks of soil and old scars, on every class."""
        for number in range(_MOST_SPECKS):
            there = (self._uniform(0, _MOST_SPECKS + 1) > number + 1).astype(np.float32)
            du, dv = self._along - self._uniform(-1, 1), self._across - self._uniform(-0.6, 0.6)
            radius = self._uniform(0.03, 0.09)
            speck = _ramp(2 - 2 * (du * du + dv * dv) / (radius * radius)) * there
            leaf = _mix(leaf, np.array(_BROWN, np.float32), speck * self._uniform(0.2, 0.9))
        return leaf

    def _photographed(self, picture: _Array) -> Images:
        """Shadow, light, blur and the sensor's noise."""
        reach = self._uniform(-1.5, 1.0) + self._uniform(-1, 1) * self._x + self._uniform(-1, 1) * self._y
        shadow = 1 - _ramp(reach * 4) * self._uniform(0.0, 0.5)
        light = self._uniform(0.65, 1.25) * shadow
        balance = 1 + np.stack([self._uniform(-0.14, 0.14), 0 * self._severity, self._uniform(-0.16, 0.16)], axis=-1)
        picture = picture * light[..., None] * balance
        for reach_px in (1, 1, 2):
            picture = _mix(picture, _blurred(picture, reach_px), self._uniform(-0.6, 0.8))
        grain = self._rng.integers(0, 256, (2, *picture.shape), dtype=np.uint8).astype(np.float32)
        noise = (grain[0] - grain[1]) * np.float32(1 / 256) * self._uniform(0.02, 0.10)[..., None]
        return (np.clip(picture + noise, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _ramp(value: _Array) -> _Array:
    """0 below 0, 1 above 1, smooth between."""
    return _smooth(np.clip(value, 0, 1)).astype(np.float32)


def _smooth(value: _Array) -> _Array:
    return value * value * (3 - 2 * value)


def _triangle(value: _Array) -> _Array:
    """A wave from 0 to 1 with period 1."""
    return 2 * np.abs(value - np.floor(value) - np.float32(0.5))


def _mix(one: _Array, other: _Array, share: _Array) -> _Array:
    """One colour, and as much of the other as `share` says; nothing of it below 0."""
    return one + (other - one) * np.maximum(share, 0)[..., None]


def _blurred(picture: _Array, reach_px: int) -> _Array:
    """Each pixel mixed with its neighbours at this distance, first across, then down."""
    for axis in (1, 2):
        edge = [(0, 0)] * 4
        edge[axis] = (reach_px, reach_px)
        wide = np.pad(picture, edge, mode="edge")
        size = picture.shape[axis]
        before, after = wide.take(range(size), axis), wide.take(range(2 * reach_px, 2 * reach_px + size), axis)
        picture = (before + after) * np.float32(0.25) + picture * np.float32(0.5)
    return picture
