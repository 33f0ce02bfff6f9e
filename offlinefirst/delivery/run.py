"""One run of a download: requests, retries and budgets until the bytes are there or it is time to give up."""

import contextlib
import errno
import logging
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpcore
import httpx

from offlinefirst.delivery import resume
from offlinefirst.delivery.errors import (
    BadAnswerError,
    BadTargetError,
    DamagedError,
    GaveUpError,
    NoRoomError,
    RefusedError,
)
from offlinefirst.delivery.partfile import Names, PartFile, without_password
from offlinefirst.delivery.policy import Policy
from offlinefirst.delivery.progressbar import Progress
from offlinefirst.device.storage import Reservation, Storage
from offlinefirst.device.units import KiB, format_bytes

_log = logging.getLogger(__name__)
_READ_BYTES = 128 * KiB  # at most so much is in our hands, and not yet in the system's, when kill -9 comes


@dataclass(frozen=True)
class Downloaded:
    """A file that is there, and what it took in this run.

    Args:
        path: The file.
        size_bytes: Its size.
        bytes_fetched: Bytes of bodies that came over the link, the thrown away ones included.
        bytes_reused: Bytes that were there before.
        bytes_lost: Bytes, of those there before or fetched, that had to be thrown away.
        requests: How many were sent, redirects included.
        seconds: How long it took.
        log: What happened, a sentence each.
    """

    path: Path
    size_bytes: int
    bytes_fetched: int
    bytes_reused: int
    bytes_lost: int
    requests: int
    seconds: float
    log: tuple[str, ...] = ()


class Run:
    """One call's work: requests until the bytes are there."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    rng: random.Random

    def __init__(
        self,
        target: resume.Target,
        names: Names,
        part: PartFile,
        policy: Policy,
        progress: Progress,
        storage: Storage | None,
        client: httpx.Client,
    ) -> None:
        self.target, self.names, self.part, self.policy = target, names, part, policy
        self.progress, self.storage, self.client = progress, storage, client
        self.reused = self.most = part.state.have_bytes
        self.fetched = self.lost = self.requests = self.failures = 0
        self.whole = False
        self.ended = False  # whether the last body said that it was complete
        self.log: list[str] = []

    def to_the_end(self, began: float) -> Downloaded:
        if self.reused:
            self.note(f"{self.reused:,} bytes were here already")
        while not self.complete():
            answer = self.ask()
            if isinstance(answer, resume.Retry):
                self.wait(answer)
        found = self.part.sha256()
        size = self.part.state.have_bytes
        if found != self.target.sha256:
            self.part.quarantine()
            raise DamagedError(
                f"{self.names.final.name}: all {size:,} bytes came, but their SHA-256 begins with {found[:12]} and "
                f"should begin with {self.target.sha256[:12]}. They are in {self.names.bad.name}; look at them, check "
                "address and hash, and download again: it starts from zero."
            )
        self.part.deliver()
        seconds = self.clock() - began
        return Downloaded(
            self.names.final, size, self.fetched, self.reused, self.lost, self.requests, seconds, tuple(self.log)
        )

    def complete(self) -> bool:
        state = self.part.state
        total = state.total_bytes if self.target.size_bytes is None else self.target.size_bytes
        if total is not None:
            return state.have_bytes == total
        # The server never said how long the file is: a body that ended properly, or the right hash.
        return self.ended or (state.have_bytes > 0 and self.part.sha256() == self.target.sha256)

    def ask(self) -> resume.Retry | None:
        """One request; a Retry when it brought too little."""
        self.check_room(self.part.state.total_bytes)
        before, best = self.requests, self.most
        try:
            decision = self.request()
        except httpx.TransportError as error:
            self.refuse_bad_certificate(error)
            decision = resume.Retry(_why(error))
        except httpx.InvalidURL as error:
            raise BadTargetError(f"{without_password(self.target.url)}: {error}. Check the address.") from error
        self.most = max(self.most, self.part.state.have_bytes)
        if isinstance(decision, resume.AskWhole):
            self.note(f"asked for the whole file again: {decision.why}")
            self.whole = True
            return None
        if isinstance(decision, resume.Verify):
            if self.part.sha256() == self.target.sha256:
                self.ended = True
                self.part.describe(replace(self.part.state, total_bytes=self.part.state.have_bytes))
            else:
                self.note("the server has no more bytes (416) and these are not the right ones")
                self.whole = True
            return None
        if isinstance(decision, resume.Fail):
            raise decision.error
        assert self.requests > before
        if self.most > best:
            self.failures = 0
        got_on = self.most > best and not isinstance(decision, resume.Retry)
        if self.complete() or (got_on and isinstance(decision, resume.Append) and decision.until == self.most):
            return None  # done, or a piece of what was asked for: the next one, at once
        return decision if isinstance(decision, resume.Retry) else resume.Retry("the answer ended too early")

    def request(self) -> resume.Decision:
        """Send a GET, follow where it leads, take the body if it is one for us."""
        url = self.target.url
        for _ in range(self.policy.redirects + 1):
            self.requests += 1
            headers = resume.request_headers(self.part.state, whole=self.whole)
            with self.client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
                seen = {name.lower(): value for name, value in answer.headers.items()}
                decision = resume.decide(
                    self.target,
                    self.part.state,
                    answer.status_code,
                    seen,
                    whole=self.whole,
                    now=self.now(),
                    url=without_password(url),
                )
                if isinstance(decision, resume.Append | resume.Restart):
                    self.receive(decision, answer, chunked="transfer-encoding" in seen)
                    return decision
            if not isinstance(decision, resume.Redirect):
                return decision
            url = decision.url
        return resume.Fail(
            BadAnswerError(
                f"{without_password(self.target.url)}: the server sends us on and on, more than "
                f"{self.policy.redirects} times. Check the address."
            )
        )

    def receive(self, decision: resume.Append | resume.Restart, answer: httpx.Response, *, chunked: bool) -> None:
        if isinstance(decision, resume.Restart):
            self.check_room(decision.until)
            if decision.lost_bytes:
                self.lost += decision.lost_bytes
                self.reused = 0
                self.note(f"the server began again from zero: {decision.lost_bytes:,} bytes thrown away")
            self.part.restart(decision.part)
            self.whole = False
        else:
            self.check_room(decision.part.total_bytes)
            self.part.describe(decision.part)
        self.ended = False
        state = self.part.state
        self.progress.start(state.have_bytes, state.total_bytes)
        with self.reserved(None if decision.until is None else decision.until - state.have_bytes) as room:
            self.take_body(answer, decision.until, room)
        # Only a transfer coding tells the end of a body whose length nobody knows.
        self.ended = chunked and isinstance(decision, resume.Restart)

    def take_body(self, answer: httpx.Response, until: int | None, room: Reservation | None) -> None:
        budget = self.policy.budget_bytes(self.part.state.total_bytes)
        synced_at, looked = self.clock(), self.part.state.have_bytes
        for data in _body(answer):
            have = self.part.state.have_bytes
            wanted = data if until is None else data[: until - have]
            self.fetched += len(data)
            if self.storage is not None and room is None:
                self.storage.check(len(wanted))
            self.part.write(wanted)
            if room is not None:
                room.wrote(len(wanted))
            self.progress.advance(len(wanted))
            have = self.part.state.have_bytes
            if have == until:
                return  # what a server sends after that is not ours
            if have - looked >= self.policy.check_room_every_bytes:
                looked = have
                self.check_room(until)
            unsynced = have - self.part.synced_bytes
            if unsynced >= self.policy.sync_every_bytes and self.clock() - synced_at >= self.policy.sync_every_s:
                self.part.sync()
                synced_at = self.clock()
            if budget is not None and self.fetched > budget:
                raise GaveUpError(
                    f"{self.names.final.name}: {format_bytes(self.fetched)} came and the file is not complete; more "
                    f"than the {format_bytes(budget)} that this run may cost. {self.kept()}"
                )

    def wait(self, retry: resume.Retry) -> None:
        self.failures += 1
        if self.failures >= self.policy.attempts:
            raise GaveUpError(
                f"{self.names.final.name}: {self.failures} tries in a row brought nothing new; the last one: "
                f"{retry.why}. {self.kept()}"
            )
        seconds = self.policy.backoff_s(self.failures, self.rng)
        if retry.after_s is not None:
            if retry.after_s > self.policy.retry_after_max_s:
                raise GaveUpError(
                    f"{self.names.final.name}: {retry.why} and asks us to come back in "
                    f"{retry.after_s:,.0f} s. {self.kept()}"
                )
            seconds = max(seconds, retry.after_s)
        self.note(f"{retry.why}; waited {seconds:.1f} s")
        self.progress.wait(seconds, retry.why)
        self.sleep(seconds)

    def check_room(self, total_bytes: int | None) -> None:
        """Raise NoRoomError unless the rest of the file fits."""
        total = self.target.size_bytes if self.target.size_bytes is not None else total_bytes
        need = 0 if total is None else max(0, total - self.part.state.have_bytes)
        free = shutil.disk_usage(self.names.final.parent).free - self.policy.keep_free_bytes
        if need > free or free < 0:
            told = f"{format_bytes(need)} are to come and {format_bytes(max(0, free))} are free on the disk"
            raise no_room(self.names, self.part, told)

    @contextlib.contextmanager
    def reserved(self, size_bytes: int | None) -> Iterator[Reservation | None]:
        if self.storage is None or size_bytes is None:
            yield None
            return
        with self.storage.reserve(size_bytes) as room:
            yield room

    def refuse_bad_certificate(self, error: httpx.TransportError) -> None:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise RefusedError(
                f"{without_password(self.target.url)}: the server's certificate cannot be trusted. Check the device's "
                f"date (it says {self.now():%Y-%m-%d}), and that no Wi-Fi login stands between. {self.kept()}"
            ) from error
        if isinstance(error, httpx.UnsupportedProtocol):
            raise BadTargetError(f"{without_password(self.target.url)}: {error}. Check the address.") from error

    def note(self, what: str) -> None:
        self.log.append(what)
        _log.info("%s: %s", self.names.final.name, what)

    def kept(self) -> str:
        have = self.part.state.have_bytes
        return f"{have:,} bytes are kept; download again later and it goes on from there." if have else "Try later."


def _body(answer: httpx.Response) -> Iterator[bytes]:
    """The body as it arrives; of a plain one, everything after the first piece straight from the connection.

    httpx copies each 64 KiB through a parser. A body of known length needs none: its first piece holds all that was
    received along with the headers, and the rest is read with larger reads. Loopback goodput grows by about 40 %.
    """
    pieces = answer.iter_raw()
    stream = answer.extensions.get("network_stream")
    length = answer.headers.get("content-length", "")
    plain = length.isdecimal() and "transfer-encoding" not in answer.headers and answer.http_version == "HTTP/1.1"
    if not plain or stream is None:
        yield from pieces
        return
    first = next(pieces, b"")
    yield first
    left, timeout_s = int(length) - len(first), answer.request.extensions.get("timeout", {}).get("read")
    while left > 0:
        try:
            data = stream.read(min(left, _READ_BYTES), timeout=timeout_s)
        except httpcore.TimeoutException as error:
            raise httpx.ReadTimeout(str(error)) from error
        except httpcore.NetworkError as error:
            raise httpx.ReadError(str(error)) from error
        if not data:
            raise httpx.RemoteProtocolError(f"the connection was closed {left:,} bytes too early")
        left -= len(data)
        yield data


def no_room(names: Names, part: PartFile, told: str) -> NoRoomError:
    have = part.state.have_bytes
    kept = f" {have:,} bytes are kept." if have else ""
    why = f"{names.final.name}: {told}.{kept} Delete what is no longer needed and download again"
    return NoRoomError(errno.ENOSPC, why, str(names.final.parent))


def _why(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "the server could not be reached in time"
    if isinstance(error, httpx.TimeoutException):
        return "the link fell silent"
    if isinstance(error, httpx.ConnectError):
        return "the server could not be reached"
    return "the connection was cut"
