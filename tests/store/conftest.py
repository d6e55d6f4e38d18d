"""Two accounts in a register."""

import pytest

from padron.store.base import Store
from tests.cast import NOON


@pytest.fixture
async def acme(store: Store) -> int:
    return (await store.directory.add_account("Acme", NOON)).account_id


@pytest.fixture
async def beta(store: Store, acme: int) -> int:
    account = await store.directory.add_account("Beta", NOON)
    assert account.account_id != acme
    return account.account_id
