"""The list of a model's parts: what it says, what makes it a lie, and what follows for what to fetch.

A manifest comes from a server and decides file names and sizes on the device, so nothing in it is taken on trust. Parts
are known by the SHA-256 of their contents: the same part in two versions is the same file.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from offlinefirst.delivery.errors import DeliveryError, UnsafeNameError
from offlinefirst.delivery.names import safe_name
from offlinefirst.device.units import MiB

FORMAT = "offlinefirst-shards-1"
SHARD_SUFFIX = ".shard"
MOST_PARTS = 10_000
LARGEST_MANIFEST_BYTES = 4 * MiB
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEYS = {"format", "name", "version", "size_bytes", "parts"}
_PART_KEYS = {"name", "size_bytes", "sha256", "first"}


class ManifestError(DeliveryError, ValueError):
    """A manifest that is malformed or contradicts itself; nothing was fetched."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One piece of a model; `first` says that the first answer needs it."""

    name: str
    size_bytes: int
    sha256: str
    first: bool = False

    @property
    def file(self) -> str:
        """The name under which its contents are stored and served: their hash, so never two meanings of one name."""
        return self.sha256 + SHARD_SUFFIX


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A version of a model, as its parts in order.

    Raises:
        ManifestError: It contradicts itself; names the part.
    """

    name: str
    version: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        _check(self)

    @property
    def size_bytes(self) -> int:
        """All parts together, as the model is put together from them."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def files(self) -> dict[str, Part]:
        """Each file once, in the order to fetch: what the first answer needs comes first."""
        found: dict[str, Part] = {}
        for part in sorted(self.parts, key=lambda part: not part.first):
            found.setdefault(part.file, part)
        return found

    def part(self, name: str) -> Part:
        """The part of this name. Raises KeyError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(f"{self.name} {self.version} has no part {name!r}")

    def to_json(self) -> bytes:
        """The same bytes for the same manifest; `from_json` takes them back."""
        parts = [asdict(part) for part in self.parts]
        about = {"format": FORMAT, "name": self.name, "version": self.version, "size_bytes": self.size_bytes}
        return (json.dumps({**about, "parts": parts}, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read a manifest that may lie.

        Raises:
            ManifestError: It is no manifest, unsafe, or contradicts itself.
        """
        if len(data) > LARGEST_MANIFEST_BYTES:
            raise ManifestError(f"a manifest of {len(data):,} bytes is over the {LARGEST_MANIFEST_BYTES:,} allowed")
        try:
            table = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"this is no manifest: {error}. Fetch it again") from error
        if not isinstance(table, dict) or set(table) != _KEYS or table["format"] != FORMAT:
            raise ManifestError(f"this is no manifest: it must say {FORMAT!r} and have {', '.join(sorted(_KEYS))}")
        if not isinstance(table["parts"], list):
            raise ManifestError("the manifest's parts are no list")
        parts = []
        for row in table["parts"]:
            if not isinstance(row, dict) or set(row) != _PART_KEYS:
                raise ManifestError(
                    f"a part of the manifest must have {', '.join(sorted(_PART_KEYS))}, not {row!r:.80}"
                )
            parts.append(Part(**row))
        manifest = cls(name=table["name"], version=table["version"], parts=tuple(parts))
        if table["size_bytes"] != manifest.size_bytes:
            raise ManifestError(
                f"{manifest.name} {manifest.version} says {table['size_bytes']!r} bytes, its parts add up to "
                f"{manifest.size_bytes:,}"
            )
        return manifest


@dataclass(frozen=True)
class Plan:
    """What to fetch, in this order, and what need not be.

    Args:
        fetch: Parts to fetch; each file once.
        reuse: Parts that are here already, from this version or another.
        first_bytes: To fetch before the first answer.
        fetch_bytes: To fetch in all.
    """

    fetch: tuple[Part, ...]
    reuse: tuple[Part, ...]
    first_bytes: int
    fetch_bytes: int


def plan(manifest: Manifest, have: Collection[str]) -> Plan:
    """Choose what to fetch.

    Args:
        manifest: The version wanted.
        have: SHA-256 of the contents that are here and whole, whatever version brought them.

    >>> old = Part(name="a", size_bytes=5, sha256="0" * 64)
    >>> new = Part(name="b", size_bytes=7, sha256="1" * 64, first=True)
    >>> wanted = plan(Manifest(name="m", version="2", parts=(old, new)), have={"0" * 64})
    >>> [part.name for part in wanted.fetch], wanted.fetch_bytes
    (['b'], 7)
    """
    parts = manifest.files.values()
    fetch = tuple(part for part in parts if part.sha256 not in have)
    reuse = tuple(part for part in parts if part.sha256 in have)
    first_bytes = sum(part.size_bytes for part in fetch if part.first)
    return Plan(fetch, reuse, first_bytes, sum(part.size_bytes for part in fetch))


def split(
    source: Path | Mapping[str, bytes],
    to: Path,
    *,
    name: str,
    version: str,
    first: Collection[str] | int = 1,
    part_bytes: int = MiB,
) -> Manifest:
    """Cut a model into parts, ready to be served, and write its manifest last.

    Args:
        source: A file, which is cut every `part_bytes`; or its pieces by name, such as one for each layer. Pieces keep
            their hash when another one grows, which a cut every so many bytes does not.
        to: A folder; gets a file for each part, named by hash, and `manifest.json`.
        name: The model's name.
        version: This version's.
        first: Names of the parts that the first answer needs, or how many from the start.
        part_bytes: Size of a part when `source` is a file.

    Returns:
        The manifest.

    Raises:
        ManifestError: No part, an unsafe or repeated name, or a name in `first` that is none.
        OSError: Reading or writing failed.
    """
    if part_bytes < 1:
        raise ManifestError(f"a part of {part_bytes} bytes is none")
    to.mkdir(parents=True, exist_ok=True)
    parts: list[Part] = []
    for number, (part_name, data) in enumerate(_pieces(source, part_bytes)):
        is_first = number < first if isinstance(first, int) else part_name in first
        sha256 = hashlib.sha256(data).hexdigest()
        parts.append(Part(name=part_name, size_bytes=len(data), sha256=sha256, first=is_first))
        (to / parts[-1].file).write_bytes(data)
    if not isinstance(first, int) and (unknown := set(first) - {part.name for part in parts}):
        raise ManifestError(f"the first answer cannot need {', '.join(sorted(unknown))}: no such part")
    manifest = Manifest(name=name, version=version, parts=tuple(parts))
    (to / "manifest.json").write_bytes(manifest.to_json())
    return manifest


def _pieces(source: Path | Mapping[str, bytes], part_bytes: int) -> Iterator[tuple[str, bytes]]:
    if isinstance(source, Mapping):
        yield from source.items()
        return
    with source.open("rb") as file:
        for number, data in enumerate(iter(partial(file.read, part_bytes), b"")):
            yield f"{source.name}.{number:04d}", data


def _check(manifest: Manifest) -> None:
    about = f"{manifest.name} {manifest.version}"
    for text in (manifest.name, manifest.version):
        if not isinstance(text, str) or not text.strip():
            raise ManifestError("a manifest needs a name and a version")
    if not 1 <= len(manifest.parts) <= MOST_PARTS:
        raise ManifestError(f"{about} has {len(manifest.parts)} parts; from 1 to {MOST_PARTS:,} make sense")
    names: set[str] = set()
    sizes: dict[str, int] = {}
    for part in manifest.parts:
        if not isinstance(part.name, str):
            raise ManifestError(f"{about}: a part's name is {part.name!r}")
        try:
            safe_name(part.name)
        except UnsafeNameError as error:
            raise ManifestError(f"{about}: {error}") from error
        if part.name.casefold() in names:
            raise ManifestError(f"{about} has two parts {part.name!r}; some platforms take them for one")
        names.add(part.name.casefold())
        if type(part.size_bytes) is not int or part.size_bytes < 0 or type(part.first) is not bool:
            raise ManifestError(f"{about}, {part.name}: size_bytes is a whole number, first is true or false")
        if not isinstance(part.sha256, str) or not _SHA256.fullmatch(part.sha256):
            raise ManifestError(f"{about}, {part.name}: sha256 must be 64 digits 0-9a-f, not {part.sha256!r:.70}")
        if sizes.setdefault(part.sha256, part.size_bytes) != part.size_bytes:
            raise ManifestError(f"{about}, {part.name}: another part has the same hash and another size")
    if not any(part.first for part in manifest.parts):
        raise ManifestError(f"{about} names no part that the first answer needs")
