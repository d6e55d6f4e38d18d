"""Callers that hang up: the work goes on, nothing leaks, nobody else waits in vain."""

import asyncio
import random

import pytest

from padron.store import postgres
from padron.store.base import Store, WriteTransaction
from padron.store.postgres.connections import Connections
from tests import effort
from tests.cast import HUMMER, get_one, make_vin, registered, save, status_changed, wait_until
from tests.conftest import Select
from tests.postgres import Postgres

CONNECTIONS = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'padron' AND datname = current_database()
"""


async def test_a_cancelled_caller_leaves_the_work_to_go_on(store: Store, acme: int, select: Select) -> None:
    started = asyncio.Event()

    async def work(transaction: WriteTransaction) -> None:
        started.set()
        await transaction.save_changes([registered(HUMMER)])

    caller = asyncio.create_task(store.write(acme, work))
    await asyncio.sleep(0)  # the caller has handed its work over
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await started.wait()
    await save(store, acme, registered(make_vin(1)))

    async def both_are_there() -> bool:
        return len(await select("SELECT 1 FROM changes WHERE account_id = $1", acme)) == 2

    await wait_until(both_are_there)
    assert (await get_one(store, acme)).vin == HUMMER


async def test_a_store_that_closes_finishes_what_cancelled_callers_began(
    store: Store, acme: int, select: Select
) -> None:
    caller = asyncio.create_task(save(store, acme, registered(HUMMER)))
    await asyncio.sleep(0)
    caller.cancel()
    await store.close()
    assert await select("SELECT vin FROM changes") == [(HUMMER,)]


@pytest.mark.campaign
async def test_random_cancels_leak_nothing(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, *(registered(make_vin(n)) for n in range(20)))
    dice = effort.roll(7)
    begun: list[int] = []

    async def change(turn: int) -> None:
        async def work(transaction: WriteTransaction) -> None:
            (vehicle,) = await transaction.lock_vehicles([make_vin(turn % 20)])
            begun.append(turn)
            await transaction.save_changes([status_changed(vehicle)])

        await store.write(acme, work)

    async def read(turn: int) -> None:
        await store.read(acme).list_by_vin(make_vin(turn % 20))
        await store.read(acme).list_history(turn % 20 + 1, None, 3)

    async def run_and_cancel(turn: int) -> None:
        task = asyncio.create_task(read(turn) if turn % 4 == 0 else change(turn))
        for _ in range(dice.randrange(12)):
            await asyncio.sleep(0)
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random() * 0.004)
        task.cancel()
        await asyncio.wait([task])

    for start in range(0, effort.CANCELLED_CALLS, 20):
        await asyncio.gather(*(run_and_cancel(turn) for turn in range(start, start + 20)))
    async with asyncio.timeout(10):
        await store.check()
        await save(store, acme, registered(HUMMER))
        await store.close()  # waits for the last work
    rows = await select("SELECT number FROM changes WHERE account_id = $1 ORDER BY number", acme)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == 21 + len(begun)


async def test_cancelled_reads_and_writes_leave_no_connection_behind(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database()
    await postgres_server.leave_alone(url)
    store = await postgres.open_store(url)
    small = Connections(url, 2)
    dice = random.Random(3)

    async def read() -> None:
        await small.fetch("SELECT pg_sleep($1)", (dice.random() * 0.003,))

    async def write() -> None:
        async with small.begin() as connection:
            await connection.fetch("SELECT pg_sleep($1)", dice.random() * 0.003)
            await connection.execute("COMMIT")

    async def run_and_cancel(turn: int) -> None:
        task = asyncio.create_task(read() if turn % 2 else write())
        await asyncio.sleep(dice.random() * 0.006)
        task.cancel()
        await asyncio.wait([task])

    for _ in range(25):
        await asyncio.gather(*(run_and_cancel(turn) for turn in range(6)))
    async with asyncio.timeout(10):
        await asyncio.gather(*(read() for _ in range(6)), *(write() for _ in range(6)))
    await small.close()

    async def only_the_store_is_connected() -> bool:
        return len(await store._points.fetch(CONNECTIONS, ())) == 1

    await wait_until(only_the_store_is_connected)
    await store.close()
    await postgres_server.drop_database(url)
