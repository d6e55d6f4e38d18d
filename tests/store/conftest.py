"""Two accounts in a register, and two servers of one."""

import pytest

from padron.store.base import Store
from tests.cast import NOON
from tests.conftest import OpenStore


@pytest.fixture
async def acme(store: Store) -> int:
    return (await store.directory.add_account("Acme", NOON)).account_id


@pytest.fixture
async def beta(store: Store, acme: int) -> int:
    account = await store.directory.add_account("Beta", NOON)
    assert account.account_id != acme
    return account.account_id


@pytest.fixture
async def stores(engine: str, open_store: OpenStore) -> list[Store]:
    """Two server processes on PostgreSQL; SQLite allows one."""
    first = await open_store()
    return [first, first if engine == "sqlite" else await open_store()]
