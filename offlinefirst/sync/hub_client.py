"""A phone's end of the hub: keeps a document and the hub's copy of it the same whenever there is a link.

    client = HubClient(register, "ws://hub.example:8765", token)
    async with client:
        register.set("north", "crop", "maize")   # edits go out by themselves
        await client.settled()                   # all of them acknowledged, all of the hub's here

It keeps no queue on the disk, and needs none: on every connection the hub says what it has, and gets the rest. What was
sent twice is the same as what was sent once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self
from urllib.parse import quote

from pycrdt import merge_updates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from offlinefirst.sync._hub_protocol import (
    FINAL,
    Acknowledge,
    Ask,
    BadMessageError,
    Give,
    Message,
    ask,
    give,
    read_message,
)
from offlinefirst.sync.documents import Document, MissingHistoryError, RefusedUpdateError
from offlinefirst.sync.errors import SyncError

_log = logging.getLogger(__name__)
logging.getLogger("offlinefirst.sync").addHandler(logging.NullHandler())  # silent unless somebody listens
_IN_FLIGHT = 4  # messages that may wait for their acknowledgement; edits made meanwhile go together in the next one


class HubRefusedError(SyncError):
    """The hub will not have this client or its update; coming again with the same does not help."""


class HubClient:
    """One document, one hub.

    Args:
        document: Of the farm whose room is joined.
        url: The hub's, without the farm.
        token: That opens the farm.
        first_wait_s: The first wait after a lost connection is random, and at most so long; each next one twice that.
        longest_wait_s: And never longer than this.
        rng: For the waits.
        sleep: Likewise.
    """

    def __init__(
        self,
        document: Document,
        url: str,
        token: str,
        *,
        first_wait_s: float = 0.5,
        longest_wait_s: float = 60.0,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.document, self._url, self._token = document, f"{url}/{quote(document.farm)}", token
        self._first_wait_s, self._longest_wait_s = first_wait_s, longest_wait_s
        self._rng, self._sleep = rng or random.Random(), sleep
        self.connected = False
        self.problem: str | None = None  # what is wrong now, for the officer to read
        self.bytes_sent = self.bytes_received = 0
        self._made = self._kept = 0  # own transactions, and how many of them the hub acknowledged
        self._unsent: list[bytes] = []
        self._sent: dict[int, int] = {}  # number of a message -> own transactions that are on the hub with it
        self._number = 0
        self._applying = False
        self._caught_up = self._ready = False  # the hub's changes are here; the hub has said what it has
        self._refusal: RefusedUpdateError | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._socket: ClientConnection | None = None
        self._asked_again = False
        self._task: asyncio.Task[None] | None = None

    @property
    def unacknowledged(self) -> int:
        """Own transactions since this client was made that the hub has not acknowledged yet."""
        return self._made - self._kept

    async def __aenter__(self) -> Self:
        self._stop_watching = self.document.subscribe(self._edited)
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_watching()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def settled(self) -> None:
        """Wait until the hub has acknowledged all that was edited here, and all that it had is here.

        Raises:
            HubRefusedError: It will not have us, or what we send.
            RefusedUpdateError: The document will not have what the hub sent.
        """
        while not (self._caught_up and self._ready) or self._sent or self._unsent:
            if self._refusal is not None:
                raise self._refusal
            await self._change()

    async def _change(self) -> None:
        assert self._task is not None, "use the client in `async with`"
        changed = self._next_change()
        await asyncio.wait([changed, self._task], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    def _next_change(self) -> "asyncio.Future[None]":
        """Over as soon as anything changes from now on."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        return waiter

    def _notify(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _edited(self, update: bytes) -> None:
        if not self._applying:
            self._made += 1
            self._unsent.append(update)
            self._notify()

    # Connections

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    max_size=None,
                    compression=None,
                    proxy=None,
                    logger=logging.getLogger(f"{__name__}.websockets"),
                ) as socket:
                    self._begin(socket)
                    await self._talk(socket)
            except InvalidURI as error:
                raise HubRefusedError(f"{self._url}: a hub's address begins with ws:// or wss://") from error
            except (OSError, InvalidHandshake, ConnectionClosed, BadMessageError, EOFError) as error:
                failures = 1 if self._caught_up else failures + 1
                self._lose(error)
            wait_s = self._rng.uniform(0, min(self._longest_wait_s, self._first_wait_s * 2 ** min(failures, 30)))
            await self._sleep(wait_s)

    def _begin(self, socket: ClientConnection) -> None:
        self._socket, self.connected, self.problem = socket, True, None
        self._caught_up = self._ready = self._asked_again = False
        self._refusal = None
        self._sent.clear()
        self._number = 0
        self._notify()

    def _lose(self, error: Exception) -> None:
        self._socket, self.connected, self._caught_up = None, False, False
        self.problem = str(error)
        if isinstance(error, ConnectionClosed) and error.rcvd is not None:
            self.problem = error.rcvd.reason or str(error)
            if error.rcvd.code in FINAL:
                raise HubRefusedError(f"{self._url}: {self.problem}") from error
        if isinstance(error, InvalidStatus) and error.response.status_code in (400, 401, 403, 404):
            raise HubRefusedError(f"{self._url}: {error.response.body.decode(errors='replace').strip()}") from error
        _log.info("%s: %s", self._url, self.problem)
        self._notify()

    async def _talk(self, socket: ClientConnection) -> None:
        sender = asyncio.create_task(self._send_edits())
        try:
            await self._send(ask(self.document.state_vector()))
            async for data in socket:
                if not isinstance(data, bytes):
                    raise BadMessageError("the hub sent text")
                self.bytes_received += len(data)
                await self._receive(read_message(data))
            raise socket.protocol.close_exc
        finally:
            sender.cancel()
            await asyncio.wait([sender])
            if not sender.cancelled() and (error := sender.exception()):
                raise error

    async def _send(self, data: bytes) -> None:
        assert self._socket is not None
        self.bytes_sent += len(data)
        await self._socket.send(data)

    async def _receive(self, message: Message | None) -> None:
        if isinstance(message, Ask):
            self._unsent.clear()  # it is in the following
            await self._give(self.document.update_since(message.state_vector))
            self._ready = True
        elif isinstance(message, Give):
            await self._take_in(message)
        elif isinstance(message, Acknowledge) and message.number in self._sent:
            self._kept = max(self._kept, self._sent[message.number])
            self._sent = {number: made for number, made in self._sent.items() if number > message.number}
        self._notify()

    async def _give(self, update: bytes) -> None:
        self._number += 1
        self._sent[self._number] = self._made
        await self._send(give(update, self._number))

    async def _take_in(self, message: Give) -> None:
        self._applying = True
        try:
            self.document.apply(message.update)
        except MissingHistoryError:
            if not self._asked_again:
                self._asked_again = True
                await self._send(ask(self.document.state_vector()))
        except RefusedUpdateError as error:
            self._refusal, self.problem = error, f"an update from the hub was refused: {error}"
            _log.error("%s: %s", self._url, self.problem)
        else:
            self._asked_again = False
            self._caught_up = self._caught_up or message.answers
        finally:
            self._applying = False

    async def _send_edits(self) -> None:
        """Send what is edited while a few messages at most are under way."""
        while True:
            if self._ready and self._unsent and len(self._sent) < _IN_FLIGHT:
                updates, self._unsent = self._unsent, []
                await self._give(updates[0] if len(updates) == 1 else merge_updates(*updates))
            else:
                await self._next_change()


__all__ = ["HubClient", "HubRefusedError"]
