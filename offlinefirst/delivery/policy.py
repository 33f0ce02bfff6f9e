"""How patient a download is: attempts, bytes, timeouts, waits."""

import random
from dataclasses import dataclass

from offlinefirst.device.units import KiB, MiB


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a download may cost in tries, bytes and time; the defaults suit a slow link with a long latency.

    Args:
        attempts: How many tries in a row may bring nothing new. A try that got further counts as none.
        byte_budget: What this run may fetch in all; None for three times the file (and 1 MiB), or no limit while its
            size is unknown.
        connect_timeout_s: For name, connection and TLS. On 2G one round trip takes a second, and TLS needs several.
        read_timeout_s: Silence after which a connection counts as dead. Mobile links stall for half a minute and go on.
        redirects: How many may follow each other.
        wait_first_s: First wait; each further failure doubles it.
        wait_max_s: Longest wait of our own.
        wait_jitter_s: Up to so much is added by chance, or a village that lost its mast comes back as one crowd.
        retry_after_max_s: A server that asks for a longer wait ends the run, with the time in the error.
        sync_every_bytes: After so many new bytes, and `sync_every_s`, they are forced to the disk: what a power cut
            can cost. After kill -9 the system still has every byte that was written.
        sync_every_s: See there. A fast link would otherwise spend its time on syncing.
        check_room_every_bytes: How often free space is looked at.
        keep_free_bytes: What must stay free on the disk, for others.
        lock_wait_s: How long to wait for another process that downloads the same file.
    """

    attempts: int = 8
    byte_budget: int | None = None
    connect_timeout_s: float = 30.0
    read_timeout_s: float = 60.0
    redirects: int = 5
    wait_first_s: float = 0.5
    wait_max_s: float = 30.0
    wait_jitter_s: float = 1.0
    retry_after_max_s: float = 300.0
    sync_every_bytes: int = 1 * MiB
    sync_every_s: float = 5.0
    check_room_every_bytes: int = 4 * MiB
    keep_free_bytes: int = 256 * KiB
    lock_wait_s: float = 0.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.redirects < 0:
            raise ValueError("a policy needs at least 1 attempt and not fewer than 0 redirects")

    def backoff_s(self, failures: int, rng: random.Random) -> float:
        """Wait before the next try.

        Args:
            failures: How many tries in a row have brought nothing, at least 1.
            rng: Chooses the jitter.

        Returns:
            Seconds: `wait_first_s` doubled for each failure after the first, plus jitter, at most `wait_max_s`.

        Source: stamina's formula, https://stamina.hynek.me/en/stable/motivation.html.

        >>> Policy(wait_jitter_s=0).backoff_s(3, random.Random(1))
        2.0
        """
        doubled = self.wait_first_s * 2.0 ** min(failures - 1, 60)
        return min(self.wait_max_s, doubled + rng.uniform(0, self.wait_jitter_s))

    def budget_bytes(self, size_bytes: int | None) -> int | None:
        """What may be fetched in all.

        Args:
            size_bytes: The file's, if it is known.

        Returns:
            Bytes; None for no limit.
        """
        if self.byte_budget is not None or size_bytes is None:
            return self.byte_budget
        return 3 * size_bytes + MiB
