"""The rows of an export. All forms have the same columns; the last one is the revision, which is the vehicle's tag.

A cell of a spreadsheet is text or an integer, and text is defused. JSON Lines have the shape of a vehicle in the API.
There nothing is defused, because no program sees a formula in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.language import Language
from padron.domain.status import VehicleStatus, is_operational, name_status
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS, VehicleVersion
from padron.files.columns import name_column
from padron.files.defusing import defuse_text

STATUS_COLUMN = "vehicleStatusId"
REVISION_COLUMN = "revision"
EXPORT_COLUMNS: tuple[str, ...] = ("vin", STATUS_COLUMN, *(field.name for field in FIELDS), REVISION_COLUMN)

_NAMES = tuple(field.name for field in FIELDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """The words in a table. An import understands all of them."""

    language: Language = Language.ENGLISH  # of the column names; English means the names of the API
    names_statuses: bool = False  # write statuses by name in the language, not by id


PLAIN = Wording()


def name_columns(wording: Wording = PLAIN) -> list[str]:
    """Give the column names of a table, in the order of ``EXPORT_COLUMNS``."""
    return [name_column(column, wording.language) for column in EXPORT_COLUMNS]


def give_cells(version: VehicleVersion, wording: Wording = PLAIN) -> list[str | int | None]:
    """Give a vehicle's cells, in the order of ``EXPORT_COLUMNS``. A former version cannot be edited: no revision."""
    values, status = version.details, _give_status(version)
    cells: list[str | int | None] = [
        version.vehicle.vin,
        name_status(status, wording.language) if wording.names_statuses else status.value,
    ]
    for name in _NAMES:
        value = values.get(name)
        cells.append(defuse_text(value) if isinstance(value, str) else value)
    cells.append(format_tag(version.vehicle) if version.valid_to is None else None)
    return cells


def give_members(version: VehicleVersion) -> dict[str, object]:
    """Give a vehicle's members as in the API, and its revision."""
    vehicle, status = version.vehicle, _give_status(version)
    members: dict[str, object] = {
        "vin": vehicle.vin,
        STATUS_COLUMN: status.value,
        "operational": is_operational(status),
        "statusSince": vehicle.status_since if version.valid_to is None else version.valid_to,
        "createdAt": vehicle.created_at,
        "updatedAt": vehicle.updated_at,
    }
    if version.valid_to is not None:
        members |= {"validFrom": version.valid_from, "validTo": version.valid_to}
    members |= {name: version.details[name] for name in _NAMES if name in version.details}
    if version.valid_to is None:
        members[REVISION_COLUMN] = format_tag(vehicle)
    return members


def give_rows(versions: Sequence[VehicleVersion], wording: Wording = PLAIN) -> list[list[str | int | None]]:
    """Give the cells of several vehicles."""
    return [give_cells(version, wording) for version in versions]


def _give_status(version: VehicleVersion) -> VehicleStatus:
    return version.vehicle.status if version.valid_to is None else VehicleStatus.INFO_CHANGED
