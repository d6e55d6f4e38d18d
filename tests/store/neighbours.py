"""Accounts whose calls may be written together. On a cluster only those of one shard may."""

from itertools import count

from padron.store.base import Store
from tests.cast import NOON, registered, save


async def add_account(store: Store, name: str, *vins: str) -> int:
    account_id = (await store.directory.add_account(name, NOON)).account_id
    await save(store, account_id, *map(registered, vins))
    return account_id


async def add_neighbour(store: Store, account_id: int, name: str, *vins: str) -> int:
    """Add an account that is written together with the other one."""
    for number in count(1):
        neighbour = await add_account(store, f"{name} {number}")
        if store.give_lane(neighbour) == store.give_lane(account_id):
            break
    await save(store, neighbour, *map(registered, vins))
    return neighbour
