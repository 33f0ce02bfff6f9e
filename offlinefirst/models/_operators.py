"""Lists a model's operators, and says which of them a runtime lacks, before anything is sent to it."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from offlinefirst.models import _graphs, micro_operators
from offlinefirst.models.errors import ModelError

Runtime = Literal["onnxruntime", "litert", "tflite-micro"]
RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "litert", "tflite-micro")
_OPEN = 2**31 - 1  # what ONNX Runtime says for "and all later versions"
_WIDENED = "tensor(float16)"  # ONNX Runtime puts casts around an operator without a kernel for these
_Kernels = dict[tuple[str, str], list[tuple[int, int, dict[str, list[str]]]]]


class TargetError(ModelError, ValueError):
    """A runtime that is not known here, or that reads files of another kind."""


class LackingOperatorsError(ModelError):
    """A runtime lacks operators that a model needs."""


@dataclass(frozen=True)
class Lack:
    """One operator that a target lacks: its name, how often the model has it, and why it cannot run."""

    operator: str
    count: int
    why: str

    def __str__(self) -> str:
        return f"{self.operator}{f' (x{self.count})' if self.count > 1 else ''} {self.why}"


def operators(path: Path | str) -> dict[str, int]:
    """List a model's operators, the most frequent first.

    Args:
        path: A .onnx or .tflite file.

    Returns:
        Counts by name. ONNX operators of another domain are "domain::Name"; LiteRT's own are in capitals, others
        "CUSTOM:name". Graphs inside operators are looked into.

    Raises:
        SourceError: The file is missing, of another kind or not whole, or what reads it is not installed.
    """
    path = Path(path)
    if _graphs.kind_of(path) == "tflite":
        graph = _graphs.read_tflite(path)
        names = [*(node.operator for node in graph.nodes), *graph.elsewhere]
        counts = {name: names.count(name) for name in names}
    else:
        found = _graphs.onnx_operators(_graphs.read_onnx(path))
        counts = {_full_name(domain, name): count for (domain, name), count in found.items()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def lacking(path: Path | str, target: Runtime | Collection[str]) -> tuple[Lack, ...]:
    """Say which of a model's operators a runtime lacks, without running anything.

    How much is looked at depends on the target. "onnxruntime": names, versions, and kinds of numbers where they can be
    inferred from the file. "litert": names alone; versions and kinds only loading tells. "tflite-micro": names, and
    whether input and weights of convolutions and full layers are kinds that its kernels take together. A set of names:
    those.

    Args:
        path: A .onnx or .tflite file.
        target: "onnxruntime" (the CPU kernels of the one installed here), "litert" (its built-in operators),
            "tflite-micro" (see `micro_operators`), or the names that a reduced build has, as `operators` gives them.

    Returns:
        What is lacking; empty when the model may go there.

    Raises:
        TargetError: The target is not known, or does not read this kind of file.
        SourceError: As for `operators`.
    """
    path = Path(path)
    kind, found = _graphs.kind_of(path), operators(path)
    if not isinstance(target, str):
        allowed = set(target)
        return tuple(Lack(name, n, "is not in this build") for name, n in found.items() if name not in allowed)
    if target not in RUNTIMES:
        raise TargetError(f"no runtime is called {target!r} here; one of {', '.join(RUNTIMES)}, or a set of operators")
    if (target == "onnxruntime") != (kind == "onnx"):
        raise TargetError(f"{target} does not read {path.suffix} files: convert {path.name} first")
    if kind == "onnx":
        return _lacking_in_onnxruntime(path)
    if target == "litert":
        own = "is no operator of LiteRT's own: the app would have to bring its kernel"
        newer = "is an operator that was added after this LiteRT"
        return tuple(
            Lack(name, n, newer if name.startswith("CODE:") else own) for name, n in found.items() if ":" in name
        )
    unknown = [name for name in found if name not in micro_operators.KNOWN]
    return (
        *(Lack(name, found[name], "has no kernel in TFLite Micro") for name in unknown),
        *_hybrids(_graphs.read_tflite(path)),
    )


def require(path: Path | str, target: Runtime | Collection[str]) -> None:
    """Refuse a model that a runtime cannot run.

    Raises:
        LackingOperatorsError: It lacks operators; names them, with counts and reasons.
        TargetError, SourceError: As for `lacking`.
    """
    found = lacking(path, target)
    if found:
        name = target if isinstance(target, str) else "this build"
        raise LackingOperatorsError(
            f"{Path(path).name} cannot run on {name}: {'; '.join(map(str, found[:5]))}. Export it without these, "
            "or for an older opset if they are too new, or choose another target."
        )


def _full_name(domain: str, name: str) -> str:
    return f"{domain}::{name}" if domain else name


def _hybrids(graph: _graphs.LiteGraph) -> list[Lack]:
    """Operators of the main graph whose input and weights TFLite Micro does not take together."""
    found: Counter[tuple[str, str, str]] = Counter()
    for node in graph.nodes:
        given, weights = micro_operators.PLACES.get(node.operator, (0, 0))
        if weights and len(node.inputs) > max(given, weights) and min(node.inputs[given], node.inputs[weights]) >= 0:
            kinds = (graph.tensors[node.inputs[given]].kind, graph.tensors[node.inputs[weights]].kind)
            if kinds not in micro_operators.TOGETHER[node.operator]:
                found[node.operator, *kinds] += 1
    why = "with input of {} and weights of {} has no kernel in TFLite Micro, which takes no such mixture"
    return [Lack(name, count, why.format(*kinds)) for (name, *kinds), count in found.items()]


def _lacking_in_onnxruntime(path: Path) -> tuple[Lack, ...]:
    """By the kernels that the installed runtime says it has for the CPU: by version and kinds of numbers."""
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    model = _graphs.read_onnx(path)
    versions = {("" if each.domain == "ai.onnx" else each.domain): each.version for each in model.opset_import}
    kernels: _Kernels = {}
    if not hasattr(runtime, "get_all_opkernel_def"):
        raise TargetError("this build of ONNX Runtime does not tell its kernels: load the model there to find out")
    for kernel in runtime.get_all_opkernel_def():
        if kernel.provider == "CPUExecutionProvider":
            one = (*kernel.version_range, kernel.type_constraints)
            kernels.setdefault((kernel.domain, kernel.op_name), []).append(one)
    found = _too_new(model.ir_version, versions.get("", 1))
    for (domain, name), count in _graphs.onnx_operators(model).items():
        version, spans = versions.get(domain, 1), kernels.get((domain, name), [])
        if (schema := _schema(domain, name, version)) is not None:
            if not spans and _has_body(schema):
                continue  # made of other operators, into which the runtime takes it apart
            version = schema.since_version
        if not spans:
            found.append(Lack(_full_name(domain, name), count, "has no kernel in this ONNX Runtime"))
        elif not any(first <= version <= last for first, last, _ in spans):
            why = f"is of version {version}, and this ONNX Runtime has it for {_spans(spans)}"
            found.append(Lack(_full_name(domain, name), count, why))
    return (*found, *_other_kinds(model, kernels, versions))


def _schema(domain: str, name: str, version: int) -> Any:
    """What ONNX says about an operator; None about one that is not ONNX's."""
    import onnx

    try:
        return onnx.defs.get_schema(name, max_inclusive_version=version, domain=domain)
    except onnx.defs.SchemaError:
        return None


def _has_body(schema: Any) -> bool:
    return bool(schema.has_function or schema.has_context_dependent_function)


def _other_kinds(model: Any, kernels: _Kernels, versions: dict[str, int]) -> list[Lack]:
    """Operators that have kernels of their version, all of them for other kinds of numbers."""
    kinds = _graphs.onnx_kinds(model)
    unfit: Counter[tuple[str, str]] = Counter()
    for node in _graphs.onnx_nodes(model.graph):
        domain = "" if node.domain == "ai.onnx" else node.domain
        schema = _schema(domain, node.op_type, versions.get(domain, 1))
        if schema is None or _has_body(schema):
            continue
        spans = kernels.get((domain, node.op_type), [])
        takes = [kept for first, last, kept in spans if first <= schema.since_version <= last]
        given = [*_named(schema.inputs, node.input, kinds), *_named(schema.outputs, node.output, kinds)]
        if takes and not any(_fit(given, one) for one in takes):
            unfit[_full_name(domain, node.op_type), given[0][2]] += 1
    why = "has kernels in this ONNX Runtime, and none for {}"
    return [Lack(name, count, why.format(kind)) for (name, kind), count in unfit.items()]


def _named(places: Any, values: Iterable[str], kinds: dict[str, str]) -> list[tuple[str, str, str]]:
    """For each value whose kind is known: the operator's word for the kind, for the place, and the kind."""
    which = [places[min(number, len(places) - 1)] for number, _ in enumerate(values)]
    known = zip(which, (kinds.get(value, "") for value in values), strict=True)
    return [(place.type_str, place.name, kind) for place, kind in known if kind and kind != _WIDENED]


def _fit(given: list[tuple[str, str, str]], takes: dict[str, list[str]]) -> bool:
    allowed = [(kind, takes.get(word) or takes.get(place)) for word, place, kind in given]
    return all(several is None or kind in several for kind, several in allowed)


def _too_new(ir_version: int, opset: int) -> list[Lack]:
    """Whether the runtime reads this version of the format and of the operators: it is asked, with the least model."""
    import onnxruntime
    from onnx import TensorProto, helper

    def loads(ir: int, version: int) -> bool:
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "least", ends[:1], ends[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=ir)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - its errors have no common root of their own
            return "opset" not in str(error).lower() and "IR version" not in str(error)
        return True

    found = []
    if not loads(ir_version, 17):
        most = max(ir for ir in range(8, ir_version) if loads(ir, 17))
        found.append(Lack(f"format version {ir_version}", 1, f"is newer than this ONNX Runtime reads ({most})"))
    if not loads(8, opset):
        most = max(version for version in range(17, opset) if loads(8, version))
        found.append(Lack(f"opset {opset}", 1, f"is newer than this ONNX Runtime knows ({most})"))
    return found


def _spans(spans: list[tuple[int, int, dict[str, list[str]]]]) -> str:
    found = sorted({(first, last) for first, last, _ in spans})
    return ", ".join(f"{first} to {last}" if last < _OPEN else f"{first} and later" for first, last in found)
