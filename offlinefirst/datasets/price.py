"""What fetching costs on a device's link, told before it starts: megabytes, money, hours of wage, time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.datasets.catalog import Entry
from offlinefirst.datasets.places import carried_by_package, part_of, path_of, state_of
from offlinefirst.device.profiles import Profile

MB, GB = 1_000_000, 1_000_000_000  # data are sold by the decimal gigabyte


@dataclass(frozen=True)
class Offer:
    """What would travel.

    Args:
        entries: What is fetched.
        wire_bytes: What travels for it, as far as it is known.
        unknown: Names of entries whose size the catalogue does not know.
    """

    entries: tuple[Entry, ...]
    wire_bytes: int
    unknown: tuple[str, ...] = ()

    def words(self, profile: Profile) -> str:
        """The offer in one line, at a device's prices.

        Args:
            profile: Its link, price and wage; what it does not know is left out.
        """
        parts = [f"{self.wire_bytes / MB:.1f} MB"]
        if self.unknown:
            parts[0] = f"at least {parts[0]} (size unknown: {', '.join(self.unknown)})"
        if profile.price_usd_per_gb is not None:
            usd = self.wire_bytes / GB * profile.price_usd_per_gb
            parts.append(f"{usd:.3f} USD")
            if profile.wage_usd_per_hour:
                parts.append(f"{usd / profile.wage_usd_per_hour:.2f} hours of wage")
        if profile.link is not None:
            parts.append(f"{profile.link.transfer_s(self.wire_bytes) / 60:.1f} minutes while the link is up")
        return f"To fetch: {', '.join(parts)} ({profile.title})"


def offer(entries: Iterable[Entry], root: Path, data: Path | None = None) -> Offer:
    """Work out what has to travel so that entries are here; what is here, or half here, does not count again.

    Args:
        entries: What is wanted.
        root: The course folder.
        data: The folder for fetched data; `data_folder()` when None.

    Returns:
        The offer; entries that this course cannot fetch itself (files and Python packages) are not in it.
    """
    wanted: list[Entry] = []
    unknown: list[str] = []
    archives: dict[str, int] = {}
    wire_bytes = 0
    for entry in entries:
        if entry.provider in ("file", "folder") or state_of(entry, root, data) == "here":
            continue
        if entry.provider == "package" and carried_by_package(entry) is not None:
            continue  # another version is installed: pip's to mend
        wanted.append(entry)
        size = entry.wire_bytes if entry.wire_bytes is not None else entry.size_bytes
        in_archive = entry.provider != "https"
        if size is None or (in_archive and entry.wire_bytes is None):
            unknown.append(entry.name)
        elif in_archive:
            archives[f"{entry.provider} {entry.package}@{entry.version}"] = (
                size  # one archive, however many files come out of it
            )
        else:
            path = path_of(entry, root, data)
            here = part_of(path).stat().st_size if part_of(path).is_file() else 0
            wire_bytes += max(0, size - here)
    return Offer(tuple(wanted), wire_bytes + sum(archives.values()), tuple(unknown))
