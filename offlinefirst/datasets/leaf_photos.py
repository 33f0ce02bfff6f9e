"""Labelled pictures of leaves for training, calibration and test: real photos when they are here, else drawn ones.

Real are the bean leaves of Makerere University (the catalogue's `bean-leaves`): a folder for each of `train`,
`validation` and `test`, and in it one for each class. Drawn are the synthetic maize leaves of `leaves`. Whoever uses
the pictures is told which they are, and has to pass that on.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.datasets.leaves import CLASSES, Images, Labels, leaves
from offlinefirst.datasets.places import MissingDataError, locate

Part = Literal["train", "validation", "test"]
NAME = "bean-leaves"
#: The synthetic parts differ in their seed alone; 2 is what every test of the course uses, 3 its calibration.
_SEEDS: dict[Part, int] = {"train": 1, "test": 2, "validation": 3}
_ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class LeafPhotos:
    """Pictures with their labels.

    Args:
        images: uint8 of shape (count, size, size, 3), red first.
        labels: int64 of shape (count,), which index `classes`.
        classes: What the labels mean.
        real: Whether somebody photographed them.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]
    real: bool

    @property
    def told(self) -> str:
        """What they are, for a figure's title."""
        return "photos of bean leaves (Makerere)" if self.real else "synthetic maize leaves: drawn, not photographed"


def leaf_photos(part: Part, count: int, *, size: int = 48, data: Path | None = None) -> LeafPhotos:
    """Take pictures of a part, the same ones each time.

    Args:
        part: "train", "validation" (for calibration and choosing) or "test".
        count: How many, at most; of real photos there may be fewer.
        size: Height and width in pixels; real photos are cut to their middle square and shrunk.
        data: The folder for fetched data; the reader's when None.

    Raises:
        DatasetError: The folder with photos is not made as it should be, or a photo cannot be read; names it.
        ValueError: Count or size cannot be.
    """
    try:
        folder = locate(NAME, data=data)
    except MissingDataError:
        images, labels = leaves(count, seed=_SEEDS[part], size=size)
        return LeafPhotos(images, labels, CLASSES, real=False)
    if count < 1 or size < 16:
        raise ValueError(f"count is 1 or more and size 16 or more, not {count} and {size}")
    names = sorted(path.name for path in (folder / "train").glob("*") if path.is_dir())
    if len(names) < 2:
        raise DatasetError(f"{folder / 'train'} should hold a folder for each class. Copy the photos again.")
    files = [
        (path, label)
        for label, name in enumerate(names)
        for path in sorted((folder / part / name).glob("*"))
        if path.suffix.lower() in _ENDINGS
    ]
    if not files:
        raise DatasetError(f"{folder / part} holds no photos of {', '.join(names)}. Copy the photos again.")
    chosen = random.Random(0).sample(files, min(count, len(files)))
    images = np.stack([_square(path, size) for path, _ in chosen])
    titles = tuple(name.replace("_", " ").capitalize() for name in names)
    return LeafPhotos(images, np.array([label for _, label in chosen], np.int64), titles, real=True)


def _square(path: Path, size: int) -> Images:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as photo:
            upright = ImageOps.exif_transpose(photo).convert("RGB")  # phones note how they were held
    except OSError as error:
        raise DatasetError(f"{path} is no photo that can be read ({error}). Copy it again, or delete it.") from error
    return np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.BOX), np.uint8)
