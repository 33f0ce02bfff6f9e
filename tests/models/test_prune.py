"""Pruning: exact shares, a packed form that comes back whole, channels removed everywhere, bad input refused."""

import numpy as np
import pytest

from offlinefirst.models import prune
from offlinefirst.models.prune import Axis


def model(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"conv.weight": (6, 3, 3, 3), "conv.bias": (6,), "fc.weight": (4, 24), "fc.bias": (4,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.8, 0.98])
def test_each_layer_gets_exactly_its_share_of_its_smallest_weights(share):
    before = model()
    after = prune.magnitude(before, share)
    for name in ("conv.weight", "fc.weight"):
        gone = after[name] == 0
        assert gone.sum() == round(share * gone.size)
        assert not gone.any() or np.abs(before[name][gone]).max() <= np.abs(before[name][~gone]).min()
        assert np.array_equal(after[name][~gone], before[name][~gone])
    assert all(np.array_equal(after[name], before[name]) for name in ("conv.bias", "fc.bias"))
    assert all(np.array_equal(before[name], model()[name]) for name in before), "the caller's arrays have changed"


def test_equal_weights_do_not_take_more_than_the_share():
    assert (prune.magnitude({"w": np.ones((10, 10))}, 0.3)["w"] == 0).sum() == 30


def test_only_named_layers_are_pruned():
    after = prune.magnitude(model(), {"fc.weight": 0.5})
    assert (after["conv.weight"] != 0).all()
    assert (after["fc.weight"] == 0).sum() == 48


@pytest.mark.parametrize("share", [-0.1, 1.5, 80, float("nan"), "half", True, None])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(prune.SparsityError, match="from 0 to 1"):
        prune.magnitude(model(), share)


def test_names_that_cannot_be_pruned_are_refused():
    with pytest.raises(prune.SparsityError, match="cannot be pruned"):
        prune.magnitude(model(), {"conv.bias": 0.5})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused_before_any_work(bad):
    weights = model()
    weights["fc.weight"][2, 5] = bad
    for work in (lambda: prune.magnitude(weights, 0.5), lambda: prune.stored(weights)):
        with pytest.raises(prune.NotFiniteError, match=r"fc\.weight has 1 .* \(2, 5\)"):
            work()
    with pytest.raises(prune.NotFiniteError):
        prune.pack(weights["fc.weight"])
    with pytest.raises(prune.NotFiniteError):
        prune.remove(weights, [Axis("fc.weight", 1)], [0])


def test_a_layer_is_never_left_without_weights_or_channels():
    with pytest.raises(prune.EmptyLayerError, match=r"conv\.weight"):
        prune.magnitude(model(), 1.0)
    with pytest.raises(prune.EmptyLayerError, match="all 6 channels"):
        prune.remove(model(), [Axis("conv.weight", 0)], range(6))


@pytest.mark.parametrize("weights", [{}, {"bias": np.ones(3)}, {"int8": np.ones((3, 3), np.int8)}])
def test_a_model_without_prunable_layers_is_refused(weights):
    with pytest.raises(prune.NothingToPruneError, match="nothing to prune"):
        prune.magnitude(weights, 0.5)


def test_the_schedule_begins_and_ends_where_it_says_and_only_rises():
    shares = [prune.polynomial_sparsity(step, initial=0.3, final=0.8, begin=10, end=60) for step in range(100)]
    assert shares[:10] == [0] * 10
    assert shares[10] == pytest.approx(0.3)
    assert set(shares[60:]) == {0.8}
    assert shares == sorted(shares)
    assert shares[35] == pytest.approx(0.8 - 0.5 * 0.5**3)
    for wrong in ({"initial": 1.3, "final": 0.8, "end": 5}, {"initial": 0, "final": 0.8, "end": 0}):
        with pytest.raises(prune.SparsityError):
            prune.polynomial_sparsity(1, **wrong)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.float64])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 4, 5), (8, 8), (0, 4)])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_packed_arrays_come_back_whole(dtype, shape, share):
    rng = np.random.default_rng(1)
    array = (rng.integers(1, 100, shape) * (rng.random(shape) >= share)).astype(dtype)
    packed = prune.pack(array)
    back = prune.unpack(packed)
    assert back.dtype == dtype
    assert np.array_equal(back, array)
    values = int((array != 0).sum()) * array.itemsize
    assert len(packed) == 13 + 4 * len(shape) + -(-array.size // 8) + values


def test_packed_bytes_that_are_damaged_are_refused():
    packed = prune.pack(model()["fc.weight"])
    damaged = [b"", b"PK\x03\x04", packed[:-4], packed[:-3], packed[:20], packed + bytes(4), packed[:4] + b"????????"]
    for data in damaged:
        with pytest.raises(prune.PackedError):
            prune.unpack(data)


def test_zeros_shrink_what_is_compressed_or_packed_and_never_what_is_raw():
    dense = prune.stored(model())
    thin = prune.stored(prune.magnitude(model(), 0.9))
    assert thin.raw_bytes == dense.raw_bytes == sum(array.nbytes for array in model().values())
    assert thin.compressed_bytes < 0.5 * dense.compressed_bytes
    assert thin.packed_bytes < 0.5 * dense.packed_bytes
    assert thin.zeros == pytest.approx(0.9, abs=0.01)
    assert dense.packed_bytes > dense.raw_bytes, "a mask is not free"


def through(weights, image):
    """A 1 by 1 convolution, a normalisation, a flatten over three places, and a matrix."""
    channels = np.maximum((weights["conv"] @ image) * weights["scale"][:, None] + weights["shift"][:, None], 0)
    return weights["fc"] @ channels.ravel()


def test_removing_a_channel_everywhere_is_the_same_as_silencing_it():
    rng = np.random.default_rng(2)
    weights = {"conv": rng.normal(size=(5, 4)), "scale": rng.normal(size=5), "shift": rng.normal(size=5)}
    weights["fc"] = rng.normal(size=(2, 15))
    group = [Axis("conv", 0), Axis("scale", 0), Axis("shift", 0), Axis("fc", 1, each=3)]
    smaller = prune.remove(weights, group, [1, 4])
    assert {name: array.shape for name, array in smaller.items()} == {
        "conv": (3, 4),
        "scale": (3,),
        "shift": (3,),
        "fc": (2, 9),
    }
    silent = {name: array.copy() for name, array in weights.items()}
    silent["scale"][[1, 4]] = silent["shift"][[1, 4]] = 0
    image = rng.normal(size=(4, 3))
    assert np.allclose(through(smaller, image), through(silent, image))
    assert weights["conv"].shape == (5, 4), "the caller's arrays have changed"


def test_a_name_may_be_in_a_group_twice_as_a_layer_of_a_sum_is():
    square = {"w": np.arange(9.0).reshape(3, 3)}
    assert prune.remove(square, [Axis("w", 0), Axis("w", 1)], [1])["w"].tolist() == [[0, 2], [6, 8]]


@pytest.mark.parametrize(
    ("group", "channels"),
    [
        ([], [0]),
        ([Axis("conv.weight", 0), Axis("fc.weight", 0)], [0]),
        ([Axis("conv.weight", 0), Axis("fc.weight", 1)], [0]),
        ([Axis("conv.weight", 4)], [0]),
        ([Axis("conv", 0)], [0]),
        ([Axis("conv.weight", 0)], [6]),
        ([Axis("conv.weight", 0)], [-1]),
        ([Axis("fc.weight", 1, each=0)], [0]),
    ],
)
def test_groups_that_do_not_share_their_channels_are_refused(group, channels):
    with pytest.raises(prune.CouplingError):
        prune.remove(model(), group, channels)


def test_norms_are_per_channel():
    weights = {"w": np.array([[1.0, -2.0], [3.0, 0.5]])}
    assert prune.norms(weights, "w").tolist() == [3, 3.5]
    assert prune.norms(weights, "w", axis=1).tolist() == [4, 2.5]
    with pytest.raises(prune.CouplingError):
        prune.norms(weights, "v")
