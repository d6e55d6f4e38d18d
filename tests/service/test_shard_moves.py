"""Work goes on while a cluster moves accounts to another node, or splits their shard: nothing is lost or done twice.

Each node is a server of its own with its own rows. So what is written to the wrong one, or read from it, shows.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.domain.change import START, FeedEntry, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.changes.feed import Wait, await_changes, list_changes
from padron.service.changes.pages import FeedFilter, FeedQuery
from padron.service.operations.gate import check_vehicle
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.statuses.single import set_status
from padron.store.postgres import open_store
from padron.store.postgres.cluster.hashing import hash_account
from padron.store.postgres.cluster.shards import Shard
from padron.store.postgres.cluster.store import ClusterStore
from tests.cast import NOON, Member, get_one, make_cast, make_vin, registered, save, wait_until
from tests.moving import Cluster
from tests.postgres import Postgres, run_postgres
from tests.spread import join

T = TypeVar("T")

FIRST, SECOND = 0, 1
VEHICLES = 20
SETTABLE = [status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED]
ALL = FeedFilter()


@pytest.fixture(scope="module")
def second_server() -> Iterator[Postgres]:
    """The second node."""
    with run_postgres() as server:
        yield server


@dataclass(kw_only=True)
class Platform:
    """Two server processes on a cluster of two nodes, with Acme's and Beta's vehicles on the first one."""

    cluster: Cluster
    witness: asyncpg.Connection  # another connection to the first node
    runtimes: list[Runtime]
    members: list[Member]
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    numbers: Iterator[int] = field(default_factory=count)
    answered: list[tuple[int, str, str]] = field(default_factory=list)  # account, VIN, the request's id
    revisions: dict[tuple[int, str], int] = field(default_factory=dict)  # the last one that an answer gave
    read: dict[int, list[FeedEntry]] = field(default_factory=dict)  # by account, as its follower found it

    @property
    def runtime(self) -> Runtime:
        return self.dice.choice(self.runtimes)

    def give_shard(self, account_id: int) -> Shard:
        store = self.runtimes[0].store
        assert isinstance(store, ClusterStore)
        return store._travel.find(account_id)

    def ask(self, vin: str, status: VehicleStatus | None = None) -> StatusRequest:
        return StatusRequest(
            vin=Vin(vin), status=status or self.dice.choice(SETTABLE), reason=None, revisions=None,
            by="Acme", request_id=f"r-{next(self.numbers)}",
        )  # fmt: skip


@pytest.fixture
async def platform(postgres_server: Postgres, second_server: Postgres) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        url = await postgres_server.clone_spread()
        stack.push_async_callback(postgres_server.drop_database, url)
        other = await second_server.clone_spread(urlsplit(url).path[1:])
        stack.push_async_callback(second_server.drop_database, other)
        await join(url, other)
        settings = {"session_replication_role": "replica"}  # foreign keys have no say while rows are copied
        nodes = [await asyncpg.connect(one, server_settings=settings) for one in (url, other)]
        witness = await asyncpg.connect(url)
        for connection in (*nodes, witness):
            stack.push_async_callback(connection.close)
        stores = [await open_store(url) for _ in range(2)]
        runtimes = [build_runtime(store, lambda: NOON) for store in stores]
        for runtime in runtimes:
            stack.push_async_callback(runtime.close)
        cast = await make_cast(runtimes[0])
        cluster = Cluster(nodes=nodes)
        await cluster.copy_accounts()
        members = [cast.acme, cast.beta]
        for member in members:
            await save(stores[0], member.account.account_id, *(registered(make_vin(one)) for one in range(VEHICLES)))
        yield Platform(cluster=cluster, witness=witness, runtimes=runtimes, members=members)


@asynccontextmanager
async def at_work(platform: Platform) -> AsyncIterator[None]:
    """Let both servers work for both accounts until the end of the block. Whatever fails fails the test."""
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for member in platform.members:
            for work in (call_alone, call_alone, call_alone, call_in_bulk, ask_the_gate):
                group.create_task(work(platform, member, stopped))
            group.create_task(follow(platform, member, stopped))
        try:
            yield
        finally:
            stopped.set()


async def call_alone(platform: Platform, member: Member, stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        request = platform.ask(make_vin(platform.dice.randrange(1, VEHICLES)))
        vehicle = await insist(partial(set_status, platform.runtime, member.principal, request))
        assert vehicle.status is request.status
        note(platform, member, request, vehicle.revision)


async def call_in_bulk(platform: Platform, member: Member, stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        vins = platform.dice.sample(range(1, VEHICLES), 5)
        bulk = BulkRequest(asked=[platform.ask(make_vin(number)) for number in vins])
        done = await insist(partial(set_statuses, platform.runtime, member.principal, bulk))
        assert done.refusals == []
        for request, vehicle in zip(bulk.asked, done.outcomes, strict=True):
            assert isinstance(request, StatusRequest)
            assert isinstance(vehicle, Vehicle)
            note(platform, member, request, vehicle.revision)


async def ask_the_gate(platform: Platform, member: Member, stopped: asyncio.Event) -> None:
    """Change a vehicle that nobody else changes, and ask either server about it."""
    vin = make_vin(0)
    for number in count():
        wanted = VehicleStatus.ACTIVE if number % 2 else VehicleStatus.STOLEN
        request = platform.ask(vin, wanted)
        vehicle = await insist(partial(set_status, platform.runtime, member.principal, request))
        assert vehicle.revision == number + 2
        note(platform, member, request, vehicle.revision)
        (verdict,) = (await insist(partial(check_vehicle, platform.runtime, member.principal, "poll", vin))).verdicts
        assert (verdict.reason is None) is (wanted is VehicleStatus.ACTIVE)
        if stopped.is_set():
            return


async def follow(platform: Platform, member: Member, stopped: asyncio.Event) -> None:
    found = platform.read[member.account.account_id] = []
    position = START
    wait = Wait(seconds=0.3, gone=asyncio.get_running_loop().create_future())
    while not stopped.is_set():
        query = FeedQuery(after=position, limit=50, wanted=ALL)
        page = await insist(partial(await_changes, platform.runtime, member.principal, query, wait))
        found += page.entries
        position = page.position


async def insist(work: Callable[[], Awaitable[T]]) -> T:
    """Do work again while the account cannot be served, as on a slow machine, where a move takes over 1.5 seconds."""
    while True:
        try:
            return await work()
        except PadronError as error:
            if error.code is not Code.STORE_UNAVAILABLE:
                raise


def note(platform: Platform, member: Member, request: StatusRequest, revision: int) -> None:
    account_id = member.account.account_id
    platform.answered.append((account_id, request.vin, request.request_id))
    platform.revisions[account_id, request.vin] = max(revision, platform.revisions.get((account_id, request.vin), 0))


async def check(platform: Platform) -> None:
    """Check that the record has each answered call that changed something, once, and nothing else."""
    for member in platform.members:
        account_id = member.account.account_id
        reader = platform.runtimes[1].store.read(account_id)
        entries: list[FeedEntry] = []
        while page := await reader.list_changes(len(entries), 500):
            entries += page
        assert [entry.change.number for entry in entries] == list(range(1, len(entries) + 1))
        followed = [entry.change.number for entry in platform.read[account_id]]
        assert followed == list(range(1, len(followed) + 1))
        done = [(entry.vin, entry.change.request_id) for entry in entries[VEHICLES:]]
        assert len(set(done)) == len(done)
        answered = {(vin, request_id) for account, vin, request_id in platform.answered if account == account_id}
        assert set(done) <= answered
        statuses: dict[str, VehicleStatus] = {}
        for entry in entries:
            assert entry.change.from_status is statuses.get(entry.vin)
            statuses[entry.vin] = entry.change.to_status
        counts = Counter(str(entry.vin) for entry in entries)
        for vin, status in statuses.items():  # each change of a vehicle adds one to its revision
            vehicle = await get_one(platform.runtimes[0].store, account_id, vin)
            assert (vehicle.status, vehicle.revision) == (status, counts[vin])
            assert platform.revisions.get((account_id, vin), 1) == counts[vin]
    assert len(platform.answered) > 50


async def has_answered(platform: Platform, count: int) -> bool:
    return len(platform.answered) > count


@pytest.mark.parametrize("rounds", [1, pytest.param(15, marks=pytest.mark.long)])
async def test_work_goes_on_while_shards_move(platform: Platform, rounds: int) -> None:
    accounts = [member.account.account_id for member in platform.members]
    places = dict.fromkeys(accounts, FIRST)
    async with at_work(platform):
        for account_id in [*accounts, accounts[0]] * rounds:
            before = len(platform.answered)
            source = places[account_id]
            places[account_id] = 1 - source
            await platform.cluster.move(account_id, source, 1 - source)
            await wait_until(partial(has_answered, platform, before + 40))
    await check(platform)
    for account_id, place in places.items():
        assert await find_last(platform, account_id, place) > await find_last(platform, account_id, 1 - place)


async def find_last(platform: Platform, account_id: int, node: int) -> int:
    """Give the number of the last change that a node's table of an account's shard has, whether it counts or not."""
    name = platform.give_shard(account_id).names.name("changes")
    statement = f"SELECT coalesce(max(number), 0) FROM {name} WHERE account_id = $1"  # noqa: S608 - of the map
    return int(await platform.cluster.nodes[node].fetchval(statement, account_id))


async def test_a_statement_waits_for_a_move_and_then_goes_to_the_new_node(platform: Platform) -> None:
    acme, runtime = platform.members[0], platform.runtimes[0]
    account_id = acme.account.account_id
    async with platform.cluster.moving(account_id, FIRST, SECOND):
        waiting = [
            asyncio.create_task(work)
            for work in (
                set_status(runtime, acme.principal, platform.ask(make_vin(1), VehicleStatus.STOLEN)),
                set_statuses(
                    runtime, acme.principal, BulkRequest(asked=[platform.ask(make_vin(2), VehicleStatus.SOLD)])
                ),
                check_vehicle(runtime, acme.principal, "poll", make_vin(3)),
            )
        ]
        await wait_until(partial(is_waited, platform.witness, 3))
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)
    assert await find_last(platform, account_id, FIRST) == VEHICLES
    assert await find_last(platform, account_id, SECOND) == VEHICLES + 2


async def is_waited(connection: asyncpg.Connection, count: int) -> bool:
    """Say whether so many wait for the lock of a shard, in any database of a node."""
    waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return bool(waiting == count)


async def test_a_call_is_never_decided_by_the_rows_that_a_move_has_left(platform: Platform) -> None:
    """The second server does not know of the move yet. There the vehicle is active still, and the new one unknown."""
    acme, (knows, knows_not) = platform.members[0], platform.runtimes
    account_id, late = acme.account.account_id, make_vin(VEHICLES)
    await platform.cluster.move(account_id, FIRST, SECOND)
    await set_status(knows, acme.principal, platform.ask(make_vin(1), VehicleStatus.STOLEN))
    await save(knows.store, account_id, registered(late))
    asked = {make_vin(1): VehicleStatus.ACTIVE, late: VehicleStatus.SOLD}
    calls = (set_status(knows_not, acme.principal, platform.ask(vin, status)) for vin, status in asked.items())
    assert [vehicle.revision for vehicle in await asyncio.gather(*calls)] == [3, 2]
    assert await find_last(platform, account_id, SECOND) == VEHICLES + 4


async def test_a_move_waits_for_the_transaction_that_holds_the_shard(platform: Platform) -> None:
    account_id = platform.members[0].account.account_id
    begun, free = asyncio.Event(), asyncio.Event()

    async def hold(transaction: object) -> None:
        del transaction
        begun.set()
        await free.wait()

    held = asyncio.create_task(platform.runtimes[0].store.write(account_id, hold))
    await begun.wait()
    move = asyncio.create_task(platform.cluster.move(account_id, FIRST, SECOND))
    await wait_until(partial(is_waited, platform.witness, 1))
    assert not move.done()
    free.set()
    await asyncio.gather(held, move)


async def test_a_shard_that_was_dropped_after_its_move_is_found(platform: Platform) -> None:
    acme = platform.members[0]
    account_id = acme.account.account_id
    await platform.cluster.move(account_id, FIRST, SECOND)
    await platform.cluster.drop(account_id, FIRST)
    runtimes = platform.runtimes
    assert (await check_vehicle(runtimes[0], acme.principal, "poll", make_vin(1))).verdicts[0].reason is None
    request = platform.ask(make_vin(1), VehicleStatus.STOLEN)
    assert (await set_status(runtimes[1], acme.principal, request)).status is VehicleStatus.STOLEN


async def test_a_shard_that_is_nowhere_is_unavailable_and_nothing_is_written(platform: Platform) -> None:
    acme, runtime = platform.members[0], platform.runtimes[0]
    await platform.cluster.nodes[FIRST].execute("UPDATE pg_dist_local_group SET groupid = 9")
    asked = BulkRequest(asked=[platform.ask(make_vin(2), VehicleStatus.SOLD)])
    for work in (
        set_status(runtime, acme.principal, platform.ask(make_vin(1), VehicleStatus.STOLEN)),
        set_statuses(runtime, acme.principal, asked),
        check_vehicle(runtime, acme.principal, "poll", make_vin(3)),
        list_changes(runtime, acme.principal, FeedQuery(after=START, limit=1, wanted=ALL)),
    ):
        with pytest.raises(PadronError) as refused:
            await work
        assert refused.value.code is Code.STORE_UNAVAILABLE
    await platform.cluster.nodes[FIRST].execute("UPDATE pg_dist_local_group SET groupid = 1")
    reader = runtime.store.read(acme.account.account_id)
    assert await reader.find_last_change() == VEHICLES


async def test_a_node_that_hangs_holds_up_no_account_of_another_node(
    platform: Platform, second_server: Postgres
) -> None:
    (acme, beta), runtime = platform.members, platform.runtimes[0]
    accounts = [acme.account.account_id, beta.account.account_id]
    await platform.cluster.move(accounts[1], FIRST, SECOND)
    await runtime.store.load_last_changes(accounts)  # which notices the move, and gives nothing
    assert set(await runtime.store.load_last_changes(accounts)) == set(accounts)
    with second_server.frozen():
        held = [
            asyncio.ensure_future(set_status(runtime, beta.principal, platform.ask(make_vin(number))))
            for number in range(3)
        ]
        for status in (VehicleStatus.STOLEN, VehicleStatus.SOLD, VehicleStatus.ACTIVE):
            request = platform.ask(make_vin(1), status)
            assert (await set_status(runtime, acme.principal, request)).status is status
            await check_vehicle(runtime, acme.principal, "poll", make_vin(1))
        assert not any(call.done() for call in held)
        assert await runtime.store.load_last_changes(accounts) == {accounts[0]: VEHICLES + 3}
        outcomes = await asyncio.gather(*held, return_exceptions=True)
    assert {outcome.code for outcome in outcomes if isinstance(outcome, PadronError)} == {Code.STORE_UNAVAILABLE}
    assert len(outcomes) == 3
    request = platform.ask(make_vin(1), VehicleStatus.STOLEN)
    assert (await insist(partial(set_status, runtime, beta.principal, request))).status is VehicleStatus.STOLEN


async def test_calls_joined_before_a_split_are_all_answered(platform: Platform) -> None:
    """Accounts that were in one shard, and so in one batch, are in two shards when it is written."""
    runtime, cluster = platform.runtimes[0], platform.cluster
    store = runtime.store
    accounts = await add_neighbours(platform)
    for account_id in accounts:
        await save(store, account_id, *(registered(make_vin(number)) for number in range(3)))
    await cluster.split(accounts[0], FIRST)
    assert len({store.give_lane(account_id) for account_id in accounts}) == 1  # this server does not know it yet
    calls = [
        runtime.lanes.submit(account_id, platform.ask(make_vin(number), VehicleStatus.STOLEN))
        for number in range(3)
        for account_id in accounts
    ]
    assert {vehicle.status for vehicle in await asyncio.gather(*calls)} == {VehicleStatus.STOLEN}
    assert len({store.give_lane(account_id) for account_id in accounts}) == 2
    for account_id in accounts:
        assert await store.read(account_id).find_last_change() == 6


async def add_neighbours(platform: Platform) -> list[int]:
    """Add accounts until two are in one shard, and give them, the one with the lower hash first."""
    store = platform.runtimes[0].store
    lanes: dict[int, int] = {}
    for number in count():
        account_id = (await store.directory.add_account(f"Neighbour {number}", NOON)).account_id
        other = lanes.setdefault(store.give_lane(account_id), account_id)
        if other != account_id:
            break
    await platform.cluster.copy_accounts()
    return sorted([account_id, other], key=hash_account)
