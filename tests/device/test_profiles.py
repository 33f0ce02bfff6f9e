import dataclasses
import json
from pathlib import Path

import pytest

from offlinefirst.device import profiles
from offlinefirst.device.errors import DeviceError, UnknownProfileError
from offlinefirst.device.units import GiB

KERNELS = Path(__file__).parents[2] / "jupyter" / "kernels"


def test_the_three_devices() -> None:
    memory_and_cores = {
        name: (profiles.load(name).app_memory_bytes / GiB, profiles.load(name).cores) for name in profiles.names()
    }
    assert memory_and_cores == {"phone-2gb": (1, 1), "phone-4gb": (2, 2), "laptop-4gb": (3, 2)}


@pytest.mark.parametrize("name", profiles.names())
def test_every_number_stays_inside_the_constraint_table(name: str) -> None:
    profile = profiles.load(name)
    assert profile.link is not None
    assert 500_000 <= profile.link.bandwidth_bps <= 8_000_000
    assert 0.60 <= profile.link.uptime <= 0.85
    assert 0.50 <= (profile.price_usd_per_gb or 0) <= 3.00
    assert profile.wage_usd_per_hour == 0.15
    assert 12 <= (profile.electricity_hours_per_day or 0) <= 20
    assert 2 * GiB <= profile.ram_bytes <= 4 * GiB
    assert 16 * GiB <= profile.storage_total_bytes <= 64 * GiB
    assert profile.app_memory_bytes < profile.ram_bytes
    assert profile.storage_quota_bytes < profile.storage_total_bytes


@pytest.mark.parametrize("name", profiles.names())
def test_every_device_has_its_kernelspec(name: str) -> None:
    spec = json.loads((KERNELS / name / "kernel.json").read_text())
    assert spec["metadata"]["offlinefirst"]["profile"] == name
    assert spec["argv"][spec["argv"].index("--profile") + 1] == name
    assert spec["display_name"] == f"{profiles.load(name).title} (no internet)"
    assert spec["env"]["MALLOC_ARENA_MAX"] == "2"


def test_every_kernelspec_has_its_device() -> None:
    assert {spec.parent.name for spec in KERNELS.glob("*/kernel.json")} == set(profiles.names())


def test_an_unknown_device_lists_the_known_ones() -> None:
    with pytest.raises(UnknownProfileError, match=r"'pager'.*phone-2gb, phone-4gb, laptop-4gb") as caught:
        profiles.load("pager")
    assert isinstance(caught.value, DeviceError)


def test_profiles_are_values() -> None:
    profile = profiles.load("phone-2gb")
    assert profile == profiles.load("phone-2gb")
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.cores = 4  # type: ignore[misc]


def test_a_transfer_takes_latency_and_bits_over_bandwidth() -> None:
    link = profiles.Link(name="test", bandwidth_bps=8_000, latency_s=0.5, uptime=1.0)
    assert link.transfer_s(2_000) == 2.5
