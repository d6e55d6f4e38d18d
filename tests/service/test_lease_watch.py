"""What holders say they have applied counts at once in the process that heard it, and by the database in others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from padron.domain.gate_leases import GrantedLease
from padron.service.changes.feed import find_last, format_cursor
from padron.service.operations.gate_leases import end_lease, renew_lease, switch, take_lease
from padron.service.operations.lease_watch import LATER_EVERY_S, LOOK_EVERY_S, TOLD_MAX, _Account, _HeldAnswers
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store, WriteTransaction
from padron.store.postgres.port import SQL
from tests.cast import HUMMER, JEEP, NOON, Cast, registered, save

SOON_S = 5.0  # far less than a lease of ten seconds
LEASES = 50


@pytest.fixture
async def strict(runtime: Runtime, cast: Cast) -> Runtime:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER))
    await switch(runtime, cast.acme.account, is_on=True)
    return runtime


async def take(runtime: Runtime, cast: Cast) -> GrantedLease:
    return await take_lease(runtime, cast.acme.principal, 10.0, None)


async def acknowledge(runtime: Runtime, cast: Cast, lease: GrantedLease) -> None:
    cursor = format_cursor(runtime, await find_last(runtime, cast.acme.principal))
    await renew_lease(runtime, cast.acme.principal, lease.lease_id, cursor)


@asynccontextmanager
async def waiting(runtime: Runtime, cast: Cast) -> AsyncIterator[asyncio.Task[None]]:
    """Let an answer wait for the account's last change, which no lease has acknowledged, until the end of the block."""
    account_id = cast.acme.account.account_id
    await save(runtime.store, account_id, registered(JEEP))
    task = asyncio.create_task(runtime.leases.confirm(account_id, has_written=True))
    await asyncio.sleep(0.1)
    assert not task.done()
    yield task
    await asyncio.wait_for(task, SOON_S)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_an_acknowledgement_counts_here_before_it_is_stored(strict: Runtime, cast: Cast, database: str) -> None:
    lease = await take(strict, cast)
    connection = await asyncpg.connect(database)
    async with waiting(strict, cast) as task:
        blocking = connection.transaction()
        await blocking.start()
        acme = cast.acme.account.account_id
        await connection.execute("SELECT 1 FROM gate_leases WHERE account_id = $1 FOR UPDATE", acme)
        renewing = asyncio.create_task(acknowledge(strict, cast, lease))
        await asyncio.wait_for(task, 1)
        assert not renewing.done()  # the renewal itself is answered only once it is stored
        await blocking.rollback()
        await asyncio.wait_for(renewing, SOON_S)
    await connection.close()


async def test_an_acknowledgement_of_an_earlier_change_releases_nobody(strict: Runtime, cast: Cast) -> None:
    lease = await take(strict, cast)
    before = format_cursor(strict, lease.head)
    async with waiting(strict, cast) as task:
        await renew_lease(strict, cast.acme.principal, lease.lease_id, before)
        await asyncio.sleep(0.1)
        assert not task.done()
        await acknowledge(strict, cast, lease)


async def test_each_answer_waits_for_its_own_change(strict: Runtime, cast: Cast) -> None:
    lease = await take(strict, cast)
    async with waiting(strict, cast) as first:
        cursor = format_cursor(strict, await find_last(strict, cast.acme.principal))
        await save(strict.store, cast.acme.account.account_id, registered(HUMMER, slot=1))
        second = asyncio.create_task(strict.leases.confirm(cast.acme.account.account_id, has_written=True))
        await asyncio.sleep(0.1)
        await renew_lease(strict, cast.acme.principal, lease.lease_id, cursor)
        await asyncio.wait_for(first, SOON_S)
        assert not second.done()
        await acknowledge(strict, cast, lease)
        await asyncio.wait_for(second, SOON_S)


async def test_what_was_heard_before_the_first_look_counts(strict: Runtime, cast: Cast) -> None:
    lease = await take(strict, cast)
    account_id = cast.acme.account.account_id
    await save(strict.store, account_id, registered(JEEP))
    last = await find_last(strict, cast.acme.principal)
    task = asyncio.create_task(strict.leases.confirm(account_id, has_written=True))
    await asyncio.sleep(0)  # it is held, and nobody has looked
    strict.leases.hear(account_id, {lease.lease_id: last.number})
    await asyncio.wait_for(task, SOON_S)


@pytest.fixture
async def other(open_store: Callable[[], Awaitable[Store]]) -> AsyncIterator[Runtime]:
    """A second server of the same register, where the engine allows one."""
    runtime = build_runtime(await open_store(), lambda: NOON)
    yield runtime
    await runtime.close()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_acknowledgements_and_ends_reach_other_servers(strict: Runtime, other: Runtime, cast: Cast) -> None:
    leases = [await take(strict, cast) for _ in range(2)]
    async with waiting(strict, cast) as task:
        await acknowledge(other, cast, leases[0])
        await asyncio.sleep(0.1)
        assert not task.done()
        await end_lease(other, cast.acme.principal, leases[1].lease_id)


async def test_only_leases_that_are_behind_are_looked_at(strict: Runtime, cast: Cast) -> None:
    first, second, third = [await take(strict, cast) for _ in range(3)]
    account_id = cast.acme.account.account_id
    reader = strict.store.read(account_id).gate_leases
    await save(strict.store, account_id, registered(JEEP))
    await acknowledge(strict, cast, first)
    await acknowledge(strict, cast, second)

    async def mark(transaction: WriteTransaction) -> float:
        return await transaction.gate_leases.mark_all()

    found = await reader.load_late()
    assert (found.last_change, [lease.lease_id for lease in found.leases]) == (2, [third.lease_id])
    assert await strict.store.write(account_id, mark) == 10
    late = (await reader.load_late()).leases
    assert {lease.lease_id for lease in late} == {first.lease_id, second.lease_id, third.lease_id}
    assert all(lease.is_ending for lease in late)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.plain_postgres("the plan of a shard names other tables")
async def test_renewals_lock_each_lease_once(strict: Runtime, cast: Cast, database: str) -> None:
    """Otherwise a hundred renewals take a quarter of a second of PostgreSQL's processor time."""
    leases = [await take(strict, cast) for _ in range(LEASES)]
    connection = await asyncpg.connect(database)
    ids = ", ".join(f"'{lease.lease_id}'" for lease in leases)
    values = f"{cast.acme.account.account_id}, ARRAY[{ids}], ARRAY[{', '.join(['1'] * LEASES)}]"
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE renew (bigint, text[], bigint[]) AS {SQL['renew_gate_leases']}")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE) EXECUTE renew ({values})"))
    await connection.close()
    (locking,) = [line for line in plan.splitlines() if "LockRows" in line]
    assert "loops=1)" in locking, plan


async def test_a_look_that_took_long_delays_no_answer() -> None:
    """On a machine that is busy a look takes long, and the next one must come all the same."""
    account = _Account()
    account.held.append(_HeldAnswers(0.0, lambda: None, None))
    assert account.give_pause(began_s=1.0, now_s=3.0) <= LATER_EVERY_S
    assert account.give_pause(began_s=0.0, now_s=0.2) <= LATER_EVERY_S
    assert account.give_pause(began_s=0.1, now_s=0.1) == LOOK_EVERY_S


async def test_ids_that_callers_make_up_take_little_room() -> None:
    account = _Account()
    for number in range(3 * TOLD_MAX):
        account.hear({f"lease-{number}": 1})
    assert len(account.told) == TOLD_MAX
    assert account.told[f"lease-{3 * TOLD_MAX - 1}"] == 1
