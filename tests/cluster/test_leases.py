"""Leases on a cluster: deactivations share batches with other shards' calls, and wait while their shard moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import cycle

import pytest

from padron.domain.change import StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.statuses.single import set_status
from padron.store.postgres.cluster.store import ClusterStore
from tests.cast import Member, make_cast, make_vin, registered, save
from tests.citus_nodes import Cluster
from tests.cluster.reading import find_shards
from tests.cluster.test_moves import move
from tests.service.test_lease_races import OpenStore, open_servers, persist, race

CASTS = 5  # each has two accounts
RUN_S = 8.0
REST_S = 1.0  # between two moves
VIN = Vin(make_vin(1))

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def engine() -> str:
    return "postgres"


def give_store(runtime: Runtime) -> ClusterStore:
    assert isinstance(runtime.store, ClusterStore)
    return runtime.store


@asynccontextmanager
async def beside(*works: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Let work go on until the block ends."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for work in works:
            tasks.create_task(work(stopping))
        try:
            yield
        finally:
            stopping.set()


async def change_again_and_again(runtime: Runtime, member: Member, stopping: asyncio.Event) -> None:
    """Change the status of one vehicle all the time, as accounts do whose calls share batches with Acme's."""
    for status in cycle((VehicleStatus.STOLEN, VehicleStatus.ACTIVE)):
        if stopping.is_set():
            return
        request = StatusRequest(
            vin=VIN, status=status, reason=None, revisions=None, by=member.principal.actor, request_id="r"
        )
        await persist(partial(set_status, runtime, member.principal, request))


async def move_again_and_again(url: str, shard_id: int, ports: Sequence[int], stopping: asyncio.Event) -> None:
    """Move a shard from node to node. The first port is that of the node which has it."""
    before, after = ports
    while not stopping.is_set():
        await move(url, shard_id, before, after, "block_writes")  # nobody reads or writes in it meanwhile
        before, after = after, before
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), REST_S)


async def test_no_lease_contradicts_an_answer_while_its_shard_moves(
    open_store: OpenStore, cluster: Cluster, database: str
) -> None:
    async with open_servers(open_store) as (runtimes, cast):
        neighbours = [cast.beta]
        for number in range(2, CASTS + 1):
            more = await make_cast(runtimes[0], number)
            neighbours += [more.acme, more.beta]
        for one in neighbours:
            await save(runtimes[0].store, one.account.account_id, registered(VIN))
        travel = give_store(runtimes[0])._travel
        shard = travel.find(cast.acme.account.account_id)
        joined = [one for one in neighbours if travel.find(one.account.account_id).lane == shard.lane]
        assert any(travel.find(one.account.account_id) is not shard for one in joined)
        first = (await find_shards(database))[shard.shard_id]
        (second,) = (worker.port for worker in cluster.workers if worker.port != first)
        moving = partial(move_again_and_again, database, shard.shard_id, [first, second])
        calling = [partial(change_again_and_again, runtime, one) for runtime in runtimes for one in neighbours]
        async with beside(moving, *calling):
            await race(runtimes, cast, 0.02, seconds=RUN_S)
