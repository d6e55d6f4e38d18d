"""A server follows the record of large accounts by itself, and leaves the account alone on PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest

from padron.service.runtime import Runtime
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.orders.marks import BOUNDS
from padron.workers.base import run_workers
from padron.workers.orders import OrdersWorker
from tests.cast import Cast, make_vin, registered, save, wait_until
from tests.conftest import Select


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_worker_follows_what_is_written(runtime: Runtime, cast: Cast, select: Select) -> None:
    assert isinstance(runtime.store, SqliteStore)
    runtime.store.orders.bounds = replace(BOUNDS, large=50, block=8, portion_min=16)
    account_id = cast.acme.principal.account_id
    async with run_workers([OrdersWorker(runtime, every_s=0.01, rest=0.0)]):
        for first in (0, 100):
            changes = [registered(make_vin(number)) for number in range(first, first + 100)]
            await save(runtime.store, account_id, *changes)

            async def is_followed(last: int = first + 100) -> bool:
                rows = await select("SELECT account_id, next_number, built_to FROM last_change_marks")
                return bool(rows) and rows[0][0] == account_id and last - 16 < rows[0][1] and rows[0][1] >= rows[0][2]

            await wait_until(is_followed)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_postgresql_has_nothing_to_follow(runtime: Runtime, cast: Cast) -> None:
    await save(runtime.store, cast.acme.principal.account_id, registered())
    assert await runtime.store.follow_record() is False
    await runtime.store.restart_orders()
    async with run_workers([OrdersWorker(runtime, every_s=0.01)]):
        await asyncio.sleep(0.05)
