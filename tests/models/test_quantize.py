"""Arithmetic of bytes against exact numbers, and a small network through `quantise_model`, good input and bad."""

import json
import subprocess
import sys

import numpy as np
import pytest

from offlinefirst.models import quantize
from offlinefirst.models.errors import ModelError
from offlinefirst.models.quantize import (
    METHODS,
    CalibrationError,
    QuantisedAlreadyError,
    SourceError,
    WeightsError,
    affine,
    clipped_range,
    quantise_model,
    saturates,
    symmetric,
)

RANGES = [(-0.6, 1.3), (0.0, 6.0), (0.3, 1.3), (-2.0, -1.0), (0.0, 0.0), (-1e-4, 3.0), (-3.0, 1e-4)]


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_zero_is_exact_and_no_value_in_the_range_is_a_step_off(low, high, bits):
    found = affine(low, high, bits=bits)
    assert found.restore(found.quantise(0.0)) == 0
    assert 0 <= int(found.zero_point) <= found.high == 2**bits - 1
    values = np.linspace(low, high, 257, dtype=np.float32)
    off = np.abs(found.restore(found.quantise(values)) - values).max()
    assert off <= 1.01 * float(found.scale)
    wide = max(high, 0) - min(low, 0)
    assert wide == 0 or float(found.scale) == pytest.approx(wide / found.high, rel=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "zero_point"), [(-0.5, 1.5, 64), (-0.1, 1.3, 18), (0.3, 1.3, 0), (-2, -1, 255)]
)
def test_the_zero_point_is_the_nearest_whole_number(low, high, zero_point):
    assert int(affine(low, high).zero_point) == zero_point


def test_what_lies_outside_goes_to_the_ends():
    found = affine(-1, 1)
    assert found.quantise([-50, 50]).tolist() == [0, 255]


@pytest.mark.parametrize("ends", [(np.nan, 1), (0, np.inf), (2, 1)])
def test_no_range_is_refused(ends):
    with pytest.raises(CalibrationError, match="no range"):
        affine(*ends)


@pytest.mark.parametrize("bits", [0, 17, 2.5])
def test_no_width_is_refused(bits):
    with pytest.raises(ValueError, match="bits="):
        affine(0, 1, bits=bits)


def test_each_channel_has_its_own_scale_and_none_is_more_than_half_a_step_off():
    weights = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32) * np.float32([[[1]], [[10]], [[100]]])
    each, one = symmetric(weights, axis=0), symmetric(weights)
    assert each.scale.shape == (3, 1, 1)
    assert one.scale.shape == ()
    off = np.abs(each.restore(each.quantise(weights)) - weights)
    assert (off <= 0.501 * each.scale).all()
    assert np.abs(each.quantise(weights)).max(axis=(1, 2)).tolist() == [127, 127, 127]
    worse = np.abs(one.restore(one.quantise(weights)) - weights)[0].max()
    assert worse > 10 * off[0].max()


@pytest.mark.parametrize("bad", [[1.0, np.nan], [np.inf], []])
def test_weights_that_are_no_numbers_are_refused(bad):
    with pytest.raises(WeightsError, match="finite"):
        symmetric(bad)


def test_integer_products_of_both_kinds_are_exact():
    rng = np.random.default_rng(2)
    a_real, b_real = rng.random((5, 300)), rng.normal(size=(300, 4))
    a, b = affine(0, 1), symmetric(b_real, axis=1)
    sums = (a.quantise(a_real) - a.zero_point) @ b.quantise(b_real)
    assert np.allclose(
        sums * a.scale * b.scale, a.restore(a.quantise(a_real)) @ b.restore(b.quantise(b_real)), atol=1e-3
    )
    assert np.abs(sums * a.scale * b.scale - a_real @ b_real).max() < 0.3


def histogram(values):
    return np.histogram(values, bins=2048)


TAIL = np.concatenate([np.random.default_rng(3).exponential(1, 100_000), [60.0]])


def test_range_keeps_everything_and_the_others_cut_the_tail():
    assert clipped_range(*histogram(TAIL), method="range")[1] == 60
    assert 6 < clipped_range(*histogram(TAIL), method="percentile")[1] < 40
    assert 5 < clipped_range(*histogram(TAIL), method="error", bits=4)[1] < 40
    assert 8 < clipped_range(*histogram(TAIL), method="entropy")[1] <= 60


def test_error_finds_the_least_squared_error():
    counts, edges = histogram(TAIL)
    middles = (edges[1:] + edges[:-1]) / 2

    def cost(high):
        whole = affine(0, high, bits=4)
        return (counts * (whole.restore(whole.quantise(middles)) - middles) ** 2).sum()

    found = clipped_range(counts, edges, method="error", bits=4)[1]
    assert cost(found) <= 1.02 * min(cost(high) for high in np.linspace(3, 60, 200))
    assert cost(found) < 0.5 * cost(60)


def test_a_relu_s_noughts_do_not_drown_the_rest_in_entropy():
    values = np.maximum(np.random.default_rng(4).normal(size=200_000), 0)
    assert clipped_range(*histogram(values), method="entropy")[1] > 2.5


def test_a_percentile_cuts_at_both_ends():
    low, high = clipped_range(*histogram(np.linspace(-1, 1, 100_001)), method="percentile", percentile=90)
    assert low == pytest.approx(-0.9, abs=0.01)
    assert high == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("counts", "edges", "how", "error"),
    [
        ([0, 0], [0, 1, 2], {}, CalibrationError),
        ([1, 2], [0, 1], {}, CalibrationError),
        ([1, 2], [0, 1, np.nan], {}, CalibrationError),
        ([1], [0, 1], {"method": "guess"}, ValueError),
        ([1], [0, 1], {"percentile": 12}, ValueError),
    ],
)
def test_broken_histograms_and_unknown_methods_are_refused(counts, edges, how, error):
    with pytest.raises(error):
        clipped_range(counts, edges, **how)


@pytest.mark.parametrize(
    ("flags", "answer"),
    [
        (["avx2"], True),
        (["sse4_2", "avx", "avx2", "avx512f"], True),
        (["avx2", "avx512_vnni"], False),
        (["avx2", "avx_vnni"], False),
        (["asimd"], False),
        ([], False),
    ],
)
def test_which_processors_saturate(flags, answer):
    assert saturates(flags) is answer


@pytest.mark.parametrize("flag", ["avx512_vnni", "avx_vnni", "amx_int8"])
def test_the_host_notes_every_flag_that_decides(monkeypatch, flag):
    from offlinefirst.measure import host

    monkeypatch.setattr(host.sys, "platform", "linux")
    text = f"model name\t: Some CPU\nflags\t\t: fpu sse4_2 avx avx2 {flag}\n"
    monkeypatch.setattr(host.Path, "read_text", lambda path, encoding: text)
    assert saturates(["avx2"])
    assert not saturates(host.host()["cpu_flags"])


def test_the_arithmetic_needs_no_framework():
    code = "import sys, json; import offlinefirst.models.quantize; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"onnx", "onnxruntime", "torch", "tensorflow"} & set(json.loads(loaded))


onnx = pytest.importorskip("onnx")
RNG = np.random.default_rng(5)
WEIGHT = RNG.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32)


def save(path, *, weight=WEIGHT, batch="n", last="Gemm"):
    """A convolution, a ReLU, an average and a linear layer."""
    from onnx import TensorProto, helper, numpy_helper

    values = {"w": weight, "b": np.zeros(8, np.float32), "v": RNG.normal(size=(8, 2)).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node(last, ["f", "v"], ["y"], name="last"),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 2])
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "small", [given], [made], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def small(tmp_path):
    return save(tmp_path / "small.onnx")


PHOTOS = RNG.random((20, 3, 8, 8), dtype=np.float32)


def run(path, photos):
    import onnxruntime

    return onnxruntime.InferenceSession(str(path)).run(None, {"x": photos})[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_a_quantised_network_answers_like_the_float_one(small, tmp_path, method, per_channel):
    done = quantise_model(small, tmp_path / "out.onnx", {"x": PHOTOS}, method=method, per_channel=per_channel)
    exact, found = run(small, PHOTOS), run(done.path, PHOTOS)
    assert np.abs(found - exact).max() < 0.06 * np.abs(exact).max()
    types = {node.op_type for node in onnx.load(done.path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= types
    assert done.left_in_float == ()
    assert done.target_bytes == done.path.stat().st_size
    assert done.ratio == done.source_bytes / done.target_bytes


def test_seven_bits_use_half_of_the_steps(small, tmp_path):
    from onnx import numpy_helper

    done = quantise_model(small, tmp_path / "out.onnx", {"x": PHOTOS}, reduce_range=True)
    bytes_ = [numpy_helper.to_array(value) for value in onnx.load(done.path).graph.initializer]
    assert max(np.abs(array.astype(int)).max() for array in bytes_ if array.dtype == np.int8) <= 64


def test_ranges_come_from_the_examples_and_from_nothing_else(small, tmp_path):
    dim = quantise_model(small, tmp_path / "dim.onnx", {"x": PHOTOS / 4}).ranges["x"]
    bright = quantise_model(small, tmp_path / "bright.onnx", {"x": PHOTOS}).ranges["x"]
    assert bright == (float(PHOTOS.min()), float(PHOTOS.max()))
    assert dim[1] == pytest.approx(bright[1] / 4)


def test_a_fixed_batch_of_one_is_fed_one_at_a_time(tmp_path):
    source = save(tmp_path / "one.onnx", batch=1)
    assert quantise_model(source, tmp_path / "out.onnx", {"x": PHOTOS}).target_bytes > 0


NAN = PHOTOS.copy()
NAN[3, 1, 2, 2] = np.nan


@pytest.mark.parametrize(
    ("calibration", "says"),
    [
        ({"x": PHOTOS[:0]}, "no example of x"),
        ({}, "the calibration set gives none"),
        ({"image": PHOTOS}, "takes the inputs x; the calibration set gives image"),
        ({"x": PHOTOS, "more": PHOTOS}, "gives x, more"),
        (PHOTOS, "gives ndarray"),
        ({"x": (255 * PHOTOS).astype(np.uint8)}, "x is float32 in small.onnx, and uint8"),
        ({"x": PHOTOS.astype(np.float64)}, "and float64"),
        ({"x": PHOTOS.transpose(0, 2, 3, 1)}, "order of its axes"),
        ({"x": PHOTOS[0]}, "has the shape"),
        ({"x": NAN}, "NaN or infinite values of x"),
    ],
)
def test_a_calibration_set_that_cannot_be_is_refused_before_anything_is_written(small, tmp_path, calibration, says):
    target = tmp_path / "out.onnx"
    target.write_bytes(b"the model of last month")
    with pytest.raises(CalibrationError, match=says):
        quantise_model(small, target, calibration)
    assert target.read_bytes() == b"the model of last month"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.onnx", "small.onnx"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(tmp_path, bad):
    weight = WEIGHT.copy()
    weight[1, 1, 1, 1] = bad
    with pytest.raises(WeightsError, match=r"broken\.onnx holds weights .*: w \(1 of 216\)"):
        quantise_model(save(tmp_path / "broken.onnx", weight=weight), tmp_path / "out.onnx", {"x": PHOTOS})


def test_a_quantised_model_is_not_quantised_again(small, tmp_path):
    once = quantise_model(small, tmp_path / "once.onnx", {"x": PHOTOS}).path
    with pytest.raises(QuantisedAlreadyError, match=r"once\.onnx is quantised already: it holds DequantizeLinear"):
        quantise_model(once, tmp_path / "twice.onnx", {"x": PHOTOS})


def test_a_missing_or_a_damaged_file_is_named(small, tmp_path):
    with pytest.raises(SourceError, match=r"none\.onnx does not exist"):
        quantise_model(tmp_path / "none.onnx", tmp_path / "out.onnx", {"x": PHOTOS})
    small.write_bytes(small.read_bytes()[:500])
    with pytest.raises(SourceError, match=r"small\.onnx is no ONNX model"):
        quantise_model(small, tmp_path / "out.onnx", {"x": PHOTOS})


def test_an_unknown_method_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match="guess"):
        quantise_model(tmp_path / "none.onnx", tmp_path / "out.onnx", {}, method="guess")


def test_what_is_left_in_float_is_told(small, tmp_path):
    from offlinefirst.models import _qdq

    assert _qdq.left_in_float(small) == ("Conv", "Gemm last")


def test_the_first_convolutions_can_stay_in_float(small, tmp_path):
    done = quantise_model(small, tmp_path / "out.onnx", {"x": PHOTOS}, first_in_float=1)
    assert len(done.left_in_float) == 1
    assert done.left_in_float[0].startswith("Conv")
    nodes = list(onnx.load(done.path).graph.node)
    (conv,) = [node for node in nodes if node.op_type == "Conv"]
    assert conv.input[0] == "x"
    users = [node.op_type for node in nodes if conv.output[0] in node.input]
    assert users == ["Relu"]  # it stays behind its convolution, where the engine fuses the two
    exact = run(small, PHOTOS)
    assert np.abs(run(done.path, PHOTOS) - exact).max() < 0.06 * np.abs(exact).max()
    with pytest.raises(ValueError, match="first_in_float=-1"):
        quantise_model(small, tmp_path / "out.onnx", {"x": PHOTOS}, first_in_float=-1)


def test_every_error_has_the_parts_root():
    for error in (CalibrationError, WeightsError, QuantisedAlreadyError, SourceError):
        assert issubclass(error, ModelError)
    assert quantize.ModelError is ModelError
