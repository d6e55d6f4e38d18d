"""One batch of status calls may be of several shards of a node: each shard is saved as a whole, or left out by itself.

Two of the four shards have the functions for it (tests/spread.py).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from time import monotonic

import asyncpg
import pytest

from padron.domain.change import Change
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.store.postgres import open_store
from padron.store.postgres.cluster.shards import Shard
from padron.store.postgres.cluster.store import ClusterStore
from padron.store.postgres.cluster.travelling import AccountsPartedError
from padron.store.postgres.port import FetchPort
from padron.store.postgres.statuses import Patience, change_together
from padron.store.strict_accounts import StrictAccounts
from tests.cast import NOON, get_one, make_vin, registered, save, status_changed

VEHICLES = 2
VINS = [make_vin(number) for number in range(VEHICLES)]
_COUNT = "SELECT count(*) FROM changes WHERE account_id = $1 AND type = 'statusChanged'"
_TAKE_NUMBER = """
    INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, to_status)
    SELECT account_id, 1001, vehicle_id, vin, type, changed_at, changed_by, request_id, to_status
    FROM changes WHERE account_id = $1 AND number = 1
"""
_RESTORE = """
    UPDATE counters SET last_change = (SELECT max(number) FROM changes WHERE account_id = $1) WHERE account_id = $1
"""
_QUEUE = """
    INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
    SELECT account_id, 1, vehicle_id, 'poll', 'queued', 0 FROM vehicles WHERE account_id = ANY ($1)
"""


@pytest.fixture
async def store(spread_database: str) -> AsyncIterator[ClusterStore]:
    store = await open_store(spread_database)
    assert isinstance(store, ClusterStore)
    yield store
    await store.close()


@pytest.fixture
async def witness(spread_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(spread_database)
    yield connection
    await connection.close()


@pytest.fixture
async def accounts(store: ClusterStore) -> list[int]:
    """Three accounts whose batches are joined: two of one shard, and one of another."""
    found: dict[Shard, list[int]] = {}
    for number in count(1):
        account_id = (await store.directory.add_account(f"Fleet {number}", NOON)).account_id
        shard = store._travel.find(account_id)
        if is_joined(store, shard):
            found.setdefault(shard, []).append(account_id)
        if len(found) == 2 and max(map(len, found.values())) >= 2:
            break
    pair, single = sorted(found.values(), key=len, reverse=True)
    chosen = [*pair[:2], single[0]]
    for account_id in chosen:
        await save(store, account_id, *map(registered, VINS))
    return chosen


def is_joined(store: ClusterStore, shard: Shard) -> bool:
    return sum(one.lane == shard.lane for one in store._travel.map.shards) > 1


def decide(_: int, vehicles: Sequence[Vehicle]) -> list[Change]:
    """Give each vehicle another status than it has."""
    return [
        status_changed(one, VehicleStatus.ACTIVE if one.status is VehicleStatus.STOLEN else VehicleStatus.STOLEN)
        for one in vehicles
    ]  # fmt: skip


async def write(store: ClusterStore, accounts: Iterable[int], patience: Patience = Patience.NONE) -> frozenset[int]:
    """Write one batch, and give the accounts that it saved."""
    vins = dict.fromkeys(accounts, VINS)
    work = lambda connection: change_together(connection, vins, decide, patience, StrictAccounts(), "SELECT 1")  # noqa: E731
    return await store._travel.run_together(work, [*vins])


async def count_changes(witness: asyncpg.Connection, accounts: Iterable[int]) -> list[int]:
    return [await witness.fetchval(_COUNT, account_id) for account_id in accounts]


@asynccontextmanager
async def moved_away(witness: asyncpg.Connection, shard: Shard) -> AsyncIterator[None]:
    move = "UPDATE pg_dist_placement SET groupid = $2 WHERE shardid = $1"
    await witness.execute(move, shard.shard_id, 2)
    yield
    await witness.execute(move, shard.shard_id, 1)


@asynccontextmanager
async def moving(witness: asyncpg.Connection, shard: Shard) -> AsyncIterator[None]:
    async with witness.transaction():
        await witness.execute("SELECT lock_shard_metadata(7, $1)", [shard.shard_id])
        yield


@asynccontextmanager
async def refused(witness: asyncpg.Connection, account_id: int) -> AsyncIterator[None]:
    """Let the record refuse the account's next change, which is found out as the last thing of its statement."""
    await witness.execute("UPDATE counters SET last_change = 1000 WHERE account_id = $1", account_id)
    await witness.execute(_TAKE_NUMBER, account_id)
    yield
    await witness.execute("DELETE FROM changes WHERE account_id = $1 AND number > 1000", account_id)
    await witness.execute(_RESTORE, account_id)


def spoil(how: str, store: ClusterStore, witness: asyncpg.Connection, lost: int) -> AbstractAsyncContextManager[None]:
    shard = store._travel.find(lost)
    match how:
        case "moved away":
            return moved_away(witness, shard)
        case "moving":
            return moving(witness, shard)
        case _:
            return refused(witness, lost)


@pytest.mark.parametrize("patience", [Patience.NONE, Patience.BRIEF])
async def test_a_batch_of_several_shards_is_one_transaction(
    patience: Patience, store: ClusterStore, witness: asyncpg.Connection, accounts: list[int]
) -> None:
    await witness.execute(_QUEUE, accounts)
    assert len({store.give_lane(one) for one in accounts}) == 1
    assert len({store._travel.find(one) for one in accounts}) == 2
    assert await write(store, accounts, patience) == {*accounts}
    for account_id in accounts:
        for number, vin in enumerate(VINS, start=1):
            vehicle = await get_one(store, account_id, vin)
            assert (vehicle.status, vehicle.revision, vehicle.vehicle_id) == (VehicleStatus.STOLEN, 2, number)
        assert await store.read(account_id).find_last_change() == 2 * VEHICLES
    states = await witness.fetch("SELECT state, count(*)::integer FROM work GROUP BY state")
    assert [*map(tuple, states)] == [("withdrawn", VEHICLES * len(accounts))]
    whole = await witness.fetch("SELECT account_id, changed_at FROM changes WHERE type = 'statusChanged'")
    assert {(one, at) for one, at in whole} == {(one, NOON) for one in accounts}


@pytest.mark.parametrize("patience", [Patience.NONE, Patience.BRIEF])
@pytest.mark.parametrize("how", ["moved away", "moving", "refused"])
async def test_a_shard_that_cannot_be_written_is_left_out_and_the_others_are_saved(
    how: str, patience: Patience, store: ClusterStore, witness: asyncpg.Connection, accounts: list[int]
) -> None:
    *pair, single = accounts
    for lost, left, others in ((single, {single}, pair), (pair[0], {*pair}, [single])):
        before = await count_changes(witness, left)
        began_s = monotonic()
        async with spoil(how, store, witness, lost):
            assert await write(store, accounts, patience) == {*others}
            assert monotonic() < began_s + 1
            assert await count_changes(witness, left) == before
        assert await write(store, accounts, patience) == {*accounts}
        for account_id in accounts:
            made = await count_changes(witness, [account_id])
            assert await store.read(account_id).find_last_change() == VEHICLES + made[0]


async def test_an_account_with_a_locked_vehicle_is_left_out_by_itself(
    store: ClusterStore, witness: asyncpg.Connection, accounts: list[int]
) -> None:
    locked, *others = accounts
    async with witness.transaction():
        await witness.fetch("SELECT FROM vehicles WHERE account_id = $1 AND vehicle_id = 1 FOR UPDATE", locked)
        assert await write(store, accounts) == {*others}
        assert await count_changes(witness, accounts) == [0, VEHICLES, VEHICLES]


async def test_what_was_read_where_a_shard_is_no_more_counts_for_nothing(
    store: ClusterStore, witness: asyncpg.Connection, accounts: list[int]
) -> None:
    """The vehicles may be elsewhere. So nobody may be told that there are none, or that nothing is to be done."""
    *pair, single = accounts

    def leave(_: int, __: Sequence[Vehicle]) -> list[Change]:
        return []

    async def work(connection: FetchPort) -> frozenset[int]:
        return await change_together(
            connection, dict.fromkeys(accounts, VINS), leave, Patience.NONE, StrictAccounts(), "SELECT 1"
        )

    async with moved_away(witness, store._travel.find(single)):
        assert await store._travel.run_together(work, accounts) == {*pair}
    assert await store._travel.run_together(work, accounts) == {*accounts}


@pytest.mark.parametrize("leaves", [False, True], ids=["saves", "leaves"])
async def test_a_joined_batch_tells_which_accounts_have_strict_gates(
    store: ClusterStore, witness: asyncpg.Connection, accounts: list[int], *, leaves: bool
) -> None:
    strict = StrictAccounts()
    await witness.execute("UPDATE counters SET strict_gates = 1 WHERE account_id = $1", accounts[1])

    async def work(connection: FetchPort) -> frozenset[int]:
        decide_all = (lambda _, __: []) if leaves else decide
        return await change_together(
            connection, dict.fromkeys(accounts, VINS), decide_all, Patience.NONE, strict, "SELECT 1"
        )

    assert await store._travel.run_together(work, accounts) == {*accounts}
    assert [account_id in strict for account_id in accounts] == [False, True, False]


async def test_shards_without_functions_and_of_two_lanes_are_not_joined(
    store: ClusterStore, accounts: list[int]
) -> None:
    for number in count(1):
        other = (await store.directory.add_account(f"Other {number}", NOON)).account_id
        if not is_joined(store, store._travel.find(other)):
            break
    assert store.give_lane(other) == store._travel.find(other).shard_id
    with pytest.raises(AccountsPartedError):
        await write(store, [*accounts, other])


async def test_batches_of_two_servers_on_the_same_shards_do_not_deadlock(
    store: ClusterStore, spread_database: str, accounts: list[int]
) -> None:
    other = await open_store(spread_database)
    assert isinstance(other, ClusterStore)
    rounds = 30
    saved = await asyncio.gather(*(
        write(one, accounts[:: 1 if number % 2 else -1], Patience.BRIEF)
        for number in range(rounds)
        for one in (store, other)
    ))  # fmt: skip
    await other.close()
    for account_id in accounts:
        batches = sum(account_id in one for one in saved)
        assert batches >= 1
        assert await store.read(account_id).find_last_change() == VEHICLES * (1 + batches)
