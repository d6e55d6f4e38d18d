"""Status calls wait in lanes: those of one lane are joined, and a lane that hangs holds up no other one."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import asyncpg
import pytest

from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.runtime import build_runtime
from padron.service.statuses.lanes import StatusLanes
from padron.store.base import Decide, Store
from padron.store.postgres import open_store
from tests.cast import HUMMER, JEEP, NOON, make_cast, registered, save
from tests.service.stores import FaultyStore


class LanedStore(FaultyStore):
    """A store whose odd and even accounts are in two lanes, and whose batches of some accounts hang."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.hanging: set[int] = set()
        self.failing: set[int] = set()
        self.resumed = asyncio.Event()

    def give_lane(self, account_id: int) -> int:
        return account_id % 2

    async def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        if not self.hanging.isdisjoint(vins):
            await self.resumed.wait()
        if not self.failing.isdisjoint(vins):
            raise PadronError(Code.STORE_UNAVAILABLE, "The node does not answer.")
        async for saved in super().write_together(vins, decide):
            yield saved


@pytest.fixture
async def laned(store: Store) -> LanedStore:
    return LanedStore(store)


@pytest.fixture
async def lanes(laned: LanedStore) -> AsyncIterator[StatusLanes]:
    lanes = StatusLanes(laned, lambda: NOON, waiting_max=5)
    yield lanes
    laned.resumed.set()
    await lanes.close()
    assert lanes.waiting_count == 0


@pytest.fixture
async def accounts(store: Store) -> list[int]:
    """Four accounts, of which the first and the third are in one lane, and the others in another one."""
    accounts = []
    for name in ("Acme", "Beta", "Gamma", "Delta"):
        accounts.append((await store.directory.add_account(name, NOON)).account_id)
        await save(store, accounts[-1], registered(HUMMER), registered(JEEP))
    assert [account_id % 2 for account_id in accounts] == [accounts[0] % 2, accounts[1] % 2] * 2
    return accounts


def ask(vin: str = HUMMER, status: VehicleStatus = VehicleStatus.STOLEN) -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id="r")


async def test_a_lane_that_hangs_holds_up_no_other_lane(
    lanes: StatusLanes, laned: LanedStore, accounts: list[int]
) -> None:
    acme, beta, gamma, delta = accounts
    laned.hanging = {acme}
    held = [asyncio.ensure_future(lanes.submit(acme, ask()))]
    await asyncio.sleep(0)
    held.append(asyncio.ensure_future(lanes.submit(gamma, ask())))  # joined to the batch after the one that hangs
    for account_id in (beta, delta, beta):
        assert (await lanes.submit(account_id, ask(JEEP))).status is VehicleStatus.STOLEN
    assert not any(call.done() for call in held)
    assert lanes.waiting_count == 1
    laned.resumed.set()
    assert [vehicle.status for vehicle in await asyncio.gather(*held)] == [VehicleStatus.STOLEN] * 2


async def test_the_calls_of_one_lane_are_joined_and_no_others(
    lanes: StatusLanes, laned: LanedStore, accounts: list[int]
) -> None:
    await asyncio.gather(*(lanes.submit(account_id, ask()) for account_id in accounts))
    acme, beta, gamma, delta = accounts
    assert sorted(map(sorted, laned.together)) == [[acme, gamma], [beta, delta]]
    sizes = lanes.batch_sizes.copy()
    assert (sum(sizes.counts), sizes.total) == (2, 4)


async def test_a_lane_that_fails_fails_its_own_calls_alone(
    lanes: StatusLanes, laned: LanedStore, accounts: list[int]
) -> None:
    laned.failing = {accounts[0]}
    calls = (lanes.submit(account_id, ask()) for account_id in accounts)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(outcome, PadronError) for outcome in outcomes] == [True, False, True, False]


async def test_the_limit_of_an_accounts_waiting_calls_holds_in_its_lane(
    lanes: StatusLanes, laned: LanedStore, accounts: list[int]
) -> None:
    laned.hanging = {accounts[0]}
    calls = [asyncio.ensure_future(lanes.submit(accounts[0], ask()))]
    await asyncio.sleep(0)
    calls += [asyncio.ensure_future(lanes.submit(accounts[0], ask(JEEP))) for _ in range(5)]
    with pytest.raises(PadronError) as refused:
        lanes.submit(accounts[0], ask())
    assert refused.value.code is Code.OVERLOADED
    assert (await lanes.submit(accounts[1], ask())).status is VehicleStatus.STOLEN
    laned.resumed.set()
    await asyncio.gather(*calls)


async def test_the_end_waits_for_every_lane(lanes: StatusLanes, laned: LanedStore, accounts: list[int]) -> None:
    laned.hanging = {accounts[0]}
    calls = [asyncio.ensure_future(lanes.submit(account_id, ask())) for account_id in accounts]
    closing = asyncio.ensure_future(lanes.close())
    await asyncio.wait([calls[1], calls[3]])
    assert not closing.done()
    laned.resumed.set()
    await closing
    assert all(call.done() for call in calls)


async def test_a_shard_that_nobody_may_write_to_holds_up_no_other_shard(spread_database: str) -> None:
    """As while a shard is moved to another node: its accounts wait, and those of another shard do not."""
    runtime = build_runtime(await open_store(spread_database), lambda: NOON)
    cast = await make_cast(runtime)
    acme, beta = cast.acme.account.account_id, cast.beta.account.account_id
    for account_id in (acme, beta):
        await save(runtime.store, account_id, registered(HUMMER))
    shard = runtime.store.give_lane(acme)
    assert runtime.store.give_lane(beta) != shard
    mover = await asyncpg.connect(spread_database)
    async with mover.transaction():
        await mover.execute("SELECT lock_shard_metadata(7, ARRAY[$1::bigint])", shard)
        waiting = asyncio.ensure_future(runtime.lanes.submit(acme, ask()))
        for status in (VehicleStatus.STOLEN, VehicleStatus.SOLD, VehicleStatus.ACTIVE):
            assert (await runtime.lanes.submit(beta, ask(HUMMER, status))).status is status
        assert not waiting.done()
    assert (await waiting).status is VehicleStatus.STOLEN
    await mover.close()
    await runtime.close()
