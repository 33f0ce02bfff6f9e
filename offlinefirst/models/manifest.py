"""What a model's package promises, what makes the promise a lie, and whether a device may believe it. Pure rules.

A manifest is data that came with a file, so nothing in it is taken on trust: its form is held against a JSON Schema
(`package.schema.json`), its parts against each other, its needs against the device and the runtime that are there.
Whether its bytes and its answers are as it says can only be recomputed; `offlinefirst.models.package` does that. Who
wrote it is another question, and takes a signature.

>>> [str(one) for one in sorted(map(Version.parse, ["1.10.0", "1.9.0", "1.10.0-rc.1"]))]
['1.9.0', '1.10.0-rc.1', '1.10.0']
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from packaging.version import InvalidVersion
from packaging.version import Version as RuntimeVersion

from offlinefirst.delivery.errors import UnsafeNameError
from offlinefirst.delivery.names import safe_name
from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import format_bytes
from offlinefirst.models._manifest_parts import File, ManifestError, Tensor, Version, read_json
from offlinefirst.models.errors import ModelError

__all__ = [
    "FORMAT",
    "File",
    "Manifest",
    "ManifestError",
    "Runtime",
    "Tensor",
    "UnfitError",
    "Version",
    "change",
    "check_successor",
    "reasons",
]

FORMAT = "offlinefirst-package-1"
LARGEST_MANIFEST_BYTES = 1_048_576
_SCHEMA = Path(__file__).with_name("package.schema.json")

Change = Literal["major", "minor", "patch"]


class UnfitError(ModelError):
    """A package does not fit this device, runtime or app; `reasons` holds every reason."""

    def __init__(self, what: str, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(f"{what} does not fit here: {'; '.join(self.reasons)}")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What would run the model.

    Args:
        name: Such as "onnxruntime".
        version: Its own, as it says it.
        operators: What it can do; None where it does not tell, and then loading the model has the last word.
        steps: Kinds of preprocessing that the app knows.
    """

    name: str
    version: str
    operators: frozenset[str] | None
    steps: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A package's promises.

    Args:
        name: The line of models that this one belongs to.
        version: MAJOR: an app must be changed for it. MINOR: other answers. PATCH: neither. See `change`.
        licence: An SPDX identifier.
        files: What else is in the package, and nothing more.
        runtime: Its name and least version.
        operators: Every kind of node in the model.
        memory_bytes: Most that a process with it held, measured. Never the size of a file.
        photo: What an app hands over.
        preprocessing: Steps from there to the input, as data that code obeys.
        input: What the model takes.
        output: What it gives; the last axis are the labels.
        labels: In the output's order.
        tolerance: How far recomputed golden outputs may be off, in the output's unit.
        quality: How it was judged: metric, right, count, data.
        lineage: What it was made of, and by which tool.

    Raises:
        ManifestError: It contradicts itself; says where.
    """

    name: str
    version: Version
    licence: str
    files: tuple[File, ...]
    runtime: tuple[str, str]
    operators: tuple[str, ...]
    memory_bytes: int
    photo: Tensor
    preprocessing: tuple[Mapping[str, Any], ...]
    input: Tensor
    output: Tensor
    labels: tuple[str, ...]
    tolerance: float
    quality: Mapping[str, Any]
    lineage: Mapping[str, Any]

    def __post_init__(self) -> None:
        if wrong := _contradictions(self):
            raise ManifestError(f"{self.title}: {wrong[0]}")

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    @property
    def size_bytes(self) -> int:
        """All its files together."""
        return sum(file.size_bytes for file in self.files)

    def file(self, role: str) -> File:
        """The file of this role; model and golden are always there, once. Raises KeyError."""
        if found := [file for file in self.files if file.role == role]:
            return found[0]
        raise KeyError(f"{self.title} has no {role}")

    def to_json(self) -> bytes:
        """The same bytes for the same manifest; `from_json` takes them back."""
        table = {"format": FORMAT, **asdict(self), "version": str(self.version)}
        name, minimum = self.runtime
        table["runtime"] = {"name": name, "minimum": minimum}
        return (json.dumps(table, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read a manifest that may be anything.

        Raises:
            ManifestError: It is too large, no JSON, says a thing twice, breaks the schema, or contradicts itself.
        """
        if len(data) > LARGEST_MANIFEST_BYTES:
            raise ManifestError(f"a manifest of {len(data):,} bytes is over the {LARGEST_MANIFEST_BYTES:,} allowed")
        table = read_json(data)
        if wrong := sorted(_validator().iter_errors(table), key=lambda one: [str(part) for part in one.absolute_path]):
            said = "; ".join(f"{one.json_path.removeprefix('$.')}: {one.message:.160}" for one in wrong[:3])
            raise ManifestError(
                f"the manifest breaks its schema{f' in {len(wrong)} places' if len(wrong) > 1 else ''}: {said}"
            )
        fields = {key: value for key, value in table.items() if key != "format"}
        for key in ("photo", "input", "output"):
            fields[key] = Tensor(**{**table[key], "shape": tuple(table[key]["shape"])})
        for key in ("operators", "labels", "preprocessing"):
            fields[key] = tuple(table[key])
        fields["version"] = Version.parse(table["version"])
        fields["files"] = tuple(File(**row) for row in table["files"])
        fields["runtime"] = (table["runtime"]["name"], table["runtime"]["minimum"])
        return cls(**fields)


def reasons(manifest: Manifest, device: Profile, runtime: Runtime) -> list[str]:
    """Why a package must not run there, from what it declares; every reason, and none when it may.

    Args:
        manifest: The package's.
        device: What it would run on; its memory for one app is what counts.
        runtime: What would run it.
    """
    found = []
    name, minimum = manifest.runtime
    if runtime.name != name:
        found.append(f"it needs {name}, and this app runs {runtime.name}")
    elif _runtime_version(runtime.version) < _runtime_version(minimum):
        found.append(f"it needs {name} {minimum} or later, and this app has {runtime.version}. Update the app first")
    if runtime.operators is not None and (lacking := sorted(set(manifest.operators) - runtime.operators)):
        found.append(f"{runtime.name} here lacks {', '.join(lacking)}")
    if unknown := sorted({str(step["step"]) for step in manifest.preprocessing} - runtime.steps):
        found.append(f"this app cannot do the preprocessing {', '.join(unknown)}")
    for what, need, have in (
        ("memory", manifest.memory_bytes, device.app_memory_bytes),
        ("storage", manifest.size_bytes, device.storage_quota_bytes),
    ):
        if need > have:
            found.append(f"it takes {format_bytes(need)} of {what}; {device.title} has {format_bytes(have)} for an app")
    return found


def change(old: Manifest, new: Manifest) -> Change | None:
    """What the step between two versions really is, from their contents; None when nothing differs.

    "major": what an app hands over or gets back, or what the labels mean. "minor": the answers. "patch": the rest.
    """

    def same(*keys: str) -> bool:
        return all(getattr(old, key) == getattr(new, key) for key in keys)

    if not same("photo", "output", "labels"):
        return "major"
    if not same("preprocessing", "input") or old.file("model").sha256 != new.file("model").sha256:
        return "minor"
    return None if old == new else "patch"


def check_successor(old: Manifest, new: Manifest) -> None:
    """Refuse a version that changes more than its number says, or goes backwards, or reuses a number.

    Args:
        old: What is installed, which the app was written for.
        new: What is offered in its place.

    Raises:
        ManifestError: The number lies; says which step it should have been.
        UnfitError: It is a new MAJOR version (while MAJOR is 0, a new MINOR one): honest, and not for this app. Among
            the candidates for one release and that release, it is one whose contents are a major step.
    """
    if old.name != new.name:
        raise ManifestError(f"{new.title} is another line of models than {old.title}; install it beside, not instead")
    really = change(old, new)
    a, b = old.version, new.version
    if really is None:
        return
    if not a < b:
        raise ManifestError(f"{new.title} is offered in place of {old.title}, has other contents and no higher version")
    said: Change = "major" if a.major != b.major else "minor" if a.minor != b.minor else "patch"
    if a.major == b.major == 0 and said == "minor":
        said = "major"  # before 1.0.0 the second number announces what breaks
    if a.before and (a.major, a.minor, a.patch) == (b.major, b.minor, b.patch):
        said = really  # a candidate promises nothing of what comes after it
    rank = ("patch", "minor", "major")
    if rank.index(said) < rank.index(really):
        what = "labels, photo or output" if really == "major" else "answers"
        raise ManifestError(f"{new.title} changes {what} of {old.title}: a {really} step, numbered as a {said} one")
    if said == "major":
        raise UnfitError(new.title, [f"this app was written for {old.title}, and it breaks with that. Update the app"])


def _contradictions(m: Manifest) -> list[str]:
    found = []
    roles = [file.role for file in m.files]
    if roles.count("model") != 1 or roles.count("golden") != 1:
        found.append("it needs exactly one model and one golden file")
    names = [file.name.casefold() for file in m.files] + ["manifest.json"]
    if len(set(names)) < len(names):
        found.append("two files have one name, or one that some platforms take for the same")
    for file in m.files:
        try:
            safe_name(file.name)
        except UnsafeNameError as error:
            found.append(str(error))
    if m.output.shape[-1] != len(m.labels):
        found.append(f"{len(m.labels)} labels for an output of the shape {list(m.output.shape)}")
    if len(set(m.labels)) < len(m.labels):
        found.append("two labels are the same")
    for tensor in (m.photo, m.input, m.output):
        if (tensor.low is None) != (tensor.high is None) or (tensor.low or 0) > (tensor.high or 0):
            found.append(f"{tensor.name} runs from {tensor.low} to {tensor.high}")
    if m.quality["right"] > m.quality["count"]:
        found.append(f"{m.quality['right']} of {m.quality['count']} right is more than all")
    try:
        RuntimeVersion(m.runtime[1])
    except InvalidVersion:
        found.append(f"the runtime's least version {m.runtime[1]!r} is none")
    return found


def _runtime_version(text: str) -> RuntimeVersion:
    """As packages number themselves, which is looser than semantic versions: 1.24, 2.3.0.dev5."""
    try:
        return RuntimeVersion(text)
    except InvalidVersion as error:
        raise ManifestError(f"{text!r} is no runtime's version") from error


@cache
def _validator() -> Any:
    return import_module("jsonschema").Draft202012Validator(json.loads(_SCHEMA.read_text("utf-8")))
