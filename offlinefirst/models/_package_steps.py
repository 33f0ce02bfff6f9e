"""What preprocessing may ask for: code of the app, chosen by data, since a package brings no code."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]


def _layout(photos: _Array, step: Mapping[str, Any]) -> _Array:
    if step["to"] != "NCHW":
        raise KeyError(step["to"])
    return np.ascontiguousarray(photos.transpose(0, 3, 1, 2))


def _leaf_features(photos: _Array, step: Mapping[str, Any]) -> _Array:
    from offlinefirst.models import leaf_features

    if step["version"] != leaf_features.VERSION:
        raise KeyError(f"version {step['version']}, and this app has {leaf_features.VERSION}")
    return leaf_features.features(photos)


#: What preprocessing may ask for. Code of the app, chosen by data: a package brings no code.
STEPS: Mapping[str, Callable[[_Array, Mapping[str, Any]], _Array]] = {
    "scale": lambda photos, step: photos.astype(np.float32) / np.float32(step["divide_by"]),
    "normalise": lambda photos, step: (photos - np.float32(step["mean"])) / np.float32(step["std"]),
    "reverse-colours": lambda photos, step: photos[..., ::-1],
    "layout": _layout,
    "leaf-features": _leaf_features,
}
