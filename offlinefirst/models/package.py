"""A model's package: what is in it is what its manifest says, it fits where it is opened, and it answers as at home.

A package is a folder, or a zip file that holds the same: `manifest.json`, the model, golden answers, and perhaps
texts. Opening one asks in this order, so that nothing large is read in vain and nothing runs that was not checked:

1. the manifest: is it well formed, and does it follow what is installed (`manifest.check_successor`)?
2. does it fit this device, runtime and app (`manifest.reasons`)? Both need the manifest alone, a few kilobytes that can
   be fetched before the rest;
3. is every file there, nothing else, and each with its size and its SHA-256? The bytes that were hashed are those that
   are loaded;
4. does the runtime load the model, and are its input and output as declared?
5. golden photos go the whole way to an answer: the same labels, scores no further off than the tolerance. The hash of
   the scores would not do: another processor rounds otherwise.

The zip file is not compressed, so its bytes depend on its contents alone; links compress, and deltas stay small.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from offlinefirst.device import current
from offlinefirst.device.profiles import Profile
from offlinefirst.models._golden import GoldenError, check_golden, golden_answers
from offlinefirst.models._package_files import MANIFEST, Contents, PackageError, sha256_of, write
from offlinefirst.models._package_steps import STEPS
from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import (
    FORMAT,
    Manifest,
    ManifestError,
    Runtime,
    Tensor,
    UnfitError,
    check_successor,
    reasons,
)

__all__ = [
    "STEPS",
    "AnswerError",
    "GoldenError",
    "Package",
    "PackageError",
    "PhotoError",
    "open_package",
    "pack",
    "runner",
    "this_runtime",
    "verify",
]

MODEL, GOLDEN = "model.onnx", "golden.npz"
_ROLES = {MODEL: "model", GOLDEN: "golden"}
RUNTIME = "onnxruntime"
#: Operators that have no kernel of their own in ONNX Runtime: it rewrites or folds them when it loads a model.
_REWRITTEN = {"Bernoulli", "CastLike", "CenterCropPad", "Constant", "GroupNormalization", "HardSwish", "Mish", "Swish"}
_REWRITTEN |= {"NegativeLogLikelihoodLoss", "SequenceMap", "SoftmaxCrossEntropyLoss"}
_KINDS = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(int64)": "int64"}
_Scores = npt.NDArray[np.float32]
_Array = npt.NDArray[Any]


class PhotoError(ModelError, ValueError):
    """What an app handed over is not what the package takes."""


class AnswerError(ModelError):
    """What the model gave is no answer: not of the declared form, or no numbers; or it gave nothing."""


@dataclass(frozen=True)
class Package:
    """An open package. `open_package` makes one; it was checked."""

    manifest: Manifest
    session: Any

    def scores(self, photos: npt.ArrayLike) -> _Scores:
        """The model's scores, a row for each photo.

        Args:
            photos: As `manifest.photo` says.

        Raises:
            PhotoError: They are not.
            AnswerError: The model gave no numbers, or not the declared shape.
            ManifestError: A step of the preprocessing lacks what it needs.
        """
        array, m = np.asarray(photos), self.manifest
        if wrong := m.photo.problems(array):
            raise PhotoError(f"{m.title} takes another photo: {wrong[0]}")
        for step in m.preprocessing:
            try:
                with np.errstate(all="ignore"):  # what is no number is named below
                    array = STEPS[step["step"]](array, step)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise ManifestError(f"{m.title}: the step {step['step']} cannot be done: {error}") from error
        if wrong := m.input.problems(array):
            raise ManifestError(f"{m.title}: its preprocessing does not make its input: {wrong[0]}")
        try:
            found = self.session.run([m.output.name], {m.input.name: array})[0]
        except Exception as error:
            raise AnswerError(f"{m.title}: {RUNTIME} cannot run it: {' '.join(str(error).split())[:200]}") from error
        if (wrong := m.output.problems(found)) or len(found) != len(array):
            raise AnswerError(f"{m.title} gave no answer: {(wrong or ['not one for each photo'])[0]}")
        return np.asarray(found, np.float32)

    def answers(self, photos: npt.ArrayLike) -> list[str]:
        """The label with the highest score, for each photo. Raises as `scores` does."""
        return [self.manifest.labels[place] for place in self.scores(photos).argmax(axis=1)]


def pack(
    to: Path,
    *,
    model: Path,
    golden: npt.ArrayLike,
    truth: Sequence[str],
    about: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> Manifest:
    """Make a package, on the author's side. It is opened before it gets its name: what cannot be opened is none.

    Args:
        to: A folder, or a file that ends in ".zip". A version is never overwritten.
        model: An ONNX file.
        golden: Photos, each with a clear answer; every label must be the answer to one.
        truth: What each golden photo shows, as the author knows it and not as the model says. If the two differ,
            the labels may be in another order.
        about: What `Manifest` holds, but for files and operators, which are found here. `runtime` is the least version
            of ONNX Runtime; tensors are `Tensor` or dicts; without a tolerance, what rounding explains is allowed
            (`convert.rounding_tolerance`).
        texts: What else to send, by file name, such as the licence in full.

    Returns:
        The manifest as written.

    Raises:
        PackageError: Something has this name already.
        ManifestError: `about` is not a manifest's.
        GoldenError: Model and author call a golden photo by two names, or golden photos decide nothing.
        SourceError: The model cannot be read.
        ModelError: The package could not be opened on this machine; says why.
    """
    from offlinefirst.models.convert import operators, rounding_tolerance

    if to.exists():
        raise PackageError(f"{to.name} is there already, and a version never changes. Give the new one its own number")
    data, photos = model.read_bytes() if model.is_file() else b"", np.asarray(golden)
    found: dict[str, Any] = {"operators": sorted(operators(model))}
    _check_weights(model)
    draft = _manifest({"tolerance": 1, **about}, found, {MODEL: data, GOLDEN: b"-"})
    package = Package(draft, _session(draft, data, 1))
    answers, most = golden_answers(draft, package.scores, photos, truth)
    if "tolerance" not in about:
        found["tolerance"] = rounding_tolerance(model) * most
    files = {MODEL: data, GOLDEN: answers, **{name: text.encode() for name, text in (texts or {}).items()}}
    manifest = _manifest(about, found, files)
    waiting = to.with_name(f".{to.stem}.part{to.suffix}")
    try:
        write(waiting, {MANIFEST: manifest.to_json(), **files})
        open_package(waiting)
        waiting.replace(to)
    finally:
        if waiting.is_dir():
            shutil.rmtree(waiting)
        waiting.unlink(missing_ok=True)
    return manifest


def verify(path: Path) -> Manifest:
    """Check a package's files against its manifest, without running anything.

    Returns:
        The manifest.

    Raises:
        PackageError: It is none, or not what its manifest says; names the file.
        ManifestError: The manifest is none.
    """
    with Contents(path) as contents:
        manifest = contents.manifest()
        contents.files(manifest)
        return manifest


def open_package(
    path: Path,
    *,
    device: Profile | None = None,
    runtime: Runtime | None = None,
    replacing: Manifest | None = None,
    threads: int = 1,
) -> Package:
    """Open a package for use; whatever cannot be trusted or does not fit is refused, with the reason.

    Args:
        path: The folder or zip file.
        device: What to hold it against; this process's device when None.
        runtime: The same for the runtime; `this_runtime()` when None.
        replacing: The manifest of what is in use, which the app was written for.
        threads: For the model.

    Raises:
        PackageError, ManifestError: As `verify`; or the runtime cannot load the model; or it is no honest successor.
        UnfitError: It does not fit; every reason.
        GoldenError, AnswerError: It answers otherwise here.
    """
    with Contents(path) as contents:
        manifest = contents.manifest()
        if replacing is not None:
            check_successor(replacing, manifest)
        if why := reasons(manifest, device or current().profile, runtime or this_runtime()):
            raise UnfitError(manifest.title, why)
        files = contents.files(manifest)
    package = Package(manifest, _session(manifest, files[manifest.file("model").name], threads))
    check_golden(manifest, package.scores, files[manifest.file("golden").name])
    return package


def this_runtime() -> Runtime:
    """ONNX Runtime as it is installed here, with the operators that it has kernels for, where it tells."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as inside

    kernels: list[Any] = getattr(inside, "get_all_opkernel_def", list)()
    known = {f"{one.domain}::{one.op_name}" if one.domain else one.op_name for one in kernels}
    return Runtime(
        name=RUNTIME,
        version=onnxruntime.__version__,
        operators=frozenset(known | _REWRITTEN) if known else None,
        steps=frozenset(STEPS),
    )


def runner(path: str) -> Callable[[Mapping[str, Any]], _Scores]:
    """For the bench, runner "offlinefirst.models.package:runner": from the photos in inputs["photo"] to scores."""
    package = open_package(Path(path))
    return lambda inputs: package.scores(inputs["photo"])


def _manifest(about: Mapping[str, Any], found: Mapping[str, Any], files: Mapping[str, bytes]) -> Manifest:
    """A manifest from an author's table and what was found, held against the schema as any other."""
    table = {key: asdict(value) if isinstance(value, Tensor) else value for key, value in about.items()}
    rows = [
        {"role": _ROLES.get(name, "text"), "name": name, "size_bytes": len(data), "sha256": sha256_of(data)}
        for name, data in files.items()
    ]
    table |= {"format": FORMAT, "files": rows, "runtime": {"name": RUNTIME, "minimum": about.get("runtime")}, **found}
    return Manifest.from_json(json.dumps(table).encode())


def _check_weights(model: Path) -> None:
    """Refuse weights that are NaN, which golden photos may not meet. Infinite ones can be meant, as masks."""
    from onnx import TensorProto, numpy_helper

    from offlinefirst.models._graphs import read_onnx

    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    for tensor in read_onnx(model).graph.initializer:
        if tensor.data_type in floats and np.isnan(numpy_helper.to_array(tensor)).any():
            raise PackageError(f"{model.name}: the weights {tensor.name} hold NaN. Look at how it was trained")


def _session(manifest: Manifest, data: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise PackageError(f"{manifest.title}: {RUNTIME} cannot load its model: {said}") from error
    for wanted, there in ((manifest.input, session.get_inputs()), (manifest.output, session.get_outputs())):
        own = {one.name: (_KINDS.get(one.type, one.type), one.shape) for one in there}
        kind, shape = own.get(wanted.name, ("", []))
        fits = len(shape) == len(wanted.shape) and all(
            size == declared or not isinstance(size, int) for size, declared in zip(shape, wanted.shape, strict=True)
        )
        if kind != wanted.kind or not fits or (wanted is manifest.input and len(own) > 1):
            declared = f"{wanted.kind}{list(wanted.shape)} {wanted.name}"
            raise PackageError(f"{manifest.title} declares {declared}, and its model has {own}")
    return session
