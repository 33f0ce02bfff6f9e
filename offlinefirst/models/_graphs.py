"""Reads what is in a model's file: operators and versions of ONNX, operators and tensors of LiteRT."""

import importlib
import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offlinefirst.models.quantize import SourceError

_BITS = {"FLOAT64": 64, "INT64": 64, "UINT64": 64, "COMPLEX64": 64, "COMPLEX128": 128}
_BITS |= {"FLOAT32": 32, "INT32": 32, "UINT32": 32, "FLOAT16": 16, "BFLOAT16": 16, "INT16": 16, "UINT16": 16}
_BITS |= {"INT8": 8, "UINT8": 8, "BOOL": 8, "INT4": 4}
#: What the flatbuffers of a file that was cut or damaged raise when they are read.
_DAMAGE = (struct.error, ValueError, IndexError, TypeError, KeyError, OverflowError, ArithmeticError, AttributeError)


@dataclass(frozen=True)
class LiteTensor:
    """One tensor of a .tflite file.

    Args:
        name: As in the file.
        shape: As in the file; a size that is left open is 1.
        free: Whether a size is left open.
        kind: Such as "INT8".
        size_bytes: Of the elements of that shape.
        constant: Whether the file holds its values.
        variable: Whether it keeps its values from call to call.
        scales: How many scales it is quantised with: 0, 1, or one for each channel.
    """

    name: str
    shape: tuple[int, ...]
    free: bool
    kind: str
    size_bytes: int
    constant: bool
    variable: bool
    scales: int


@dataclass(frozen=True)
class LiteNode:
    """One operator in its place: its name, and the tensors it reads and writes."""

    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class LiteGraph:
    """The main graph of a .tflite file, and the operators of any further ones."""

    tensors: tuple[LiteTensor, ...]
    nodes: tuple[LiteNode, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    elsewhere: tuple[str, ...]


def kind_of(path: Path) -> str:
    """Tell "onnx" or "tflite" by the file's name, and that it is a file.

    Raises:
        SourceError: It is no file, or of neither kind.
    """
    if not path.is_file():
        raise SourceError(f"{path} does not exist, or is no file. Check the path, or convert the model first.")
    if path.suffix not in (".onnx", ".tflite"):
        raise SourceError(f"{path.name}: operators are listed for .onnx and .tflite, not for {path.suffix or 'this'}.")
    return path.suffix[1:]


def read_onnx(path: Path) -> Any:
    """The model, checked by onnx; raises SourceError."""
    try:
        import onnx
    except ImportError as error:
        raise SourceError(f"this needs the package onnx: {error}. Run: python3 course.py setup --full") from error
    kind_of(path)
    try:
        model = onnx.load(path)
        if not (model.graph.node and model.opset_import):
            raise ValueError("it holds no graph")
    except Exception as error:
        raise damaged(path, "an ONNX model", error) from error
    return model


def onnx_nodes(graph: Any) -> Iterator[Any]:
    """Every node of a graph and of the graphs inside its nodes, such as the branches of If."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from onnx_nodes(inner)


def onnx_operators(model: Any) -> Counter[tuple[str, str]]:
    """How often a model has each operator, by domain ("" is ONNX's own) and name; local functions are looked into."""
    local = {(function.domain, function.name): function for function in model.functions}
    found: Counter[tuple[str, str]] = Counter()

    def count(nodes: Iterable[Any], inside: tuple[tuple[str, str], ...] = ()) -> None:
        for node in nodes:
            key = ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
            if key in local and key not in inside:
                count(onnx_nodes(local[key]), (*inside, key))
            else:
                found[key] += 1

    count(onnx_nodes(model.graph))
    return found


def onnx_kinds(model: Any) -> dict[str, str]:
    """The kind of each value that is known, such as "tensor(float)"; a name that stands for two kinds has none."""
    import onnx
    from onnx import shape_inference

    try:
        graph = shape_inference.infer_shapes(model).graph
    except Exception:  # noqa: BLE001 - too large, or odd: then what is declared has to do
        graph = model.graph
    inner = [each for node in onnx_nodes(graph) for a in node.attribute for each in (a.g, *a.graphs)]
    found: dict[str, set[int]] = {}
    for each in (graph, *inner):
        for value in (*each.input, *each.output, *each.value_info):
            found.setdefault(value.name, set()).add(value.type.tensor_type.elem_type)
        for tensor in each.initializer:
            found.setdefault(tensor.name, set()).add(tensor.data_type)
    names = {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1 and 0 not in kinds}
    return {name: f"tensor({onnx.TensorProto.DataType.Name(kind).lower()})" for name, kind in names.items()}


def read_tflite(path: Path) -> LiteGraph:
    """The graph of a .tflite file, all of whose weights are there.

    Raises:
        SourceError: The file is missing, something else or not whole, or nothing that reads it is installed.
    """
    schema = _schema()
    kind_of(path)
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise damaged(path, "a LiteRT model", ValueError("it does not begin as one"))
    try:
        return _graph(schema, schema.Model.GetRootAs(data, 0))
    except _DAMAGE as error:
        raise damaged(path, "a LiteRT model", error) from error


def damaged(path: Path, what: str, error: Exception) -> SourceError:
    """The error for a file that is something else, or not all there."""
    said = " ".join(str(error).split())[:200]
    return SourceError(f"{path.name} is not {what}, or not all of it is there ({said}). Fetch or convert it again.")


def _schema() -> Any:
    """The classes that read the format, from whichever package that has them is installed."""
    for module in ("ai_edge_litert.schema_py_generated", "tensorflow.lite.python.schema_py_generated"):
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError:
            continue
    raise SourceError(
        "reading a .tflite file needs ai-edge-litert, which is not installed. Run: python3 course.py setup --full"
    )


def _names(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def _graph(schema: Any, model: Any) -> LiteGraph:
    operators = _operators(schema, model)
    kinds = _names(schema.TensorType)
    holds = []
    for number in range(model.BuffersLength()):
        data = model.Buffers(number).DataAsNumpy()  # reads past the end of a file that was cut, and so raises
        holds.append(not isinstance(data, int) and data.size > 0)
    graphs = [model.Subgraphs(number) for number in range(model.SubgraphsLength())]
    main = graphs[0]
    tensors = []
    for number in range(main.TensorsLength()):
        one = main.Tensors(number)
        shape = tuple(int(one.Shape(axis)) for axis in range(one.ShapeLength()))
        kind = kinds[one.Type()]
        quantised = one.Quantization()
        tensors.append(
            LiteTensor(
                name=(one.Name() or b"").decode("utf-8", "replace"),
                shape=shape,
                free=any(one.ShapeSignature(axis) == -1 for axis in range(one.ShapeSignatureLength())),
                kind=kind,
                size_bytes=-(-math.prod(shape) * _BITS.get(kind, 0) // 8),
                constant=holds[one.Buffer()],
                variable=bool(one.IsVariable()),
                scales=0 if quantised is None else int(quantised.ScaleLength()),
            )
        )
    nodes = _nodes(main, operators)
    known = range(len(tensors))
    inputs = tuple(int(main.Inputs(n)) for n in range(main.InputsLength()))
    outputs = tuple(int(main.Outputs(n)) for n in range(main.OutputsLength()))
    used = [*inputs, *outputs, *(each for node in nodes for each in (*node.inputs, *node.outputs) if each >= 0)]
    if not nodes or any(each not in known for each in used):
        raise ValueError("its graph refers to what it does not hold")
    elsewhere = tuple(node.operator for graph in graphs[1:] for node in _nodes(graph, operators))
    return LiteGraph(tuple(tensors), nodes, inputs, outputs, elsewhere)


def _operators(schema: Any, model: Any) -> list[str]:
    names = _names(schema.BuiltinOperator)
    found = []
    for number in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(number)
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # old files have only the second
        custom = (code.CustomCode() or b"").decode("utf-8", "replace")
        found.append(f"CUSTOM:{custom}" if names.get(builtin) == "CUSTOM" else names.get(builtin, f"CODE:{builtin}"))
    return found


def _nodes(graph: Any, operators: list[str]) -> tuple[LiteNode, ...]:
    nodes = []
    for number in range(graph.OperatorsLength()):
        one = graph.Operators(number)
        nodes.append(
            LiteNode(
                operators[one.OpcodeIndex()],
                tuple(int(one.Inputs(n)) for n in range(one.InputsLength())),
                tuple(int(one.Outputs(n)) for n in range(one.OutputsLength())),
            )
        )
    return tuple(nodes)
