"""Reading all vehicles page by page, while others change them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import VehicleVersion
from padron.service.runtime import Runtime
from padron.service.vehicles import export
from padron.service.vehicles.export import export_vehicles, find_last_vehicle
from tests.cast import HUMMER, Cast, get_one, info_changed, make_vin, registered, save, status_changed

ALL = VehicleQuery(filters={})
VINS = [make_vin(number) for number in range(10)]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 3)


@pytest.fixture
async def account_id(runtime: Runtime, cast: Cast) -> int:
    account_id = cast.acme.account.account_id
    changes = [registered(vin, doors=place % 3, modelName=f"M{9 - place}") for place, vin in enumerate(VINS)]
    await save(runtime.store, account_id, *changes)
    await save(runtime.store, cast.beta.account.account_id, registered(HUMMER))
    return account_id


async def collect(pages: AsyncIterator[list[VehicleVersion]]) -> list[str]:
    return [version.vehicle.vin async for page in pages for version in page]


async def test_every_vehicle_comes_once_in_order_of_registration(runtime: Runtime, cast: Cast, account_id: int) -> None:
    assert await collect(export_vehicles(runtime, cast.acme.principal, ALL)) == VINS
    assert await collect(export_vehicles(runtime, cast.beta.principal, ALL)) == [HUMMER]
    last = await get_one(runtime.store, account_id, VINS[-1])
    assert await find_last_vehicle(runtime, cast.acme.principal) == last.vehicle_id


async def test_filters_and_orders_are_kept(runtime: Runtime, cast: Cast, account_id: int) -> None:
    await save(runtime.store, account_id, status_changed(await get_one(runtime.store, account_id, VINS[4])))
    query = replace(ALL, filters={"doors": 1})
    assert await collect(export_vehicles(runtime, cast.acme.principal, query)) == [VINS[1], VINS[4], VINS[7]]
    query = replace(query, operational=True)
    assert await collect(export_vehicles(runtime, cast.acme.principal, query)) == [VINS[1], VINS[7]]
    query = replace(ALL, sort="modelName")
    assert await collect(export_vehicles(runtime, cast.acme.principal, query)) == VINS[::-1]
    query = replace(ALL, descending=True)
    assert await collect(export_vehicles(runtime, cast.acme.principal, query)) == VINS[::-1]


@pytest.mark.parametrize(
    "query",
    [ALL, replace(ALL, descending=True), pytest.param(replace(ALL, sort="vin"), marks=pytest.mark.long("postgres"))],
)
@pytest.mark.long("postgres")
async def test_edits_between_two_pages_neither_repeat_nor_lose_a_vehicle(
    runtime: Runtime, cast: Cast, account_id: int, query: VehicleQuery
) -> None:
    seen: list[str] = []
    async for page in export_vehicles(runtime, cast.acme.principal, query):
        seen += [version.vehicle.vin for version in page]
        for version in page:  # the last one of the page too, whose new version begins after it
            edited = info_changed(version.vehicle, version.details, {"doors": len(seen)})
            await save(runtime.store, account_id, edited)
    assert sorted(seen) == VINS
    assert len(seen) == len(VINS)


@pytest.mark.long("postgres")
async def test_what_is_registered_meanwhile_comes_at_the_end_as_it_then_is(
    runtime: Runtime, cast: Cast, account_id: int
) -> None:
    seen: list[VehicleVersion] = []
    async for page in export_vehicles(runtime, cast.acme.principal, ALL):
        if not seen:
            await save(runtime.store, account_id, registered(HUMMER, doors=5))
        seen += page
    assert [version.vehicle.vin for version in seen] == [*VINS, HUMMER]
    assert seen[-1].details == {"doors": 5}


async def test_former_versions_come_each_once(runtime: Runtime, cast: Cast, account_id: int) -> None:
    for doors in range(3, 8):
        vehicle = await get_one(runtime.store, account_id, VINS[0])
        before = await runtime.store.read(account_id).load_details(vehicle.vehicle_id)
        await save(runtime.store, account_id, info_changed(vehicle, before, {"doors": doors}))
    query = replace(ALL, status=VehicleStatus.INFO_CHANGED)
    pages = export_vehicles(runtime, cast.acme.principal, query)
    assert [version.details["doors"] async for page in pages for version in page] == [0, 3, 4, 5, 6]


@pytest.mark.long("postgres")
async def test_who_may_not_read_is_refused(runtime: Runtime, cast: Cast) -> None:
    blind = Principal(account_id=cast.acme.account.account_id, actor="x", scopes=frozenset({"vehicles:write"}))
    with pytest.raises(PadronError) as refusal:
        await anext(export_vehicles(runtime, blind, ALL))
    assert refusal.value.code is Code.FORBIDDEN
    with pytest.raises(PadronError):
        await find_last_vehicle(runtime, blind)
