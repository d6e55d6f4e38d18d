"""The ten vehicle statuses (contract 1.2) and the one rule on them: operational means Active."""

from dataclasses import dataclass
from enum import IntEnum

from padron.domain.errors import Code, PadronError


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


def is_operational(status: VehicleStatus) -> bool:
    """Say whether operations may touch a current vehicle that has this status. The only place that knows."""
    return status is VehicleStatus.ACTIVE


OPERATIONAL_STATUSES: tuple[VehicleStatus, ...] = tuple(status for status in VehicleStatus if is_operational(status))
