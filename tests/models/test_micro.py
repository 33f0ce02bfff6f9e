"""The arena's plan against cases of TFLite Micro's own test, against brute force, and on the files that ship."""

import itertools

import numpy as np
import pytest

from offlinefirst.course.lessons import course_root
from offlinefirst.models import _graphs, micro
from offlinefirst.models._graphs import LiteGraph, LiteNode, LiteTensor
from offlinefirst.models.micro import BOARDS, Board, MicroError, budget, plan
from offlinefirst.models.quantize import SourceError

FOLDER = course_root() / "datasets/models/runtimes"
SMALL, MEDIUM, FLOAT = (FOLDER / f"{name}.tflite" for name in ("leaf-small-int8", "leaf-medium-int8", "leaf-medium"))

# Buffers (size, first, last) and the offsets that greedy_memory_planner_test.cc of tflite-micro expects.
KNOWN = [
    ([(10, 0, 1), (20, 2, 3)], [0, 0]),
    ([(10, 0, 1), (20, 1, 2), (30, 2, 3), (40, 3, 4), (50, 0, 1)], [50, 70, 40, 0, 0]),
    ([(100, 0, 1), (50, 2, 3), (20, 1, 2)], [0, 0, 100]),
]


@pytest.mark.parametrize(("buffers", "offsets"), KNOWN)
def test_known_plans(buffers, offsets):
    assert plan(buffers) == offsets


def test_of_equal_buffers_the_last_is_placed_first():
    assert plan([(8, 0, 1), (8, 0, 1), (8, 0, 1)]) == [16, 8, 0]


def test_no_two_buffers_overlap_and_none_could_be_lower_when_it_was_placed():
    rng = np.random.default_rng(5)
    for _ in range(200):
        count = int(rng.integers(1, 14))
        first = rng.integers(0, 10, count)
        buffers = [
            (int(size), int(start), int(start + length))
            for size, start, length in zip(
                rng.integers(1, 6, count) * 16, first, rng.integers(0, 5, count), strict=True
            )
        ]
        offsets = plan(buffers)
        order = sorted(range(count), key=lambda n: (-buffers[n][0], -n))
        for at, one in enumerate(order):
            taken = [n for n in order[:at] if meets(buffers[n], buffers[one])]
            places = range(0, 16 * 80, 16)
            free = next(p for p in places if all(apart(p, buffers[one][0], offsets[n], buffers[n][0]) for n in taken))
            assert offsets[one] == free


def meets(one, other):
    return one[1] <= other[2] and other[1] <= one[2]


def apart(place, size, other_place, other_size):
    return place + size <= other_place or other_place + other_size <= place


@pytest.mark.parametrize("bad", [(-1, 0, 1), (4, 3, 2)])
def test_what_is_no_buffer_is_refused(bad):
    with pytest.raises(MicroError, match="is none"):
        plan([bad])


def tensor(name, size, **other):
    given = {"constant": False, "variable": False, "scales": 0, "kind": "INT8"} | other
    return LiteTensor(name=name, shape=(size,), free=False, size_bytes=size, **given)


def graph(tensors, nodes, inputs, outputs, elsewhere=()):
    return LiteGraph(tuple(tensors), tuple(LiteNode(*node) for node in nodes), inputs, outputs, elsewhere)


@pytest.fixture
def given(monkeypatch, tmp_path):
    """Let `budget` read a graph that was made here."""

    def use(made):
        path = tmp_path / "made.tflite"
        path.write_bytes(b"x" * 100)
        monkeypatch.setattr(_graphs, "read_tflite", lambda _: made)
        return path

    return use


CHAIN = graph(
    [
        tensor("in", 100),
        tensor("weights", 5000, constant=True, scales=7),
        tensor("a", 200),
        tensor("b", 60),
        tensor("out", 4),
        tensor("state", 33, variable=True),
    ],
    [("CONV_2D", (0, 1, -1), (2,)), ("RELU", (2,), (3,)), ("FULLY_CONNECTED", (3, 1), (4,))],
    (0,),
    (4,),
)


def test_lifetimes_sizes_and_bookkeeping_of_a_chain(given):
    found = budget(given(CHAIN))
    spans = {each.name: (each.size_bytes, each.first, each.last) for each in found.placed}
    assert spans == {"in": (112, 0, 1), "a": (208, 1, 2), "b": (64, 2, 3), "out": (16, 3, 3)}
    assert found.planned_bytes == 208 + 112
    assert found.kept_bytes == 48
    assert found.bookkeeping_bytes == 6 * 12 + 3 * 32 + 7 * 8
    assert found.arena_bytes == 320 + 48 + 224
    assert found.model_bytes == 100
    assert found.floats == 0
    assert found.missing == ()


def test_what_keeps_its_values_has_a_place_of_its_own(given):
    made = graph([tensor("in", 64), tensor("state", 640, variable=True)], [("SVDF", (0, 1), (1,))], (0,), (1,))
    found = budget(given(made))
    assert [each.name for each in found.placed] == ["in"]
    assert (found.planned_bytes, found.kept_bytes) == (64, 640)


def test_an_input_that_is_used_late_lives_long_and_an_output_to_the_end(given):
    made = graph(
        [tensor("in", 64), tensor("a", 64), tensor("early", 64), tensor("b", 64), tensor("c", 64)],
        [("RELU", (0,), (1,)), ("RELU", (1,), (2,)), ("RELU", (1,), (3,)), ("ADD", (3, 0), (4,))],
        (0,),
        (2, 4),
    )
    spans = {each.name: (each.first, each.last) for each in budget(given(made)).placed}
    assert spans == {"in": (0, 4), "a": (1, 3), "early": (2, 4), "b": (3, 4), "c": (4, 4)}


def test_reasons_are_complete_and_each_has_its_own(given):
    made = graph(
        CHAIN.tensors, [("GELU", (0,), (2,)), *((n.operator, n.inputs, n.outputs) for n in CHAIN.nodes)], (0,), (4,)
    )
    found = budget(given(made))
    assert [each.operator for each in found.missing] == ["GELU"]
    assert len(found.why_not(Board("tiny", 10, 10, "none"))) == 3
    assert found.why_not(Board("large", 10**6, 10**6, "none")) == ("GELU has no kernel in TFLite Micro",)


def layer(operator, data, weights):
    tensors = [tensor("in", 64, kind=data), tensor("w", 64, kind=weights, constant=True), tensor("out", 64, kind=data)]
    inputs = (1, 1, 0, -1) if operator == "TRANSPOSE_CONV" else (0, 1, -1)
    return graph(tensors, [(operator, inputs, (2,))], (0,), (2,))


LAYERS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]


@pytest.mark.parametrize("operator", LAYERS)
@pytest.mark.parametrize(
    ("data", "weights", "runs"),
    [
        ("FLOAT32", "FLOAT32", True),
        ("INT8", "INT8", True),
        ("INT16", "INT8", True),
        ("FLOAT32", "INT8", False),
        ("FLOAT32", "FLOAT16", False),
        ("UINT8", "UINT8", False),
        ("INT16", "INT4", False),
    ],
)
def test_float_data_with_weights_of_8_bits_is_lacking(given, operator, data, weights, runs):
    found = budget(given(layer(operator, data, weights)))
    assert [each.operator for each in found.missing] == ([] if runs else [operator])
    if not runs:
        assert f"input of {data} and weights of {weights}" in found.why_not(BOARDS[1])[0]


@pytest.mark.parametrize("operator", LAYERS)
def test_weights_of_4_bits_go_with_data_of_8_where_there_is_a_kernel(given, operator):
    assert bool(budget(given(layer(operator, "INT8", "INT4"))).missing) == (operator == "TRANSPOSE_CONV")


@pytest.mark.parametrize("node", [("WHILE", (0,), (2,)), ("IF", (0,), (2,))])
def test_a_model_that_branches_is_refused(given, node):
    with pytest.raises(MicroError, match="depends on the input"):
        budget(given(graph(CHAIN.tensors, [node], (0,), (2,))))


def test_shipped_models_are_planned_without_overlap_and_near_the_least_possible():
    for path in (SMALL, MEDIUM, FLOAT):
        found = budget(path)
        for one, other in itertools.combinations(found.placed, 2):
            if one.first <= other.last and other.first <= one.last:
                assert apart(one.offset_bytes, one.size_bytes, other.offset_bytes, other.size_bytes)
        times = range(max(each.last for each in found.placed) + 1)
        least = max(sum(p.size_bytes for p in found.placed if p.first <= time <= p.last) for time in times)
        assert least <= found.planned_bytes <= 1.25 * least
        assert found.missing == ()
        assert all(each.offset_bytes % micro.ALIGNMENT_BYTES == 0 for each in found.placed)
        assert found.model_bytes == path.stat().st_size


def test_bytes_take_a_quarter_of_what_floats_take_and_the_boards_are_told_apart():
    whole, small = budget(MEDIUM), budget(SMALL)
    floats = budget(FLOAT)
    assert floats.floats == len(floats.placed)
    assert small.floats == 0
    assert 3.5 < floats.planned_bytes / whole.planned_bytes < 4.1
    uno, pico, nano = BOARDS
    assert len(small.why_not(uno)) >= 1
    assert small.why_not(pico) == small.why_not(nano) == ()


def test_the_interpreter_agrees_about_the_tensors_sizes():
    from ai_edge_litert.interpreter import Interpreter

    engine = Interpreter(model_path=str(SMALL))
    sizes = {each["name"]: int(np.prod(each["shape"])) for each in engine.get_tensor_details()}
    read = _graphs.read_tflite(SMALL).tensors
    assert {each.name for each in read} <= set(sizes)
    for each in read:
        assert each.size_bytes == sizes[each.name] * {"INT8": 1, "INT32": 4}[each.kind]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "no.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match=r"no\.tflite is not a LiteRT model"):
        budget(tmp_path / "no.tflite")
    with pytest.raises(SourceError):
        budget(tmp_path / "nowhere.tflite")
