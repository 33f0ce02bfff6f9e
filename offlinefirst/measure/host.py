"""Facts about the machine that measures: a timing without them cannot be compared with another."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

# Instruction sets that decide how fast a maths library runs.
_X86 = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_FLAGS = (*_X86, "asimd", "asimddp", "i8mm", "sve")


def host(*packages: str) -> dict[str, Any]:
    """Describe the machine that measured.

    Args:
        packages: distributions whose versions matter.

    Returns:
        System, processor with its instruction sets, cores that this process may use, versions.
    """
    model, flags = _processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": model,
        "cpu_flags": flags,
        "cores": cores,
        "versions": {"python": platform.python_version(), **versions(*packages)},
    }


def versions(*packages: str) -> dict[str, str]:
    """Tell which versions of some distributions are installed.

    Args:
        packages: their names.

    Returns:
        Versions by name; "not installed" for those that are missing.
    """
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> tuple[str, list[str]]:
    if sys.platform != "linux":
        return platform.processor(), []
    facts = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if ":" in line
    )
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    present = (facts.get("flags") or facts.get("Features") or "").split()
    return facts.get("model name", platform.machine()), [flag for flag in _FLAGS if flag in present]
