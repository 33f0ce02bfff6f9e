"""`course.py doctor`: what this computer can and cannot do for the course, and which of a device's limits are real."""

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table

from offlinefirst.course.lessons import course_root
from offlinefirst.course.netless import prefix
from offlinefirst.device import profiles
from offlinefirst.device.enforcement import limits_here
from offlinefirst.device.units import GiB, format_bytes

State = Literal["good", "limited", "bad"]
MARKS = {"good": "[green]ok[/]", "limited": "[yellow]limited[/]", "bad": "[red]missing[/]"}
#: Free memory under which a notebook on the largest device may push the computer into swapping.
COMFORT_BYTES = 3 * GiB


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its state, what was found and, unless it is good, what to do."""

    what: str
    state: State
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at Python, packages, kernels, memory, disk and network namespaces."""
    return [*_python(), *_packages(), *_kernels(), *_machine()]


def report(findings: list[Finding], console: Console) -> None:
    """Print the findings, and which limits of a device are enforced here, which watched, and what they do not see."""
    table = Table("looked at", "state", "found", "what to do", title="This computer")
    for finding in findings:
        table.add_row(finding.what, MARKS[finding.state], finding.found, finding.remedy)
    console.print(table)
    limits = Table("limit", "here", "how", "what it does not see", title="What a device kernel holds a notebook to")
    for row in limits_here():
        limits.add_row(row.limit, row.status, row.how, row.not_seen, end_section=True)
    console.print(limits)
    console.print("The limits are for teaching. They are not a security boundary.")


def _python() -> list[Finding]:
    version = platform.python_version()
    in_venv = sys.prefix != sys.base_prefix
    where = "in the course's .venv" if in_venv else "not in a virtual environment"
    return [Finding("Python", "good", f"{version}, {platform.machine()}, {platform.system()}, {where}")]


def _packages() -> list[Finding]:
    found = []
    lock = course_root() / "requirements" / "full.txt"
    for name in ("jupyterlab", "onnxruntime", "pycrdt", "torch", "transformers", "tensorflow"):
        installed = [n for n in (name, f"{name}-cpu") if _version(n)]
        if not installed:
            found.append(Finding(name, "limited", "not installed", "python course.py setup --tier full"))
            continue
        version = _version(installed[0]) or ""
        pinned = f"{installed[0]}=={version.partition('+')[0]}" in lock.read_text("utf-8")
        remedy = "" if pinned else "python course.py setup brings the pinned version"
        found.append(Finding(installed[0], "good" if pinned else "limited", version, remedy))
    if cuda := _cuda_of_torch():
        found.append(Finding("torch build", "bad", f"CUDA {cuda}", "remove .venv, then python course.py setup"))
    return found


def _cuda_of_torch() -> str | None:
    """The CUDA version in torch/version.py, read without importing torch."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    for line in Path(spec.origin).with_name("version.py").read_text("utf-8").splitlines():
        if line.startswith("cuda") and "=" in line:
            value = line.partition("=")[2].strip().strip("'\"")
            return None if value == "None" else value
    return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _kernels() -> list[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    installed = set(KernelSpecManager().find_kernel_specs())
    missing = [name for name in profiles.names() if name not in installed]
    if missing:
        return [Finding("device kernels", "bad", f"missing: {', '.join(missing)}", "python course.py setup")]
    return [Finding("device kernels", "good", ", ".join(profiles.names()))]


def _machine() -> list[Finding]:
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(course_root())
    tight = memory.available < COMFORT_BYTES
    rows = [
        Finding(
            "memory",
            "limited" if tight else "good",
            f"{format_bytes(memory.available)} free of {format_bytes(memory.total)}",
            "close other programs before the notebooks of laptop-4gb" if tight else "",
        ),
        Finding("disk", "good" if disk.free > GiB else "limited", f"{format_bytes(disk.free)} free", ""),
    ]
    if prefix():
        rows.append(Finding("tests with the network off", "good", "in a network namespace"))
    else:
        rows.append(
            Finding(
                "tests with the network off",
                "limited",
                "no network namespaces here",
                "nothing to do: kernels still refuse the network themselves",
            )
        )
    return rows
