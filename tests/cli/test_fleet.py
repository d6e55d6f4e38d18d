"""The sample fleet of serve --demo."""

from collections import Counter

from padron.cli.fleet import STATUSES, derive_vin, give_check_digit, list_fleet
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import FIELDS_BY_NAME, parse_value
from padron.domain.vin import parse_vin
from tests.tables import each_row


# Published examples with their check digits (49 CFR 565.15).
@each_row("vin", ["1M8GDM9AXKP042788", "1FACP45EXLF192944", "11111111111111111", "1HGCM82633A004352"])
def test_the_check_digit_is_that_of_the_published_examples(vin: str) -> None:
    assert give_check_digit(f"{vin[:8]}0{vin[9:]}") == vin


def test_a_derived_vin_differs_in_serial_and_check_digit_only() -> None:
    vin = "1HGCM82633A004352"
    derived = derive_vin(vin, 3)
    assert derived == give_check_digit(derived)
    assert (derived[:8], derived[9:12]) == (vin[:8], vin[9:12])
    assert derived[12:] != vin[12:]
    assert derive_vin(vin, 0) == vin


def test_the_fleet_is_large_the_same_each_time_and_without_a_vin_or_plate_twice() -> None:
    fleet = list_fleet()
    assert len(fleet) >= 200
    assert fleet == list_fleet()
    for name in ("vin", "plate", "customId"):
        assert max(Counter(vehicle.cells[name] for vehicle in fleet).values()) == 1, name


def test_every_value_of_the_fleet_can_be_stored() -> None:
    for vehicle in list_fleet():
        assert parse_vin(vehicle.cells["vin"]) == vehicle.vin
        for name, text in vehicle.cells.items():
            if name != "vin":
                field = FIELDS_BY_NAME[name]
                assert parse_value(field, text if field.is_text else int(text)) is not None


def test_each_other_status_occurs_with_its_reason_and_most_vehicles_are_active() -> None:
    changed = [(vehicle.status, vehicle.reason) for vehicle in list_fleet() if vehicle.status is not None]
    assert set(changed) == set(STATUSES)
    assert {status for status, _ in STATUSES} == {*SETTABLE_STATUSES.values()} - {VehicleStatus.ACTIVE}
    assert len(changed) < len(list_fleet()) / 5
