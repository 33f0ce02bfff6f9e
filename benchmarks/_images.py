"""Photos made to fit: this course's function beside the source material's, at equal bytes, over a mixed bag of files.

The source's function is run on each file first. What it used is then the target of ours, so that both spent the same.
Files that its code fails on or gives up are left out of the means and counted. A photo that it returns sideways is
turned upright before it is compared, and that is counted. Likeness is structural similarity, red, green and blue, at
the size at which the photo is looked at (longest side of 1,280 pixels), to the whole original in a screen's colours.
"""

import io
from statistics import fmean, median
from typing import Any

from PIL import Image, ImageCms, ImageOps

from offlinefirst.datasets.field_photos import Sample, mixed_bag
from offlinefirst.sync._image_search import Codec, likeness
from offlinefirst.sync.images import SEEN_PX, CannotFitError, fit_photo

TARGETS_KB = (100, 50)
TINY_BYTES = (8_000, 2_000, 500)
CODECS: dict[str, tuple[Codec, ...]] = {"JPEG": ("JPEG",), "JPEG or WebP": ("JPEG", "WEBP")}
#: Not photos, or not in a screen's colours: there the gain is of another kind, so it is given without them too.
SPECIAL = ("pure noise 800x600", "photo in wide colours")


def image_rows() -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Measure.

    Returns:
        Rows, one for each target and choice of codecs; and metrics: `images_over_target`, `images_ssim_gain` (JPEG
        alone, at the first target), `images_ssim_gain_webp`, `images_source_failed`.
    """
    bag = mixed_bag()
    rows = [_row(bag, kilobytes, name, codecs) for kilobytes in TARGETS_KB for name, codecs in CODECS.items()]
    over = sum(row["over_target"] for row in rows) + _over_tiny(bag)
    metrics = {
        "images_over_target": float(over),
        "images_ssim_gain": rows[0]["mean_gain"],
        "images_ssim_gain_webp": rows[1]["mean_gain"],
        "images_source_failed": float(rows[0]["source_failed"]),
    }
    return rows, metrics


def _row(bag: list[Sample], kilobytes: int, name: str, codecs: tuple[Codec, ...]) -> dict[str, Any]:
    gains: dict[str, float] = {}
    failed = over = sideways = 0
    for sample in bag:
        theirs = source(sample.data, kilobytes)
        target = len(theirs) if theirs is not None else kilobytes * 1024
        fitted = fit_photo(sample.data, target, codecs=codecs)
        over += len(fitted.data) > target
        if theirs is None:
            failed += 1
            continue
        original, orientation = as_seen(sample.data)
        sideways += orientation != 1
        gains[sample.name] = likeness(original, fitted.data) - likeness(original, _turned(theirs, orientation))
    plain = [gain for file, gain in gains.items() if file not in SPECIAL]
    return {
        "target": f"{kilobytes} KB",
        "codecs": name,
        "files": len(bag),
        "over_target": over,
        "source_failed": failed,
        "source_sideways": sideways,
        "compared": len(gains),
        "mean_gain": fmean(gains.values()),
        "mean_gain_without_special": fmean(plain),
        "median_gain": median(gains.values()),
        "least_gain": min(gains.values()),
        "gains": gains,
    }


def _over_tiny(bag: list[Sample]) -> int:
    over = 0
    for sample in bag:
        for target in TINY_BYTES:
            try:
                over += len(fit_photo(sample.data, target, seen_px=320).data) > target
            except CannotFitError:
                continue
    return over


def source(data: bytes, kilobytes: int) -> bytes | None:
    """What the source's function makes of a file: its steps and its settings, in our words; None when it fails."""
    photo = Image.open(io.BytesIO(data))
    tries = [(1.0, quality) for quality in range(85, 10, -10)]
    scale = 0.5
    while scale > 0.1:
        tries.append((scale, 60))
        scale -= 0.1
    for scale, quality in tries:
        size = int(photo.width * scale), int(photo.height * scale)
        buffer = io.BytesIO()
        try:
            small = photo if scale == 1 else photo.resize(size, Image.Resampling.LANCZOS)
            small.save(buffer, format="JPEG", quality=quality)
        except (OSError, ValueError):
            return None  # a mode that JPEG does not have, or no pixel left
        if buffer.tell() / 1024 <= kilobytes:
            return buffer.getvalue()
    return None


def as_seen(data: bytes) -> tuple[Image.Image, int]:
    """The whole original as a viewer shows it, at the size at which it is looked at; and how it was stored."""
    photo = Image.open(io.BytesIO(data))
    orientation, profile = photo.getexif().get(0x0112, 1), photo.info.get("icc_profile")
    picture = ImageOps.exif_transpose(photo)
    if profile:
        found = ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        picture = found if found is not None else picture
    picture = picture.convert("RGB")
    share = min(1.0, SEEN_PX / max(picture.size))
    size = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS) if size != picture.size else picture, orientation


def _turned(data: bytes, orientation: int) -> bytes:
    if orientation == 1:
        return data
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.open(io.BytesIO(data)).save(buffer, "PNG", exif=exif)
    upright = io.BytesIO()
    ImageOps.exif_transpose(Image.open(buffer)).save(upright, "PNG")
    return upright.getvalue()


if __name__ == "__main__":
    from _report import show

    measured, summary = image_rows()
    show([{key: value for key, value in row.items() if key != "gains"} for row in measured])
    print(summary)
