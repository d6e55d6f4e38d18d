"""One clock for a register: servers whose own clocks differ share work all the same, and a jump breaks no lease."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from padron.domain.change import PlanRequest
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import ImportState, end
from padron.domain.idempotency import KeyClaim
from padron.domain.operation import RunQuestion, Work
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.domain.webhook import EndpointKey, EventType, Filter
from padron.service import clock as clock_module
from padron.service.clock import CATCH_UP_MAX, RegisterClock, keep_clock, open_clock
from padron.service.idempotency import claim_key
from padron.service.imports.steps import take_import
from padron.service.operations.claims import claim_work
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import start_run
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime, open_timed_runtime
from padron.service.vehicles.reading import get_status
from padron.service.webhooks.deliveries import claim_endpoint, list_ready
from padron.service.webhooks.endpoints import add_endpoint
from padron.store.base import Store, WriteTransaction
from padron.workers.plans import PlanWorker
from tests.cast import HUMMER, NOON, Cast, make_cast, make_vin, registered, save, trust
from tests.conftest import OpenStore, Select
from tests.service.stores import FaultyStore
from tests.service.uploading import make_csv, upload

APART_S = 90
HOUR = timedelta(hours=1)
QUARTER = HOUR / 4
NAME = "poll"
EVERYTHING = Filter(event_types=frozenset(EventType))
FLEET = 20
OpenServer = Callable[[float], Awaitable[Runtime]]
on_postgres = pytest.mark.parametrize("engine", ["postgres"])  # SQLite has one server
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
either_way = pytest.mark.parametrize("apart_s", [APART_S, -APART_S])


@pytest.fixture
async def open_server(open_store: OpenStore) -> AsyncIterator[OpenServer]:
    """Gives a server whose own clock is some seconds off."""
    async with AsyncExitStack() as opened:

        async def open_one(apart_s: float) -> Runtime:
            store = await open_store()
            clock = await open_clock(store, lambda: datetime.now(UTC) + timedelta(seconds=apart_s))
            runtime = await open_timed_runtime(store, clock)
            opened.push_async_callback(runtime.close)
            return runtime

        yield open_one


async def make_work(runtime: Runtime, cast: Cast, lease_s: int = 60) -> None:
    acme = cast.acme.principal
    await save(runtime.store, acme.account_id, *(registered(make_vin(number)) for number in range(FLEET)))
    await put_operation(runtime, acme, NAME, description="", lease_s=lease_s, attempts=3)
    await start_run(runtime, acme, NAME, RunQuestion())


async def claim(runtime: Runtime, cast: Cast, limit: int = 500) -> list[Work]:
    gone = asyncio.get_running_loop().create_future()
    return await claim_work(runtime, cast.acme.principal, NAME, limit=limit, wait_s=0, gone=gone, confirm=trust)


@on_postgres
@either_way
async def test_servers_whose_clocks_differ_hand_no_vehicle_out_twice(open_server: OpenServer, apart_s: float) -> None:
    here, there = await open_server(0), await open_server(apart_s)
    cast = await make_cast(here)
    await make_work(here, cast)
    claimed = [await claim(server, cast, 5) for server in (here, there, here, there, here, there)]
    handed = [work.vin for works in claimed for work in works]
    assert sorted(handed) == [make_vin(number) for number in range(FLEET)]
    differences = [abs((here.clock() - there.clock()).total_seconds()) for _ in range(10)]
    assert max(differences) < 0.5


@on_postgres
@either_way
async def test_servers_whose_clocks_differ_share_endpoints_imports_and_keys(
    open_server: OpenServer, apart_s: float
) -> None:
    here, there = await open_server(0), await open_server(apart_s)
    cast = await make_cast(here)
    acme = cast.acme.principal
    for place, (taker, other) in enumerate(((here, there), (there, here))):
        endpoint = await add_endpoint(taker, acme, url="https://example.com/", description="", chosen=EVERYTHING)
        key = EndpointKey(acme.account_id, endpoint.endpoint_id)
        await save(taker.store, acme.account_id, registered(make_vin(place)))
        assert await claim_endpoint(taker, key, f"of {taker}")
        assert not await claim_endpoint(other, key, "another")
        assert key not in await list_ready(other, 100)
        await upload(taker, acme, make_csv())
        assert await take_import(taker, acme.account_id, f"of {taker}") is not None
        assert await take_import(other, acme.account_id, "another") is None
        sent = f"key-of-{taker is here}"
        assert isinstance(await claim_key(taker, acme, sent, b"f"), KeyClaim)
        with pytest.raises(PadronError) as refusal:
            await claim_key(other, acme, sent, b"f")
        assert refusal.value.code is Code.KEY_IN_USE
        await taker.store.write(acme.account_id, _end_all)


async def _end_all(transaction: WriteTransaction) -> None:
    imports = transaction.imports
    for one in await imports.list_open():
        await imports.save_import(end(one, ImportState.DONE, NOON, None))


@on_postgres
@either_way
async def test_a_plan_is_executed_by_the_databases_time_and_once(
    open_server: OpenServer, select: Select, apart_s: float
) -> None:
    here, there = await open_server(0), await open_server(apart_s)
    cast = await make_cast(here)
    acme = cast.acme.principal
    await save(here.store, acme.account_id, registered(HUMMER))
    due_at = here.clock() + timedelta(seconds=1.5)
    await plan_status(there, acme, ask(due_at))
    executors = [PlanWorker(server) for server in (here, there, here, there)]
    while here.clock() < due_at - timedelta(seconds=0.5):
        await asyncio.gather(*(executor.execute_due() for executor in executors))
        assert (await get_status(there, acme, HUMMER)).status is VehicleStatus.ACTIVE
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        while (await get_status(here, acme, HUMMER)).status is VehicleStatus.ACTIVE:
            await asyncio.gather(*(executor.execute_due() for executor in executors))
    assert await here.store.read(acme.account_id).find_last_change() == 2
    ((changed_at, now),) = await select("SELECT changed_at, clock_timestamp() FROM changes WHERE number = 2")
    assert due_at <= changed_at <= now


def ask(begins: datetime) -> PlanRequest:
    return PlanRequest(
        vin=Vin(HUMMER), status=VehicleStatus.IN_THE_SHOP, reason=None, revisions=None, by="Acme",
        request_id="r-planned", effective_at=begins,
    )  # fmt: skip


@on_postgres
@either_way
async def test_what_is_recorded_bears_the_databases_time(
    open_server: OpenServer, select: Select, apart_s: float
) -> None:
    server = await open_server(apart_s)
    ((before,),) = await select("SELECT clock_timestamp()")
    at = server.clock()
    ((after,),) = await select("SELECT clock_timestamp()")
    slack = timedelta(seconds=0.2)
    assert before - slack <= at <= after + slack


class Machine:
    """A system clock that is set, and a monotonic one that only goes on."""

    def __init__(self) -> None:
        self.at = NOON
        self.passed_s = 0.0

    def read_system(self) -> datetime:
        return self.at

    def read_ticks(self) -> float:
        return self.passed_s

    def jump(self, by: timedelta) -> None:
        self.at += by

    def go_on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.passed_s += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@on_sqlite
@pytest.mark.slow_callback("goes through hours of ticks")
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_lease_on_sqlite_lasts_as_long_as_it_says_whatever_the_system_clock_does(
    store: Store, machine: Machine, jump: timedelta
) -> None:
    clock = RegisterClock(store, machine.read_system, machine.read_ticks)
    runtime = await open_timed_runtime(store, clock)
    cast = await make_cast(runtime)
    await make_work(runtime, cast, lease_s=600)
    first = await claim(runtime, cast)
    assert len(first) == FLEET
    machine.jump(jump)
    for _ in range(550):
        machine.go_on(1)
        await clock.refresh()
    assert await claim(runtime, cast) == []
    for _ in range(100):
        machine.go_on(1)
        await clock.refresh()
    assert len(await claim(runtime, cast)) == FLEET
    await runtime.close()


@on_sqlite
async def test_a_plan_on_sqlite_is_not_executed_early_because_the_system_clock_jumped(
    store: Store, machine: Machine
) -> None:
    clock = RegisterClock(store, machine.read_system, machine.read_ticks)
    runtime = await open_timed_runtime(store, clock)
    cast = await make_cast(runtime)
    acme = cast.acme.principal
    await save(store, acme.account_id, registered(HUMMER, at=NOON))
    await plan_status(runtime, acme, ask(NOON + timedelta(minutes=30)))
    machine.jump(HOUR)
    await clock.refresh()
    executor = PlanWorker(runtime)
    await executor.execute_due()
    assert (await get_status(runtime, acme, HUMMER)).status is VehicleStatus.ACTIVE
    machine.go_on(1800)
    await clock.refresh()
    await executor.execute_due()
    await executor.execute_due()
    assert (await get_status(runtime, acme, HUMMER)).status is VehicleStatus.IN_THE_SHOP
    assert await store.read(acme.account_id).find_last_change() == 2
    await runtime.close()


@on_sqlite
@pytest.mark.slow_callback("goes through hours of ticks")
@pytest.mark.parametrize("jump", [QUARTER, -QUARTER])
async def test_a_jump_is_made_good_slowly_never_backwards_and_told_once(
    store: Store, machine: Machine, jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    clock = RegisterClock(store, machine.read_system, machine.read_ticks)
    await clock.refresh()
    machine.jump(jump)
    at, steps = clock(), 0
    while abs(machine.at - clock()) > timedelta(milliseconds=1):
        await clock.refresh()
        machine.go_on(1)
        steps += 1
        gone_on = (clock() - at).total_seconds()
        assert 1 - CATCH_UP_MAX - 0.001 <= gone_on <= 1 + CATCH_UP_MAX + 0.001
        at = clock()
    assert steps == pytest.approx(QUARTER.total_seconds() / CATCH_UP_MAX, rel=0.01)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Restart the server" in caplog.text


@on_sqlite
async def test_a_refresh_that_is_late_does_not_overshoot(store: Store, machine: Machine) -> None:
    clock = RegisterClock(store, machine.read_system, machine.read_ticks)
    machine.jump(timedelta(seconds=0.04))
    await clock.refresh()
    machine.go_on(1000)
    assert clock() == machine.at


class Answer(FaultyStore):
    """A store whose database's clock a test sets, with the time that an answer takes."""

    def __init__(self, store: Store, machine: Machine) -> None:
        super().__init__(store)
        self.machine = machine
        self.at = NOON - HOUR
        self.takes_s = 0.001
        self.is_away = False

    async def read_time(self) -> datetime | None:
        if self.is_away:
            raise PadronError(Code.STORE_UNAVAILABLE, "away")
        self.machine.go_on(self.takes_s / 2)
        at = self.at + timedelta(seconds=self.machine.passed_s)
        self.machine.go_on(self.takes_s / 2)
        return at

    def give_off_s(self, clock: RegisterClock) -> float:
        return (clock() - self.at - timedelta(seconds=self.machine.passed_s)).total_seconds()


@on_sqlite
async def test_the_better_measure_counts_and_a_slow_one_spoils_nothing(store: Store, machine: Machine) -> None:
    answer = Answer(store, machine)
    clock = RegisterClock(answer, machine.read_system, machine.read_ticks)
    answer.takes_s = 3.0
    await clock.refresh()
    assert abs(answer.give_off_s(clock)) <= 1.5
    answer.takes_s = 0.002
    await clock.refresh()
    assert abs(answer.give_off_s(clock)) <= 0.001
    answer.takes_s = 3.0
    machine.jump(HOUR)  # this machine's clock counts for nothing
    for _ in range(5):
        await clock.refresh()
        assert abs(answer.give_off_s(clock)) <= 0.001


@on_sqlite
async def test_the_databases_clock_is_followed_at_once_when_it_is_set(
    store: Store, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(store, machine)
    clock = RegisterClock(answer, machine.read_system, machine.read_ticks)
    await clock.refresh()
    for step in (HOUR, -2 * HOUR, timedelta(seconds=0.5)):
        answer.at += step
        await clock.refresh()
        assert abs(answer.give_off_s(clock)) <= 0.001
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


@on_sqlite
async def test_the_clock_goes_on_while_the_database_is_away(
    store: Store, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "REFRESH_EVERY_S", 0.001)
    answer = Answer(store, machine)
    clock = RegisterClock(answer, machine.read_system, machine.read_ticks)
    await clock.refresh()
    answer.is_away = True
    async with keep_clock(clock):
        machine.go_on(60)
        await asyncio.sleep(0.02)
        assert abs(answer.give_off_s(clock)) <= 0.001
        answer.is_away = False
        answer.at += HOUR
        async with asyncio.timeout(5):
            while abs(answer.give_off_s(clock)) > 0.001:  # noqa: ASYNC110 - the task has no event for us
                await asyncio.sleep(0.001)
