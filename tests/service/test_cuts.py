"""An instant is a number of the record: what it is when clocks step, when much happens, and when vehicles cease."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.time_in_status import Cell, Period, VehicleTime
from padron.domain.vehicle import VehicleVersion
from padron.service.reports.time_in_status import StoppedError, follow_report, give_next_size, open_report, report_page
from padron.service.runtime import Runtime
from padron.service.vehicles.reading import get_vehicle, list_vehicles
from padron.store.base import Store
from tests.cast import (
    HUMMER,
    JEEP,
    NOON,
    Cast,
    after,
    get_one,
    info_changed,
    make_vehicle,
    make_vin,
    registered,
    save,
    status_changed,
)
from tests.conftest import SteppedClock
from tests.service.by_hand import bring_back_vehicle, end_vehicle, forget_last_instant

SHOP, STOLEN, ACTIVE = VehicleStatus.IN_THE_SHOP, VehicleStatus.STOLEN, VehicleStatus.ACTIVE


async def record_at(store: Store, account_id: int, *seconds: float, database: str | None = None) -> None:
    """Register a vehicle at each of these instants, in this order; with the database, even where they go back."""
    first = await store.read(account_id).find_last_change()
    for number, second in enumerate(seconds, start=first):
        if database is not None:
            await forget_last_instant(database, account_id)
        await save(store, account_id, registered(make_vin(number), at=after(second)))


def never() -> bool:
    return False


async def test_a_cut_is_the_last_change_up_to_the_instant(runtime: Runtime, cast: Cast) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    reader = store.read(account_id)
    assert await reader.find_cut(NOON) == 0
    seconds = [1, 2, 2, 2, 5, 5.000001, 8, *range(10, 24)]
    for count in range(1, len(seconds) + 1):
        await record_at(store, account_id, seconds[count - 1])
        for at in (0.5, 1, 1.5, 2, 4, 5, 5.000001, 6, 9, 12, 22, 23, 100):
            assert await reader.find_cut(after(at)) == sum(second <= at for second in seconds[:count]), (count, at)
    assert await store.read(cast.beta.account.account_id).find_cut(after(100)) == 0


@pytest.mark.long("postgres")
async def test_a_cut_stays_where_it_is_and_instants_keep_their_order_though_clocks_step_back(
    runtime: Runtime, cast: Cast, database: str
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    reader = store.read(account_id)
    seconds = [1, 5, 3, 4, 4, 9, 7, 8, 12, 11, 10, 20]
    await record_at(store, account_id, *seconds, database=database)
    asked = [0.5, 1, 2, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 10.5, 11, 12, 19]
    found = [await reader.find_cut(after(at)) for at in asked]
    assert found == sorted(found)
    for at, cut in zip(asked, found, strict=True):
        assert cut == 0 or seconds[cut - 1] <= at
        assert seconds[cut] > at
    for _ in range(10):
        await record_at(store, account_id, 21)
        assert [await reader.find_cut(after(at)) for at in asked] == found


async def test_what_is_recorded_while_an_instant_is_looked_up_does_not_make_it_the_present(
    runtime: Runtime, cast: Cast
) -> None:
    """The record passes a clock that was looked at before it, although no clock went back."""
    await record_at(runtime.store, cast.acme.account.account_id, 1, 3)
    clock = iter([after(2), after(4)])
    late = replace(runtime, clock=lambda: next(clock))
    query = VehicleQuery(filters={}, as_of=after(1.5))
    found = await list_vehicles(late, cast.acme.principal, query, None)
    assert [row.vehicle.vin for row in found.page.rows] == [make_vin(0)]


QUESTIONS = (
    VehicleQuery(filters={}, limit=3),
    VehicleQuery(filters={}, limit=3, sort="updatedAt", descending=True),
    VehicleQuery(filters={}, limit=3, sort="vehicleStatusId"),
    VehicleQuery(filters={}, limit=3, operational=True),
    VehicleQuery(filters={"doors": 1}, limit=2, sort="vin"),
)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_pages_of_the_past_are_of_one_state_whatever_goes_on(
    runtime: Runtime, cast: Cast, question: VehicleQuery, database: str
) -> None:
    account_id, store, principal = cast.acme.account.account_id, runtime.store, cast.acme.principal
    await save(store, account_id, *(registered(make_vin(number), doors=number % 3) for number in range(12)))
    query = replace(question, as_of=after(0.5))
    whole = (await list_vehicles(runtime, principal, replace(query, limit=100), None)).page.rows
    assert len(whole) >= 4
    seen: list[VehicleVersion] = []
    cursor = None
    for turn in range(6):
        answer = await list_vehicles(runtime, principal, query, cursor)
        seen += answer.page.rows
        cursor = answer.page.next_cursor
        if cursor is None:
            break
        await forget_last_instant(database, account_id)
        # The clock of this writer is behind: by its instants alone, these changes would lie before the cut.
        vehicle = await get_one(store, account_id, make_vin(turn))
        await save(store, account_id, status_changed(vehicle, STOLEN, at=NOON), registered(make_vin(90 + turn)))
        vehicle = await get_one(store, account_id, make_vin(turn + 6))
        await save(store, account_id, info_changed(vehicle, {"doors": 9}, {"doors": 1}, at=NOON))
    assert cursor is None
    assert seen == whole


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(0, marks=pytest.mark.long("postgres")),
        pytest.param(1, marks=pytest.mark.long("postgres")),
        pytest.param(2, marks=pytest.mark.long),
        5,
        pytest.param(100, marks=pytest.mark.long("postgres")),
    ],
)
async def test_a_status_of_the_past_is_looked_for_in_steps_that_leave_nobody_out(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr("padron.service.vehicles.reading.STEP_CHANGES", step)
    account_id, store, principal = cast.acme.account.account_id, runtime.store, cast.acme.principal
    vins = [make_vin(number) for number in range(12)]
    await save(store, account_id, *(registered(vin, at=after(0), doors=1) for vin in vins))
    changes = [status_changed(await get_one(store, account_id, vin), STOLEN, at=after(0)) for vin in vins]
    await save(store, account_id, *changes[2:9], changes[11])
    stolen = [*vins[2:9], vins[11]]
    for query in (
        VehicleQuery(filters={}, status=STOLEN, as_of=after(1)),
        VehicleQuery(filters={}, operational=False, as_of=after(1)),
        VehicleQuery(filters={"doors": 1}, status=STOLEN, as_of=after(1)),
    ):
        for limit in (1, 3, 20):
            for descending in (False, True):
                seen: list[str] = []
                cursor: str | None = None
                while True:
                    asked = replace(query, limit=limit, descending=descending)
                    answer = await list_vehicles(runtime, principal, asked, cursor)
                    seen += [version.vehicle.vin for version in answer.page.rows]
                    cursor = answer.page.next_cursor
                    if cursor is None:
                        break
                assert seen == (stolen[::-1] if descending else stolen), (query, limit)


@pytest.mark.long("postgres")
async def test_several_vehicles_with_one_vin_then_are_409_and_one_now_is_not(
    runtime: Runtime, cast: Cast, database: str
) -> None:
    account_id, store, principal = cast.acme.account.account_id, runtime.store, cast.acme.principal
    await save(store, account_id, registered(HUMMER, slot=0, at=after(1)), registered(HUMMER, slot=1, at=after(2)))
    await end_vehicle(database, account_id, 2, after(3), 1)
    alone = await get_vehicle(runtime, principal, HUMMER, after(1))
    with pytest.raises(PadronError) as refusal:
        await get_vehicle(runtime, principal, HUMMER, after(2))
    assert refusal.value.code is Code.MULTIPLE_VEHICLES_FOUND
    assert await get_vehicle(runtime, principal, HUMMER, after(3)) == alone
    await bring_back_vehicle(database, account_id, 2, after(4), 3)
    with pytest.raises(PadronError):
        await get_vehicle(runtime, principal, HUMMER, after(4))


async def list_ids(runtime: Runtime, cast: Cast, at: datetime, status: VehicleStatus | None = None) -> list[int]:
    query = VehicleQuery(filters={}, as_of=at, status=status)
    answer = await list_vehicles(runtime, cast.acme.principal, query, None)
    return [version.vehicle.vehicle_id for version in answer.page.rows]


@pytest.mark.long("postgres")
async def test_a_vehicle_that_ceased_is_in_no_list_until_it_is_back(
    runtime: Runtime, cast: Cast, database: str
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=after(1)), registered(JEEP, at=after(1)))
    await end_vehicle(database, account_id, 1, after(5), 1)
    await bring_back_vehicle(database, account_id, 1, after(9), 3)
    former = VehicleStatus.INFO_CHANGED
    for second, current, stolen, ended in (
        (4, [1, 2], [], []),
        (5, [2], [], [1]),
        (8, [2], [], [1]),
        (9, [1, 2], [1], [1]),
    ):
        at = after(second)
        assert await list_ids(runtime, cast, at) == current
        assert await list_ids(runtime, cast, at, STOLEN) == stolen
        assert await list_ids(runtime, cast, at, former) == ended


@pytest.mark.long("postgres")
async def test_the_time_in_which_a_vehicle_had_ceased_is_nobodys(
    runtime: Runtime, cast: Cast, database: str, clock: SteppedClock
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=after(10)), registered(JEEP, at=after(10)))
    await end_vehicle(database, account_id, 1, after(20), 1)
    await bring_back_vehicle(database, account_id, 1, after(50), 3)
    clock.now = after(200)
    for begin, end, times in (
        (0, 100, {1: {(ACTIVE, None): 10, (STOLEN, "By hand"): 50}, 2: {(ACTIVE, None): 90}}),
        (15, 55, {1: {(ACTIVE, None): 5, (STOLEN, "By hand"): 5}, 2: {(ACTIVE, None): 40}}),
        (20, 50, {2: {(ACTIVE, None): 30}}),
        (30, 40, {2: {(ACTIVE, None): 10}}),
    ):
        assert await report(runtime, cast, begin, end) == times


async def report(runtime: Runtime, cast: Cast, begin: float, end: float) -> dict[int, dict[Cell, int]]:
    """Give each vehicle's times, read page by page, one vehicle each."""
    period = Period(from_at=after(begin), to_at=after(end))
    found: list[VehicleTime] = []
    cursor: str | None = None
    while True:
        answer = await report_page(runtime, cast.acme.principal, period, {}, never, limit=1, cursor=cursor)
        assert (answer.total is None) is (cursor is not None)
        found += answer.page.rows
        cursor = answer.page.next_cursor
        if cursor is None:
            return {one.vehicle_id: dict(one.cells) for one in found}


async def test_a_clock_that_went_back_makes_no_time_negative_and_no_sum_wrong(
    runtime: Runtime, cast: Cast, clock: SteppedClock, database: str
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=after(0)))
    vehicle = make_vehicle(vehicle_id=1)
    for second, status, reason in ((20, SHOP, "Brakes"), (15, ACTIVE, None), (40, STOLEN, None), (30, ACTIVE, "Found")):
        change = status_changed(vehicle, status, at=after(second), reason=reason)
        await forget_last_instant(database, account_id)
        await save(store, account_id, change)
        vehicle = change.vehicle
    clock.now = after(200)
    whole = {(ACTIVE, None): 40, (ACTIVE, "Found"): 60}
    assert await report(runtime, cast, 0, 100) == {1: whole}
    for begin, end in combinations((0, 5, 15, 20, 25, 30, 40, 100), 2):
        (cells,) = (await report(runtime, cast, begin, end)).values()
        assert sum(cells.values()) == end - begin, (begin, end)


@pytest.mark.long("postgres")
async def test_a_change_before_the_cut_with_an_instant_after_it_takes_no_time_of_the_period(
    runtime: Runtime, cast: Cast, clock: SteppedClock, database: str
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=after(0)))
    vehicle = make_vehicle(vehicle_id=1)
    for second, status in ((10, SHOP), (50, ACTIVE), (20, STOLEN)):
        change = status_changed(vehicle, status, at=after(second))
        await forget_last_instant(database, account_id)
        await save(store, account_id, change)
        vehicle = change.vehicle
    clock.now = after(200)
    assert await store.read(account_id).find_cut(after(30)) == 4
    assert await report(runtime, cast, 0, 30) == {1: {(ACTIVE, None): 10, (SHOP, None): 20}}
    assert await report(runtime, cast, 30, 100) == {1: {(STOLEN, None): 70}}
    assert await report(runtime, cast, 0, 100) == {1: {(ACTIVE, None): 10, (SHOP, None): 40, (STOLEN, None): 50}}


@pytest.mark.long("postgres")
async def test_what_the_record_has_before_the_period_is_in_force_when_it_begins_whatever_its_clock_said(
    runtime: Runtime, cast: Cast, clock: SteppedClock, database: str
) -> None:
    account_id, store = cast.acme.account.account_id, runtime.store
    await save(store, account_id, registered(HUMMER, at=after(0)), registered(JEEP, at=after(0)))
    vehicle = make_vehicle(vehicle_id=1)
    ahead = status_changed(vehicle, SHOP, at=after(50))
    await save(store, account_id, ahead)
    await forget_last_instant(database, account_id)
    await save(store, account_id, info_changed(ahead.vehicle, {}, {"doors": 1}, at=after(20)))
    clock.now = after(200)
    assert await store.read(account_id).find_cut(after(30)) == 4
    assert await report(runtime, cast, 30, 100) == {1: {(SHOP, None): 70}, 2: {(ACTIVE, None): 70}}
    assert await report(runtime, cast, 30, 40) == {1: {(SHOP, None): 10}, 2: {(ACTIVE, None): 10}}
    assert await report(runtime, cast, 0, 30) == {1: {(ACTIVE, None): 30}, 2: {(ACTIVE, None): 30}}


async def test_a_report_of_several_pages_is_of_one_state_whatever_goes_on(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    account_id, store, principal = cast.acme.account.account_id, runtime.store, cast.acme.principal
    await save(store, account_id, *(registered(make_vin(number)) for number in range(7)))
    clock.now = after(200)
    period = Period(from_at=after(0), to_at=after(100))
    whole = await report_page(runtime, principal, period, {}, never, limit=50, cursor=None)
    first = await report_page(runtime, principal, period, {}, never, limit=3, cursor=None)
    assert first.total == whole.total
    for number in range(7):
        vehicle = await get_one(store, account_id, make_vin(number))
        await save(store, account_id, status_changed(vehicle, STOLEN, at=after(50)))
    second = await report_page(runtime, principal, period, {}, never, limit=50, cursor=first.page.next_cursor)
    assert [*first.page.rows, *second.page.rows] == whole.page.rows


@pytest.mark.long("postgres")
async def test_a_report_ends_when_nobody_waits_for_it(
    runtime: Runtime, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.reports.time_in_status.BATCH_VEHICLES", 2)
    account_id, principal = cast.acme.account.account_id, cast.acme.principal
    await save(runtime.store, account_id, *(registered(make_vin(number)) for number in range(9)))
    clock.now = after(200)
    query = await open_report(runtime, principal, Period(from_at=after(0), to_at=after(100)), {})
    answers = [False, False, True]
    batches = follow_report(runtime, principal, query, lambda: answers.pop(0))
    assert [len(await anext(batches)) for _ in range(2)] == [2, 2]
    with pytest.raises(StoppedError):
        await anext(batches)


async def test_statements_grow_while_they_are_short_and_shrink_when_they_are_long() -> None:
    assert [give_next_size(size, 0.01) for size in (20, 300, 500)] == [40, 500, 500]
    assert [give_next_size(size, 0.1) for size in (20, 500)] == [20, 500]
    assert [give_next_size(size, 1.0) for size in (500, 20, 1)] == [125, 5, 1]


@pytest.mark.long("postgres")
async def test_who_may_not_read_is_told_so(runtime: Runtime, cast: Cast) -> None:
    nobody = replace(cast.acme.principal, scopes=frozenset())
    period = Period(from_at=NOON - timedelta(days=2), to_at=NOON - timedelta(days=1))
    with pytest.raises(PadronError) as refusal:
        await report_page(runtime, nobody, period, {}, never, limit=1, cursor=None)
    assert refusal.value.code is Code.FORBIDDEN
    with pytest.raises(PadronError) as refusal:
        await get_vehicle(runtime, nobody, HUMMER, NOON)
    assert refusal.value.code is Code.FORBIDDEN
