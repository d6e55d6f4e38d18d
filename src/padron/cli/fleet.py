"""The sample fleet of ``serve --demo``: real models, invented vehicles and owners, the same ones every time.

The VINs in ``sample_vins.csv`` are published facts about real vehicles. Further VINs are made from each of them, with
another serial number (the last five characters) and the right check digit (49 CFR 565.15).
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin

VEHICLES_PER_MODEL = 6

_SERIAL_STEP = 1_237  # any number without a common factor with 100,000, so that serial numbers do not repeat soon
_CHECK_PLACE = 8
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_PLATE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_COLORS = ("Blanco", "Plata", "Gris", "Negro", "Rojo", "Azul", "Verde", "Arena")
_COLORS_US = ("White", "Silver", "Gray", "Black", "Red", "Blue", "Green", "Sand")


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """An invented company, and where its vehicles are registered."""

    name: str
    prefix: str
    plate_entity: str
    state_id: int
    institution: str
    is_mexican: bool


OWNERS = (
    Owner(name="Transportes Sierra Clara, S.A. de C.V.", prefix="TSC", plate_entity="Nuevo León", state_id=19,
          institution="Instituto de Control Vehicular", is_mexican=True),
    Owner(name="Logística Puente Azul, S.A. de C.V.", prefix="LPA", plate_entity="Jalisco", state_id=14,
          institution="Secretaría de Transporte", is_mexican=True),
    Owner(name="Renta de Autos Cempasúchil, S.A. de C.V.", prefix="RAC", plate_entity="Ciudad de México", state_id=9,
          institution="Secretaría de Movilidad", is_mexican=True),
    Owner(name="Arrendadora Valle Sereno, S.A.P.I. de C.V.", prefix="AVS", plate_entity="Querétaro", state_id=22,
          institution="Secretaría de Finanzas", is_mexican=True),
    Owner(name="Blue Mesa Freight LLC", prefix="BMF", plate_entity="Texas", state_id=48,
          institution="Texas DMV", is_mexican=False),
    Owner(name="Cactus Wren Rentals Inc.", prefix="CWR", plate_entity="Arizona", state_id=4,
          institution="Arizona MVD", is_mexican=False),
)  # fmt: skip

# One vehicle in every _STATUS_EVERY has one of these statuses instead of Active, with the reason.
STATUSES: tuple[tuple[VehicleStatus, str], ...] = (
    (VehicleStatus.IN_THE_SHOP, "Cambio de balatas y discos; listo el viernes"),
    (VehicleStatus.FOR_SALE, "Listed at the spring auction"),
    (VehicleStatus.STOLEN, "Reporte de robo presentado; se avisó a la aseguradora"),
    (VehicleStatus.TO_REPLACE, "Over 300,000 km"),
    (VehicleStatus.IMPOUNDED, "En el corralón por estacionarse en lugar prohibido"),
    (VehicleStatus.SOLD, "Sold to a dealer with all papers"),
    (VehicleStatus.TOTAL_LOSS, "Pérdida total por inundación, según el ajustador"),
    (VehicleStatus.INACTIVE, "Seasonal vehicle, parked until November"),
)
_STATUS_EVERY = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleVehicle:
    """One vehicle of the fleet: its cells for an import, and the status that it gets afterwards, if any."""

    vin: Vin
    cells: dict[str, str]
    status: VehicleStatus | None
    reason: str | None


def list_fleet() -> list[SampleVehicle]:
    """Give the fleet: at least 200 vehicles, with all models in turn."""
    models = _list_models()
    fleet: list[SampleVehicle] = []
    for round_number in range(VEHICLES_PER_MODEL):
        for place, model in enumerate(models):
            number = len(fleet)
            owner = OWNERS[(place + round_number) % len(OWNERS)]
            vin = derive_vin(model["vin"], round_number)
            kept = number % _STATUS_EVERY != _STATUS_EVERY - 1
            status, reason = (None, None) if kept else STATUSES[number // _STATUS_EVERY % len(STATUSES)]
            cells = {"vin": vin, **_give_cells(model, owner, number)}
            fleet.append(SampleVehicle(vin=vin, cells=cells, status=status, reason=reason))
    return fleet


def derive_vin(vin: str, number: int) -> Vin:
    """Give the VIN itself for 0, or otherwise a VIN with another serial number and its check digit."""
    if number == 0:
        return Vin(vin)
    serial = (int(vin[-5:]) + number * _SERIAL_STEP) % 100_000
    return give_check_digit(f"{vin[:-5]}{serial:05d}")


def give_check_digit(vin: str) -> Vin:
    """Give the VIN with the check digit that its other characters require, at place 9."""
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    digit = "X" if remainder == 10 else str(remainder)  # noqa: PLR2004 - the eleventh digit is written X
    return Vin(f"{vin[:_CHECK_PLACE]}{digit}{vin[_CHECK_PLACE + 1 :]}")


def _list_models() -> list[dict[str, str]]:
    text = files("padron.cli").joinpath("sample_vins.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _give_cells(model: dict[str, str], owner: Owner, number: int) -> dict[str, str]:
    colors = _COLORS if owner.is_mexican else _COLORS_US
    return {
        "plate": _give_plate(owner, number),
        "customId": f"{owner.prefix}-{number + 1:04d}",
        "ownerName": owner.name,
        "legalName": owner.name,
        "brandName": model["brandName"],
        "modelName": model["modelName"],
        "version": model["modelYear"],
        "assemblyPlace": model["country"],
        "country": "México" if owner.is_mexican else "United States",
        "plateEntity": owner.plate_entity,
        "stateId": str(owner.state_id),
        "registrationInstitution": owner.institution,
        "vehicleColor": colors[number * 5 % len(colors)],
    }


def _give_plate(owner: Owner, number: int) -> str:
    """Give a plate in the form of the owner's country: ABC123D in Mexico, ABC1234 in the United States."""
    letters = _PLATE_LETTERS
    first = letters[number % len(letters)]
    second = letters[(number * 7 + 3) % len(letters)]
    figures = (number * 37 + 101) % 1_000
    if owner.is_mexican:
        return f"{owner.prefix[0]}{second}{first}{figures:03d}{letters[(number * 3) % len(letters)]}"
    return f"{first}{owner.prefix[1]}{second}{number * 37 + 1_013:04d}"
