"""asOf: GET /api/v2/vehicles and GET /api/v2/vehicles/{vin} as the register was at an instant."""

from typing import Any

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.http.api import LIST, VEHICLE, Api, before_the_store
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

BEFORE_ALL = "2026-03-01T11:00:00Z"


async def read_then(api: Api, at: str, vin: str = HUMMER) -> Any:  # noqa: ANN401 - JSON
    reply = await api.acme.get(f"{LIST}/{vin}?asOf={at}")
    assert reply.status == 200, reply.content
    return reply.body


async def test_a_vehicle_is_given_as_it_was_and_not_as_it_is(api: Api) -> None:
    await api.acme.register(HUMMER, plate="AAAA1", doors=4)
    first = await api.acme.get_vehicle()
    await api.acme.patch_status(HUMMER, 4, "Frenos")
    second = await api.acme.get_vehicle()
    await api.acme.put_vehicle(HUMMER, doors=2)
    third = await api.acme.get_vehicle()
    assert [second["vehicleStatusId"], third["doors"]] == [4, 2]
    for shown in (first, second, third):
        assert await read_then(api, shown["updatedAt"]) == shown
    assert await api.acme.list_vehicles(f"asOf={second['updatedAt']}") == [second]


async def test_a_vehicle_is_found_by_the_vin_that_it_had(api: Api) -> None:
    await api.acme.upsert(HUMMER, "AAAA1")
    first = await api.acme.get_vehicle()
    await api.acme.upsert(JEEP, "AAAA1")
    second = await api.acme.get_vehicle(JEEP)
    assert await read_then(api, first["updatedAt"], HUMMER.lower()) == first
    assert await read_then(api, second["updatedAt"], JEEP) == second
    for at, vin in ((first["updatedAt"], JEEP), (second["updatedAt"], HUMMER)):
        assert (await api.acme.get(f"{LIST}/{vin}?asOf={at}")).code == (404, "VehicleNotFound")
    for at, vin in ((first["updatedAt"], HUMMER), (second["updatedAt"], JEEP)):
        assert await api.acme.list_vins(f"asOf={at}&vin={vin}") == [vin]


async def test_before_all_there_is_nothing(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.get(f"{LIST}?asOf={BEFORE_ALL}")
    assert (reply.body["vehicles"], reply.body["nextCursor"]) == ([], None)
    assert (await api.acme.get(f"{VEHICLE}?asOf={BEFORE_ALL}")).code == (404, "VehicleNotFound")
    assert (await api.acme.get(f"{VEHICLE}?asOf=0001-01-01T00:00:00Z")).code == (404, "VehicleNotFound")


@before_the_store
@each_row("target", [LIST, VEHICLE])
@each_row(
    "text, said",
    [
        ("2026-03-01T12:00:00", "RFC 3339"),
        ("2026-03-01", "RFC 3339"),
        ("yesterday", "RFC 3339"),
        ("1772366400", "RFC 3339"),
        ("2026-03-01T12:00:00+01:00", "%2B"),  # not encoded: it arrives as a space
        ("2026-02-30T12:00:00Z", "RFC 3339"),
        ("0001-01-01T00:00:00%2B14:00", "RFC 3339"),
        ("%EF%BC%92026-03-01T12:00:00Z", "RFC 3339"),  # begins with a fullwidth 2
        ("2099-01-01T00:00:00Z", "is in the future"),
        ("", "empty"),
    ],
)
async def test_what_is_no_instant_of_the_past_is_refused(api: Api, target: str, text: str, said: str) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.get(f"{target}?asOf={text}")
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail
    assert "asOf" in reply.detail


async def test_any_offset_names_the_same_instant(api: Api) -> None:
    await api.acme.register()
    shown = await api.acme.get_vehicle()
    assert shown["updatedAt"] < "2026-03-01T12:30:00Z"
    await api.acme.patch_status()
    text = shown["updatedAt"].replace("T12", "T06").replace("Z", "-06:00")
    assert await read_then(api, text) == shown


async def test_a_misspelt_as_of_does_not_show_the_present(api: Api) -> None:
    await api.acme.register()
    for name in ("asof", "as_of", "at"):
        reply = await api.acme.get(f"{VEHICLE}?{name}={BEFORE_ALL}")
        assert reply.code == (400, "BadParameters")
        assert name in reply.detail
    assert (await api.acme.get(f"{VEHICLE}?asOf={BEFORE_ALL}&asOf={BEFORE_ALL}")).status == 400


async def test_the_past_has_no_etag_that_could_be_taken_for_the_presents(api: Api) -> None:
    etag = (await api.acme.register()).etag
    at = (await api.acme.get_vehicle())["updatedAt"]
    for headers in ({}, {"If_None_Match": etag}, {"If_None_Match": "*"}):
        reply = await api.acme.get(f"{VEHICLE}?asOf={at}", **headers)
        assert reply.status == 200
        assert "etag" not in reply.headers


async def test_several_vehicles_with_one_vin_are_409_then_too(api: Api) -> None:
    await api.keep_duplicates()
    assert (await api.acme.get(f"{VEHICLE}?asOf=2026-03-01T12:00:00Z")).code == (409, "MultipleVehiclesFound")
    assert await api.acme.list_vins("asOf=2026-03-01T12:00:00Z") == [HUMMER, HUMMER]


async def test_another_account_sees_nothing_of_it(api: Api) -> None:
    await api.acme.register()
    at = (await api.acme.get_vehicle())["updatedAt"]
    stranger = await api.beta.get(f"{VEHICLE}?asOf={at}")
    nobody = await api.beta.get(f"{LIST}/{UNKNOWN_VIN}?asOf={at}")
    assert stranger.code == nobody.code == (404, "VehicleNotFound")
    assert await api.beta.list_vehicles(f"asOf={at}") == []
    assert await api.gamma.list_vins(f"asOf={at}") == [HUMMER]


async def test_the_cursor_of_the_past_belongs_to_its_instant(api: Api) -> None:
    for number in range(3):
        await api.acme.register(make_vin(number), doors=1)
    at = (await api.acme.get_vehicle(make_vin(2)))["updatedAt"]
    first = await api.acme.get(f"{LIST}?limit=1&asOf={at}")
    cursor = first.body["nextCursor"]
    assert await api.acme.list_vins(f"limit=5&asOf={at}&cursor={cursor}") == [make_vin(1), make_vin(2)]
    for query in (f"cursor={cursor}", f"cursor={cursor}&asOf={BEFORE_ALL}", f"cursor={cursor}&asOf={at}&sort=vin"):
        assert (await api.acme.get(f"{LIST}?{query}")).code == (400, "BadParameters")
    present = (await api.acme.get(f"{LIST}?limit=1")).body["nextCursor"]
    assert (await api.acme.get(f"{LIST}?limit=1&cursor={present}&asOf={at}")).code == (400, "BadParameters")
    for broken in ("W10", "WzFd", "WzEsMiwzLDRd", "W251bGxd", "WzEsbnVsbCwxLDEsdHJ1ZV0", "WzEsbnVsbCwxLDEsLTFd"):
        reply = await api.acme.get(f"{LIST}?cursor={api.store.epoch}{broken}&asOf={at}")
        assert reply.code == (400, "BadParameters")


async def test_the_feed_goes_on_exactly_where_the_past_was_cut(api: Api) -> None:
    await api.acme.register(HUMMER, doors=4)
    at = (await api.acme.get_vehicle())["updatedAt"]
    await api.acme.register(JEEP, doors=4)
    await api.acme.patch_status(HUMMER, 8)
    body = (await api.acme.get(f"{LIST}?asOf={at}")).body
    assert [vehicle["vin"] for vehicle in body["vehicles"]] == [HUMMER]
    changes = (await api.acme.get(f"/api/v2/changes?after={body['cursor']}")).body["changes"]
    assert [change["vin"] for change in changes] == [JEEP, HUMMER]


async def test_former_versions_are_those_that_had_ended_by_then(api: Api) -> None:
    await api.acme.register(HUMMER, doors=1)
    for doors in (2, 3):
        await api.acme.put_vehicle(HUMMER, doors=doors)
    former = await api.acme.list_vehicles("assetStatusId=2")
    first, second = former
    assert await api.acme.list_vehicles(f"assetStatusId=2&asOf={second['validTo']}") == [
        {**one, "updatedAt": second["validTo"]} for one in former
    ]
    (shown,) = await api.acme.list_vehicles(f"assetStatusId=2&asOf={first['validTo']}")
    assert shown == {**first, "updatedAt": first["validTo"]}
    assert await api.acme.list_vehicles(f"assetStatusId=2&asOf={first['validFrom']}") == []
