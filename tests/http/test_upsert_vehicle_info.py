"""PUT /api/upsert-vehicle-info: contract 1.3, where VIN and plate each identify a vehicle."""

from typing import Any

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import UPSERT, Api
from tests.tables import each_row

ALL = {"ownerName": "Flota Norte", "engineNumber": "E-1", "taxIdentifier": "T-1", "legalName": "Flota Norte, S. A."}
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def info(vin: str = HUMMER, plate: str = "RTA412C", **values: str) -> dict[str, dict[str, str]]:
    return {"vehicleInfo": {"vin": vin, "plate": plate, **values}}


@pytest.mark.long("postgres")
async def test_neither_vin_nor_plate_known_means_a_new_vehicle_which_is_active(api: Api) -> None:
    reply = await api.acme.upsert(**ALL)
    assert (reply.status, reply.body) == (200, info(**ALL))
    vehicle = await api.acme.get_vehicle()
    assert vehicle["vehicleStatusId"] == 1
    assert {name: vehicle[name] for name in ALL} == ALL
    assert [entry["type"] for entry in await api.acme.list_history()] == ["registered"]


@pytest.mark.long("postgres")
async def test_vin_and_plate_are_shown_in_upper_case(api: Api) -> None:
    assert (await api.acme.upsert(HUMMER.lower(), "rta412c")).body == info()


@pytest.mark.long("postgres")
async def test_the_vin_known_means_update_a_new_plate_included(api: Api) -> None:
    await api.acme.upsert(**ALL)
    reply = await api.acme.upsert(plate="NEW123", ownerName="Flota Sur")
    assert (reply.status, reply.body) == (200, info(plate="NEW123", **{**ALL, "ownerName": "Flota Sur"}))
    assert await api.acme.list_vins() == [HUMMER]
    assert await api.acme.list_vins("plate=RTA412C") == []


async def test_only_the_plate_known_gives_its_vehicle_the_new_vin(api: Api) -> None:
    await api.acme.upsert(**ALL)
    await api.acme.patch_status(HUMMER, 4)
    reply = await api.acme.upsert(JEEP)
    assert (reply.status, reply.body) == (200, info(JEEP, **ALL))
    assert await api.acme.list_vins() == [JEEP]
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 4
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}")).code == (404, "VehicleNotFound")
    (former,) = await api.acme.list_vehicles("assetStatusId=2")
    assert (former["vin"], former["vehicleStatusId"]) == (HUMMER, 2)
    newest = (await api.acme.list_history(JEEP))[0]
    assert (newest["former"], newest["current"]) == ({"vin": HUMMER}, {"vin": JEEP})


@pytest.mark.long("postgres")
async def test_the_former_vin_is_free_again(api: Api) -> None:
    await api.acme.upsert()
    await api.acme.upsert(JEEP)
    assert (await api.acme.upsert(HUMMER, "OTHER1")).status == 200
    assert sorted(await api.acme.list_vins()) == [HUMMER, JEEP]


@pytest.mark.long("postgres")
async def test_the_plate_identifies_ignoring_case(api: Api) -> None:
    await api.acme.upsert()
    await api.acme.upsert(JEEP, "rta412c")
    assert await api.acme.list_vins() == [JEEP]


async def test_vin_and_plate_known_on_two_different_vehicles_are_409_and_nothing_happened(api: Api) -> None:
    await api.acme.upsert(HUMMER, "AAAA1")
    await api.acme.upsert(JEEP, "BBBB2")
    before = await api.acme.list_vehicles()
    reply = await api.acme.upsert(HUMMER, "BBBB2", ownerName="x")
    assert reply.code == (409, "MultipleVehiclesFound")
    assert await api.acme.list_vehicles() == before


@pytest.mark.long("postgres")
async def test_several_current_vehicles_with_the_vin_are_409(api: Api) -> None:
    await api.keep_duplicates()
    assert (await api.acme.upsert()).code == (409, "MultipleVehiclesFound")


@pytest.mark.long("postgres")
async def test_a_member_left_out_keeps_its_value_and_the_empty_text_removes_it(api: Api) -> None:
    await api.acme.upsert(**ALL)
    assert (await api.acme.upsert()).body == info(**ALL)
    kept = {name: value for name, value in ALL.items() if name != "legalName"}
    assert (await api.acme.upsert(legalName="")).body == info(**kept)
    assert "legalName" not in await api.acme.get_vehicle()


@pytest.mark.long("postgres")
async def test_an_upsert_that_changes_no_value_does_nothing(api: Api) -> None:
    await api.acme.upsert(**ALL)
    vehicle, history = await api.acme.get_vehicle(), await api.acme.list_history()
    for again in (ALL, {}, {"ownerName": "Flota Norte"}):
        assert (await api.acme.upsert(**again)).body == info(**ALL)
    assert (await api.acme.upsert(HUMMER.lower(), "rta412c")).status == 200
    assert await api.acme.get_vehicle() == vehicle
    assert await api.acme.list_history() == history
    assert await api.acme.list_vins("assetStatusId=2") == []


async def test_another_accounts_vin_and_plate_are_not_known(api: Api) -> None:
    await api.acme.upsert()
    before = await api.acme.get_vehicle()
    assert (await api.beta.upsert(JEEP)).status == 200
    assert (await api.beta.upsert(HUMMER, "BETA1")).status == 200
    assert await api.acme.get_vehicle() == before
    assert sorted(await api.beta.list_vins()) == [HUMMER, JEEP]


@pytest.mark.long("postgres")
async def test_values_of_the_longer_list_are_kept(api: Api) -> None:
    await api.acme.register()
    await api.acme.upsert(plate="NEW123")
    assert (await api.acme.get_vehicle())["modelName"] == "H1"


@on_sqlite
@each_row("name", ALL)
async def test_each_value_is_shorter_than_128_characters(api: Api, name: str) -> None:
    assert (await api.acme.upsert(**{name: "ñ" * 127})).status == 200
    reply = await api.acme.upsert(**{name: "ñ" * 128})
    assert reply.code == (400, "BadParameters")
    assert name in reply.detail


@on_sqlite
@each_row("name", ["vin", "plate", *ALL])
@each_row("value", [3, True, None, [], "a\0b"])
async def test_each_value_is_text(api: Api, name: str, value: Any) -> None:  # noqa: ANN401
    reply = await api.acme.put(UPSERT, {"vehicleInfo": {"vin": HUMMER, "plate": "RTA412C", name: value}})
    assert reply.code == (400, "BadParameters")


@on_sqlite
@each_row("plate", ["", "ABC", "ABCDEFGHIJK", "AB-123", "ABC\u017f", "\uff21BCD"])
async def test_a_plate_is_4_to_10_letters_and_digits(api: Api, plate: str) -> None:
    reply = await api.acme.upsert(plate=plate)
    assert reply.code == (400, "BadParameters")
    assert "plate" in reply.detail


@on_sqlite
async def test_a_plate_of_4_and_of_10_characters_is_taken(api: Api) -> None:
    assert (await api.acme.upsert(plate="A1B2")).status == 200
    assert (await api.acme.upsert(plate="ABCDE67890")).status == 200


@on_sqlite
async def test_a_vin_of_bad_form_is_400_and_the_detail_says_what_is_wrong_where(api: Api) -> None:
    reply = await api.acme.upsert("1C4OJEAG2EC476429")
    assert reply.code == (400, "BadParameters")
    assert "character 4 is 'O'" in reply.detail


@on_sqlite
async def test_the_vin_is_looked_at_before_the_plate(api: Api) -> None:
    assert "VIN" in (await api.acme.upsert("bad", "-")).detail


@on_sqlite
async def test_a_key_without_the_scope_is_403(api: Api) -> None:
    assert (await api.gamma.send("PUT", UPSERT, "{")).code == (403, "Forbidden")


@on_sqlite
async def test_query_parameters_are_ignored(api: Api) -> None:
    assert (await api.acme.put(f"{UPSERT}?vin={UNKNOWN_VIN}&x&x", info())).status == 200


@on_sqlite
async def test_values_must_be_inside_vehicle_info(api: Api) -> None:
    assert (await api.acme.put(UPSERT, info()["vehicleInfo"])).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_the_answer_carries_the_etag_of_the_vehicle(api: Api) -> None:
    first, second = await api.acme.upsert(), await api.acme.upsert(ownerName="x")
    assert (first.revision, second.revision) == (1, 2)
    assert second.etag == (await api.acme.get(f"/api/v2/vehicles/{HUMMER}")).etag


@pytest.mark.long("postgres")
async def test_if_match_is_honoured(api: Api) -> None:
    etag = (await api.acme.upsert()).etag
    stale = await api.acme.put(UPSERT, info(ownerName="x"), If_Match='"7"')
    assert stale.code == (412, "RevisionMismatch")
    assert (await api.acme.put(UPSERT, info(ownerName="x"), If_Match=etag)).status == 200
    assert (await api.acme.put(UPSERT, info(JEEP, "NEW123"), If_Match="*")).code == (412, "RevisionMismatch")
    assert await api.acme.list_vins() == [HUMMER]


@pytest.mark.long("postgres")
async def test_if_none_match_any_registers_only(api: Api) -> None:
    assert (await api.acme.put(UPSERT, info(), If_None_Match="*")).status == 200
    assert (await api.acme.put(UPSERT, info(), If_None_Match="*")).code == (412, "RevisionMismatch")
    assert (await api.acme.put(UPSERT, info(JEEP), If_None_Match="*")).code == (412, "RevisionMismatch")


@pytest.mark.long("postgres")
async def test_a_value_longer_than_this_call_takes_is_shown_all_the_same(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, plate="RTA412C", ownerName="x" * 150)
    assert (await api.acme.upsert()).body == info(ownerName="x" * 150)
