"""Exports, comparisons and operator lists, on small networks made here and on the files that ship."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from offlinefirst.course.lessons import course_root
from offlinefirst.models import micro_operators
from offlinefirst.models.convert import (
    ExportError,
    LackingOperatorsError,
    OutputsError,
    TargetError,
    export_onnx,
    lacking,
    operators,
    parity,
    require,
    rounding_tolerance,
)
from offlinefirst.models.errors import ModelError
from offlinefirst.models.quantize import SourceError, WeightsError

MODELS = course_root() / "datasets/models"
LEAF, LEAF_INT8 = MODELS / "leaf-medium.onnx", MODELS / "leaf-medium-int8.onnx"
LITE, LITE_INT8 = MODELS / "runtimes/leaf-medium.tflite", MODELS / "runtimes/leaf-medium-int8.tflite"


def network():
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Dropout(0.5)]
    made = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 4))
    made[1].running_mean.uniform_(-1, 1)
    made[1].running_var.uniform_(0.5, 2)
    return made


PHOTO = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def scores(path, array):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: array})[0]


# Parity


def test_equal_outputs_have_no_difference():
    same = np.array([[1.0, 5.0, 2.0], [4.0, 0.0, -6.0]])
    report = parity(same, same.copy(), tolerance=1e-6)
    assert report.ok
    assert (report.worst, report.mean, report.changed, report.undecided) == (0, 0, (), 0)
    assert report.scale == 6
    assert report.tolerance == pytest.approx(6e-6)


def test_the_worst_difference_decides_and_not_the_mean():
    reference = np.tile([1.0, 5.0, 2.0, 0.0], (1000, 1))
    other = reference.copy()
    other[617] += 0.01
    report = parity(reference, other, tolerance=1e-4)
    assert not report.ok
    assert report.mean < report.tolerance
    assert report.worst == pytest.approx(0.01)
    assert report.worst_example == 617
    assert report.changed == ()


def test_a_changed_decision_is_named_and_a_tie_is_told_from_it():
    reference = np.array([[1.0, 5.0], [3.0, 3.0 + 1e-5], [0.0, 4.0]])
    other = np.array([[5.0, 1.0], [3.0 + 2e-5, 3.0 + 1e-5], [0.0, 4.0]])
    report = parity(reference, other, tolerance=1e-5)
    assert report.changed == (0, 1)
    assert report.undecided == 1
    assert not report.ok
    assert "2 of 3 decisions changed, 1 undecided" in str(report)


def test_within_the_tolerance_only_undecided_examples_can_change():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(2000, 4))
    other = reference + rng.uniform(-1, 1, reference.shape) * 0.05 * np.abs(reference).max()
    report = parity(reference, other, tolerance=0.05)
    assert report.ok
    best = np.sort(reference, axis=1)
    undecided = set(np.flatnonzero(best[:, -1] - best[:, -2] <= 2 * report.tolerance))
    assert 0 < report.decisions_changed <= report.undecided == len(undecided)
    assert set(report.changed) <= undecided


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["reference", "other model"])
def test_outputs_that_are_no_numbers_are_refused_on_either_side(bad, which):
    good, broken = np.ones((3, 2)), np.ones((3, 2))
    broken[1, 0] = bad
    pair = (broken, good) if which == "reference" else (good, broken)
    with pytest.raises(OutputsError, match=f"the {which} gives NaN or infinite.* 1 of 3 examples.* example 1"):
        parity(*pair, tolerance=0.5)


def test_two_models_that_are_infinite_together_are_not_alike():
    broken = np.full((2, 2), np.inf)
    with pytest.raises(OutputsError):
        parity(broken, broken, tolerance=0.5)


@pytest.mark.parametrize(
    ("first", "second"), [((3, 2), (3, 3)), ((3, 2), (1, 2)), ((0, 2), (0, 2)), ((3,), (3,)), ((3, 0), (3, 0))]
)
def test_outputs_that_cannot_be_compared_are_refused(first, second):
    with pytest.raises(OutputsError):
        parity(np.ones(first), np.ones(second), tolerance=1e-3)


@pytest.mark.parametrize("tolerance", [0, -1, 1, 5, np.nan])
def test_a_tolerance_that_is_no_share_is_refused(tolerance):
    with pytest.raises(ValueError, match="share"):
        parity([[1.0, 2]], [[1.0, 2]], tolerance=tolerance)


# The tolerance


def test_the_tolerance_counts_every_product_of_a_known_network(tmp_path):
    path = export_onnx(network(), {"image": PHOTO}, tmp_path / "leaf.onnx")
    assert rounding_tolerance(path, margin=1) == pytest.approx((3 * 9 + 8) ** 0.5 * 2**-24)
    assert rounding_tolerance(path, margin=5) == pytest.approx(5 * rounding_tolerance(path, margin=1))


def test_rounding_stays_within_the_tolerance_and_small_faults_do_not(tmp_path):
    model = network().eval()
    path = export_onnx(model, {"image": PHOTO}, tmp_path / "leaf.onnx")
    array = np.random.default_rng(3).random((200, 3, 16, 16), dtype=np.float32)
    with torch.no_grad():
        reference = model.double()(torch.from_numpy(array).double()).numpy()
        allowed = rounding_tolerance(path)
        assert parity(reference, scores(path, array), tolerance=allowed).ok
        model[1].eps = 1e-3  # what another library adds to the variance
        wrong = model(torch.from_numpy(array).double()).numpy()
    assert not parity(reference, wrong, tolerance=allowed).ok
    assert not parity(reference, scores(path, array * np.float32(255 / 256)), tolerance=allowed).ok


def test_a_model_without_weights_has_no_depth(tmp_path):
    save(tmp_path / "relu.onnx", [helper.make_node("Relu", ["x"], ["y"])])
    with pytest.raises(ValueError, match="no depth"):
        rounding_tolerance(tmp_path / "relu.onnx")
    with pytest.raises(ValueError, match="margin"):
        rounding_tolerance(LEAF, margin=0.5)


# Exports


@pytest.mark.parametrize("exporter", ["trace", "dynamo"])
def test_both_exporters_write_the_same_function_for_any_batch(tmp_path, exporter):
    model = network()
    examples = {"image": PHOTO.repeat(2, 1, 1, 1)}
    path = export_onnx(model, examples, tmp_path / "leaf.onnx", exporter=exporter, opset=18, note="RGB, 0 to 1")
    array = np.random.default_rng(3).random((5, 3, 16, 16), dtype=np.float32)
    with torch.no_grad():
        reference = model.eval()(torch.from_numpy(array)).numpy()
    assert parity(reference, scores(path, array), tolerance=rounding_tolerance(path)).ok
    graph = onnx.load(path)
    assert [each.version for each in graph.opset_import if not each.domain] == [18]
    assert graph.ir_version == 8
    assert graph.doc_string == "RGB, 0 to 1"
    assert [each.name for each in (*graph.graph.input, *graph.graph.output)] == ["image", "scores"]
    assert [each.name for each in tmp_path.iterdir()] == ["leaf.onnx"]


def test_axes_stay_closed_when_none_is_free(tmp_path):
    path = export_onnx(network(), {"image": PHOTO}, tmp_path / "leaf.onnx", free={})
    with pytest.raises(Exception, match="Got: 2 Expected: 1"):
        scores(path, np.zeros((2, 3, 16, 16), np.float32))


def test_folding_takes_batch_normalisations_away_and_changes_nothing_else(tmp_path):
    model = network()
    folded = export_onnx(model, {"image": PHOTO}, tmp_path / "folded.onnx")
    kept = export_onnx(model, {"image": PHOTO}, tmp_path / "kept.onnx", fold=False)
    assert "BatchNormalization" not in operators(folded)
    assert operators(kept)["BatchNormalization"] == 1
    array = np.random.default_rng(3).random((9, 3, 16, 16), dtype=np.float32)
    assert parity(scores(kept, array), scores(folded, array), tolerance=rounding_tolerance(folded)).ok


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_exported_as_in_use_and_left_as_it_was(tmp_path, training):
    model = network().train(training)
    model[2].eval()
    before = [each.training for each in model.modules()]
    path = export_onnx(model, {"image": PHOTO}, tmp_path / "leaf.onnx")
    assert [each.training for each in model.modules()] == before
    assert "Dropout" not in operators(path)


def test_an_export_is_silent(tmp_path, capfd):
    export_onnx(network(), {"image": PHOTO}, tmp_path / "leaf.onnx", exporter="dynamo", opset=18)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_weights_are_refused_before_anything_is_written(tmp_path, bad):
    model = network()
    with torch.no_grad():
        model[6].weight[1, 2] = bad
    (tmp_path / "leaf.onnx").write_bytes(b"the old one")
    with pytest.raises(WeightsError, match=r"6\.weight"):
        export_onnx(model, {"image": PHOTO}, tmp_path / "leaf.onnx")
    assert (tmp_path / "leaf.onnx").read_bytes() == b"the old one"


def test_an_infinite_mask_is_no_broken_weight_but_a_nan_variance_is(tmp_path):
    model = network()
    model.register_buffer("mask", torch.tensor([-np.inf]))
    export_onnx(model, {"image": PHOTO}, tmp_path / "leaf.onnx")
    model[1].running_var[3] = np.nan
    with pytest.raises(WeightsError, match=r"1\.running_var"):
        export_onnx(model, {"image": PHOTO}, tmp_path / "leaf.onnx")


class Unwritable(torch.nn.Module):
    def forward(self, image):
        return torch.linalg.eigvals(image).real


def test_what_onnx_lacks_is_an_error_that_names_it_and_the_old_file_stays(tmp_path):
    (tmp_path / "leaf.onnx").write_bytes(b"the old one")
    with pytest.raises(ExportError, match=r"Unwritable cannot be written as ONNX with opset 17.*eig") as caught:
        export_onnx(Unwritable(), {"image": torch.rand(1, 4, 4)}, tmp_path / "leaf.onnx")
    assert isinstance(caught.value, ModelError)
    assert [each.name for each in tmp_path.iterdir()] == ["leaf.onnx"]
    assert (tmp_path / "leaf.onnx").read_bytes() == b"the old one"


class Pair(torch.nn.Module):
    def forward(self, said, sentence):
        return said.float() @ sentence.transpose(1, 2)


def test_two_inputs_share_or_do_not_share_an_axis(tmp_path):
    examples = {"said": torch.ones(1, 3, 5, dtype=torch.int64), "sentence": torch.ones(1, 4, 5)}
    free = {"said": {1: "written"}, "sentence": {1: "read"}}
    bounds = {"written": (2, 64), "read": (2, 64)}
    path = export_onnx(
        Pair(), examples, tmp_path / "p.onnx", free=free, bounds=bounds, exporter="dynamo", opset=None, outputs=["out"]
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"said": np.ones((1, 7, 5), np.int64), "sentence": np.ones((1, 9, 5), np.float32)}
    assert session.run(["out"], feed)[0].shape == (1, 7, 9)


# Operators


def save(path, nodes, *, opset=17, ir_version=8, domains=(), initializer=(), functions=()):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(name, 1) for name in domains)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=ir_version, functions=functions), path)
    return path


def test_shipped_files_list_their_operators():
    assert operators(LEAF) == {"Conv": 6, "Relu": 6, "Flatten": 1, "Gemm": 1, "GlobalAveragePool": 1}
    assert operators(LEAF_INT8)["DequantizeLinear"] > operators(LEAF_INT8)["QuantizeLinear"] > 6
    assert operators(LITE)["CONV_2D"] == operators(LITE_INT8)["CONV_2D"] == 6
    assert next(iter(operators(LITE))) == "CONV_2D"


def test_operators_inside_branches_and_functions_are_found(tmp_path):
    ends = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])]
    yes = helper.make_graph([helper.make_node("Sin", ["x"], ["z"])], "yes", [], ends)
    no = helper.make_graph([helper.make_node("Twice", ["x"], ["z"], domain="our.own")], "no", [], ends)
    twice = helper.make_function(
        "our.own", "Twice", ["a"], ["b"], [helper.make_node("Cos", ["a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    truth = helper.make_tensor("truth", TensorProto.BOOL, [1], [True])
    node = helper.make_node("If", ["truth"], ["y"], then_branch=yes, else_branch=no)
    path = save(tmp_path / "if.onnx", [node], domains=["our.own"], initializer=[truth], functions=[twice])
    assert operators(path) == {"Cos": 1, "If": 1, "Sin": 1}


def loads(path):
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001 - the runtime's errors have no common root
        return False
    return True


NODE = helper.make_node
CASES = {
    "known": ([NODE("Relu", ["x"], ["y"])], {}),
    "made of others": ([NODE("HardSwish", ["x"], ["y"])], {}),
    "the runtime's own": ([NODE("Gelu", ["x"], ["y"], domain="com.microsoft")], {"domains": ["com.microsoft"]}),
    "nobody's": ([NODE("Bogus", ["x"], ["y"], domain="com.microsoft")], {"domains": ["com.microsoft"]}),
    "another's": ([NODE("Relu", ["x"], ["y"], domain="our.own")], {"domains": ["our.own"]}),
    "no kernel": ([NODE("ImageDecoder", ["x"], ["y"])], {"opset": 20, "ir_version": 9}),
    "too new an opset": ([NODE("Relu", ["x"], ["y"])], {"opset": 500}),
    "too new a format": ([NODE("Relu", ["x"], ["y"])], {"ir_version": 200}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_lacking_agrees_with_what_the_runtime_does(tmp_path, case):
    nodes, how = CASES[case]
    path = save(tmp_path / "model.onnx", nodes, **how)
    found = lacking(path, "onnxruntime")
    assert (not found) == (case in ("known", "made of others", "the runtime's own"))
    if case != "no kernel":  # the least graph around this one would be refused for its kinds of numbers
        assert loads(path) == (not found)
    if found:
        with pytest.raises(LackingOperatorsError, match="cannot run on onnxruntime"):
            require(path, "onnxruntime")
    else:
        require(path, "onnxruntime")


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.float16])
def test_a_kind_of_numbers_that_the_runtime_has_no_kernel_for_is_lacking(tmp_path, kind):
    path = export_onnx(network().to(kind), {"image": PHOTO.to(kind)}, tmp_path / "kind.onnx")
    found = lacking(path, "onnxruntime")
    assert loads(path) == (not found) == (kind != torch.float64)
    if found:
        assert {each.operator for each in found} >= {"Conv", "GlobalAveragePool"}
        with pytest.raises(LackingOperatorsError, match=r"Conv has kernels in .*, and none for tensor\(double\)"):
            require(path, "onnxruntime")


def test_kinds_are_looked_at_inside_branches_too(tmp_path):
    ends = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])]
    wide = [NODE("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), NODE("Erf", ["d"], ["e"])]
    yes = helper.make_graph([*wide, NODE("Cast", ["e"], ["z"], to=TensorProto.FLOAT)], "yes", [], ends)
    no = helper.make_graph([NODE("Sin", ["x"], ["z"])], "no", [], ends)
    truth = helper.make_tensor("truth", TensorProto.BOOL, [1], [True])
    node = NODE("If", ["truth"], ["y"], then_branch=yes, else_branch=no)
    path = save(tmp_path / "if.onnx", [node], initializer=[truth])
    assert [each.operator for each in lacking(path, "onnxruntime")] == ["Erf"]
    assert not loads(path)


def test_the_reason_says_how_new_is_too_new(tmp_path):
    path = save(tmp_path / "model.onnx", CASES["known"][0], opset=500, ir_version=200)
    assert [each.operator for each in lacking(path, "onnxruntime")] == ["format version 200", "opset 500"]
    assert all("newer than this ONNX Runtime" in each.why for each in lacking(path, "onnxruntime"))


def test_everything_that_ships_may_go_where_it_is_meant_for():
    for path in MODELS.glob("*.onnx"):
        assert lacking(path, "onnxruntime") == ()
    for path in (MODELS / "runtimes").glob("*.tflite"):
        assert lacking(path, "litert") == ()
        assert lacking(path, "tflite-micro") == ()


def test_a_reduced_build_lacks_what_it_was_not_built_with():
    build = set(operators(LEAF))
    assert lacking(LEAF, build) == ()
    assert {each.operator for each in lacking(LEAF_INT8, build)} == {"DequantizeLinear", "QuantizeLinear"}
    with pytest.raises(LackingOperatorsError, match=r"this build: DequantizeLinear \(x\d+\) is not in this build"):
        require(LEAF_INT8, build)


def test_a_custom_operator_is_not_litert_s_own(tmp_path):
    path = tmp_path / "custom.tflite"
    path.write_bytes(with_custom_operator())
    assert operators(path) == {"CUSTOM:FlexErf": 1}
    assert [each.operator for each in lacking(path, "litert")] == ["CUSTOM:FlexErf"]
    assert [each.operator for each in lacking(path, "tflite-micro")] == ["CUSTOM:FlexErf"]


def with_custom_operator():
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tensors = [schema.TensorT() for _ in range(2)]
    for tensor in tensors:
        tensor.shape, tensor.buffer, tensor.name = [1, 4], 0, b"x"
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = schema.BuiltinOperator.CUSTOM, 32, b"FlexErf"
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [1], [operator]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_micro_s_list_holds_names_of_the_format_only():
    from ai_edge_litert import schema_py_generated as schema

    assert {name for name in micro_operators.KNOWN if not hasattr(schema.BuiltinOperator, name)} == set()
    assert "GELU" not in micro_operators.KNOWN


@pytest.mark.parametrize(
    ("path", "target", "error"),
    [
        (LEAF, "litert", TargetError),
        (LEAF, "tflite-micro", TargetError),
        (LITE, "onnxruntime", TargetError),
        (LEAF, "coreml", TargetError),
        (MODELS / "leaf.json", "onnxruntime", SourceError),
        (MODELS / "nowhere.onnx", "onnxruntime", SourceError),
        (MODELS, "onnxruntime", SourceError),
    ],
)
def test_targets_and_files_that_do_not_go_together_are_refused(path, target, error):
    with pytest.raises(error):
        lacking(path, target)


@pytest.mark.parametrize("source", [LEAF, LITE, LITE_INT8], ids=lambda path: path.name)
@pytest.mark.parametrize("keep", [0, 3, 12, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_an_error_and_not_a_list(tmp_path, source, keep):
    data = source.read_bytes()
    path = tmp_path / f"cut{source.suffix}"
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    with pytest.raises(SourceError, match="cut"):
        operators(path)


def test_a_damaged_flatbuffer_is_an_error_or_a_list_and_nothing_else(tmp_path):
    data, path = bytearray(LITE_INT8.read_bytes()), tmp_path / "damaged.tflite"
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(8, len(data), 40):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        try:
            operators(path)
        except SourceError:
            continue


def test_the_module_loads_no_framework():
    code = "import sys, offlinefirst.models.convert, offlinefirst.models.micro; print([m for m in sys.modules if m in "
    code += "('torch', 'tensorflow', 'onnx', 'onnxruntime', 'ai_edge_litert')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
