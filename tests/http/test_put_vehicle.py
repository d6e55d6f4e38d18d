"""PUT /api/v2/vehicles/{vin}: our own form, where the VIN alone is the identity."""

import json

import pytest

from padron.domain.vehicle import FIELDS, Field
from tests.cast import HUMMER, JEEP
from tests.http.api import CAR, STATUS, VEHICLE, Api
from tests.tables import each_row

FULL: dict[str, str | int] = {
    field.name: field.name if field.is_text else 7 for field in FIELDS if field.name != "plate"
} | {"plate": "RTA412C"}
TEXTS = [field for field in FIELDS if field.is_text and field.name != "plate"]
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def test_a_new_vehicle_is_201_active_and_shown_with_every_value(api: Api) -> None:
    reply = await api.acme.put(VEHICLE, FULL)
    assert reply.status == 201
    body = reply.body
    assert {name: body[name] for name in FULL} == FULL
    assert (body["vin"], body["vehicleStatusId"], body["operational"]) == (HUMMER, 1, True)
    assert body["statusSince"] == body["createdAt"] == body["updatedAt"]
    assert {*body} == {
        *FULL, "vin", "vehicleStatusId", "operational", "statusSince", "createdAt", "updatedAt",
    }  # fmt: skip
    assert await api.acme.get_vehicle() == body


@pytest.mark.long("postgres")
async def test_a_vehicle_needs_no_plate_and_shows_no_value_that_it_does_not_have(api: Api) -> None:
    reply = await api.acme.put(VEHICLE, {})
    assert reply.status == 201
    assert {*reply.body} == {"vin", "vehicleStatusId", "operational", "statusSince", "createdAt", "updatedAt"}


@pytest.mark.long("postgres")
async def test_a_known_vehicle_is_200_and_a_value_left_out_is_kept(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.put(VEHICLE, {"vehicleColor": "rojo", "doors": 2})
    assert reply.status == 200
    assert {name: reply.body[name] for name in (*CAR, "vehicleColor")} == {**CAR, "doors": 2, "vehicleColor": "rojo"}
    assert await api.acme.get_vehicle() == reply.body


@pytest.mark.long("postgres")
async def test_the_empty_text_removes_a_value(api: Api) -> None:
    await api.acme.put(VEHICLE, FULL)
    for name in FULL:
        reply = await api.acme.put(VEHICLE, {name: ""})
        assert reply.status == 200
        assert {*FULL} - {*reply.body} == {name}
        assert await api.acme.get_vehicle() == reply.body
        await api.acme.put(VEHICLE, FULL)


@pytest.mark.long("postgres")
async def test_a_put_that_changes_no_value_does_nothing(api: Api) -> None:
    first = await api.acme.register()
    history = await api.acme.list_history()
    for body in (CAR, {}, {"doors": 4}, {"engineNumber": ""}, {"plate": "rta412c"}, {"vin": HUMMER.lower()}):
        again = await api.acme.put(VEHICLE, body)
        assert (again.status, again.body, again.etag) == (200, first.body, first.etag)
    assert await api.acme.list_history() == history
    assert await api.acme.list_vins("assetStatusId=2") == []


async def test_a_change_keeps_the_former_version_with_status_2_and_leaves_the_status_alone(api: Api) -> None:
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    before, status = await api.acme.get_vehicle(), (await api.acme.get(STATUS)).body
    after = (await api.acme.put_vehicle(HUMMER, plate="NEW123", doors="")).body
    assert (await api.acme.get(STATUS)).body == status
    assert after["vehicleStatusId"] == 4
    assert after["statusSince"] == before["statusSince"]
    assert after["updatedAt"] > before["updatedAt"]
    (former,) = await api.acme.list_vehicles("assetStatusId=2")
    assert {name: former[name] for name in CAR} == CAR
    assert (former["vehicleStatusId"], former["operational"]) == (2, False)
    assert former["validFrom"] == before["createdAt"]
    assert former["validTo"] == former["statusSince"] == after["updatedAt"]
    assert "validTo" not in after


@pytest.mark.long("postgres")
async def test_each_change_keeps_one_version_and_they_join_without_a_gap(api: Api) -> None:
    await api.acme.register()
    for doors in (2, 3, 5):
        await api.acme.put_vehicle(HUMMER, doors=doors)
    versions = await api.acme.list_vehicles("assetStatusId=2")
    assert [version["doors"] for version in versions] == [4, 2, 3]
    assert [version["validTo"] for version in versions[:-1]] == [version["validFrom"] for version in versions[1:]]


async def test_a_plate_that_another_current_vehicle_bears_is_409_plate_in_use(api: Api) -> None:
    await api.acme.register()
    for attempt in range(2):
        reply = await api.acme.put_vehicle(JEEP, plate="rta412c")
        assert reply.code == (409, "PlateInUse")
        assert reply.body["errorType"] == "conflict"
        assert "RTA412C" in reply.detail
        if attempt == 0:
            await api.acme.register(JEEP, plate="OTHER1")
    assert (await api.acme.get_vehicle(JEEP))["plate"] == "OTHER1"


async def test_a_plate_is_free_again_once_its_vehicle_gave_it_up(api: Api) -> None:
    await api.acme.register()
    await api.acme.put_vehicle(HUMMER, plate="")
    assert (await api.acme.put_vehicle(JEEP, plate="RTA412C")).status == 201
    assert (await api.acme.put_vehicle(HUMMER, plate="RTA412C")).code == (409, "PlateInUse")


async def test_another_accounts_plate_is_no_plate_in_use(api: Api) -> None:
    await api.acme.register()
    assert (await api.beta.put_vehicle(JEEP, plate="RTA412C")).status == 201
    assert (await api.beta.put_vehicle(HUMMER, plate="RTA412C")).code == (409, "PlateInUse")


@pytest.mark.long("postgres")
async def test_another_accounts_vehicle_is_not_in_the_way_and_not_touched(api: Api) -> None:
    registered = await api.acme.register()
    assert (await api.beta.put_vehicle(HUMMER, plate="BETA1")).status == 201
    assert await api.acme.get_vehicle() == registered.body


async def test_several_current_vehicles_with_the_vin_are_409(api: Api) -> None:
    await api.keep_duplicates()
    assert (await api.acme.put_vehicle(HUMMER, doors=2)).code == (409, "MultipleVehiclesFound")


@pytest.mark.long("postgres")
async def test_a_key_without_the_scope_is_403_before_any_look_at_vin_and_body(api: Api) -> None:
    reply = await api.gamma.send("PUT", "/api/v2/vehicles/bad", "{")
    assert reply.code == (403, "Forbidden")


@pytest.mark.long("postgres")
async def test_the_vin_of_the_path_is_looked_at_before_the_body(api: Api) -> None:
    assert "VIN" in (await api.acme.send("PUT", "/api/v2/vehicles/bad", "{")).detail


@pytest.mark.long("postgres")
async def test_the_body_may_repeat_the_vin_and_not_give_another(api: Api) -> None:
    assert (await api.acme.put(VEHICLE, {"vin": HUMMER})).status == 201
    assert (await api.acme.put(VEHICLE, {"vin": JEEP})).code == (400, "BadParameters")
    assert "character 4 is 'O'" in (await api.acme.put(VEHICLE, {"vin": "1C4OJEAG2EC476429"})).detail


@pytest.mark.long("postgres")
async def test_query_parameters_are_ignored(api: Api) -> None:
    assert (await api.acme.put(f"{VEHICLE}?plate=XXXX1&plate=%FF", {"plate": "RTA412C"})).body["plate"] == "RTA412C"


@on_sqlite
@each_row("field", TEXTS)
async def test_a_text_may_be_as_long_as_documented_and_no_longer(api: Api, field: Field) -> None:
    limit = field.length_max or 0
    assert (await api.acme.put(VEHICLE, {field.name: "ñ" * limit})).body[field.name] == "ñ" * limit
    reply = await api.acme.put(VEHICLE, {field.name: "ñ" * (limit + 1)})
    assert reply.code == (400, "BadParameters")
    assert field.name in reply.detail


@on_sqlite
@each_row("field", [field for field in FIELDS if field.is_text])
async def test_a_text_is_text(api: Api, field: Field) -> None:
    wrong: list[object] = [3, True, None, 3.5, [], {}, "a\0b", "a\x0bb", "\ud800"]
    if not field.has_lines:
        wrong.append("a\nb")
    for value in wrong:
        reply = await api.acme.put(VEHICLE, {field.name: value})
        assert reply.code == (400, "BadParameters"), value
    assert await api.acme.list_vehicles() == []


@on_sqlite
@pytest.mark.parametrize("name, most", [("doors", 30), ("stateId", 2**31 - 1)])
async def test_a_number_is_an_integer_within_its_limits(api: Api, name: str, most: int) -> None:
    for good in (0, most):
        assert (await api.acme.put(VEHICLE, {name: good})).body[name] == good
    for bad in ("-1", f"{most + 1}", "3.0", "3e0", '"3"', "true", "null", "[]", "{}", f"{2**64}", "1" * 400):
        reply = await api.acme.send("PUT", VEHICLE, f'{{"{name}": {bad}}}')
        assert reply.code == (400, "BadParameters"), bad
        assert name in reply.detail
    assert (await api.acme.get_vehicle())[name] == most


@on_sqlite
@each_row("plate", ["ABC", "ABCDEFGHIJK", "AB-123", "AB 123", "ABC\u0131", "\uff21BCD", "ÑAND1"])
async def test_a_plate_is_4_to_10_letters_and_digits(api: Api, plate: str) -> None:
    reply = await api.acme.put_vehicle(HUMMER, plate=plate)
    assert reply.code == (400, "BadParameters")
    assert "plate" in reply.detail


@pytest.mark.parametrize("value", ["señor Núñez", "\U0001f697", "'; DROP TABLE vehicles; --", "=1+1", "<b>", "\u202e"])
async def test_a_text_comes_back_exactly_as_it_was_given(api: Api, value: str) -> None:
    for content in (json.dumps({"ownerName": value}), json.dumps({"ownerName": value}, ensure_ascii=False)):
        reply = await api.acme.send("PUT", VEHICLE, content)
        assert reply.body["ownerName"] == value
    assert (await api.acme.get_vehicle())["ownerName"] == value
    assert len(await api.acme.list_history()) == 1
