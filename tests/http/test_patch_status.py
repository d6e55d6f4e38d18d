"""PATCH /api/v2/vehicles/{vin}/status: the call of contract 1.1, row by row."""

import json

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import STATUS, Api
from tests.tables import each_row

pytestmark = pytest.mark.spread

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
SETTABLE = [0, 1, 3, 4, 5, 6, 7, 8, 9]


@on_sqlite
@pytest.mark.parametrize("status", SETTABLE)
async def test_each_status_but_2_can_be_set_and_the_answer_is_204_without_a_body(api: Api, status: int) -> None:
    await api.acme.register()
    reply = await api.acme.patch_status(HUMMER, status)
    assert (reply.status, reply.content) == (204, b"")
    assert "content-length" not in reply.headers
    assert "content-type" not in reply.headers


async def test_the_change_is_in_force_when_the_answer_comes(api: Api) -> None:
    await api.acme.register()
    for status in [3, 4, 1, 9, 0]:
        reply = await api.acme.patch_status(HUMMER, status)
        assert reply.status == 204
        vehicle = await api.acme.get_vehicle()
        assert (vehicle["vehicleStatusId"], vehicle["operational"]) == (status, status == 1)
        assert await api.acme.list_vins(f"assetStatusId={status}") == [HUMMER]


@pytest.mark.long("postgres")
async def test_a_vehicle_that_is_out_of_operation_can_be_set_again_and_reactivated(api: Api) -> None:
    await api.acme.register()
    for status in [8, 9, 1]:
        assert (await api.acme.patch_status(HUMMER, status)).status == 204
    assert (await api.acme.get_vehicle())["operational"] is True


@pytest.mark.long("postgres")
@pytest.mark.parametrize("status", SETTABLE)
async def test_the_same_status_again_is_204_and_nothing_happened(api: Api, status: int) -> None:
    await api.acme.register()
    first = await api.acme.patch_status(HUMMER, status, "first")
    vehicle, history = await api.acme.get_vehicle(), await api.acme.list_history()
    again = await api.acme.patch_status(HUMMER, status, "another reason")
    assert (again.status, again.content, again.etag) == (204, b"", first.etag)
    assert await api.acme.get_vehicle() == vehicle
    assert await api.acme.list_history() == history
    assert await api.acme.list_vins("assetStatusId=2") == []


@pytest.mark.long("postgres")
async def test_the_etag_of_the_answer_is_the_one_of_the_vehicle(api: Api) -> None:
    registered = await api.acme.register()
    reply = await api.acme.patch_status(HUMMER, 3)
    assert (registered.revision, reply.revision) == (1, 2)
    assert reply.etag == (await api.acme.get(STATUS)).etag


@on_sqlite
@each_row("status", [2, -1, 10, 11, 255, 2**31, 2**63, 2**64, -(2**63), 10**40])
async def test_an_id_that_nobody_may_set_is_400_and_named(api: Api, status: int) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.patch_status(HUMMER, status)
    assert reply.code == (400, "BadParameters")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_the_refusal_of_id_2_says_that_it_is_the_systems_own(api: Api) -> None:
    await api.acme.register()
    assert "set by the system alone" in (await api.acme.patch_status(HUMMER, 2)).detail


@on_sqlite
@pytest.mark.parametrize(
    "number", ["3.0", "3e0", "3.5", "30e-1", '"3"', "true", "false", "null", "[3]", '{"id":3}', "-0", "03", "+3", "0x3"]
)
async def test_an_id_is_an_integer_without_fraction_and_exponent(api: Api, number: str) -> None:
    await api.acme.register()
    reply = await api.acme.send("PATCH", STATUS, f'{{"vehicleStatusId": {number}}}')
    expected = 204 if number == "-0" else 400  # JSON has a minus zero, and it is the integer 0
    assert reply.status == expected, reply.content
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == (0 if number == "-0" else 1)


@on_sqlite
@each_row(
    "vin, said",
    [
        ("1C4OJEAG2EC476429", "character 4 is 'O': a VIN has no letter O; digit 0?"),
        ("1C4RJEAG2EC47642i", "character 17 is 'i': a VIN has no letter I; digit 1?"),
        ("QC4RJEAG2EC476429", "character 1 is 'Q': a VIN has no letter Q; digit 0?"),
        ("1C4RJEAG2EC47642", "has 16 characters"),
        ("1C4RJEAG2EC4764290", "has 18 characters"),
        ("1C4-JEAG2EC476429", "character 4 is '-'"),
        ("1C4%20JEAG2EC476429", "character 4 is ' '"),
        ("1C4RJEAG2EC47642%C5%BF", "character 17 is '\u017f' (U+017F LATIN SMALL LETTER LONG S)"),
        ("1C4RJEAG2EC47642%C4%B1", "character 17 is '\u0131' (U+0131 LATIN SMALL LETTER DOTLESS I)"),
        ("1C4RJEAG2EC4764%C3%9F", "character 16 is 'ß' (U+00DF LATIN SMALL LETTER SHARP S)"),
        ("%EF%BC%A1C4RJEAG2EC476429", "(U+FF21 FULLWIDTH LATIN CAPITAL LETTER A)"),
        ("1C4RJEAG2EC476429%0A", "character 18 is U+000A LINE FEED, which cannot be seen"),
        ("1C4RJEAG2%E2%80%8BEC476429", "character 10 is U+200B ZERO WIDTH SPACE, which cannot be seen"),
        ("1C4RJEAG2EC47642%00", "character 17 is U+0000 NULL, which cannot be seen"),
    ],
)
async def test_a_vin_of_bad_form_is_400_and_the_detail_says_what_is_wrong_where(api: Api, vin: str, said: str) -> None:
    reply = await api.acme.patch_status(vin, 3)
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail


@pytest.mark.long("postgres")
@pytest.mark.parametrize("vin", [JEEP.lower(), JEEP.swapcase(), "1c4rJEag2eC476429"])
async def test_a_vin_may_be_in_any_letter_case_and_is_kept_in_upper_case(api: Api, vin: str) -> None:
    assert (await api.acme.register(vin)).body["vin"] == JEEP
    assert (await api.acme.patch_status(vin, 4)).status == 204
    assert (await api.acme.get_vehicle(vin))["vin"] == JEEP


@pytest.mark.long("postgres")
async def test_an_unknown_vin_is_404(api: Api) -> None:
    reply = await api.acme.patch_status(UNKNOWN_VIN, 3)
    assert reply.code == (404, "VehicleNotFound")
    assert UNKNOWN_VIN in reply.detail


@pytest.mark.long("postgres")
async def test_another_accounts_vehicle_cannot_be_told_from_none(api: Api) -> None:
    nobody = await api.beta.patch_status(HUMMER, 3)
    await api.acme.register()
    stranger = await api.beta.patch_status(HUMMER, 3)
    assert stranger.code == (404, "VehicleNotFound")
    assert stranger.without("instance") == nobody.without("instance")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_another_accounts_duplicates_cannot_be_told_from_none_either(api: Api) -> None:
    nobody = await api.beta.patch_status(HUMMER, 3)
    await api.keep_duplicates()
    assert (await api.beta.patch_status(HUMMER, 3)).without("instance") == nobody.without("instance")


async def test_two_accounts_may_have_the_same_vin_and_each_changes_its_own(api: Api) -> None:
    await api.acme.register()
    await api.beta.register()
    assert (await api.beta.patch_status(HUMMER, 8)).status == 204
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1
    assert (await api.beta.get_vehicle())["vehicleStatusId"] == 8


@on_sqlite
@pytest.mark.parametrize("status", SETTABLE)
async def test_several_current_vehicles_with_the_vin_are_409(api: Api, status: int) -> None:
    await api.keep_duplicates()
    reply = await api.acme.patch_status(HUMMER, status)
    assert reply.code == (409, "MultipleVehiclesFound")
    assert reply.body["errorType"] == "conflict"


@pytest.mark.long("postgres")
async def test_a_former_version_is_no_current_vehicle(api: Api) -> None:
    await api.acme.register()
    await api.acme.upsert(JEEP, "RTA412C")
    assert (await api.acme.patch_status(HUMMER, 3)).code == (404, "VehicleNotFound")
    assert (await api.acme.patch_status(JEEP, 3)).status == 204


@pytest.mark.long("postgres")
async def test_query_parameters_are_ignored(api: Api) -> None:
    await api.acme.register()
    reply = await api.acme.patch(f"{STATUS}?vehicleStatusId=2&x=%FF&x", {"vehicleStatusId": 3})
    assert reply.status == 204


@pytest.mark.long("postgres")
async def test_a_reason_is_kept_with_the_change_and_with_the_status(api: Api) -> None:
    await api.acme.register()
    reason = "Frenos,\nhasta el viernes\t- señor Núñez"
    await api.acme.patch_status(HUMMER, 4, reason)
    assert (await api.acme.get(STATUS)).body["reason"] == reason
    assert (await api.acme.list_history())[0]["reason"] == reason


@pytest.mark.long("postgres")
async def test_a_change_without_a_reason_takes_the_former_reason_away(api: Api) -> None:
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    await api.acme.patch_status(HUMMER, 1)
    assert (await api.acme.get(STATUS)).body["reason"] is None


@pytest.mark.long("postgres")
async def test_a_reason_may_have_500_characters_and_no_more(api: Api) -> None:
    await api.acme.register()
    assert (await api.acme.patch_status(HUMMER, 4, "ñ" * 500)).status == 204
    refused = await api.acme.patch_status(HUMMER, 5, "ñ" * 501)
    assert refused.code == (400, "BadParameters")
    assert "501 characters" in refused.detail


@on_sqlite
@each_row("reason", ["3", "null", "[]", '"\\u0000"', '"\\ud800"', '"\\u0007"', '"\\u009f"'])
async def test_a_reason_is_text_without_control_characters(api: Api, reason: str) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.send("PATCH", STATUS, f'{{"vehicleStatusId": 4, "reason": {reason}}}')
    assert reply.code == (400, "BadParameters")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_an_empty_reason_is_none(api: Api) -> None:
    await api.acme.register()
    assert (await api.acme.patch_status(HUMMER, 4, "")).status == 204
    assert (await api.acme.get(STATUS)).body["reason"] is None


@on_sqlite
@each_row("member", ["vehicleStatusID", "vehicle_status_id", "status", "Reason", "vin", "ñ"])
async def test_a_member_that_the_call_does_not_know_is_400_and_named(api: Api, member: str) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.patch(STATUS, {"vehicleStatusId": 3, member: "x"})
    assert reply.code == (400, "BadParameters")
    assert member in reply.detail


@pytest.mark.long("postgres")
async def test_the_checks_come_in_order_401_403_vin_body_404_409(api: Api) -> None:
    bad_vin, bad_body, good = "1C4O", "{", json.dumps({"vehicleStatusId": 3})
    path = f"/api/v2/vehicles/{bad_vin}/status"
    assert (await api.nobody.send("PATCH", path, bad_body)).code == (401, "Unauthorized")
    assert (await api.gamma.send("PATCH", path, bad_body)).code == (403, "Forbidden")
    refused = await api.acme.send("PATCH", path, bad_body)
    assert refused.code == (400, "BadParameters")
    assert "VIN" in refused.detail
    unknown = f"/api/v2/vehicles/{UNKNOWN_VIN}/status"
    refused = await api.acme.send("PATCH", unknown, bad_body)
    assert refused.code == (400, "BadParameters")
    assert "body" in refused.detail
    assert (await api.acme.send("PATCH", unknown, good)).code == (404, "VehicleNotFound")
    await api.keep_duplicates()
    assert (await api.acme.send("PATCH", STATUS, bad_body)).code == (400, "BadParameters")
    assert (await api.acme.send("PATCH", STATUS, good)).code == (409, "MultipleVehiclesFound")


@pytest.mark.long("postgres")
async def test_a_key_that_may_only_read_is_403_and_changes_nothing(api: Api) -> None:
    await api.acme.register()
    reply = await api.gamma.patch_status(HUMMER, 3)
    assert reply.code == (403, "Forbidden")
    assert reply.body["errorType"] == "forbidden"
    assert "vehicles:status" in reply.detail
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1
