"""Sets weights to zero, stores the zeros cheaply, and takes whole channels out; plain numpy, for any framework.

A model is a mapping from names to arrays, as torch's `state_dict` or Keras' weights give them. Nothing is changed in
place: every function returns new arrays.

Three things are called pruning, and they give different things:
1. `magnitude` sets the smallest weights to zero. The file stays as large, and the model as slow.
2. `pack` stores what is left: a bit for each weight that says whether it is zero, then the others. The file shrinks.
3. `remove` takes channels out of every array that shares them. The model is smaller and faster under any runtime.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.models.errors import ModelError

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]
_MAGIC = b"OFS1"


class PruneError(ModelError):
    """A model or a request that cannot be pruned as asked."""


class SparsityError(PruneError, ValueError):
    """A share of zeros that is no share."""


class NotFiniteError(PruneError, ValueError):
    """Weights that are no numbers, which sort anywhere and spoil every threshold."""


class NothingToPruneError(PruneError):
    """A model in which no array may be pruned."""


class EmptyLayerError(PruneError):
    """A layer that would be left with no channel, so that nothing gets through."""


class CouplingError(PruneError):
    """Arrays that are said to share channels, and do not."""


class PackedError(PruneError):
    """Bytes that are not what `pack` made."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What one model weighs, in bytes, without the names and the graph around it.

    Args:
        raw_bytes: The arrays as they are in memory. Zeros count like any number.
        compressed_bytes: Those bytes through zlib, level 9: what goes over a link.
        packed_bytes, packed_compressed_bytes: As `pack` stores them, and that through zlib.
        zeros: The share of zeros in the arrays that may be pruned.
    """

    raw_bytes: int
    compressed_bytes: int
    packed_bytes: int
    packed_compressed_bytes: int
    zeros: float


@dataclass(frozen=True)
class Axis:
    """One place where a group's channels appear.

    Args:
        name: The array.
        axis: Which of its axes runs over the channels.
        each: How many neighbours on that axis belong to one channel, such as height times width after a flatten.
    """

    name: str
    axis: int
    each: int = 1


def prunable(weights: Weights) -> list[str]:
    """The arrays that may be pruned: matrices and convolutions of floats.

    Biases and normalisations are left alone: they are a per cent of the bytes, and a zero there silences a channel.

    Raises:
        NothingToPruneError: There is none.
    """
    found = [name for name, array in weights.items() if array.ndim >= 2 and np.issubdtype(array.dtype, np.floating)]
    if not found:
        raise NothingToPruneError(
            f"none of the {len(weights)} arrays is a matrix or a convolution of floats, so there is nothing to prune. "
            "Give the float weights of the layers, before quantising."
        )
    return found


def magnitude(weights: Weights, sparsity: float | Mapping[str, float]) -> dict[str, Array]:
    """Set the weights of least magnitude to zero.

    Args:
        weights: Arrays by name.
        sparsity: The share of zeros wanted, 0 to 1, of each array; or a share for each name, and those not named stay.

    Returns:
        New arrays. Exactly round(share * size) weights are zero, or more where there were more; of equals, those that
        come first go first. An array keeps at least one weight.

    Raises:
        SparsityError: A share outside 0 to 1, or for a name that cannot be pruned.
        NotFiniteError: A weight is NaN or infinite.
        NothingToPruneError: Nothing may be pruned.
        EmptyLayerError: An array would be all zeros.
    """
    names = prunable(weights)
    check_finite(weights)
    shares = dict(sparsity) if isinstance(sparsity, Mapping) else dict.fromkeys(names, sparsity)
    for name, share in shares.items():
        if name not in names:
            raise SparsityError(f"{name} cannot be pruned; these can: {', '.join(names)}")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise SparsityError(f"{name}: a sparsity is a share from 0 to 1, such as 0.8 for 80 %, not {share!r}")
    result = {name: np.array(array) for name, array in weights.items()}
    for name, share in shares.items():
        result[name] = _zeroed(weights[name].ravel(), share).reshape(weights[name].shape)
    for name in shares:
        if weights[name].any() and not result[name].any():
            raise EmptyLayerError(f"{name} would be all zeros, and nothing would get through. Ask for less there.")
    return result


def polynomial_sparsity(step: int, *, initial: float, final: float, begin: int = 0, end: int) -> float:
    """The share of zeros at a step of training: fast at first, while there is much to take, then slowly.

    Args:
        step: Of the training, from 0.
        initial: The share at `begin`, 0 to 1.
        final: The share at `end` and after.
        begin: The first step that prunes; 0.0 before it.
        end: The last step that raises the share.

    Raises:
        SparsityError: A share outside 0 to 1, or an end that is not after the beginning.

    Source: Zhu and Gupta, "To prune, or not to prune" (2017), arXiv:1710.01878, equation 1.

    >>> [round(polynomial_sparsity(step, initial=0.3, final=0.8, end=100), 3) for step in (0, 50, 100, 200)]
    [0.3, 0.738, 0.8, 0.8]
    """
    if not (0 <= initial <= 1 and 0 <= final <= 1) or end <= begin:
        raise SparsityError(
            f"initial={initial} and final={final} are shares from 0 to 1, and end={end} comes after begin={begin}"
        )
    if step < begin:
        return 0.0
    done = min(1.0, (step - begin) / (end - begin))
    return final + (initial - final) * (1 - done) ** 3


def pack(array: Array) -> bytes:
    """Store an array as one bit for each element, whether it is there, and then the elements that are.

    Magic, type, shape, bits, values: shorter than the array where more than one in 32 of its float32 are zero.

    Raises:
        NotFiniteError: An element is NaN or infinite.
    """
    array = np.ascontiguousarray(array)
    check_finite({"the array": array})
    head = array.dtype.str.encode().ljust(8) + bytes([array.ndim]) + np.array(array.shape, "<u4").tobytes()
    there = array.ravel() != 0
    return _MAGIC + head + np.packbits(there).tobytes() + array.ravel()[there].tobytes()


def unpack(data: bytes) -> Array:
    """Give back the array that `pack` stored; negative zeros come back as zeros.

    Raises:
        PackedError: The bytes are something else, or not all there.
    """
    try:
        if data[:4] != _MAGIC:
            raise PackedError("these bytes do not begin as `pack` begins them. Was the right file read?")
        dtype, dimensions = np.dtype(data[4:12].decode("ascii").strip()), data[12]
        shape = tuple(np.frombuffer(data, "<u4", dimensions, 13).tolist())
        size, start = int(np.prod(shape)), 13 + 4 * dimensions
        bits = np.frombuffer(data, np.uint8, -(-size // 8), start)
        there = np.unpackbits(bits, count=size).astype(bool)
        values = np.frombuffer(data, dtype, -1, start + len(bits))
        array: Array = np.zeros(size, dtype)
        array[there] = values
        return array.reshape(shape)
    except (ValueError, IndexError, TypeError, UnicodeDecodeError) as error:
        raise PackedError(
            f"packed weights of {len(data)} bytes are cut or damaged ({error}). Fetch them again"
        ) from error


def stored(weights: Weights) -> Stored:
    """Weigh a model four ways, so that no one number stands for the others.

    Raises:
        NotFiniteError: A weight is NaN or infinite.
        NothingToPruneError: Nothing may be pruned.
    """
    names = prunable(weights)
    check_finite(weights)
    raw = b"".join(np.ascontiguousarray(array).tobytes() for array in weights.values())
    packed = b"".join(pack(array) for array in weights.values())
    size = sum(weights[name].size for name in names)
    return Stored(
        raw_bytes=len(raw),
        compressed_bytes=len(zlib.compress(raw, 9)),
        packed_bytes=len(packed),
        packed_compressed_bytes=len(zlib.compress(packed, 9)),
        zeros=sum(int((weights[name] == 0).sum()) for name in names) / size,
    )


def norms(weights: Weights, name: str, axis: int = 0) -> npt.NDArray[np.float64]:
    """How large each channel of an array is: the sum of the magnitudes of its weights.

    Raises:
        CouplingError: There is no such array or axis.
    """
    array = _array(weights, Axis(name, axis))
    others = tuple(number for number in range(array.ndim) if number != axis)
    return np.abs(array.astype(np.float64)).sum(axis=others)


def remove(weights: Weights, group: Iterable[Axis], channels: Iterable[int]) -> dict[str, Array]:
    """Take channels out of every array that has them, so that the model is dense again and smaller.

    Args:
        weights: Arrays by name.
        group: Every place where these channels appear: the filter that makes them, its bias, the normalisation's
            arrays, the inputs of every layer that reads them, and whatever is added to them.
        channels: Which to take out.

    Returns:
        New arrays; those outside the group are the old ones.

    Raises:
        CouplingError: A name or an axis that is not there, arrays of the group that disagree on how many channels
            there are, or a channel that no array has.
        EmptyLayerError: No channel would be left.
        NotFiniteError: A weight of the group is NaN or infinite.
    """
    places = list(group)
    counts = {place: _array(weights, place).shape[place.axis] / place.each for place in places}
    if not counts or len(set(counts.values())) != 1:
        said = ", ".join(f"{place.name} axis {place.axis}: {count:g}" for place, count in counts.items()) or "none"
        raise CouplingError(f"a group's arrays have the same channels, and these have not: {said}")
    check_finite({place.name: weights[place.name] for place in places})
    count, gone = int(next(iter(counts.values()))), set(channels)
    if not gone <= set(range(count)):
        raise CouplingError(f"there are channels 0 to {count - 1}; asked to remove {sorted(gone - set(range(count)))}")
    if len(gone) == count:
        raise EmptyLayerError(f"all {count} channels of {places[0].name} would go, and nothing would get through")
    keep = np.array([number for number in range(count) if number not in gone])
    result = dict(weights)
    for place in places:
        positions = (keep[:, None] * place.each + np.arange(place.each)).ravel()
        result[place.name] = np.take(result[place.name], positions, axis=place.axis)
    return result


def check_finite(weights: Weights) -> None:
    """Refuse weights that are no numbers.

    Raises:
        NotFiniteError: Names the array, how many, and where the first is.
    """
    for name, array in weights.items():
        if np.issubdtype(array.dtype, np.floating) and not (fine := np.isfinite(array)).all():
            first = tuple(int(number) for number in np.argwhere(~fine)[0])
            raise NotFiniteError(
                f"{name} has {int((~fine).sum())} weights that are NaN or infinite, the first at {first}. The training "
                "went wrong: go back to the last good checkpoint, and lower the learning rate."
            )


def _zeroed(flat: Array, share: float) -> Array:
    result = flat.copy()
    result[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0
    return result


def _array(weights: Weights, place: Axis) -> Array:
    if place.name not in weights or not 0 <= place.axis < weights[place.name].ndim or place.each < 1:
        raise CouplingError(f"there is no axis {place.axis} of {place.name}; the arrays are {', '.join(weights)}")
    return weights[place.name]
