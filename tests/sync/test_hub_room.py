"""A room without sockets or disks: who hears what, and that nobody hears of what was not kept."""

import asyncio

from offlinefirst.sync._hub_protocol import NOTHING, Acknowledge, Answer, Ask, Give, TakeIn, read_message
from offlinefirst.sync._hub_room import Room
from offlinefirst.sync._hub_store import StoreFullError
from offlinefirst.sync.documents import CropRegister, Document


class FakeStore:
    """Commits when it is told to."""

    def __init__(self):
        self.kept, self.waiting, self.broken = [], [], None

    async def append(self, farm, data):
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((data, done))
        await done

    def commit(self, error=None):
        waiting, self.waiting = self.waiting, []
        for data, done in waiting:
            if error and data:
                done.set_exception(error)
            else:
                self.kept += [data] if data else []
                done.set_result(None)


class FakeMember:
    def __init__(self):
        self.heard, self.ended = [], None

    def send(self, data):
        self.heard.append(read_message(data))

    def end(self, code, reason):
        self.ended = self.ended or (code, reason)


def run(scenario):
    async def with_room():
        store = FakeStore()
        room = Room("kitui-03", store, Document(farm="kitui-03", officer="hub"), 0, 100)
        await asyncio.wait_for(scenario(room, store), 10)

    asyncio.run(with_room())


async def begin(store, *coroutines):
    """Start them, and let each come to its commit."""
    tasks = [asyncio.create_task(one) for one in coroutines]
    while len(store.waiting) < len(tasks):
        await asyncio.sleep(0)
    return tasks


def an_update(crop="maize"):
    register = CropRegister(farm="kitui-03", officer="Mutheu")
    register.set("north", "crop", crop)
    return register.update_since(None)


def test_nobody_hears_of_an_update_before_it_is_kept():
    async def scenario(room, store):
        one, other, late = FakeMember(), FakeMember(), FakeMember()
        joins = await begin(store, room.join(one), room.join(other))
        assert one.heard == []
        store.commit()
        await asyncio.gather(*joins)
        assert one.heard == other.heard == [Ask(b"\x00")]
        update = an_update()
        tasks = await begin(store, room.act(one, TakeIn(update, 4)), room.act(other, Answer(b"\x00")), room.join(late))
        assert (len(one.heard), len(other.heard), late.heard) == (1, 1, [])
        store.commit()
        await asyncio.gather(*tasks)
        assert store.kept == [update]
        assert one.heard[1:] == [Acknowledge(4)]
        assert Give(update) in other.heard

    run(scenario)


def test_after_a_failed_commit_everybody_is_sent_away_and_hears_nothing_of_it():
    async def scenario(room, store):
        one, other, late = FakeMember(), FakeMember(), FakeMember()
        joins = await begin(store, room.join(one), room.join(other))
        store.commit()
        await asyncio.gather(*joins)
        tasks = await begin(store, room.act(one, TakeIn(an_update(), 0)), room.act(other, Answer(b"\x00")))
        store.commit(StoreFullError("no room"))
        await asyncio.gather(*tasks)
        assert room.lost
        assert one.ended == other.ended == (1013, "no room")
        assert not any(isinstance(message, Acknowledge) for message in one.heard)
        assert len(other.heard) == 1  # the answer would have held what was not kept
        joins = await begin(store, room.join(late))
        store.commit()
        await asyncio.gather(*joins)
        assert late.heard == []

    run(scenario)


def test_nothing_new_is_acknowledged_and_passed_on_to_nobody():
    async def scenario(room, store):
        one, other = FakeMember(), FakeMember()
        joins = await begin(store, room.join(one), room.join(other))
        store.commit()
        await asyncio.gather(*joins)
        tasks = await begin(store, room.act(one, TakeIn(NOTHING, 7)))
        store.commit()
        await asyncio.gather(*tasks)
        assert one.heard[1:] == [Acknowledge(7)]
        assert len(other.heard) == 1
        assert store.kept == []
        room.leave(other)
        tasks = await begin(store, room.act(one, TakeIn(an_update(), None)))
        store.commit()
        await asyncio.gather(*tasks)
        assert len(one.heard) == 2
        assert len(other.heard) == 1

    run(scenario)
