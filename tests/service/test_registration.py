"""Registering and updating: what is written, once, and what a race leaves."""

import asyncio

import pytest

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import Edits
from padron.service.runtime import Runtime, build_runtime
from padron.service.vehicles.reading import get_vehicle, list_history
from padron.service.vehicles.registration import (
    Registered,
    Registration,
    WriteCondition,
    put_vehicle,
    upsert_vehicle_info,
)
from tests.cast import HUMMER, JEEP, Cast
from tests.conftest import SteppedClock
from tests.service.stores import FaultyStore


def ask(vin: str = HUMMER, **edits: str | int | None) -> Registration:
    values: Edits = edits
    return Registration(vin=HUMMER if vin == HUMMER else JEEP, edits=values, request_id="r-1")


async def count_changes(runtime: Runtime, principal: Principal) -> int:
    page = await list_history(runtime, principal, HUMMER, limit=100, cursor=None)
    return len(page.rows)


async def test_a_new_vehicle_is_created_and_a_known_one_updated(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    first = await put_vehicle(runtime, acme, ask(plate="AAAA1", doors=4))
    second = await put_vehicle(runtime, acme, ask(doors=None))
    assert (first.created, second.created) == (True, False)
    assert second.version.details == {"plate": "AAAA1"}
    stored = await get_vehicle(runtime, acme, HUMMER)
    assert (stored.vehicle.revision, stored.details) == (2, {"plate": "AAAA1"})


@pytest.mark.long("postgres")
async def test_what_changes_nothing_writes_nothing(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    await put_vehicle(runtime, acme, ask(plate="AAAA1"))
    before = await get_vehicle(runtime, acme, HUMMER)
    for registration in (ask(), ask(plate="AAAA1"), ask(doors=None)):
        assert not (await put_vehicle(runtime, acme, registration)).created
    await upsert_vehicle_info(runtime, acme, ask(plate="AAAA1", ownerName=None))
    assert await get_vehicle(runtime, acme, HUMMER) == before
    assert await count_changes(runtime, acme) == 1


async def test_of_many_who_register_one_vin_at_once_one_creates_it(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    outcomes = await asyncio.gather(*(put_vehicle(runtime, acme, ask(doors=number)) for number in range(8)))
    assert [outcome.created for outcome in outcomes].count(True) == 1
    assert (await get_vehicle(runtime, acme, HUMMER)).vehicle.revision == await count_changes(runtime, acme) == 8


async def test_of_two_who_want_one_plate_at_once_one_gets_it(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    outcomes = await asyncio.gather(
        put_vehicle(runtime, acme, ask(HUMMER, plate="AAAA1")),
        put_vehicle(runtime, acme, ask(JEEP, plate="AAAA1")),
        return_exceptions=True,
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, Registered)]) == 1
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, PadronError)]
    assert refused.code is Code.PLATE_IN_USE


@pytest.mark.long("postgres")
async def test_vin_and_plate_on_two_vehicles_are_refused(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    await put_vehicle(runtime, acme, ask(HUMMER, plate="AAAA1"))
    await put_vehicle(runtime, acme, ask(JEEP, plate="BBBB2"))
    with pytest.raises(PadronError) as caught:
        await upsert_vehicle_info(runtime, acme, ask(HUMMER, plate="BBBB2"))
    assert caught.value.code is Code.MULTIPLE_VEHICLES_FOUND


@pytest.mark.parametrize("use_case", [put_vehicle, upsert_vehicle_info])
@pytest.mark.parametrize("written", [0, 1])
@pytest.mark.long("postgres")
async def test_a_store_that_fails_around_the_write_leaves_nothing_behind(
    runtime: Runtime, cast: Cast, clock: SteppedClock, written: int, use_case: object
) -> None:
    faulty = FaultyStore(runtime.store)
    faulty.fails_before_change = written
    broken = build_runtime(faulty, clock)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await use_case(broken, cast.acme.principal, ask(plate="AAAA1"))  # type: ignore[operator]
    assert await runtime.store.read(cast.acme.account.account_id).list_by_vin(HUMMER) == []
    registered = await put_vehicle(runtime, cast.acme.principal, ask(plate="AAAA1"))
    assert registered.created
    assert (await get_vehicle(runtime, cast.acme.principal, HUMMER)).vehicle.vehicle_id == 1  # no number was lost


@pytest.mark.parametrize("use_case", [put_vehicle, upsert_vehicle_info])
@pytest.mark.long("postgres")
async def test_a_key_without_the_scope_is_refused_before_the_store_is_asked(
    runtime: Runtime, cast: Cast, use_case: object
) -> None:
    with pytest.raises(PadronError) as caught:
        await use_case(runtime, cast.gamma.principal, ask(plate="AAAA1"))  # type: ignore[operator]
    assert caught.value.code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_a_vehicle_that_had_to_exist_or_not_to_exist_is_refused(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    must = Registration(vin=HUMMER, edits={}, request_id="r", condition=WriteCondition.MUST_EXIST)
    must_not = Registration(vin=HUMMER, edits={}, request_id="r", condition=WriteCondition.MUST_NOT_EXIST)
    for registration, setup in ((must, False), (must_not, True)):
        if setup:
            await put_vehicle(runtime, acme, ask())
        with pytest.raises(PadronError) as caught:
            await put_vehicle(runtime, acme, registration)
        assert caught.value.code is Code.REVISION_MISMATCH
