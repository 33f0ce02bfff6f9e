"""A package's files, as a folder or a zip file: written all at once, and read with suspicion."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import LARGEST_MANIFEST_BYTES, Manifest

MANIFEST = "manifest.json"
_STORED_AT = (1980, 1, 1, 0, 0, 0)
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class PackageError(ModelError):
    """A package is missing, is none, is not whole, or is not what its manifest says."""


class Contents:
    """A folder's or a zip file's files, by name, read no further than their declared sizes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "Contents":
        path = self._path
        self._zip = None
        if path.is_dir():
            inside = list(path.iterdir())
            odd = [one.name for one in inside if one.is_symlink() or not one.is_file()]
            self._names = [one.name for one in inside]
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except (OSError, zipfile.BadZipFile) as error:
                raise PackageError(f"{path.name} is no package, or not all of it is there: {error}") from error
            infos = self._zip.infolist()
            odd = [
                one.filename for one in infos if one.is_dir() or one.flag_bits & 1 or one.compress_type not in _PLAIN
            ]
            self._names = [one.filename for one in infos]
        if odd or len(set(self._names)) < len(self._names):
            self.__exit__()
            what = odd[0] if odd else "one name twice"
            raise PackageError(f"{path.name} holds {what}; a package holds plain files, each once")
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def manifest(self) -> Manifest:
        """What it promises; raises PackageError and ManifestError."""
        if MANIFEST not in self._names:
            raise PackageError(f"{self._path.name} has no {MANIFEST}: it is no package, or its copying was interrupted")
        return Manifest.from_json(self._read(MANIFEST, LARGEST_MANIFEST_BYTES))

    def files(self, manifest: Manifest) -> dict[str, bytes]:
        """Every file's bytes, each of which is what the manifest describes; raises PackageError."""
        wanted = {file.name for file in manifest.files}
        if wrong := wanted.symmetric_difference(set(self._names) - {MANIFEST}):
            name = min(wrong)
            how = "lacks" if name in wanted else "holds, and its manifest does not name,"
            raise PackageError(f"{self._path.name} {how} {name}. Fetch the package again")
        found = {}
        for file in manifest.files:
            data = self._read(file.name, file.size_bytes)
            digest = sha256_of(data)
            if len(data) != file.size_bytes or digest != file.sha256:
                raise PackageError(
                    f"{manifest.title}: {file.name} is not the file that the manifest describes ({file.size_bytes:,} "
                    f"bytes, SHA-256 {file.sha256[:12]}; its own begins {digest[:12]}). Fetch the package again"
                )
            found[file.name] = data
        return found

    def _read(self, name: str, most_bytes: int) -> bytes:
        try:
            with self._zip.open(name) if self._zip is not None else (self._path / name).open("rb") as file:
                return file.read(most_bytes + 1)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise PackageError(f"{self._path.name}: {name} cannot be read: {error}. Fetch the package again") from error


def sha256_of(data: bytes) -> str:
    """A file's fingerprint, as manifests write it."""
    return hashlib.sha256(data).hexdigest()


def write(to: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder, or the zip file where the name ends so. Raises OSError."""
    if to.suffix != ".zip":
        to.mkdir()
        for name, data in files.items():
            (to / name).write_bytes(data)
        return
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as file:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _STORED_AT)  # the same bytes on every day and every system
            info.create_system, info.external_attr = 3, 0o644 << 16
            file.writestr(info, data)
