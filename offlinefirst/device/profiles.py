"""The devices that the course talks about: what each has, and what an app may use of it.

The numbers and where each came from are in `profiles.toml`.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offlinefirst.device.errors import UnknownProfileError
from offlinefirst.device.units import GiB, MiB

_FILE = Path(__file__).with_name("profiles.toml")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A network link as an app sees it; `uptime` is the fraction of the time that it works."""

    name: str
    bandwidth_bps: int
    latency_s: float
    uptime: float

    def transfer_s(self, size_bytes: int) -> float:
        """Tell how long a download takes while the link is up and not shared further.

        Args:
            size_bytes: what is transferred, in bytes.

        Returns:
            Seconds: one latency, and the bits over the bandwidth.
        """
        return self.latency_s + 8 * size_bytes / self.bandwidth_bps


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A device: sizes in bytes, energy in watt hours, money in US dollars; None where it is not known."""

    name: str
    title: str
    ram_bytes: int
    app_memory_bytes: int
    cores: int
    storage_total_bytes: int
    storage_quota_bytes: int
    battery_wh: float | None = None
    electricity_hours_per_day: float | None = None
    price_usd_per_gb: float | None = None
    wage_usd_per_hour: float | None = None
    link: Link | None = None


def names() -> list[str]:
    """List the devices that `load` knows.

    Returns:
        Their names, smallest device first.
    """
    return list(_tables())


def load(name: str) -> Profile:
    """Read one device's profile.

    Args:
        name: one of `names()`.

    Returns:
        The profile.

    Raises:
        UnknownProfileError: when no device has that name.

    >>> load("phone-2gb").app_memory_bytes == GiB
    True
    """
    tables = _tables()
    if name not in tables:
        raise UnknownProfileError(f"no device is called {name!r}; choose one of {', '.join(tables)}")
    table = tables[name]
    return Profile(
        name=name,
        title=table["title"],
        ram_bytes=table["ram_gib"] * GiB,
        app_memory_bytes=table["app_memory_mib"] * MiB,
        cores=table["cores"],
        storage_total_bytes=table["storage_total_gib"] * GiB,
        storage_quota_bytes=table["storage_quota_mib"] * MiB,
        battery_wh=table["battery_wh"],
        electricity_hours_per_day=table["electricity_hours_per_day"],
        price_usd_per_gb=table["price_usd_per_gb"],
        wage_usd_per_hour=table["wage_usd_per_hour"],
        link=Link(**table["link"]),
    )


def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
