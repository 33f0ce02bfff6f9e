"""Makes a photo fit a number of bytes, as like the original as was found, with nothing in it but its pixels.

The rules:

1. Never a byte over the target. If nothing fits, an error says what would.
2. Size, quality and the codec's settings are chosen together, by the likeness that was measured (structural
   similarity), at the size at which the photo will be looked at. A photo is never sent larger than that, unless
   the file already fits.
3. A JPEG that already fits is not compressed again: its pixels' bytes are taken over, its notes are left behind.
4. What phones write beside the pixels (place, time, owner, thumbnails) is not sent. How the phone was held is obeyed
   first, colour profiles are converted, transparency is laid on a background.
5. A file that would take more memory than allowed, or is damaged, is refused, and says so.

>>> from offlinefirst.datasets.field_photos import as_phone_saves, field_photo
>>> photo = as_phone_saves(field_photo(640, 480, seed=1))
>>> fitted = fit_photo(photo, 20_000)
>>> len(fitted.data) <= 20_000, fitted.likeness > 0.5
(True, True)
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from offlinefirst.device.units import MiB
from offlinefirst.sync._image_intake import BrokenPhotoError, ImageError, TooLargePhotoError, open_photo
from offlinefirst.sync._image_search import Codec, Search, Smallest

__all__ = ["BrokenPhotoError", "CannotFitError", "FittedPhoto", "ImageError", "TooLargePhotoError", "fit_photo"]

SEEN_PX = 1280
LEAST_PX = 64
MEMORY_BYTES = 256 * MiB
WHITE = (255, 255, 255)


class CannotFitError(ImageError):
    """No picture of so few bytes was found.

    Args:
        message: What was asked and what would do.
        enough_bytes: What would do.
    """

    def __init__(self, message: str, enough_bytes: int) -> None:
        super().__init__(message)
        self.enough_bytes = enough_bytes


@dataclass(frozen=True)
class FittedPhoto:
    """A photo, ready to send.

    Args:
        data: The file.
        codec: "JPEG" or "WEBP".
        size_px: Its width and height.
        original_px: The photo's, upright.
        quality: The codec's, 1 to 100; None when the pixels were taken over as they were.
        way: The codec's other settings, in words.
        likeness: Structural similarity to the original at the size at which it is looked at; 1 is the same.
        encoded: How many files were made to find it.
        notes: What was done to its look: "turned upright", "transparency flattened", and so on.
    """

    data: bytes
    codec: Codec
    size_px: tuple[int, int]
    original_px: tuple[int, int]
    quality: int | None
    way: str
    likeness: float
    encoded: int
    notes: tuple[str, ...]


def fit_photo(
    photo: bytes,
    target_bytes: int,
    *,
    seen_px: int = SEEN_PX,
    codecs: Sequence[Codec] = ("JPEG",),
    background: tuple[int, int, int] = WHITE,
    least_px: int = LEAST_PX,
    memory_bytes: int = MEMORY_BYTES,
) -> FittedPhoto:
    """Make a photo fit.

    Args:
        photo: The file as it lies on the phone: JPEG, PNG, WebP, GIF, BMP or TIFF.
        target_bytes: The most that the result may have.
        seen_px: The longest side at which anybody, person or model, will look at it.
        codecs: What the receiver can read: "JPEG", "WEBP", or both; the better one wins.
        background: Red, green and blue behind what is transparent, 0 to 255.
        least_px: Not made smaller than this on its longest side.
        memory_bytes: What unpacking the photo may take.

    Returns:
        The file, what was chosen, and what was measured.

    Raises:
        CannotFitError: Nothing fits; says what would.
        BrokenPhotoError: It is no whole image that is read here.
        TooLargePhotoError: Unpacking it would take more memory.
        ValueError: A target, size or codec that cannot be.
    """
    if target_bytes < 1 or seen_px < 1 or least_px < 1 or memory_bytes < 1:
        raise ValueError("target_bytes, seen_px, least_px and memory_bytes are 1 or more")
    if not codecs or set(codecs) - {"JPEG", "WEBP"}:
        raise ValueError(f"codecs are JPEG and WEBP, not {codecs!r}")
    opened = open_photo(photo, seen_px=seen_px, background=background, memory_bytes=memory_bytes)
    bare = _bare_jpeg(photo) if opened.plain and "JPEG" in codecs else None
    if bare is not None and len(bare) <= target_bytes and _same_pixels(photo, bare):
        size = opened.size_px
        return FittedPhoto(bare, "JPEG", size, size, None, "as it was", 1.0, 0, opened.notes)
    as_stored = opened.size_px == opened.picture.size
    search = Search(opened.picture, target_bytes, least_px=least_px, as_stored=as_stored)
    best = search.best(codecs)
    if isinstance(best, Smallest):
        raise CannotFitError(
            f"Nothing of {target_bytes:,} bytes shows this photo: at {best.size_px[0]} by {best.size_px[1]} pixels and"
            f" the lowest quality it takes {best.size_bytes:,}. Allow that, or a smaller least_px (now {least_px}).",
            best.size_bytes,
        )
    return FittedPhoto(
        best.data,
        best.way.codec,
        best.size_px,
        opened.size_px,
        best.quality,
        best.way.name,
        best.likeness,
        search.encoded,
        opened.notes,
    )


def _bare_jpeg(data: bytes) -> bytes | None:
    """The file with only those segments that its pixels need; None when it is not built as expected."""
    if data[:2] != b"\xff\xd8":
        return None
    kept, place = [b"\xff\xd8"], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:
            end = _end_of_scan(data, end)
        # APP0 to APP15 and comments hold notes; of these only Adobe's (APP14) says how to read the colours.
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            kept.append(data[place:end])
        place = end
    return b"".join([*kept, b"\xff\xd9"]) if data[place : place + 2] == b"\xff\xd9" else None


def _end_of_scan(data: bytes, start: int) -> int:
    """Where the next marker is that neither restarts nor escapes."""
    place = start
    while (place := data.find(b"\xff", place)) >= 0 and place + 1 < len(data):
        if data[place + 1] not in (0x00, 0xFF) and not 0xD0 <= data[place + 1] <= 0xD7:
            return place
        place += 1
    return len(data)


def _same_pixels(one: bytes, other: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
            return first.mode == second.mode and np.array_equal(np.asarray(first), np.asarray(second))
    except OSError:
        return False
