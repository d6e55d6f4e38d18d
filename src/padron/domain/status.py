"""The ten vehicle statuses (contract 1.2) and the one rule on them: operational means Active."""

import unicodedata
from dataclasses import dataclass
from enum import IntEnum

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote


class VehicleStatus(IntEnum):
    """What a vehicle is. The numbers are the documented ids and never change."""

    INACTIVE = 0
    ACTIVE = 1
    INFO_CHANGED = 2
    STOLEN = 3
    IN_THE_SHOP = 4
    TO_REPLACE = 5
    FOR_SALE = 6
    IMPOUNDED = 7
    SOLD = 8
    TOTAL_LOSS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusText:
    """How a status is named and explained to people."""

    name: str
    nombre: str
    meaning: str


STATUS_TEXTS: dict[VehicleStatus, StatusText] = {
    status: StatusText(name=name, nombre=nombre, meaning=meaning)
    for status, name, nombre, meaning in (
        (VehicleStatus.INACTIVE, "Inactive", "Inactivo", "Left out of automated processing."),
        (VehicleStatus.ACTIVE, "Active", "Activo", "Tracked and fully operational."),
        (
            VehicleStatus.INFO_CHANGED,
            "Info Changed",
            "Información cambiada",
            "A former version, kept by the system when core data changed.",
        ),
        (VehicleStatus.STOLEN, "Stolen", "Robado", "Reported stolen."),
        (VehicleStatus.IN_THE_SHOP, "In the Shop", "En taller", "In repair or maintenance."),
        (VehicleStatus.TO_REPLACE, "To Replace", "Por reemplazar", "To be replaced soon."),
        (VehicleStatus.FOR_SALE, "For Sale", "En venta", "Listed or being prepared for sale."),
        (VehicleStatus.IMPOUNDED, "Impounded", "En corralón", "Held in an impound lot."),
        (VehicleStatus.SOLD, "Sold", "Vendido", "Sold."),
        (VehicleStatus.TOTAL_LOSS, "Total Loss", "Pérdida total", "Written off."),
    )
}

SETTABLE_STATUSES: dict[int, VehicleStatus] = {
    status.value: status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED
}


def parse_settable_status(status_id: int) -> VehicleStatus:
    """Give the status with this id. Raises ``bad_parameters`` for 2 and for ids that do not exist."""
    status = SETTABLE_STATUSES.get(status_id)
    if status is not None:
        return status
    if status_id == VehicleStatus.INFO_CHANGED:
        why = "2 (Info Changed) is set by the system alone"
    else:
        why = f"{status_id} is not a vehicle status"
    raise PadronError(Code.BAD_PARAMETERS, f"vehicleStatusId {why}: use 0, 1 or 3 to 9 (see /api/v2/vehicle-statuses).")


def parse_status_text(text: str) -> VehicleStatus:
    """Give the status with this id or this name, English or Spanish, in any letter case, with or without accents.

    Raises ``bad_parameters`` for any other text, and for Info Changed, which only the system sets.
    """
    folded = _fold_name(text)
    if folded.isascii() and folded.isdigit() and len(folded) <= _ID_DIGITS_MAX:
        return parse_settable_status(int(folded))
    status = _STATUSES_BY_NAME.get(folded)
    if status is None:
        names = ", ".join(f"{status.value} {STATUS_TEXTS[status].name}" for status in SETTABLE_STATUSES.values())
        raise PadronError(Code.BAD_PARAMETERS, f"{quote(text)} is no vehicle status: use {names}.")
    return parse_settable_status(status.value)


def _fold_name(text: str) -> str:
    bare = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    return " ".join(bare.casefold().split())


_ID_DIGITS_MAX = 3
_STATUSES_BY_NAME = {
    _fold_name(name): status for status, text in STATUS_TEXTS.items() for name in (text.name, text.nombre)
}


def is_operational(status: VehicleStatus) -> bool:
    """Say whether operations may touch a current vehicle that has this status. The only place that knows."""
    return status is VehicleStatus.ACTIVE


OPERATIONAL_STATUSES: tuple[VehicleStatus, ...] = tuple(status for status in VehicleStatus if is_operational(status))
