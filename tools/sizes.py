"""Measure what each tier downloads and how much disk it takes, into requirements/sizes.json.

Run it after tools/lock.py, with the Python that the locks are made for: `python tools/sizes.py`. It empties nothing
and keeps nothing: pip fetches each lock into an empty folder, with its cache off, and the wheels found there are
weighed and installed into an environment that is thrown away. `--others` also fetches what the other platforms would
(some 2 GB); their disk is scaled from their wheels by what was measured here, and they are marked as not measured.
Without it, what the file says of them is kept as long as the locks are the same.

A megabyte is 1,000,000 bytes, as data plans count them.
"""

import argparse
import csv
import hashlib
import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
SIZES = REQUIREMENTS / "sizes.json"
TIERS = ("core", "full", "dev")
BUDGET_MB = {"core": 150, "full": 820}
MB = 1_000_000
PYTHON = "3.11"

# What pip calls each platform, and what the markers in the locks see there.
OTHERS = {
    "linux-aarch64": (
        [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)] + ["manylinux2014_aarch64"],
        {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix", "platform_system": "Linux"},
    ),
    "darwin-arm64": (
        [f"macosx_{major}_0_{kind}" for major in range(14, 10, -1) for kind in ("arm64", "universal2")],
        {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix", "platform_system": "Darwin"},
    ),
    "windows-amd64": (
        ["win_amd64"],
        {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt", "platform_system": "Windows"},
    ),
}


def lock_hashes() -> dict[str, str]:
    """Line ends do not count: a checkout on Windows may change them."""
    return {
        f"{tier}.txt": hashlib.sha256((REQUIREMENTS / f"{tier}.txt").read_text("utf-8").encode()).hexdigest()
        for tier in TIERS
    }


def requirements_for(tier: str, markers: dict[str, str]) -> dict[str, str]:
    """{package: its pin} of a lock on the platform that `markers` describe."""
    lines = (REQUIREMENTS / f"{tier}.txt").read_text("utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    # what `pip download --python-version 3.11` means; here, the Python that is running
    environment = {**markers, "python_full_version": f"{PYTHON}.0"} if markers else {}
    return {
        canonicalize_name(one.name): f"{one.name}{one.specifier}"
        for one in parsed
        if one.marker is None or one.marker.evaluate(environment)
    }


def fetch(pins: list[str], folder: Path, platforms: list[str]) -> dict[str, int]:
    """Let pip fetch `pins` into `folder`; return {package: bytes}."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet"]
    command += ["--only-binary=:all:", "--no-binary=pysyncobj", "--dest", str(folder)]
    if platforms:
        command += ["--python-version", PYTHON, "--implementation", "cp"]
        command += [f"--platform={name}" for name in platforms]
    done = subprocess.run([*command, *pins], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        sys.exit("\n".join(["pip could not fetch the lock:", *errors]))
    sizes = {str(parse_wheel_filename(path.name)[0]): path.stat().st_size for path in folder.glob("*.whl")}
    return sizes | {str(parse_sdist_filename(path.name)[0]): path.stat().st_size for path in folder.glob("*.tar.gz")}


def installed_sizes(wheels: Path) -> dict[str, int]:
    """Install all into a new environment; return {package: bytes on disk, whole blocks, compiled files too}."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder, "bin/python"))
        command = [python, "-m", "pip", "install", "--no-deps", "--no-index", "--no-warn-script-location", "--quiet"]
        command += ["--find-links", str(wheels)]  # what builds the one package that has no wheel
        found = [*wheels.glob("*.whl"), *wheels.glob("*.tar.gz")]
        subprocess.run([*command, *map(str, found)], check=True, stderr=subprocess.DEVNULL)
        sizes = {}
        for info in Path(folder).glob("lib/*/site-packages/*.dist-info"):
            with (info / "RECORD").open(encoding="utf-8", newline="") as record:
                files = [info.parent / row[0] for row in csv.reader(record) if row]
            name = canonicalize_name(info.name.split("-")[0])
            sizes[name] = sum(path.stat().st_blocks * 512 for path in files if path.exists())
    return sizes


def measure_here() -> dict[str, dict[str, int]]:
    """{package: {"download": bytes, "disk": bytes}} of all locks together on this platform."""
    pins: dict[str, str] = {}
    for tier in TIERS:
        pins |= requirements_for(tier, {})
    with tempfile.TemporaryDirectory() as folder:
        downloads = fetch(list(pins.values()), Path(folder), [])
        disk = installed_sizes(Path(folder))
    return {name: {"download": downloads[name], "disk": disk[name]} for name in sorted(pins)}


def estimate(name: str, here: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """The same for another platform, its disk scaled from its downloads."""
    platforms, markers = OTHERS[name]
    pins: dict[str, str] = {}
    for tier in TIERS:
        pins |= requirements_for(tier, markers)
    with tempfile.TemporaryDirectory() as folder:
        # what pip would find for Linux without the CPU wheel index is the CUDA build, which course.py never takes
        chosen = [pin for package, pin in pins.items() if (package, name) != ("torch", "linux-aarch64")]
        downloads = {"torch": here["torch"]["download"]} | fetch(chosen, Path(folder), platforms)
    usual = sum(entry["disk"] for entry in here.values()) / sum(entry["download"] for entry in here.values())
    packages = {}
    for package in sorted(pins):
        known = here.get(package)
        ratio = known["disk"] / known["download"] if known else usual
        packages[package] = {"download": downloads[package], "disk": round(downloads[package] * ratio)}
    return packages


def tier_totals(packages: dict[str, dict[str, int]], markers: dict[str, str]) -> dict[str, dict[str, int]]:
    """What core, full, and the test tools on top of either (dev) come to."""
    totals = {}
    for tier in TIERS:
        chosen = [packages[name] for name in requirements_for(tier, markers)]
        totals[tier] = {
            "packages": len(chosen),
            **{key: sum(one[key] for one in chosen) for key in ("download", "disk")},
        }
    return totals


def report(name: str, entry: dict, *, largest: int = 10) -> bool:
    """Print a platform's figures; return whether its budgets are kept."""
    kept = True
    print(f"\n{name} ({'measured' if entry['measured'] else 'wheels weighed, disk estimated'})")
    for tier, total in entry["tiers"].items():
        budget = BUDGET_MB.get(tier)
        over = budget is not None and total["download"] >= budget * MB
        kept &= not over
        print(
            f"  {tier:5} {total['packages']:4} packages {total['download'] / MB:7.1f} MB to download "
            f"{total['disk'] / MB:8.1f} MB on disk" + (f"   OVER the budget of {budget} MB" if over else "")
        )
    ranking = sorted(entry["packages"].items(), key=lambda item: -item[1]["download"])[:largest]
    for package, size in ranking:
        print(f"    {size['download'] / MB:7.1f} MB  {package} ({size['disk'] / MB:.0f} MB on disk)")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--others", action="store_true", help="also fetch what other platforms would: some 2 GB")
    options = parser.parse_args()
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != PYTHON:
        parser.error(f"run it with Python {PYTHON}, which the locks are made for")
    here = f"{platform.system()}-{platform.machine()}".lower()
    before = json.loads(SIZES.read_text("utf-8")) if SIZES.exists() else {"locks": {}, "platforms": {}}
    packages = measure_here()
    platforms = {here: {"measured": True, "packages": packages, "tiers": tier_totals(packages, {})}}
    for name, (_, markers) in OTHERS.items():
        if options.others:
            estimated = estimate(name, packages)
            platforms[name] = {"measured": False, "packages": estimated, "tiers": tier_totals(estimated, markers)}
        elif before["locks"] == lock_hashes() and name in before["platforms"]:
            platforms[name] = before["platforms"][name]
    text = json.dumps({"python": PYTHON, "locks": lock_hashes(), "platforms": platforms}, indent=1)
    SIZES.write_text(re.sub(r"\{\s+(\"download\": \d+),\s+(\"disk\": \d+)\s+\}", r"{\1, \2}", text) + "\n", "utf-8")
    kept = [report(name, entry) for name, entry in platforms.items()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
