"""Opens a photo that nobody vouches for: upright, in a screen's colours, no larger than it will be looked at.

Whatever the file claims is looked at before its pixels are unpacked: an image of a few kilobytes can ask for gigabytes.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from offlinefirst.device.units import MiB
from offlinefirst.sync.errors import SyncError

#: What phones, scanners and offices make. Pillow knows dozens more, and each is code that a hostile file reaches.
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
#: Importing a plugin is what makes Pillow know its kind.
_PLUGINS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError)
_FAULTS = (*_BROKEN, struct.error, zlib.error, ImageCms.PyCMSError)
_ORIENTATION = 0x0112
_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 4, "I;16": 2, "RGB": 4, "F": 4, "I": 4}


class ImageError(SyncError):
    """A photo cannot be opened, or cannot be made as small as asked."""


class BrokenPhotoError(ImageError):
    """It is no image, of a kind that is not read here, or damaged."""


class TooLargePhotoError(ImageError):
    """Unpacking it would take more memory than it may have."""


@dataclass(frozen=True)
class Opened:
    """A photo as it should be looked at.

    Args:
        picture: RGB, upright, flattened, without anything beside its pixels.
        size_px: Width and height of the whole photo, upright.
        plain: Whether the file itself shows just this: upright, RGB or grey JPEG, without a colour profile.
        notes: What was done that changes how it looks.
    """

    picture: Image.Image
    size_px: tuple[int, int]
    plain: bool
    notes: tuple[str, ...]


def open_photo(data: bytes, *, seen_px: int, background: tuple[int, int, int], memory_bytes: int) -> Opened:
    """Unpack a photo.

    Args:
        data: The file.
        seen_px: The longest side that is needed; a larger photo is shrunk while it is unpacked, where its kind allows.
        background: What shows where it is transparent.
        memory_bytes: What unpacking may take.

    Raises:
        BrokenPhotoError: Not an image that is read here, or damaged.
        TooLargePhotoError: It would take more memory.
    """
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and odd metadata: both are judged below
            photo = Image.open(io.BytesIO(data), formats=KINDS)
            whole, orientation = photo.size, _orientation(photo)
            if photo.format in ("JPEG", "MPO"):
                photo.draft("RGB", _within(photo.size, seen_px))  # unpacks a half, quarter or eighth of each side
            _refuse_if_large(photo, whole, memory_bytes)
            photo.load()
            plain = photo.format in ("JPEG", "MPO") and photo.mode in ("RGB", "L") and orientation == 1
            plain = plain and not photo.info.get("icc_profile")
            picture = _coloured(_shrunk(photo, seen_px), background, photo.info, notes)
            picture = _shrunk(picture, seen_px)
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise TooLargePhotoError(
            f"{len(data):,} bytes that claim to be over {most:,} pixels are not unpacked. Take it again, smaller."
        ) from error
    except MemoryError as error:
        raise TooLargePhotoError("There is not enough memory to unpack the photo. Take it again, smaller.") from error
    except _FAULTS as error:
        kinds = ", ".join(KINDS)
        raise BrokenPhotoError(
            f"{len(data):,} bytes are no whole image ({_brief(error)}). Read are {kinds}; take or export it again."
        ) from error
    if orientation != 1:
        picture = _upright(picture, orientation)
        notes.append("turned upright")
        whole = whole[::-1] if orientation in (5, 6, 7, 8) else whole
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)  # pixels alone: whatever was noted beside them stays behind
    return Opened(clean, whole, plain, tuple(notes))


def _refuse_if_large(photo: Image.Image, whole: tuple[int, int], memory_bytes: int) -> None:
    pixels = photo.width * photo.height
    needed = pixels * _BYTES_A_PIXEL.get(photo.mode, 8)
    if photo.mode in ("P", "1", "PA", "I;16", "I"):  # cannot be shrunk before they are converted
        needed += 4 * pixels
    if photo.info.get("progressive") or photo.info.get("progression"):
        needed += 6 * whole[0] * whole[1]  # all of a progressive JPEG is kept until its last scan
    if photo.format not in ("JPEG", "MPO", "PNG", "BMP"):
        needed += 4 * pixels  # unpacked whole beside the image
    if needed > memory_bytes:
        raise TooLargePhotoError(
            f"A photo of {whole[0]:,} by {whole[1]:,} pixels takes about {needed / MiB:,.0f} MiB to unpack, and may"
            f" take {memory_bytes / MiB:,.0f}. Take it again, smaller."
        )


def _orientation(photo: Image.Image) -> int:
    try:
        value = photo.getexif().get(_ORIENTATION, 1)
    except _FAULTS:
        return 1  # damaged notes are no reason to refuse sound pixels
    return value if value in range(1, 9) else 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return picture.transpose(turn[orientation])


def _within(size: tuple[int, int], longest_px: int) -> tuple[int, int]:
    share = min(1.0, longest_px / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _shrunk(picture: Image.Image, longest_px: int) -> Image.Image:
    size = _within(picture.size, longest_px)
    if size == picture.size or picture.mode in ("P", "1", "PA", "I;16", "I;16B", "I", "F"):
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _coloured(
    picture: Image.Image, background: tuple[int, int, int], info: Mapping[Any, Any], notes: list[str]
) -> Image.Image:
    """In sRGB, 8 bits, opaque."""
    if picture.mode == "F":
        raise ValueError("its pixels are measurements, not colours")
    if picture.mode.startswith("I"):
        notes.append("16 bits made 8")
        wide = np.clip(np.asarray(picture, np.int64), 0, 65535)
        picture = Image.fromarray((wide // 257).astype(np.uint8))
    if picture.mode in ("LA", "PA", "La") or "transparency" in info:
        picture = picture.convert("RGBA")
    elif picture.mode in ("P", "1", "LAB", "HSV", "YCbCr"):
        picture = picture.convert("RGB")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = _srgb(picture.convert("RGB") if alpha is not None else picture, info.get("icc_profile"), notes)
    if alpha is None:
        return colours
    notes.append("transparency flattened")
    flat = Image.new("RGB", colours.size, background)
    flat.paste(colours, mask=alpha)
    return flat


def _srgb(picture: Image.Image, profile: object, notes: list[str]) -> Image.Image:
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except _FAULTS:
            notes.append("colour profile could not be used")
        else:
            if found is not None:
                notes.append("colours converted from the photo's profile")
                return found
    if picture.mode == "CMYK":
        notes.append("print colours (CMYK) converted")
    return picture.convert("RGB")


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:80]}"
