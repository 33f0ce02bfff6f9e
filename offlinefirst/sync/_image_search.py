"""Finds the size, the settings and the quality at which a picture of so many bytes looks most like the original.

Quality is bisected for each size, because bytes grow with it. Over sizes the likeness rises and falls once, as far as
was ever seen: small pictures lose detail, large ones drown in the codec's blocks. So sizes are climbed, not all tried.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from offlinefirst.measure.ssim import WINDOW_PX, ssim

Codec = Literal["JPEG", "WEBP"]

_STEP = 0.84  # of each side: about 0.7 of the pixels
_FLAT = [16] * 64
#: N. Robidoux' table, as ImageMagick and mozjpeg have it: between flat and the standard's.
_GENTLE = [16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75, 16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31]
_GENTLE += [40, 53, 74, 106, 156, 25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238, 56, 53, 91, 106]
_GENTLE += [131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418]


@dataclass(frozen=True)
class Way:
    """A codec with settings other than quality and size.

    Args:
        codec: Its name for Pillow.
        name: What is told of it.
        tables: JPEG's rounding table: "flat" (all frequencies alike), "gentle", or "standard".
        subsampling: JPEG's: 0 keeps colour at full size, 2 at half the width and height.
    """

    codec: Codec
    name: str
    tables: Literal["flat", "gentle", "standard"] = "standard"
    subsampling: int = 2


#: The first of a codec climbs over the sizes; the others are tried where it stopped.
WAYS: dict[Codec, tuple[Way, ...]] = {
    "JPEG": (
        Way("JPEG", "flat table, colour halved", "flat", 2),
        Way("JPEG", "flat table, full colour", "flat", 0),
        Way("JPEG", "gentle table, colour halved", "gentle", 2),
        Way("JPEG", "standard table, colour halved", "standard", 2),
    ),
    "WEBP": (Way("WEBP", "lossy"),),
}


@dataclass(frozen=True)
class Attempt:
    """A picture that fits.

    Args:
        way: How it was made.
        size_px: Width and height.
        quality: The codec's, 1 to 100.
        data: The file.
        likeness: Structural similarity to the original, at the original's size.
    """

    way: Way
    size_px: tuple[int, int]
    quality: int
    data: bytes
    likeness: float


@dataclass(frozen=True)
class Smallest:
    """What would have fitted, when nothing did."""

    size_px: tuple[int, int]
    size_bytes: int


class Search:
    """Looks for the best picture of at most so many bytes.

    Args:
        picture: The original, RGB, no larger than it is looked at.
        target_bytes: The most that a file may have.
        least_px: Pictures whose longest side is shorter are not tried, unless the original is.
        as_stored: Whether the original has the pixels of the file, none of them resized.
    """

    def __init__(self, picture: Image.Image, target_bytes: int, *, least_px: int, as_stored: bool = False) -> None:
        self._picture, self._target, self._as_stored = picture, target_bytes, as_stored
        self._sizes = list(_sizes(picture.size, least_px))
        self._done: dict[tuple[Way, int], Attempt | None] = {}
        self._quality = 70
        self.encoded = 0

    def best(self, codecs: Sequence[Codec]) -> Attempt | Smallest:
        """The attempt most like the original; or what would have fitted."""
        for codec in codecs:
            places = {self._climb(WAYS[codec][0])}
            if self._as_stored:  # a JPEG's blocks lose least when they are rounded again where they were
                places.add(0)
            for place in places:
                for way in WAYS[codec]:
                    self._at(way, place)
        found = [one for one in self._done.values() if one]
        if found:
            return max(found, key=lambda one: (one.likeness, -len(one.data)))
        small = self._resized(len(self._sizes) - 1)
        least = [self._encode(small, way, 1) for codec in codecs for way in WAYS[codec]]
        return Smallest(self._sizes[-1], min(len(data) for data in least if data is not None))

    def _climb(self, way: Way) -> int:
        """The place in the ladder of sizes from where both neighbours are worse."""
        place = self._guess()
        while place < len(self._sizes) - 1 and self._at(way, place) is None:
            place += 1
        for step in (1, -1):
            while 0 <= place + step < len(self._sizes) and self._worth(way, place + step) > self._worth(way, place):
                place += step
        return place

    def _guess(self) -> int:
        """Where there are about two bits for a pixel."""
        enough = [k for k, (w, h) in enumerate(self._sizes) if self._target * 8 >= 2 * w * h]
        return enough[0] if enough else len(self._sizes) - 1

    def _worth(self, way: Way, place: int) -> float:
        attempt = self._at(way, place)
        return attempt.likeness if attempt else -1.0

    def _at(self, way: Way, place: int) -> Attempt | None:
        if (way, place) not in self._done:
            self._done[way, place] = self._bisect(way, place)
        return self._done[way, place]

    def _bisect(self, way: Way, place: int) -> Attempt | None:
        """The highest quality that fits: bracketed around where it was last, then halved."""
        picture, fits = self._resized(place), None
        low, high, quality, stride = 1, 100, self._quality, 4
        while low <= high:
            data = self._encode(picture, way, quality)
            if data is not None and len(data) <= self._target:
                fits, low = (quality, data), quality + 1
                quality = min(quality + stride, high)
            else:
                high = quality - 1
                quality = max(quality - stride, low)
            stride = stride * 2 if low == 1 or high == 100 else 0
            if not stride:
                quality = (low + high) // 2
        if fits is None:
            return None
        self._quality = fits[0]
        return Attempt(way, self._sizes[place], *fits, likeness(self._picture, fits[1]))

    def _resized(self, place: int) -> Image.Image:
        size = self._sizes[place]
        return self._picture if size == self._picture.size else self._picture.resize(size, Image.Resampling.LANCZOS)

    def _encode(self, picture: Image.Image, way: Way, quality: int) -> bytes | None:
        self.encoded += 1
        return encode(picture, way, quality)


def encode(picture: Image.Image, way: Way, quality: int) -> bytes | None:
    """The picture as a file; None when the codec's buffer is too small, which only happens far above any target."""
    buffer = io.BytesIO()
    try:
        if way.codec == "WEBP":
            picture.save(buffer, "WEBP", quality=quality, method=4)
        else:
            tables = {"flat": [_FLAT, _FLAT], "gentle": [_GENTLE, _GENTLE]}.get(way.tables)
            picture.save(
                buffer,
                "JPEG",
                quality=quality,
                subsampling=way.subsampling,
                qtables=tables,
                optimize=True,
                progressive=True,
            )
    except OSError:
        return None
    return buffer.getvalue()


def likeness(original: Image.Image, data: bytes) -> float:
    """Structural similarity of a file's picture, shown at the original's size, to the original."""
    with Image.open(io.BytesIO(data)) as file:
        shown = file.convert("RGB")
    size = original.size
    if shown.size != size:
        shown = shown.resize(size, Image.Resampling.LANCZOS)
    if (times := -(-WINDOW_PX // min(size))) > 1:  # smaller than a window: each pixel becomes several
        big = size[0] * times, size[1] * times
        original, shown = (one.resize(big, Image.Resampling.NEAREST) for one in (original, shown))
    return ssim(np.asarray(original), np.asarray(shown))


def _sizes(size: tuple[int, int], least_px: int) -> Iterator[tuple[int, int]]:
    """The original's size, and smaller ones down to `least_px`, each once."""
    share, last = 1.0, (0, 0)
    while share == 1.0 or share * max(size) >= least_px:
        this = max(1, round(size[0] * share)), max(1, round(size[1] * share))
        if this != last:
            yield this
        last, share = this, share * _STEP
