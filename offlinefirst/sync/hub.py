"""The hub: a WebSocket server through which phones meet, and which keeps what it acknowledged.

    python -m offlinefirst hub --store FOLDER --tokens FILE --port 8765

A farm is a room: `ws://HOST:PORT/FARM?token=TOKEN`. It speaks the protocol of Yjs and y-websocket
(`offlinefirst.sync._hub_protocol` holds it as pure rules), and its promises are these:

- An edit is acknowledged, passed on to others or counted in a state vector only when it is on the disk (`_hub_store`).
- A farm's document is read from the store before anybody joins it, once, however many come at the same time.
- Every update is tried like on a phone (`offlinefirst.sync.documents`): what is refused ends the connection with the
  reason, and changes nothing.
- A token opens the farms in its entry, and a connection is closed soon after its entry is gone.
- Whoever sends too fast is read more slowly; whoever receives too slowly is sent away and catches up by coming again.
- With the disk full, documents can still be read, and updates are turned away with that reason (close code 1013).

`GET /` tells the hub's state. There is no TLS in here: outside of your own network put it behind a server that has it.
"""

import asyncio
import http
import json
import logging
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from offlinefirst.sync._document_rules import NAME
from offlinefirst.sync._hub_protocol import (
    LATER,
    RESTART,
    REVOKED,
    Close,
    HubLimits,
    Rights,
    Session,
    Wait,
)
from offlinefirst.sync._hub_room import Room
from offlinefirst.sync._hub_store import Store, StoreError, StoreFullError, free_bytes
from offlinefirst.sync._hub_tokens import Tokens, TokensError, grant
from offlinefirst.sync.documents import Document
from offlinefirst.sync.errors import SyncError

__all__ = ["Hub", "HubError", "HubLimits", "StoreError", "StoreFullError", "TokensError", "grant"]
_log = logging.getLogger(__name__)
logging.getLogger("offlinefirst.sync").addHandler(logging.NullHandler())  # silent unless somebody listens


class HubError(SyncError):
    """The hub cannot serve."""


class Hub:
    """A server for one store, as an async context manager.

    Args:
        store_folder: Where it keeps what it acknowledged; made if it is missing.
        tokens: The file of tokens; `grant` adds one.
        limits: What it takes.
        host: Address to listen on; the default is for this computer only.
        port: 0 takes a free one.
        free: What the store's disk has left, in bytes.
        today: The hub's date; updates with dates after it are refused, and what is in the store never is.
    """

    def __init__(
        self,
        store_folder: Path,
        tokens: Path,
        limits: HubLimits | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        free: Callable[[Path], int] = free_bytes,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._today = today
        self._limits, self._host, self._port, self._free = limits or HubLimits(), host, port, free
        self._store_folder, self._tokens_path = store_folder, tokens
        self._rooms: dict[str, asyncio.Task[Room]] = {}
        self._connections: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        """Open the store and listen.

        Raises:
            StoreError: The store cannot be used.
            TokensError: The tokens' file is missing or wrong.
            HubError: The port is taken.
        """
        self._tokens = Tokens(self._tokens_path)
        self._store = Store(self._store_folder, reserve_bytes=self._limits.reserve_bytes, free=self._free)
        try:
            self._server: Server = await serve(
                self._serve,
                self._host,
                self._port,
                process_request=self._admit,
                max_size=self._limits.message_bytes,
                max_queue=4,
                compression=None,  # updates are small and dense; compressing each connection costs memory
                logger=logging.getLogger(f"{__name__}.websockets"),
            )
        except (OSError, OverflowError) as error:
            await self._store.close()
            why = getattr(error, "strerror", None) or "a port is a number from 0 to 65535"
            raise HubError(f"cannot listen on {self._host}:{self._port}: {why}") from error
        self._recheck = asyncio.create_task(self._watch_tokens())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recheck.cancel()
        for one in list(self._connections):
            one.end(RESTART, "the hub is being stopped; come again")
        self._server.close(code=RESTART, reason="the hub is being stopped; come again")
        await self._server.wait_closed()
        for task in list(self._rooms.values()):
            if not task.cancelled() and task.done() and task.exception() is None:
                await task.result().finish()
        await self._store.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def url(self) -> str:
        """For clients on this computer; add a farm's name."""
        return f"ws://{self._host}:{self.port}"

    def state(self) -> dict[str, Any]:
        """How it is: whether it takes updates in, and if not, why; farms open; connections."""
        left = self._free(self._store_folder)
        full = f"the disk has {left:,} bytes left" if left < self._limits.reserve_bytes else None
        return {
            "intake": self._store.broken or full or "open",
            "farms": len(self._rooms),
            "connections": len(self._connections),
        }

    async def serve_forever(self) -> None:
        """Until the task is cancelled."""
        await self._server.serve_forever()

    # Who may come in

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path == "/":
            return connection.respond(http.HTTPStatus.OK, json.dumps(self.state()) + "\n")
        farm = unquote(parts.path.removeprefix("/"))
        if not NAME.fullmatch(farm):
            return connection.respond(http.HTTPStatus.NOT_FOUND, "there is no such farm\n")
        if len(self._connections) >= self._limits.connections:
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; come again later\n")
        self._refresh_tokens()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        token = token or parse_qs(parts.query).get("token", [""])[0]
        rights = self._tokens.rights(token, farm)
        if rights is None:
            _log.warning("%s: refused a connection: no token, or not for this farm", farm)
            return connection.respond(http.HTTPStatus.FORBIDDEN, "this token does not open this farm\n")
        connection.offlinefirst = (farm, token, rights)  # type: ignore[attr-defined]
        return None

    def _refresh_tokens(self) -> bool:
        try:
            return self._tokens.refresh()
        except TokensError as error:
            _log.error("the tokens as they were still hold: %s", error)
            return False

    async def _watch_tokens(self) -> None:
        while True:
            await asyncio.sleep(self._limits.recheck_s)
            if self._refresh_tokens():
                for one in list(self._connections):
                    one.renew(self._tokens.rights(one.token, one.farm))

    # A connection

    async def _serve(self, socket: ServerConnection) -> None:
        farm, token, rights = socket.offlinefirst  # type: ignore[attr-defined]
        connection = _Connection(socket, farm, token, rights, self._limits)
        self._connections.add(connection)
        room: Room | None = None
        try:
            room = await self._room(farm)
            await room.join(connection)
            await connection.receive_all(room)
        except ConnectionClosed:
            pass
        except StoreError as error:
            _log.error("%s: %s", farm, error)
            connection.end(LATER, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged and the client hears of it
            _log.exception("%s: the hub failed", farm)
            connection.end(1011, f"the hub failed: {type(error).__name__}")
        finally:
            self._connections.discard(connection)
            if room is not None:
                room.leave(connection)
                await self._leave(farm, room)
            await connection.closed()

    async def _room(self, farm: str) -> Room:
        """The farm's room, read from the store by whoever comes first; the others wait for the same reading."""
        task = self._rooms.get(farm)
        if task is not None and task.done() and (task.cancelled() or task.exception() or task.result().lost):
            task = None
        if task is None:
            task = self._rooms[farm] = asyncio.create_task(self._open(farm))
        return await asyncio.shield(task)

    async def _open(self, farm: str) -> Room:
        history, rows = await self._store.read(farm)
        document = Document.load(history, farm=farm, officer="hub", today=self._today)
        return Room(farm, self._store, document, rows, self._limits.compact_rows)

    async def _leave(self, farm: str, room: Room) -> None:
        await room.finish()
        task = self._rooms.get(farm)
        if not room.members and task is not None and task.done() and not task.exception() and task.result() is room:
            del self._rooms[farm]


class _Connection:
    """A socket with its rules and with what waits to be sent to it."""

    def __init__(self, socket: ServerConnection, farm: str, token: str, rights: Rights, limits: HubLimits) -> None:
        self.farm, self.token = farm, token
        self._socket, self._limits = socket, limits
        self._session = Session(rights, limits, time.monotonic())
        self._waiting: list[bytes] = []
        self._behind = 0
        self._wake = asyncio.Event()
        self._end: Close | None = None
        self._sender = asyncio.create_task(self._send_all())

    async def receive_all(self, room: Room) -> None:
        """Until the connection ends: each message through the rules, and what they say done, before the next."""
        async for data in self._socket:
            for action in self._session.receive(data, time.monotonic()):
                if isinstance(action, Close):
                    _log.warning("%s: closed: %s", self.farm, action.reason)
                    self.end(action.code, action.reason)
                elif isinstance(action, Wait):
                    await asyncio.sleep(action.seconds)
                else:
                    await room.act(self, action)
            if self._end is not None:
                break

    def send(self, data: bytes) -> None:
        if self._end is not None:
            return
        self._behind += len(data)
        if self._behind > self._limits.behind_bytes:
            _log.warning("%s: a client is %d bytes behind and was sent away", self.farm, self._behind)
            self._waiting.clear()
            self.end(LATER, "too far behind; come again and catch up")
            return
        self._waiting.append(data)
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        if self._end is None:
            self._end = Close(code, reason)
            self._wake.set()
            self._hurry = asyncio.get_running_loop().call_later(self._limits.goodbye_s, self._socket.transport.abort)

    def renew(self, rights: Rights | None) -> None:
        """The tokens' file has changed."""
        if rights is None:
            _log.warning("%s: a token was taken back", self.farm)
            self.end(REVOKED, "this token was taken back")
        else:
            self._session.rights = rights

    async def closed(self) -> None:
        """Send what is left, then close."""
        self.end(1000, "")
        await asyncio.wait([self._sender])
        self._hurry.cancel()

    async def _send_all(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                waiting, self._waiting = self._waiting, []
                for data in waiting:
                    await self._socket.send(data)
                    self._behind -= len(data)
                if self._end is not None and not self._waiting:
                    reason = self._end.reason.encode()[:120].decode(errors="ignore")  # 123 bytes are allowed
                    await self._socket.close(self._end.code, reason)
                    return
        except ConnectionClosed:
            self.end(1000, "")
