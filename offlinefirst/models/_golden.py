"""Golden answers: photos with the scores and labels that the author got, which every device computes again."""

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.device.units import MiB, format_bytes
from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import Manifest

_Array = npt.NDArray[Any]
_Scores = Callable[[_Array], npt.NDArray[np.float32]]
_MOST_BYTES = 64 * MiB
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, TypeError, ArithmeticError, MemoryError, RuntimeError)


class GoldenError(ModelError):
    """Golden answers that were recomputed here differ from the author's, or cannot tell right from wrong."""


def golden_answers(manifest: Manifest, scores_of: _Scores, photos: _Array, truth: Sequence[str]) -> tuple[bytes, float]:
    """Compute the answers on the author's side.

    Args:
        manifest: For its labels.
        scores_of: From photos to scores.
        photos: At least one; each is asked alone, as in the field.
        truth: What each shows, in the labels' words.

    Returns:
        The file, and the largest magnitude among the scores.

    Raises:
        GoldenError: There is no photo, not one word for each, or the model says another word.
    """
    if len(photos) == 0:
        raise GoldenError(f"{manifest.title}: there is no golden photo. Give one clear photo for each label at least")
    if len(truth) != len(photos):
        raise GoldenError(f"{manifest.title}: {len(photos)} golden photos, and {len(truth)} words for what they show")
    scores = np.concatenate([scores_of(photo[None]) for photo in photos])
    answers = np.array([manifest.labels[place] for place in scores.argmax(axis=1)])
    for number, (answer, shown) in enumerate(zip(answers.tolist(), truth, strict=True)):
        if answer != shown:
            raise GoldenError(
                f"{manifest.title}: golden photo {number} is {answer} to this model and {shown} to its author. Labels "
                "in another order? Or a photo that the model gets wrong: choose a clearer one"
            )
    buffer = io.BytesIO()
    np.savez(buffer, photos=photos, scores=scores, answers=answers)
    return buffer.getvalue(), float(np.abs(scores).max())


def check_golden(manifest: Manifest, scores_of: _Scores, data: bytes) -> None:
    """Compute the answers again and compare; first see that the comparison could fail at all.

    Raises:
        GoldenError: The file is none, does not cover every label, has an answer so narrow that the tolerance lets
            another win; or the answers differ.
    """
    m = manifest
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > _MOST_BYTES:
            raise ValueError(f"they unpack to {format_bytes(unpacked)}, over the {format_bytes(_MOST_BYTES)} allowed")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            photos, scores, words = file["photos"], file["scores"], file["answers"]
    except (*_UNREADABLE, zipfile.BadZipFile, zlib.error) as error:
        raise GoldenError(f"{m.title}: its golden answers cannot be read: {error}") from error
    if words.ndim != 1 or words.dtype.kind != "U":
        raise GoldenError(f"{m.title}: its golden answers are none: {words.dtype}{list(words.shape)} are no words")
    answers = words.tolist()
    if wrong := m.photo.problems(photos) or m.output.problems(scores):
        raise GoldenError(f"{m.title}: its golden answers are none: {wrong[0]}")
    if not len(answers) == len(scores) == len(photos) or set(answers) != set(m.labels):
        raise GoldenError(f"{m.title}: golden answers are one for each photo, and every label is the answer to one")
    best = np.sort(scores, axis=1)
    margin = float((best[:, -1] - best[:, -2]).min())
    if margin <= 2 * m.tolerance:
        raise GoldenError(
            f"{m.title}: a golden answer wins by {margin:.3g}, and a tolerance of {m.tolerance:.3g} lets another win. "
            "Choose clearer photos, or argue for a smaller tolerance"
        )
    found = np.concatenate([scores_of(photo[None]) for photo in photos])
    for number, (row, answer) in enumerate(zip(found, answers, strict=True)):
        if (now := m.labels[row.argmax()]) != answer:
            raise GoldenError(f"{m.title}: golden photo {number} is {now} here, and {answer} at home")
    if (off := float(np.abs(found - scores).max())) > m.tolerance:
        raise GoldenError(
            f"{m.title}: golden scores are off by {off:.3g} here, and may be by {m.tolerance:.3g}: this processor, "
            "runtime or preprocessing computes something else"
        )
