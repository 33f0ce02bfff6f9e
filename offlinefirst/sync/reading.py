"""Reads print in a photo on the device: where lines are, then what they say. Two small networks and no library beside.

The networks are PaddleOCR's, as RapidOCR packs them for ONNX Runtime (Apache-2.0, the catalogue's set `ocr`). They were
trained for Chinese and English; Swahili is written with letters that they know, and words are nothing to them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from offlinefirst.datasets.places import locate
from offlinefirst.sync._text_boxes import find_boxes
from offlinefirst.sync.errors import SyncError

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = npt.NDArray[np.float32]

FINDER, READER, READINGS = "ocr-finder", "ocr-reader", "scanner-readings"
SEEN_PX = 960
_GRID_PX = 32  # the finder halves its picture five times
_LINE_PX = 48
_BATCH = 6
_LEAST_CONFIDENCE = 0.5


class ReadingError(SyncError):
    """A network is not what this module can use."""


@dataclass(frozen=True)
class Piece:
    """What one line, or one column of a line, says.

    Args:
        text: As read.
        confidence: The mean chance of its characters, 0 to 1.
        weakest: The least chance among them.
        corners: Its box in the photo, in pixels: top left, top right, bottom right, bottom left.
    """

    text: str
    confidence: float
    weakest: float
    corners: tuple[tuple[float, float], ...]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of its box, x and y."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4

    @property
    def height(self) -> float:
        """Of its box, in pixels."""
        (ax, ay), _, _, (bx, by) = self.corners
        return float(np.hypot(bx - ax, by - ay))


class PageReader:
    """Reads pages; holds both networks."""

    def __init__(self, finder: Path | None = None, reader: Path | None = None, *, threads: int = 1) -> None:
        """Load the networks.

        Args:
            finder: Finds lines; the catalogue's when None.
            reader: Reads them; the catalogue's when None.
            threads: How many cores to use.

        Raises:
            MissingDataError: The catalogue's are not on this device; says how to fetch them.
            ReadingError: The reader does not bring its characters.
        """
        self._finder = _session(finder or locate(FINDER), threads)
        self._reader = _session(reader or locate(READER), threads)
        characters = self._reader.get_modelmeta().custom_metadata_map.get("character")
        if not characters:
            raise ReadingError(
                "The reading network has no list of characters in its metadata. Fetch the set ocr again."
            )
        #: A class for "nothing here" comes first, and the space last.
        self._characters = ["", *characters.splitlines(), " "]

    def read(self, photo: Image.Image, *, seen_px: int = SEEN_PX) -> list[Piece]:
        """Read a photo, held upright.

        Args:
            photo: Of any size and mode.
            seen_px: The longest side at which lines are looked for; what they say is read at full size.

        Returns:
            What was found and could be made out, from top to bottom.
        """
        photo = photo.convert("RGB")
        boxes = self.boxes(photo, seen_px=seen_px)
        texts = self.texts([_cut_out(photo, corners) for corners in boxes])
        return [
            Piece(text, mean, weakest, tuple((float(x), float(y)) for x, y in corners))
            for corners, (text, mean, weakest) in zip(boxes, texts, strict=True)
            if text.strip() and mean >= _LEAST_CONFIDENCE
        ]

    def boxes(self, photo: Image.Image, *, seen_px: int = SEEN_PX) -> list[npt.NDArray[np.float64]]:
        """The corners of each line, in the photo's pixels, from top to bottom."""
        share = seen_px / max(photo.size)
        size = [max(_GRID_PX, round(side * share / _GRID_PX) * _GRID_PX) for side in photo.size]
        shrunk = photo.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        chances = self._finder.run(None, {self._finder.get_inputs()[0].name: _numbers(shrunk)[None]})[0][0, 0]
        scale = np.array(photo.size) / np.array(size)
        return [box.corners * scale for box in find_boxes(chances)]

    def texts(self, lines: Sequence[Image.Image]) -> list[tuple[str, float, float]]:
        """What pictures of lines say, with the mean and the least chance of their characters."""
        found: list[tuple[str, float, float]] = [("", 0.0, 0.0)] * len(lines)
        order = sorted(
            range(len(lines)), key=lambda k: lines[k].width / lines[k].height
        )  # alike in width: little padding
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            tall = [
                lines[k].resize((max(8, round(_LINE_PX * lines[k].width / lines[k].height)), _LINE_PX)) for k in some
            ]
            batch = np.zeros((len(some), 3, _LINE_PX, max(320, *(one.width for one in tall))), np.float32)
            for place, one in enumerate(tall):
                batch[place, :, :, : one.width] = _numbers(one)
            chances = self._reader.run(None, {self._reader.get_inputs()[0].name: batch})[0]
            for k, steps in zip(some, chances, strict=True):
                found[k] = self._decoded(steps)
        return found

    def _decoded(self, steps: Floats) -> tuple[str, float, float]:
        """The likeliest class of each step; what repeats is one character, unless a step of nothing lies between."""
        classes, sure = steps.argmax(1), steps.max(1)
        kept = (classes != 0) & (classes != np.concatenate([[0], classes[:-1]]))
        if not kept.any():
            return "", 0.0, 0.0
        text = "".join(self._characters[place] for place in classes[kept])
        return text, float(sure[kept].mean()), float(sure[kept].min())


class SavedReader:
    """What a `PageReader` said of the course's own photos, for devices without its networks."""

    def __init__(self, path: Path | None = None) -> None:
        """Load what it said.

        Args:
            path: The file; the catalogue's when None.
        """
        saved = json.loads((path or locate(READINGS)).read_text("utf-8"))
        self._looks = {(photo["seed"], photo["condition"]): photo["looks"] for photo in saved}
        self._shown: tuple[int, str] | None = None

    @property
    def photos(self) -> list[tuple[int, str]]:
        """The photos that were read, by the note's seed and the condition."""
        return list(self._looks)

    def show(self, seed: int, condition: str) -> None:
        """Say which photo comes next: the readings are found by name, for pixels may differ between machines."""
        self._shown = seed, condition

    def read(self, photo: Image.Image | None = None, *, seen_px: int = SEEN_PX) -> list[Piece]:
        """What was said of the photo that was shown.

        Raises:
            ReadingError: It was not read, or not at this size.
        """
        looks = self._looks.get(self._shown, {}) if self._shown else {}
        if str(seen_px) not in looks:
            raise ReadingError(f"There is no saved reading of {self._shown} at {seen_px} pixels. Show one of `photos`.")
        return [
            Piece(text, mean, weakest, tuple(zip(flat[::2], flat[1::2], strict=True)))
            for text, mean, weakest, flat in looks[str(seen_px)]
        ]


def _session(path: Path, threads: int) -> "ort.InferenceSession":
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena keeps the largest page's memory for ever
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _numbers(picture: Image.Image) -> Floats:
    """Blue first, colours before rows, from -1 to 1: as the networks were trained."""
    pixels: npt.NDArray[Any] = np.asarray(picture, np.float32)[..., ::-1]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) / np.float32(127.5) - np.float32(1))


def _cut_out(photo: Image.Image, corners: npt.NDArray[np.float64]) -> Image.Image:
    """A slanted box, laid straight; one that stands on its end is turned to lie."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = max(4, round(float(np.linalg.norm(top_right - top_left))))
    height = max(4, round(float(np.linalg.norm(bottom_left - top_left))))
    points = [float(value) for corner in (top_left, bottom_left, bottom_right, top_right) for value in corner]
    line = photo.transform((width, height), Image.Transform.QUAD, points, Image.Resampling.BICUBIC)
    return line.transpose(Image.Transpose.ROTATE_90) if height >= 1.5 * width else line
