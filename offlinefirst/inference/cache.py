"""Cache, then infer: answer at once from vectors made earlier, and make better ones when the device can afford it.

Rules:
    - A vector is known by its key and by the fingerprint of the model that made it. After a new model the old vectors
      still answer, marked as stale; two models' vectors are never compared with one another.
    - The cache has a budget in bytes. What was used longest ago goes first.
    - It is saved whole or not at all, with a hash. A damaged file costs the warm start and nothing else.
"""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import FolderDisk
from offlinefirst.inference.errors import InferenceError

Vector = npt.NDArray[np.float32]
_MAGIC = b"offlinefirst-vectors-1\n"
#: What an entry costs beside its vector: key, times, the dictionary's slot. Measured with tracemalloc, rounded up.
ENTRY_BYTES = 400
LARGEST_FILE_BYTES = 512 * 1024 * 1024


class CacheError(InferenceError, ValueError):
    """A cache that cannot be, a vector of another length or with gaps, or a saved file that is not whole."""


@dataclass(frozen=True)
class Cached:
    """A vector from the cache.

    Args:
        vector: Float32, of the cache's length; restored from 8 bits.
        made_by: The fingerprint of the model that made it.
        made_at_s: When, on the wall clock, in seconds since 1970.
    """

    vector: Vector
    made_by: str
    made_at_s: float


@dataclass
class _Row:
    values: npt.NDArray[np.int8]
    scale: float
    made_by: str
    made_at_s: float


class EmbeddingCache:
    """Vectors in 8 bits by key, within a budget of bytes.

    Args:
        length: Numbers in a vector.
        memory_bytes: What all entries may take; `ENTRY_BYTES` and one byte for each number of each.
        now_s: The wall clock, in seconds since 1970.

    Raises:
        CacheError: Not even one vector fits.

    Source: symmetric 8-bit quantization for each vector, chapter 6.

    >>> cache = EmbeddingCache(length=2, memory_bytes=10_000, now_s=lambda: 0.0)
    >>> cache.put("hoe", [1.0, 0.0], made_by="v1"); cache.put("seed", [0.6, 0.8], made_by="v1")
    >>> [(key, round(cosine, 2)) for key, cosine in cache.nearest([1.0, 0.1], count=2, made_by="v1")]
    [('hoe', 1.0), ('seed', 0.68)]
    """

    def __init__(self, *, length: int, memory_bytes: int, now_s: Callable[[], float] = time.time) -> None:
        if length < 1 or memory_bytes < length + ENTRY_BYTES:
            raise CacheError(
                f"{memory_bytes:,} bytes hold no vector of {length} numbers; one takes {length + ENTRY_BYTES:,}"
            )
        self.length, self.memory_bytes, self._now_s = length, memory_bytes, now_s
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._used = self.evicted = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    @property
    def used_bytes(self) -> int:
        """What the entries take, as the budget counts."""
        return self._used

    def put(self, key: str, vector: Sequence[float] | Vector, *, made_by: str) -> None:
        """Keep a vector, in place of the old one with this key; the one used longest ago makes room.

        Raises:
            CacheError: It has another length, or a number that is none; nothing was changed.
        """
        numbers = np.asarray(vector, dtype=np.float32)
        if numbers.shape != (self.length,) or not np.isfinite(numbers).all():
            raise CacheError(
                f"{key}: a vector here has {self.length} finite numbers; this one has the shape {numbers.shape}"
            )
        if self._cost(key) > self.memory_bytes:
            raise CacheError(f"{key[:40]}: the key is too long for a cache of {self.memory_bytes:,} bytes")
        scale = float(np.abs(numbers).max()) / 127 or 1.0
        values = np.clip(np.rint(numbers / scale), -127, 127).astype(np.int8)
        self._keep(key, _Row(values, scale, made_by, self._now_s()))

    def _cost(self, key: str) -> int:
        return self.length + ENTRY_BYTES + len(key.encode())

    def _keep(self, key: str, row: _Row) -> None:
        self._used += 0 if self._rows.pop(key, None) else self._cost(key)
        self._rows[key] = row
        while self._used > self.memory_bytes:
            gone, _ = self._rows.popitem(last=False)
            self._used -= self._cost(gone)
            self.evicted += 1

    def get(self, key: str) -> Cached | None:
        """The vector with this key, which counts as used now; None when there is none."""
        row = self._rows.get(key)
        if row is None:
            return None
        self._rows.move_to_end(key)
        return Cached(row.values.astype(np.float32) * np.float32(row.scale), row.made_by, row.made_at_s)

    def nearest(
        self,
        vector: Sequence[float] | Vector,
        *,
        count: int,
        made_by: str,
        without: Sequence[str] = (),
        by: Literal["cosine", "dot"] = "cosine",
    ) -> list[tuple[str, float]]:
        """The keys whose vectors are nearest, and how near, the nearest first.

        Args:
            vector: What to compare with.
            count: How many at most.
            made_by: Only vectors of this model are compared.
            without: Keys that are left out.
            by: "cosine" looks at directions alone; in "dot" long vectors count for more, as popular products should.

        Raises:
            CacheError: `vector` has another length, or a number that is none.
        """
        asked = np.asarray(vector, dtype=np.float32)
        if asked.shape != (self.length,) or not np.isfinite(asked).all():
            raise CacheError(f"a vector here has {self.length} finite numbers; this one has the shape {asked.shape}")
        left_out = set(without)
        keys = [key for key, row in self._rows.items() if row.made_by == made_by and key not in left_out]
        if not keys or not asked.any():
            return []
        rows = np.stack([self._rows[key].values for key in keys]).astype(np.float32)
        near: npt.NDArray[np.floating[Any]]
        if by == "cosine":
            lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(asked)
            near = rows @ asked / np.where(lengths == 0, 1, lengths)
        else:
            scales = np.array([self._rows[key].scale for key in keys], np.float32)
            near = (rows @ asked) * scales
        order = sorted(range(len(keys)), key=lambda i: (-near[i], keys[i]))[: max(0, count)]
        return [(keys[i], float(near[i])) for i in order]

    def save(self, path: Path) -> int:
        """Write all of it, atomically.

        Returns:
            The file's bytes.

        Raises:
            OSError: The disk is full or failing; the old file is untouched.
        """
        about = {
            "length": self.length,
            "rows": [[key, row.scale, row.made_by, row.made_at_s] for key, row in self._rows.items()],
        }
        header = json.dumps(about).encode()
        body = b"".join(row.values.tobytes() for row in self._rows.values())
        data = len(header).to_bytes(8, "little") + header + body
        whole = _MAGIC + hashlib.sha256(data).digest() + data
        publish(FolderDisk(path.parent), path.name, whole)
        return len(whole)

    def load(self, path: Path) -> int:
        """Take in a saved cache; its newest vectors when not all fit.

        Returns:
            How many vectors are here now.

        Raises:
            FileNotFoundError: There is no such file.
            CacheError: It is cut, changed, of another kind or another length; nothing was changed.
        """
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise CacheError(f"{path} is larger than {LARGEST_FILE_BYTES:,} bytes. Delete it; vectors are made again.")
        whole = path.read_bytes()
        data = whole[len(_MAGIC) + 32 :]
        if not whole.startswith(_MAGIC) or hashlib.sha256(data).digest() != whole[len(_MAGIC) : len(_MAGIC) + 32]:
            raise CacheError(f"{path} is not whole, or no cache. Delete it; its vectors are made again.")
        size = int.from_bytes(data[:8], "little")
        try:
            about: dict[str, Any] = json.loads(data[8 : 8 + size])
            if about["length"] != self.length:
                raise CacheError(f"{path} has vectors of {about['length']} numbers, and {self.length} are wanted")
            values = np.frombuffer(data[8 + size :], np.int8).reshape(-1, self.length)
            rows = [
                (str(key), _Row(row.copy(), float(scale), str(made_by), float(made_at_s)))
                for row, (key, scale, made_by, made_at_s) in zip(values, about["rows"], strict=True)
            ]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if isinstance(error, CacheError):
                raise
            raise CacheError(f"{path} is no cache of ours ({error}). Delete it; its vectors are made again.") from error
        for key, row in rows:
            self._keep(key, row)
        return len(self._rows)


Source = Literal["cache", "stale", "inferred", "nothing"]


@dataclass(frozen=True)
class Served:
    """What was to be had at once.

    Args:
        vector: None when there was nothing and nothing could be computed.
        made_by: The model that made it: only vectors of one model may be added or compared; "" when there is none.
        source: "cache" is fresh; "stale" is of an earlier model or too old; "inferred" was computed now.
        age_s: Since it was made; 0 when there is none, or the clock was set back.
    """

    vector: Vector | None
    made_by: str
    source: Source
    age_s: float


class CacheThenInfer:
    """Serves vectors from a cache, computes what is missing, and refreshes what is stale when there is time.

    Args:
        cache: Where they are kept.
        compute: Makes a vector from a key; heavy.
        model: The fingerprint of the model that `compute` runs.
        may_compute: Whether the device can afford it just now (battery, a charger, a free core).
        max_age_s: Older vectors are stale.
        most_pending: Keys that are remembered for later; of more, the first ones asked for.
        now_s: The wall clock, in seconds since 1970.
    """

    def __init__(
        self,
        cache: EmbeddingCache,
        compute: Callable[[str], Vector],
        *,
        model: str,
        may_compute: Callable[[], bool] = lambda: True,
        max_age_s: float = float("inf"),
        most_pending: int = 1000,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._cache, self._compute, self._model, self._may = cache, compute, model, may_compute
        self._max_age_s, self._most, self._now_s = max_age_s, most_pending, now_s
        self._pending: OrderedDict[str, None] = OrderedDict()

    @property
    def pending(self) -> tuple[str, ...]:
        """Keys that `refresh` will compute, the one asked for first at the front."""
        return tuple(self._pending)

    def get(self, key: str) -> Served:
        """Serve a key; a stale vector at once rather than a fresh one later.

        Raises:
            CacheError: `compute` made no vector of the cache's length.
            Exception: What `compute` raises; only on a miss.
        """
        found = self._cache.get(key)
        if found is not None:
            age_s = max(0.0, self._now_s() - found.made_at_s)
            if found.made_by == self._model and age_s <= self._max_age_s:
                return Served(found.vector, found.made_by, "cache", age_s)
            self._later(key)
            return Served(found.vector, found.made_by, "stale", age_s)
        if not self._may():
            self._later(key)
            return Served(None, "", "nothing", 0.0)
        return Served(self._make(key), self._model, "inferred", 0.0)

    def refresh(self, *, most: int) -> int:
        """Compute pending keys while the device can afford it.

        Args:
            most: How many at most.

        Returns:
            How many were made. A key whose computation fails goes to the end of the queue, and the error on.
        """
        made = 0
        while made < most and self._pending and self._may():
            key = next(iter(self._pending))
            self._pending.move_to_end(key)
            self._make(key)
            made += 1
        return made

    def _make(self, key: str) -> Vector:
        self._cache.put(key, self._compute(key), made_by=self._model)
        self._pending.pop(key, None)
        found = self._cache.get(key)
        assert found is not None, "what was just put is the last to be evicted"
        return found.vector

    def _later(self, key: str) -> None:
        if len(self._pending) < self._most:
            self._pending.setdefault(key, None)
