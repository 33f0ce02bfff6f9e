"""The last resort for maize leaves: three limits on two colours, no model, no library but numpy.

It is wrong on most leaves, and says so: its scores are how often each answer was right where the limits put a leaf. It
is there because it cannot fail to load. It is no way to save: at its price the smallest model is better by far.

The colours are red over green (a leaf that yellows) and blue over green (a pale one), each at the upper quartile of the
middle of the photo. Limits and scores come from 4,000 synthetic leaves (`datasets.leaves`, seed 5).
"""

import numpy as np
import numpy.typing as npt

PALE, YELLOW, VERY_YELLOW = 0.50, 0.78, 0.96
#: How often each class was the right one, in the order of the leaves' `CLASSES`.
GREEN_LEAF = (0.40, 0.17, 0.20, 0.23)
YELLOW_LEAF = (0.15, 0.19, 0.18, 0.48)
PALE_LEAF = (0.18, 0.42, 0.28, 0.12)
PALE_YELLOW_LEAF = (0.10, 0.22, 0.54, 0.14)


def box(photo: npt.NDArray[np.uint8]) -> int:
    """Into which of four boxes a leaf falls.

    Args:
        photo: uint8 (height, width, 3), red first.

    Returns:
        0 green, 1 yellow, 2 pale, 3 pale and yellow.
    """
    height, width = photo.shape[:2]
    middle = photo[height // 4 : height - height // 4, width // 4 : width - width // 4].astype(np.float32)
    green = middle[..., 1] + np.float32(5)
    # The upper quartile by position: np.percentile would take most of the rule's time.
    place = green.size * 3 // 4
    yellow = np.partition((middle[..., 0] / green).ravel(), place)[place]
    pale = np.partition((middle[..., 2] / green).ravel(), place)[place]
    if pale <= PALE:
        return 1 if yellow > YELLOW else 0
    return 3 if yellow > VERY_YELLOW else 2


def leaf_rule(photo: npt.NDArray[np.uint8]) -> tuple[float, ...]:
    """Score the classes of one photo of a leaf; takes whatever `why_no_photo` lets through.

    Args:
        photo: uint8 (height, width, 3), red first.

    Returns:
        A share for each of `datasets.leaves.CLASSES`, together 1.
    """
    return (GREEN_LEAF, YELLOW_LEAF, PALE_LEAF, PALE_YELLOW_LEAF)[box(photo)]


def why_no_photo(photo: object, *, size: int = 48) -> str | None:
    """Why something is not a photo that the leaf models take; None when it is one.

    Args:
        photo: Anything.
        size: Height and width that are asked for.
    """
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.shape != (size, size, 3):
        found = f"{photo.dtype} {list(photo.shape)}" if isinstance(photo, np.ndarray) else type(photo).__name__
        return f"a photo is uint8 [{size}, {size}, 3], red first, and this is {found}"
    return None
