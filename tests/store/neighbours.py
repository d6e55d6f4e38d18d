"""Accounts whose calls are written by one statement. On a cluster those of one shard are."""

from itertools import count

from padron.store.base import Store
from padron.store.postgres.cluster.store import ClusterStore
from tests.cast import NOON, registered, save


async def add_account(store: Store, name: str, *vins: str) -> int:
    account_id = (await store.directory.add_account(name, NOON)).account_id
    await save(store, account_id, *map(registered, vins))
    return account_id


async def add_neighbour(store: Store, account_id: int, name: str, *vins: str) -> int:
    """Add an account that is written together with the other one."""
    for number in count(1):
        neighbour = await add_account(store, f"{name} {number}")
        if _give_part(store, neighbour) == _give_part(store, account_id):
            break
    await save(store, neighbour, *map(registered, vins))
    return neighbour


def _give_part(store: Store, account_id: int) -> int:
    """Give the account's shard. A lane may be of several, each of which has statements of its own."""
    return store._travel.find(account_id).shard_id if isinstance(store, ClusterStore) else store.give_lane(account_id)
