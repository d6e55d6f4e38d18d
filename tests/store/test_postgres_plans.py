"""When PostgreSQL plans anew: for look-ups of very many, and never for those of a batch of status calls."""

from typing import cast

import pytest

from padron.domain.account import Account
from padron.service.coalescer import BATCH_SIZE_MAX
from padron.store import postgres
from padron.store.base import WriteTransaction
from padron.store.postgres.transaction import MANY, PostgresTransaction
from tests.cast import NOON, make_vin
from tests.conftest import OpenStore


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("count, mode", [(1, "force_generic_plan"), (MANY, "force_custom_plan")])
async def test_only_look_ups_of_very_many_are_planned_anew(open_store: OpenStore, count: int, mode: str) -> None:
    store = await open_store()
    assert isinstance(store, postgres.PostgresStore)
    account: Account = await store.directory.add_account("Acme", NOON)

    async def ask(transaction: WriteTransaction, asked: int) -> str:
        await transaction.lock_vehicles([make_vin(number) for number in range(asked)])
        connection = cast("PostgresTransaction", transaction)._connection
        return str(await connection.fetchval("SHOW plan_cache_mode"))

    assert await store.write(account.account_id, lambda transaction: ask(transaction, count)) == mode
    assert await store.write(account.account_id, lambda transaction: ask(transaction, 1)) == "force_generic_plan"
    assert BATCH_SIZE_MAX < MANY
