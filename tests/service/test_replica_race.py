"""Large questions to the gate, answered by a replica that keeps falling behind, against deactivations elsewhere.

Two servers on one PostgreSQL: on one vehicles are deactivated and reactivated, the other has the replica.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count

import asyncpg
import pytest

from padron.domain.change import StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.operations.gate import LARGE_QUESTION, check_vehicles
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.store.postgres import PostgresStore, open_store
from padron.wiring import read_clock
from tests import effort
from tests.cast import Member, make_cast, make_vin, registered, save, wait_until
from tests.replica import ReplicaServer

CHANGERS = 4
ASKERS = 3
VINS = [make_vin(number) for number in range(LARGE_QUESTION)]


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def exact(database: str) -> AsyncIterator[Runtime]:
    """A server without a replica."""
    runtime = build_runtime(await open_store(database), read_clock)
    yield runtime
    await runtime.close()


@pytest.fixture
async def behind(database: str, replica: ReplicaServer) -> AsyncIterator[Runtime]:
    """A server whose replica may be as far behind as it likes."""
    await replica.catch_up()
    runtime = build_runtime(await open_store(database, replica.give_url(database), 300.0), read_clock)
    yield runtime
    await replica.let_go()
    await runtime.close()


@dataclass
class Race:
    """Since which step each vehicle is surely out of service, and what the gate said meanwhile."""

    acme: Member
    steps: "count[int]" = field(default_factory=count)
    out_since: dict[Vin, int] = field(default_factory=dict)
    told_out: int = 0
    wrong: int = 0
    changes: int = 0
    by_replica: int = 0
    by_primary: int = 0
    is_over: bool = False

    async def has_tried_enough(self) -> bool:
        """Say whether so much was tried that the race means something, however busy the machine is.

        One wrong answer is enough.
        """
        few, some = effort.REPLICA_RACE_S / 2, 6 * effort.REPLICA_RACE_S
        is_asked = self.by_primary > few and self.by_replica > some and self.told_out > 20 * some
        return self.wrong > 0 or (is_asked and self.changes > 6 * some)

    async def change(self, runtime: Runtime, number: int) -> None:
        rng = effort.roll(number)
        while not self.is_over:
            vin = rng.choice(VINS[number::CHANGERS])
            status = VehicleStatus.ACTIVE if vin in self.out_since else VehicleStatus.STOLEN
            self.out_since.pop(vin, None)
            request = StatusRequest(
                vin=vin,
                status=status,
                reason=None,
                request_id=f"r-{next(self.steps)}",
                by=self.acme.principal.actor,
                revisions=None,
            )
            await set_status(runtime, self.acme.principal, request)
            if status is VehicleStatus.STOLEN:
                self.out_since[vin] = next(self.steps)
            self.changes += 1

    async def ask(self, runtime: Runtime) -> None:
        while not self.is_over:
            out = dict(self.out_since)
            answer = await check_vehicles(runtime, self.acme.principal, "dispatch", VINS)
            for verdict in answer.verdicts:
                # Out before the question, and the very same deactivation still stands after it.
                vin = Vin(verdict.vin)
                if vin in out and self.out_since.get(vin) == out[vin]:
                    self.told_out += 1
                    self.wrong += verdict.is_allowed

    async def trouble(self, replica: ReplicaServer) -> None:
        """Hold the replica up and let it go, again and again."""
        rng = effort.roll(7)
        while not self.is_over:
            await replica.hold()
            await asyncio.sleep(rng.random() * 0.1)
            await replica.let_go()
            await asyncio.sleep(rng.random() * 0.3)

    def count_answers(self, runtime: Runtime) -> None:
        """Count from now on which questions the replica answers."""
        store = runtime.store
        assert isinstance(store, PostgresStore)
        assert store._replica is not None
        points = store._replica.points
        fetch_if = points.fetch_if

        async def count_one(*asked: object, **named: object) -> list[asyncpg.Record] | None:
            rows = await fetch_if(*asked, **named)  # type: ignore[arg-type]
            self.by_replica += rows is not None
            self.by_primary += rows is None
            return rows

        points.fetch_if = count_one  # type: ignore[method-assign]


@pytest.mark.campaign
async def test_no_question_after_a_deactivation_is_told_that_the_vehicle_is_allowed(
    exact: Runtime, behind: Runtime, replica: ReplicaServer
) -> None:
    acme = (await make_cast(exact)).acme
    await save(exact.store, acme.account.account_id, *(registered(vin) for vin in VINS))
    race = Race(acme=acme)
    race.count_answers(behind)
    async with asyncio.TaskGroup() as tasks:
        for number in range(CHANGERS):
            tasks.create_task(race.change(exact, number))
        for _ in range(ASKERS):
            tasks.create_task(race.ask(behind))
        tasks.create_task(race.trouble(replica))
        await asyncio.sleep(effort.REPLICA_RACE_S)
        try:
            await wait_until(race.has_tried_enough, seconds_max=30)
        finally:
            race.is_over = True
    assert race.wrong == 0
