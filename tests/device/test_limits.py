import subprocess
import sys
from typing import Any

import pytest

from offlinefirst.device import limits, profiles
from offlinefirst.device.units import GiB, MiB

THREADS = ["OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS", "RAYON"]


@pytest.mark.parametrize("name", profiles.names())
def test_libraries_get_as_many_threads_as_the_device_has_cores(name: str) -> None:
    profile = profiles.load(name)
    variables = limits.environment(profile)
    assert {variables[f"{library}_NUM_THREADS"] for library in THREADS} == {str(profile.cores)}
    assert variables["VECLIB_MAXIMUM_THREADS"] == variables["TF_NUM_INTRAOP_THREADS"] == str(profile.cores)
    assert variables["CUDA_VISIBLE_DEVICES"] == ""
    assert variables["TF_USE_LEGACY_KERAS"] == "1"
    assert variables["TOKENIZERS_PARALLELISM"] == "false"


@pytest.mark.parametrize(
    ("used_mib", "limit_mib", "why"),
    [
        (100, 1024, "the profile, as long as it leaves room"),
        (1008, 1024, "just enough room"),
        (1020, 1036, "a little more, to delete what is there"),
        (1060, 1072, "never into what the report needs"),
        (1120, 1072, "not even when more than that is used"),
    ],
)
def test_a_cell_after_a_failure_has_room_to_delete(
    used_mib: int, limit_mib: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.MemoryLimit, "_set", lambda _, soft_bytes: soft_bytes)
    limit = limits.MemoryLimit(GiB, GiB + limits.RESERVE_BYTES)
    assert limit.tighten(used_mib * MiB) == limit_mib * MiB, why
    assert limit.relax() == GiB + limits.RESERVE_BYTES


def test_freed_memory_that_is_still_counted_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.MemoryLimit, "_set", lambda _, soft_bytes: soft_bytes)
    limit = limits.MemoryLimit(GiB, 3 * GiB)
    assert limit.tighten(1020 * MiB, 800 * MiB) == GiB + 800 * MiB
    assert limit.relax() == GiB + 800 * MiB + limits.RESERVE_BYTES
    assert limit.tighten(1820 * MiB, 800 * MiB) == GiB + 12 * MiB + 800 * MiB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts private memory against a limit")
def test_the_limit_holds_only_while_it_is_tight() -> None:
    code = """
from offlinefirst.device import limits, profiles
from offlinefirst.device.units import MiB
limit = limits.limit_memory(profiles.load("phone-2gb"))
def fits(size):
    try:
        return bool(bytearray(size))
    except MemoryError:
        return False
limit.tighten(0)
tight = fits(1024 * MiB)
limit.relax()
print(tight, fits(1024 * MiB), fits(1024 * MiB + limits.RESERVE_BYTES))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_platforms_apply_what_they_can(platform: str) -> None:
    """Neither has core affinity, and Windows has no `resource` and no `fcntl` either."""
    code = f"""
import os, sys, types
# What the standard library itself needs of the real platform is loaded first.
import subprocess, tempfile, asyncio, pathlib, socket, psutil, logging, argparse, tomllib, ipaddress, shutil
sys.platform = {platform!r}
if sys.platform == "win32":
    sys.modules.update(resource=None, fcntl=None)
    sys.modules["msvcrt"] = types.SimpleNamespace(locking=lambda *_: None, LK_NBLCK=2)
for name in ("sched_getaffinity", "sched_setaffinity", "waitid"):
    delattr(os, name)
from offlinefirst.device import cells, current, enforcement, limits, load, network, quiet, usage, watchdog
applied = limits.apply(load("phone-2gb"))
print(applied.memory, applied.cores_pinned, len(applied.cores), os.environ["OMP_NUM_THREADS"])
print(usage.Meter().read().own_bytes > 0, current().limited)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["None", "False", "1", "1", "True", "False"], done.stderr


def test_an_environment_can_be_filled_for_another_process() -> None:
    environment: dict[str, Any] = {}
    environment.update(limits.environment(profiles.load("phone-4gb")))
    assert environment["OMP_NUM_THREADS"] == "2"
