"""One farm's room: its document, who is in it, and what reaches whom, when. Sockets are somebody else's."""

import asyncio
import logging
from typing import Protocol

from offlinefirst.sync._hub_protocol import (
    LATER,
    NOTHING,
    REFUSED,
    Answer,
    PassOn,
    TakeIn,
    acknowledge,
    answer,
    ask,
    give,
)
from offlinefirst.sync._hub_store import Store, StoreError
from offlinefirst.sync.documents import Document, DocumentError, MissingHistoryError, RefusedUpdateError

_log = logging.getLogger(__name__)


class Member(Protocol):
    """A connection, as a room sees it."""

    def send(self, data: bytes) -> None:
        """Send soon; never waits."""

    def end(self, code: int, reason: str) -> None:
        """Close soon, and say why."""


class Room:
    """A farm, while somebody is there.

    What the room tells anybody is on the disk first: updates reach the others, and state vectors and answers leave,
    only after everything that came before them was written.

    Args:
        farm: Whose room.
        store: The hub's.
        document: What the store had.
        rows: In how many rows.
        compact_rows: Rewrite them as one when they are so many.
    """

    def __init__(self, farm: str, store: Store, document: Document, rows: int, compact_rows: int) -> None:
        self.farm, self.document, self.rows = farm, document, rows
        self.members: set[Member] = set()
        self.lost = False  # the document has what the store has not: nobody may use this room any more
        self._store, self._compact_rows = store, compact_rows
        self._compaction: asyncio.Task[None] | None = None

    async def join(self, member: Member) -> None:
        """Take somebody in and ask for what is not here. From now on they hear of all that is written."""
        self.members.add(member)
        await self._tell(member, ask(self.document.state_vector()))

    def leave(self, member: Member) -> None:
        """Nothing more for them."""
        self.members.discard(member)

    async def act(self, member: Member, action: Answer | TakeIn | PassOn) -> None:
        """Do what the rules say.

        Args:
            member: From whom it came.
            action: What.
        """
        if isinstance(action, Answer):
            await self._tell(member, answer(self.document.update_since(action.state_vector)))
        elif isinstance(action, PassOn):
            for one in self.members:
                one.send(action.data)
        else:
            await self._take_in(member, action)

    async def _tell(self, member: Member, data: bytes) -> None:
        """Send this when all that it may speak of is on the disk."""
        try:
            await self._store.append(self.farm, b"")
        except StoreError as error:
            self.close(str(error))
        if not self.lost:
            member.send(data)

    async def _take_in(self, member: Member, action: TakeIn) -> None:
        before = self.document.state_vector()
        if action.update != NOTHING:
            try:
                self.document.apply(action.update)
            except MissingHistoryError:
                await self._tell(member, ask(before))  # it edited before we had heard of what came first
                return
            except RefusedUpdateError as error:
                _log.warning("%s: an update was refused: %s", self.farm, error)
                member.end(REFUSED, str(error))
                return
        try:
            await self._store.append(self.farm, b"" if action.update == NOTHING else action.update)
        except StoreError as error:
            self.close(str(error))
            return
        if action.update != NOTHING:
            self.rows += 1
            for one in self.members - {member}:
                one.send(give(action.update))
        if action.number is not None:
            member.send(acknowledge(action.number))
        if self.rows >= self._compact_rows and self._compaction is None:
            self._compaction = asyncio.create_task(self._compact())

    def close(self, why: str) -> None:
        """Send everybody away: this room's document holds what was not kept. They come again to one read anew."""
        if not self.lost:
            _log.error("%s: nothing more is taken in: %s", self.farm, why)
        self.lost = True
        for one in self.members:
            one.end(LATER, why)

    async def _compact(self) -> None:
        try:
            became_one = await self._store.compact(self.farm)
            self.rows -= max(0, became_one - 1)
        except (StoreError, DocumentError) as error:
            _log.error("%s: its log stays as long as it is: %s", self.farm, error)
            self.rows = 0  # try again after as many rows
        finally:
            self._compaction = None

    async def finish(self) -> None:
        """Wait for a compaction that is under way."""
        if self._compaction is not None:
            await asyncio.wait([self._compaction])
