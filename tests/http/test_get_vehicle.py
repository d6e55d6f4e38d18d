"""GET a vehicle, its status and the names of the statuses."""

from datetime import UTC, datetime

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import CAR, HISTORY, STATUS, VEHICLE, Api

pytestmark = pytest.mark.long("postgres")

on_each_path = pytest.mark.parametrize("path", [VEHICLE, STATUS, HISTORY])
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
NAMES = {
    0: ("Inactive", "Inactivo"), 1: ("Active", "Activo"), 2: ("Info Changed", "Información cambiada"),
    3: ("Stolen", "Robado"), 4: ("In the Shop", "En taller"), 5: ("To Replace", "Por reemplazar"),
    6: ("For Sale", "En venta"), 7: ("Impounded", "En corralón"), 8: ("Sold", "Vendido"),
    9: ("Total Loss", "Pérdida total"),
}  # fmt: skip


async def test_a_vehicle_shows_its_values_and_its_status(api: Api) -> None:
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4)
    reply = await api.acme.get(VEHICLE)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert {name: reply.body[name] for name in CAR} == CAR
    assert {name: reply.body[name] for name in ("vin", "vehicleStatusId", "operational")} == {
        "vin": HUMMER, "vehicleStatusId": 4, "operational": False,
    }  # fmt: skip
    assert reply.body["statusSince"] == reply.body["updatedAt"] > reply.body["createdAt"]


async def test_instants_are_rfc_3339_in_utc_with_a_z(api: Api) -> None:
    await api.acme.register()
    vehicle, status = await api.acme.get_vehicle(), (await api.acme.get(STATUS)).body
    for text in (vehicle["statusSince"], vehicle["createdAt"], vehicle["updatedAt"], status["since"]):
        assert text.endswith("Z")
        assert datetime.fromisoformat(text).tzinfo == UTC
    assert vehicle["createdAt"].startswith("2026-03-01T12:00:")


async def test_a_new_vehicles_status_says_who_registered_it(api: Api) -> None:
    vehicle = (await api.acme.register()).body
    assert (await api.acme.get(STATUS)).body == {
        "vin": HUMMER,
        "vehicleStatusId": 1,
        "name": "Active",
        "operational": True,
        "since": vehicle["createdAt"],
        "changedBy": api.acme.actor,
        "changedByName": api.acme.actor_name,
        "reason": None,
    }


async def test_a_status_says_since_when_by_which_key_and_why(api: Api) -> None:
    await api.acme.register()
    for status, (name, _) in NAMES.items():
        if status in {1, 2}:
            continue
        await api.acme.patch_status(HUMMER, status, f"why {status}")
        shown = (await api.acme.get(STATUS)).body
        vehicle = await api.acme.get_vehicle()
        assert shown == {
            "vin": HUMMER,
            "vehicleStatusId": status,
            "name": name,
            "operational": False,
            "since": vehicle["statusSince"],
            "changedBy": api.acme.actor,
            "changedByName": api.acme.actor_name,
            "reason": f"why {status}",
        }


@on_each_path
async def test_another_accounts_vehicle_cannot_be_told_from_none(api: Api, path: str) -> None:
    nobody = await api.beta.get(path)
    await api.acme.register()
    stranger = await api.beta.get(path)
    assert stranger.code == (404, "VehicleNotFound")
    assert stranger.without("instance") == nobody.without("instance")


@on_each_path
async def test_an_unknown_vin_is_404(api: Api, path: str) -> None:
    assert (await api.acme.get(path.replace(HUMMER, UNKNOWN_VIN))).code == (404, "VehicleNotFound")


@on_each_path
async def test_several_current_vehicles_with_the_vin_are_409(api: Api, path: str) -> None:
    await api.keep_duplicates()
    assert (await api.acme.get(path)).code == (409, "MultipleVehiclesFound")


@on_sqlite
@on_each_path
async def test_a_vin_of_bad_form_is_400_and_a_good_one_may_be_in_any_letter_case(api: Api, path: str) -> None:
    await api.acme.register()
    reply = await api.acme.get(path.replace(HUMMER, "1C4OJEAG2EC476429"))
    assert reply.code == (400, "BadParameters")
    assert "character 4 is 'O'" in reply.detail
    assert (await api.acme.get(path.replace(HUMMER, HUMMER.lower()))).status == 200


@on_sqlite
@on_each_path
async def test_a_key_that_only_reads_is_enough_and_one_without_reading_is_403(api: Api, path: str) -> None:
    await api.acme.register()
    assert (await api.gamma.get(path)).status == 200


async def test_every_operational_vehicle_stays_readable_when_it_is_no_longer_operational(api: Api) -> None:
    await api.acme.register()
    await api.acme.register(JEEP, doors=2)
    await api.acme.patch_status(HUMMER, 8)
    assert (await api.acme.get_vehicle())["operational"] is False
    assert (await api.acme.get_vehicle(JEEP))["operational"] is True


async def test_the_statuses_are_listed_in_both_languages(api: Api) -> None:
    listed = (await api.acme.get("/api/v2/vehicle-statuses")).body["vehicleStatuses"]
    assert {entry["vehicleStatusId"]: (entry["name"], entry["nombre"]) for entry in listed} == NAMES
    assert [entry["vehicleStatusId"] for entry in listed] == [*range(10)]
    assert [entry["vehicleStatusId"] for entry in listed if entry["operational"]] == [1]
    assert [entry["vehicleStatusId"] for entry in listed if not entry["settable"]] == [2]
    assert all(entry["meaning"] for entry in listed)
