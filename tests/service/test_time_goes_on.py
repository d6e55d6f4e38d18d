"""An account's time never goes back, whatever the clocks of its servers do: in the record, and in what is answered."""

import asyncio
import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.duplicates import Repair
from padron.domain.errors import Code, PadronError
from padron.domain.operation import RunQuestion
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.operations.claims import claim_work
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import start_run
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.service.statuses.single import set_status
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.duplicates import repair_duplicates
from padron.service.vehicles.reading import get_vehicle, list_history, list_vehicles
from padron.service.vehicles.registration import Registration, put_vehicle, upsert_vehicle_info
from padron.store.base import Store
from padron.workers.plans import PlanWorker
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, Cast, make_cast, make_vin, registered, save, trust
from tests.conftest import OpenStore, Select

# Vehicles whose own rows do not bear the instants of their changes.
STRAY = """
    WITH own AS (
        SELECT h.vehicle_id, h.created_at, h.updated_at, h.status_since, c.number, c.type, c.changed_at
        FROM vehicles AS h JOIN changes AS c ON c.account_id = h.account_id AND c.vehicle_id = h.vehicle_id)
    SELECT vehicle_id FROM own GROUP BY vehicle_id, created_at, updated_at, status_since
    HAVING updated_at <> max(changed_at) OR created_at <> min(changed_at)
        OR status_since <> max(CASE WHEN type <> 'infoChanged' THEN changed_at END)
"""
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> SetClock:
    return SetClock()


@pytest.fixture
async def server(store: Store, time: SetClock) -> Runtime:
    return build_runtime(store, time)


@pytest.fixture
async def cast(server: Runtime) -> Cast:
    return await make_cast(server)


def ask(vin: str, status: VehicleStatus, request_id: str = "r-status") -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id)


def give(vin: str, request_id: str = "r-put", **edits: str | int) -> Registration:
    return Registration(vin=Vin(vin), edits=edits, request_id=request_id)


async def check_record(select: Select) -> None:
    """See that instants are in the order of the numbers, and that every row that tells of a change has its instant."""
    rows = await select("SELECT account_id, number, changed_at FROM changes ORDER BY account_id, number")
    for before, after in pairwise(rows):
        assert before[0] != after[0] or before[2] <= after[2]
    assert await select("SELECT vin FROM vehicles WHERE updated_at < created_at OR status_since < created_at") == []
    assert await select(STRAY) == []
    assert await select("SELECT vin FROM versions WHERE valid_to < valid_from") == []
    latest = await select("SELECT account_id, max(changed_at) FROM changes GROUP BY account_id ORDER BY account_id")
    kept = await select("SELECT account_id, last_at FROM counters ORDER BY account_id")
    assert latest == [row for row in kept if row[0] in dict(latest)]


async def test_every_kind_of_change_happens_at_the_accounts_last_instant_when_the_clock_is_set_back(
    server: Runtime, cast: Cast, time: SetClock, select: Select
) -> None:
    acme = cast.acme.principal
    await put_vehicle(server, acme, give(HUMMER, plate="AAAA1", doors=4))
    await save(server.store, acme.account_id, registered(JEEP, at=NOON), registered(JEEP, at=NOON, slot=1))
    time.now = NOON - HOUR
    changed = await set_status(server, acme, ask(HUMMER, VehicleStatus.STOLEN))
    put = await put_vehicle(server, acme, give(HUMMER, doors=2))
    new = await upsert_vehicle_info(server, acme, give(UNKNOWN_VIN, plate="BBBB2"))
    bulk = BulkRequest(asked=[ask(vin, VehicleStatus.SOLD, "r-bulk") for vin in (HUMMER, UNKNOWN_VIN)])
    outcomes = (await set_statuses(server, acme, bulk)).outcomes
    first, second = await server.store.read(acme.account_id).list_by_vin(JEEP)
    repair = Repair(vin=Vin(JEEP), keep=second.vehicle_id, by=acme.actor, request_id="r-repair")
    await repair_duplicates(server, acme, repair)
    await undo_request(server, acme, "r-repair", "r-undo", None)
    await put_operation(server, acme, "poll", description="", lease_s=60, attempts=1)
    assert [one.updated_at for one in (changed, put.version.vehicle, new.version.vehicle)] == [NOON] * 3
    assert (new.version.vehicle.created_at, new.version.valid_from) == (NOON, NOON)
    assert [one.status_since for one in outcomes if not isinstance(one, PadronError)] == [NOON, NOON]
    assert first.created_at == NOON
    await check_record(select)
    assert await server.store.read(acme.account_id).find_last_instant() == NOON


@pytest.mark.long("postgres")
async def test_the_clock_counts_again_once_it_is_past_the_accounts_last_instant(
    server: Runtime, cast: Cast, time: SetClock, select: Select
) -> None:
    acme = cast.acme.principal
    await put_vehicle(server, acme, give(HUMMER))
    time.now = NOON - HOUR
    await set_status(server, acme, ask(HUMMER, VehicleStatus.STOLEN))
    time.now = NOON + SECOND
    changed = await set_status(server, acme, ask(HUMMER, VehicleStatus.ACTIVE))
    assert changed.status_since == NOON + SECOND
    times = await select("SELECT changed_at FROM changes ORDER BY number")
    assert len({at for (at,) in times[:2]}) == 1 < len({at for (at,) in times})


@pytest.mark.long("postgres")
async def test_another_account_keeps_its_own_time(server: Runtime, cast: Cast, time: SetClock) -> None:
    await put_vehicle(server, cast.acme.principal, give(HUMMER))
    time.now = NOON - HOUR
    put = await put_vehicle(server, cast.beta.principal, give(HUMMER))
    assert put.version.vehicle.created_at == NOON - HOUR
    vehicles = [ask(HUMMER, VehicleStatus.SOLD)]
    both = [set_status(server, one.principal, vehicles[0]) for one in (cast.acme, cast.beta)]
    changed = await asyncio.gather(*both)
    assert [one.status_since for one in changed] == [NOON, NOON - HOUR]


@pytest.mark.long("postgres")
async def test_work_is_withdrawn_at_the_instant_of_the_change(
    server: Runtime, cast: Cast, time: SetClock, select: Select
) -> None:
    acme = cast.acme.principal
    await put_vehicle(server, acme, give(HUMMER))
    await put_vehicle(server, acme, give(JEEP))
    await put_operation(server, acme, "poll", description="", lease_s=60, attempts=1)
    await start_run(server, acme, "poll", RunQuestion())
    gone = asyncio.get_running_loop().create_future()
    assert len(await claim_work(server, acme, "poll", limit=9, wait_s=0, gone=gone, confirm=trust)) == 2
    time.now = NOON - HOUR
    for vin in (HUMMER, JEEP):
        await set_status(server, acme, ask(vin, VehicleStatus.STOLEN))
    rows = await select(
        "SELECT w.ended_at, h.status_since, w.state FROM work AS w JOIN vehicles AS h USING (vehicle_id)"
    )
    assert [state for *_, state in rows] == ["withdrawn", "withdrawn"]
    assert {ended for ended, *_ in rows} == {since for _, since, _ in rows} == {rows[0][0]}


@pytest.mark.long("postgres")
async def test_a_plan_that_is_executed_with_the_clock_set_back_ends_when_its_change_happens(
    server: Runtime, cast: Cast, time: SetClock, select: Select
) -> None:
    acme = cast.acme.principal
    time.now = NOON - 2 * HOUR
    await put_vehicle(server, acme, give(HUMMER))
    later = PlanRequest(
        vin=Vin(HUMMER), status=VehicleStatus.IN_THE_SHOP, reason=None, revisions=None, by="Acme",
        request_id="r-planned", effective_at=NOON - HOUR,
    )  # fmt: skip
    await plan_status(server, acme, later)
    time.now = NOON
    await put_vehicle(server, acme, give(JEEP))
    time.now = NOON - HOUR
    await PlanWorker(server).execute_due()
    ((ended_at, state, changed_at),) = await select(
        "SELECT p.ended_at, p.state, c.changed_at FROM planned_changes AS p JOIN changes AS c USING (number)"
    )
    assert (state, ended_at) == ("executed", changed_at)
    assert (await get_vehicle(server, acme, HUMMER)).vehicle.status_since == NOON


@pytest.mark.parametrize(
    "back",
    [
        timedelta(milliseconds=1),
        pytest.param(10 * SECOND, marks=pytest.mark.long("postgres")),
        HOUR,
        pytest.param(400 * 24 * HOUR, marks=pytest.mark.long("postgres")),
    ],
)
@pytest.mark.long("postgres")
async def test_as_of_now_knows_what_is_current_when_the_clock_was_set_back(
    server: Runtime, cast: Cast, time: SetClock, back: timedelta
) -> None:
    acme = cast.acme.principal
    await put_vehicle(server, acme, give(HUMMER))
    await set_status(server, acme, ask(HUMMER, VehicleStatus.STOLEN))
    time.now = NOON - back
    await put_vehicle(server, acme, give(JEEP))
    present = await get_vehicle(server, acme, HUMMER)
    for as_of in (time.now, present.vehicle.updated_at):
        assert (await get_vehicle(server, acme, HUMMER, as_of)).vehicle == present.vehicle
        answer = await list_vehicles(server, acme, VehicleQuery(filters={}, as_of=as_of), None)
        assert [version.vehicle.vin for version in answer.page.rows] == [HUMMER, JEEP]
    with pytest.raises(PadronError) as refusal:
        await get_vehicle(server, acme, HUMMER, NOON + SECOND)
    assert refusal.value.code is Code.BAD_PARAMETERS
    entries = (await list_history(server, acme, HUMMER, limit=10, cursor=None)).rows
    assert all(newer.at >= older.at for newer, older in pairwise(entries))


@pytest.mark.long("postgres")
async def test_the_past_stays_the_past_while_the_clock_is_right(server: Runtime, cast: Cast, time: SetClock) -> None:
    acme = cast.acme.principal
    await put_vehicle(server, acme, give(HUMMER))
    time.now = NOON + 30 * SECOND
    await set_status(server, acme, ask(HUMMER, VehicleStatus.STOLEN))
    for now in (time.now, time.now - timedelta(milliseconds=2)):  # which is what two servers' clocks may differ by
        time.now = now
        then = await get_vehicle(server, acme, HUMMER, NOON + 29 * SECOND)
        assert then.vehicle.status is VehicleStatus.ACTIVE


async def test_servers_with_clocks_of_their_own_keep_one_order(
    engine: str, store: Store, open_store: OpenStore, select: Select
) -> None:
    chance = random.Random(7)
    clocks = [lambda: NOON + timedelta(seconds=chance.uniform(-90, 90)) for _ in range(3)]
    runtimes = [build_runtime(store if engine == "sqlite" else await open_store(), clock) for clock in clocks]
    cast = await make_cast(runtimes[0])
    members = (cast.acme.principal, cast.beta.principal)
    for member in members:
        await save(store, member.account_id, *(registered(make_vin(n), at=NOON - 2 * HOUR) for n in range(8)))

    async def work(number: int) -> None:
        runtime, member = runtimes[number % 3], members[number % 2]
        vin = make_vin(chance.randrange(8))
        match number % 5:
            case 0:
                await put_vehicle(runtime, member, give(vin, ownerName=f"Ana {number}"))
            case 1:
                await put_vehicle(runtime, member, give(make_vin(100 + number)))
            case _:
                await set_status(runtime, member, ask(vin, chance.choice([VehicleStatus.SOLD, VehicleStatus.ACTIVE])))

    for start in range(0, 120, 60):
        await asyncio.gather(*(work(number) for number in range(start, start + 60)))
    await check_record(select)
