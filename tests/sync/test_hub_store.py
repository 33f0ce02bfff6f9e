"""The hub's store: order, group commit, compaction, full and failing disks."""

import asyncio
import sqlite3

import pytest

from offlinefirst.sync._hub_store import Store, StoreError, StoreFullError, merged
from offlinefirst.sync.documents import CropRegister


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def updates(count, client=1, farm="kitui-03"):
    """One update for each of so many edits of one field."""
    register, made = CropRegister(farm=farm, officer="Mutheu", client_id=client), []
    register.subscribe(made.append)
    for number in range(count):
        register.set("north", "note", f"note {number}")
    return made, register


def rows(folder, farm="kitui-03"):
    with sqlite3.connect(folder / "hub.sqlite") as database:
        return database.execute("SELECT number, data FROM log WHERE farm = ? ORDER BY number", (farm,)).fetchall()


def test_what_is_waiting_is_written_in_one_commit_and_in_order(tmp_path):
    async def scenario():
        store = Store(tmp_path / "store")
        await asyncio.gather(*(store.append(f"farm-{number % 3}", bytes([number])) for number in range(200)))
        assert store.commits == 1
        await store.append("farm-0", b"last")
        await store.append("farm-0", b"")
        assert store.commits == 2
        await store.close()

    run(scenario())
    kept = rows(tmp_path / "store", "farm-1")
    assert [data for _, data in kept] == [bytes([number]) for number in range(1, 200, 3)]
    assert [number for number, _ in kept] == sorted(number for number, _ in kept)


def test_farms_are_apart_and_a_store_opens_again(tmp_path):
    made, register = updates(5)

    async def scenario():
        for update in made:
            store = Store(tmp_path)
            await store.append("kitui-03", update)
            await store.append("kitui-04", b"x")
            await store.close()
        store = Store(tmp_path)
        history, count = await store.read("kitui-03")
        assert (await store.read("kitui-05"))[1] == 0
        await store.close()
        return history, count

    history, count = run(scenario())
    assert count == 5
    assert CropRegister.load(history, farm="kitui-03", officer="x").plots() == register.plots()


def test_compaction_keeps_what_was_written_meanwhile_and_forgets_what_was_overwritten(tmp_path):
    made, register = updates(30)

    async def scenario():
        store = Store(tmp_path)
        for update in made[:20]:
            await store.append("kitui-03", update)
        assert b"note 7" in b"".join(data for _, data in rows(tmp_path))
        await store.append("kitui-04", b"another farm's")
        compaction = asyncio.create_task(store.compact("kitui-03"))
        await asyncio.gather(*(store.append("kitui-03", update) for update in made[20:]))
        became_one = await compaction
        assert 20 <= became_one <= 30
        assert len(rows(tmp_path)) == 30 - became_one + 1
        assert b"note 7" not in b"".join(data for _, data in rows(tmp_path))
        assert await store.compact("kitui-03") == 31 - became_one
        assert await store.compact("kitui-03") == 1
        assert await store.compact("kitui-09") == 0
        history, count = await store.read("kitui-03")
        await store.close()
        assert count == 1
        assert [data for _, data in rows(tmp_path, "kitui-04")] == [b"another farm's"]
        return history

    assert CropRegister.load(run(scenario()), farm="kitui-03", officer="x").plots() == register.plots()


def test_numbers_go_on_after_compaction(tmp_path):
    made, _ = updates(4)

    async def scenario():
        store = Store(tmp_path)
        for update in made[:3]:
            await store.append("kitui-03", update)
        await store.compact("kitui-03")
        await store.append("kitui-03", made[3])
        await store.close()

    run(scenario())
    assert [number for number, _ in rows(tmp_path)] == [3, 4]


def test_a_full_disk_refuses_and_keeps(tmp_path):
    made, _ = updates(3)
    free = [10**9]

    async def scenario():
        store = Store(tmp_path, reserve_bytes=1_000_000, free=lambda folder: free[0])
        await store.append("kitui-03", made[0])
        free[0] = 1_000_000
        results = await asyncio.gather(
            store.append("kitui-03", made[1]), store.append("kitui-04", b""), return_exceptions=True
        )
        assert isinstance(results[0], StoreFullError)
        assert results[1] is None  # nothing of kitui-04 was waiting to be kept
        assert (await store.read("kitui-03"))[1] == 1
        free[0] = 10**9
        await store.append("kitui-03", made[1])
        assert (await store.read("kitui-03"))[1] == 2
        await store.close()

    run(scenario())


def test_a_disk_that_is_really_full_refuses_and_keeps(tmp_path):
    made, _ = updates(40)

    async def scenario():
        store = Store(tmp_path)
        kept = 0
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages + 1}")
        failure = None
        while failure is None:
            try:
                await store.append("kitui-03", made[kept % 40] + bytes(500))
                kept += 1
            except StoreFullError as error:
                failure = str(error)
        assert "is full" in failure
        assert kept > 3
        assert len(await store._rows("kitui-03")) == kept
        store._database.execute("PRAGMA max_page_count = 1000000")
        await store.append("kitui-03", b"again")
        assert not store.broken
        await store.close()
        return kept

    kept = run(scenario())
    assert len(rows(tmp_path)) == kept + 1


def test_an_error_that_nobody_expected_reaches_whoever_waits(tmp_path, monkeypatch):
    async def scenario():
        store = Store(tmp_path)

        def fail(rows):
            raise ZeroDivisionError

        monkeypatch.setattr(store, "_write", fail)
        with pytest.raises(StoreError, match="ZeroDivisionError"):
            await store.append("kitui-03", b"x")
        monkeypatch.undo()
        await store.append("kitui-03", b"y")
        await store.close()

    run(scenario())
    assert [data for _, data in rows(tmp_path)] == [b"y"]


def test_rows_that_are_no_history_are_said_to_be_none():
    with pytest.raises(StoreError, match="log of kitui-03 cannot be read"):
        merged("kitui-03", [b"nonsense"])


def test_a_connection_that_went_away_leaves_the_rest_of_its_group_alone(tmp_path):
    async def scenario():
        store = Store(tmp_path)
        gone = asyncio.create_task(store.append("kitui-03", b"gone"))
        here = asyncio.create_task(store.append("kitui-03", b"here"))
        await asyncio.sleep(0)
        gone.cancel()
        await here
        await store.close()

    run(scenario())
    assert [data for _, data in rows(tmp_path)] == [b"gone", b"here"]
