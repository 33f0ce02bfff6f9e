import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from offlinefirst import device
from offlinefirst.device.current import Device, current
from offlinefirst.device.profiles import load


def test_a_plain_process_describes_the_host_and_limits_nothing() -> None:
    here = current()
    assert not here.limited
    assert here.profile.name == "host"
    assert here.profile.ram_bytes == psutil.virtual_memory().total
    assert here.profile.link is None
    assert 0 < here.memory_used_bytes() < here.profile.ram_bytes
    assert re.fullmatch(r"This computer: [\d,]+ MiB of memory, \d+ cores? \(limits: none\)", repr(here.badge()))


@pytest.mark.parametrize(
    ("name", "enforcement", "text"),
    [
        ("phone-2gb", "enforced", "Phone, 2 GB: 1,024 MiB for this app, 1 core, no internet (limits: enforced)"),
        ("phone-4gb", "watched", "Phone, 4 GB: 2,048 MiB for this app, 2 cores, no internet (limits: watched)"),
    ],
)
def test_the_badge_reads_well_as_text(name: str, enforcement: str, text: str) -> None:
    badge = Device(load(name), enforcement).badge()  # type: ignore[arg-type]
    assert repr(badge) == text


def test_the_badge_needs_nothing_from_anywhere_and_sets_no_colour() -> None:
    html = Device(load("phone-2gb"), "enforced").badge()._repr_html_()
    assert "Phone, 2 GB" in html
    assert "1,024 MiB for this app" in html
    for remote in ("http", "url(", "<script", "<link", "src="):
        assert remote not in html
    # A colour of its own would be unreadable in one of the themes.
    assert not re.search(r"background|[^-]color:|#[0-9a-f]{3}", html)


def test_free_memory_of_a_device_is_what_is_left_of_its_profile() -> None:
    phone = Device(load("phone-2gb"), "enforced")
    assert phone.memory_free_bytes() == pytest.approx(
        max(0, phone.profile.app_memory_bytes - phone.memory_used_bytes()), abs=16 * device.MiB
    )


def test_scratch_is_made_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINEFIRST_RUNTIME_DIR", str(tmp_path))
    phone = Device(load("phone-2gb"), "enforced")
    assert list(tmp_path.iterdir()) == []
    assert phone.scratch.is_dir()
    assert phone.scratch == phone.storage.folder
    assert phone.storage.quota_bytes == phone.profile.storage_quota_bytes


def test_importing_the_part_imports_no_framework() -> None:
    code = "import sys, offlinefirst.device; print([name for name in sys.modules if name.partition('.')[0] in "
    code += "('numpy', 'torch', 'tensorflow', 'onnxruntime', 'IPython', 'ipykernel', 'psutil', 'asyncio')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
