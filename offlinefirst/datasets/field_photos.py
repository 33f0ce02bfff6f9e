"""Draws photos as a phone in a maize field would take them: synthetic, seeded, of any size, and a mixed bag of files.

Leaves of all sizes lie over each other, which is what gives pictures of nature their mix of edges and smooth places;
then texture, uneven light, the lens' blur and the sensor's noise. No compression result on them is one on real photos,
but the course's figures need photos that it may ship, of known sizes and with known faults.
"""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Pixels = npt.NDArray[np.uint8]

_ROWS = 256  # worked on together, so that twelve megapixels need no gigabyte
_ORIENTATION, _GPS, _MAKE = 0x0112, 0x8825, 0x010F
_CLOCKWISE_TO_STORE = {3: 180, 6: 90, 8: 270}
#: Where Mutheu stood, as a phone would write it: degrees, minutes, seconds. A field near Kitui.
PLACE = (1.0, 22.0, 3.14), (38.0, 0.0, 37.92)


@dataclass(frozen=True)
class Sample:
    """A file of the mixed bag.

    Args:
        name: What is special about it.
        data: Its bytes, as they would lie on the phone.
    """

    name: str
    data: bytes


def field_photo(width: int, height: int, *, seed: int, noise: float = 3.0, blur_px: float = 0.8) -> Image.Image:
    """Draw a photo of leaves.

    Args:
        width: In pixels.
        height: In pixels.
        seed: Decides everything.
        noise: The sensor's, as a standard deviation in steps of 256; 3 by day, 10 at dusk.
        blur_px: The lens', as the radius of a Gaussian.

    Returns:
        An RGB image.

    Raises:
        ValueError: There is no room for a picture, or noise or blur are negative.
    """
    if width < 1 or height < 1 or noise < 0 or blur_px < 0:
        raise ValueError(f"no photo of {width} by {height} pixels with noise {noise} and blur {blur_px} can be drawn")
    rng = np.random.default_rng(seed)
    soil = np.array((118, 88, 62)) * rng.uniform(0.6, 1.2)
    picture = Image.new("RGB", (width, height), _rgb(soil))
    _leaves(ImageDraw.Draw(picture), width, height, rng)
    if blur_px:
        picture = picture.filter(ImageFilter.GaussianBlur(blur_px))
    light = _light(width, height, rng)
    for top in range(0, height, _ROWS):
        box = (0, top, width, min(height, top + _ROWS))
        lit = np.asarray(picture.crop(box), np.float32) * np.asarray(light.crop(box), np.float32)[..., None]
        lit += rng.standard_normal(lit.shape, np.float32) * np.float32(noise)
        picture.paste(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)), box[:2])
    return picture


def as_phone_saves(picture: Image.Image, *, orientation: int = 1, quality: int = 92) -> bytes:
    """A JPEG with what phones write into it: how the phone was held, its maker, and where the photo was taken.

    Args:
        picture: As it should be seen.
        orientation: 1 is upright; with 3, 6 or 8 the pixels are stored turned and the file says so.
        quality: JPEG's.
    """
    exif = Image.Exif()
    exif[_MAKE], exif[_ORIENTATION] = "Invented Phones", orientation
    exif[_GPS] = {1: "S", 2: PLACE[0], 3: "E", 4: PLACE[1]}
    stored = picture.rotate(_CLOCKWISE_TO_STORE[orientation], expand=True) if orientation != 1 else picture
    return _saved(stored, "JPEG", quality=quality, exif=exif)


def mixed_bag(*, large: bool = True, seed: int = 12) -> list[Sample]:
    """The files that people really send: photos of many sizes, drawings, scans, transparency, odd colours.

    Args:
        large: Whether those with more than two megapixels are among them; they take longest.
        seed: Decides the photos.
    """
    bag = [Sample(name, as_phone_saves(photo, **how)) for name, photo, how in _photos(large=large, seed=seed)]
    bag += [Sample(name, data) for name, data in _others(seed)]
    return bag


def _photos(*, large: bool, seed: int) -> list[tuple[str, Image.Image, dict[str, int]]]:
    small = [
        ("photo 1600x1200", field_photo(1600, 1200, seed=seed), {}),
        ("photo 1600x1200, dusk", field_photo(1600, 1200, seed=seed + 1, noise=10), {}),
        ("photo 1600x1200, out of focus", field_photo(1600, 1200, seed=seed + 2, noise=2, blur_px=6), {}),
        ("photo 1200x1600, phone held upright", field_photo(1200, 1600, seed=seed + 3), {"orientation": 6}),
        ("photo 1280x960, phone upside down", field_photo(1280, 960, seed=seed + 4), {"orientation": 3}),
        ("photo 640x480", field_photo(640, 480, seed=seed + 5), {"quality": 80}),
        ("photo 160x120", field_photo(160, 120, seed=seed + 6), {}),
        ("thumbnail 40x30", field_photo(40, 30, seed=seed + 7), {}),
    ]
    if not large:
        return small
    return [
        *small,
        ("photo 4000x3000", field_photo(4000, 3000, seed=seed + 8), {}),
        ("photo 4000x3000, dusk", field_photo(4000, 3000, seed=seed + 9, noise=10), {"quality": 95}),
        ("photo 2448x3264, phone held upright", field_photo(2448, 3264, seed=seed + 10), {"orientation": 8}),
        ("panorama 6000x1000", field_photo(6000, 1000, seed=seed + 11), {}),
        ("photo 8000x6000", field_photo(4000, 3000, seed=seed + 12).resize((8000, 6000)), {"quality": 85}),
    ]


def _others(seed: int) -> list[tuple[str, bytes]]:
    rng = np.random.default_rng(seed)
    photo = field_photo(1000, 750, seed=seed + 13)
    noise = Image.fromarray(rng.integers(0, 256, (600, 800, 3), np.uint8))
    drawing = _drawing(1200, 900)
    see_through = drawing.convert("RGBA")
    see_through.putalpha(drawing.convert("L").point(lambda grey: 0 if grey > 250 else 255))
    deep = Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257)
    return [
        ("pure noise 800x600", _saved(noise, "PNG")),
        ("drawing 1200x900", _saved(drawing, "PNG")),
        ("drawing, palette", _saved(drawing.quantize(16), "PNG")),
        ("drawing, transparent", _saved(see_through, "PNG")),
        ("grey and transparent", _saved(see_through.convert("LA"), "PNG")),
        ("one colour 2000x1500", _saved(Image.new("RGB", (2000, 1500), (90, 120, 60)), "PNG")),
        ("grey photo", _saved(photo.convert("L"), "JPEG", quality=92)),
        ("grey photo, 16 bits", _saved(deep, "PNG")),
        ("CMYK photo", _saved(photo.convert("CMYK"), "JPEG", quality=92)),
        ("photo in wide colours", _saved(photo, "JPEG", quality=92, icc_profile=wide_profile())),
        ("strip 900x12", _saved(photo.crop((0, 0, 900, 12)), "PNG")),
    ]


def wide_profile() -> bytes:
    """A small colour profile whose red, green and blue are those of Display P3, wider than a screen's usual ones."""

    def text(kind: bytes, words: str) -> bytes:
        return struct.pack(">4s4x2I2s2s2I", b"mluc", 1, 12, b"en", b"US", 2 * len(words), 28) + words.encode(
            "utf-16-be"
        )

    def point(*xyz: float) -> bytes:
        return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in xyz))

    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(2.2 * 256))
    tags = {
        b"desc": text(b"desc", "Wide"),
        b"cprt": text(b"cprt", "Free"),
        b"wtpt": point(0.96420, 1.0, 0.82491),
        b"rXYZ": point(0.51512, 0.24120, -0.00105),
        b"gXYZ": point(0.29198, 0.69225, 0.04189),
        b"bXYZ": point(0.15710, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4s2I", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    rest = struct.pack(">I", len(tags)) + table + body
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x3i", 128 + len(rest), 0x04000000, b"mntr", b"RGB ", b"XYZ ", b"acsp", 63190, 65536, 54061
    )
    return head.ljust(128, b"\0") + rest


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few megabytes or less that asks for gigabytes when it is unpacked: every pixel is black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width)) for _ in range(height)) + packer.flush()
    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _leaves(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    """Blades, thin ones far more often than wide ones, each with a midrib and a few veins."""
    side = max(width, height)
    for _ in range(700):
        across = side * min(0.12, 0.006 / (1 - rng.random() * 0.96))
        along = across * rng.uniform(5, 12)
        middle = rng.random(2) * (width, height)
        angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.35, 0.35)
        dry = rng.random() ** 3
        colour = (1 - dry) * np.array((60 + 60 * rng.random(), 120 + 40 * rng.random(), 40)) + dry * np.array(
            (150, 115, 70)
        )
        colour *= rng.uniform(0.5, 1.2)
        t = np.linspace(-1, 1, 13)
        half = across / 2 * (1 - t * t) ** 0.7
        spine = np.stack([t * along / 2, bend * along / 2 * t * t], 1)
        turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))

        def place(points: npt.NDArray[np.float64], middle=middle, turn=turn) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def]
            return [(float(x), float(y)) for x, y in points @ turn + middle]

        edge = np.concatenate([spine + np.stack([0 * t, half], 1), (spine - np.stack([0 * t, half], 1))[::-1]])
        draw.polygon(place(edge), fill=_rgb(colour))
        for share in (-0.6, -0.3, 0.0, 0.3, 0.6):
            line = spine + np.stack([0 * t, share * half], 1)
            weight = max(1, int(across * (0.05 if share == 0 else 0.015)))
            draw.line(place(line), fill=_rgb(colour * (1.35 if share == 0 else 1.12)), width=weight)


def _rgb(colour: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = (int(min(255, max(0, value))) for value in colour)
    return red, green, blue


def _light(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """What the colours are multiplied by: shadows, and texture at every scale, weaker the finer."""
    light = Image.new("F", (width, height), 1.0)
    cells = 3
    while cells < max(width, height) / 2:
        grid = rng.uniform(
            -1, 1, (max(2, cells * height // max(width, height)), max(2, cells * width // max(width, height)))
        )
        layer = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        strength = 0.28 * (3 / cells) ** 0.40
        for top in range(0, height, _ROWS):
            box = (0, top, width, min(height, top + _ROWS))
            some = np.asarray(light.crop(box)) + np.float32(strength) * np.asarray(layer.crop(box))
            light.paste(Image.fromarray(np.clip(some, 0.15, 1.9)), box[:2])
        cells *= 2
    return light


def _drawing(width: int, height: int) -> Image.Image:
    """A sketch of plots with a few names: flat colours and sharp edges."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for row in range(3):
        for column in range(4):
            left, top = 40 + column * (width - 80) // 4, 60 + row * (height - 120) // 3
            colour = ((200, 230, 200), (250, 240, 180), (220, 200, 180))[(row + column) % 3]
            draw.rectangle(
                (left, top, left + (width - 80) // 4 - 20, top + (height - 120) // 3 - 20),
                fill=colour,
                outline="black",
                width=3,
            )
            draw.text((left + 15, top + 15), f"plot {row * 4 + column + 1}", fill="black", font_size=height // 30)
            draw.line((left, top + 90, left + 180, top + 140), fill=(180, 30, 30), width=4)
    return picture


def _saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()
