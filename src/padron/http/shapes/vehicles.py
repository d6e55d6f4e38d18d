"""The JSON form of vehicles, in requests and answers. Names are in camelCase, as documented."""

from collections.abc import Mapping
from datetime import datetime
from keyword import iskeyword
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.change import REASON_LENGTH_MAX, HistoryEntry
from padron.domain.instants import FUTURE_INSTANT_PATTERN
from padron.domain.status import STATUS_TEXTS, VehicleStatus, is_operational
from padron.domain.vehicle import FIELDS, INTEGER_MAX, TEXT_PATTERN, UPSERT_LENGTH_MAX, Field, Vehicle, VehicleVersion
from padron.domain.vin import VIN_PATTERN

# Limits here are only for the document. The domain checks them, so the command line gives the same messages.
_SETTABLE = [status.value for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED]

VinText = Annotated[str, Meta(description="A VIN, in any letter case.", extra_json_schema={"pattern": VIN_PATTERN})]


_Instant = Annotated[
    str | UnsetType,
    Meta(extra_json_schema={"format": "date-time", "pattern": FUTURE_INSTANT_PATTERN}),
]


# Every object has its own id as ``id``. The earlier name of the member stays too. References keep their names.
FORMER_NAME = Meta(description="The same as `id`, which replaces it.", extra_json_schema={"deprecated": True})

# Beside each author's id. A name is never stored with a change, so it is always the present one.
ActorName = Annotated[
    str | None,
    Meta(description="Who that is, by the present name: a person, an API key, or the command line. Null if unknown."),
]


class StatusBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """A vehicle's status from now on, or from ``effectiveAt`` on. At ``until``, its earlier status is restored."""

    vehicle_status_id: Annotated[
        int, Meta(description="A vehicle status except 2.", extra_json_schema={"enum": _SETTABLE})
    ]
    reason: Annotated[
        str | UnsetType,
        Meta(description="The reason, for people.", extra_json_schema={"maxLength": REASON_LENGTH_MAX}),
    ] = UNSET
    effective_at: Annotated[
        _Instant,
        Meta(description="When to set the status: a future instant, at most ten years ahead. Without it: now."),
    ] = UNSET
    until: Annotated[
        _Instant,
        Meta(description="When to restore the earlier status, unless somebody sets another one first."),
    ] = UNSET


def _describe_upsert(name: str) -> Meta:
    return Meta(
        description=f'{name}. A missing member keeps its value, and "" removes it.',
        extra_json_schema={"maxLength": UPSERT_LENGTH_MAX, "pattern": TEXT_PATTERN},
    )


class VehicleInfo(Struct, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """The values of a vehicle that the upsert call reads and writes."""

    vin: VinText
    plate: Annotated[
        str,
        Meta(description="4 to 10 letters and digits.", extra_json_schema={"pattern": "^[0-9A-Za-z]{4,10}$"}),
    ]
    owner_name: Annotated[str | UnsetType, _describe_upsert("The owner's name")] = UNSET
    engine_number: Annotated[str | UnsetType, _describe_upsert("The engine's number")] = UNSET
    tax_identifier: Annotated[str | UnsetType, _describe_upsert("The owner's tax identifier")] = UNSET
    legal_name: Annotated[str | UnsetType, _describe_upsert("The owner's legal name")] = UNSET


class UpsertBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """A vehicle to register or to update."""

    vehicle_info: VehicleInfo


class UpsertedInfo(Struct, rename="camel", omit_defaults=True):
    """The same values of the vehicle as it is now. A value from another call may exceed the limits of this call."""

    vin: str
    plate: str
    owner_name: str | UnsetType = UNSET
    engine_number: str | UnsetType = UNSET
    tax_identifier: str | UnsetType = UNSET
    legal_name: str | UnsetType = UNSET


class UpsertedVehicle(Struct, rename="camel"):
    """The vehicle as it is now."""

    vehicle_info: UpsertedInfo


def name_attribute(field: Field) -> str:
    """Give the attribute of a field in the shapes below: its column, with a _ added if it is a keyword of Python."""
    return f"{field.column}_" if iskeyword(field.column) else field.column


_WIRE_NAMES = {name_attribute(field): field.name for field in FIELDS}


def type_edit(field: Field) -> object:
    """Give the type of a value in a request. The value may be missing, and "" removes it."""
    if field.name == "plate":
        schema: dict[str, object] = {"pattern": "^([0-9A-Za-z]{4,10})?$"}
        return Annotated[
            str | UnsetType,
            Meta(description='4 to 10 letters and digits; "" removes it.', extra_json_schema=schema),
        ]
    if field.is_text:
        schema = {"maxLength": field.length_max, "pattern": field.pattern}
        return Annotated[str | UnsetType, Meta(description='"" removes it.', extra_json_schema=schema)]
    number = Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": field.number_max})]
    removal = Annotated[str, Meta(extra_json_schema={"maxLength": 0})]
    return Annotated[number | removal | UnsetType, Meta(description='An integer; "" removes it.')]


VehicleBody = msgspec.defstruct(
    "VehicleBody",
    [
        (
            "vin",
            Annotated[VinText | UnsetType, Meta(description="Optional. It must be the VIN of the path.")],
            UNSET,
        ),
        *((name_attribute(field), type_edit(field), UNSET) for field in FIELDS),
    ],
    namespace={"__doc__": "A vehicle's core data. A missing member keeps its value."},
    rename=_WIRE_NAMES,
    forbid_unknown_fields=True,
)

VehicleShape = msgspec.defstruct(
    "Vehicle",
    [
        ("vin", str),
        ("vehicle_status_id", int),
        ("operational", bool),
        ("status_since", datetime),
        ("created_at", datetime),
        ("updated_at", datetime),
        ("valid_from", datetime | UnsetType, UNSET),
        ("valid_to", datetime | UnsetType, UNSET),
        *((name_attribute(field), (str if field.is_text else int) | UnsetType, UNSET) for field in FIELDS),
    ],
    namespace={"__doc__": "A vehicle: its status and all its values. Former versions have validFrom and validTo."},
    rename={
        "vehicle_status_id": "vehicleStatusId",
        "status_since": "statusSince",
        "created_at": "createdAt",
        "updated_at": "updatedAt",
        "valid_from": "validFrom",
        "valid_to": "validTo",
        **_WIRE_NAMES,
    },
    omit_defaults=True,
)


class VehicleList(Struct, rename="camel", omit_defaults=True):
    """A page of vehicles. On the last page, ``more`` is false and ``nextCursor`` is null."""

    vehicles: list[VehicleShape]  # type: ignore[valid-type]
    next_cursor: str | None
    more: bool
    cursor: Annotated[
        str | UnsetType,
        Meta(
            description="With operational or asOf: a cursor of the feed. This page includes all changes up to it. "
            "With asOf, it includes no later changes."
        ),
    ] = UNSET


class VehicleCountShape(Struct, rename="camel"):
    """The number of vehicles of a list. If ``exact`` is false, there are more than ``count``, or as many."""

    count: int
    exact: bool


class VehicleStatusShape(Struct, rename="camel"):
    """A vehicle's status, its instant, its author and its reason."""

    vin: str
    vehicle_status_id: int
    name: str
    operational: bool
    since: datetime
    changed_by: str
    changed_by_name: ActorName
    reason: str | None


class HistoryShape(Struct, rename="camel", omit_defaults=True):
    """One change. ``former`` and ``current`` have the values that differ. A missing value is null.

    A value that was erased is the text [erased]. The change ``erased`` has ``fields`` and the numbers of the changes
    that had their values.
    """

    type: Literal["registered", "statusChanged", "infoChanged", "erased", "deleted"]
    at: datetime
    by: str
    by_name: ActorName
    request_id: str
    from_status_id: int | UnsetType = UNSET
    to_status_id: int | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET
    former: dict[str, str | int | None] | UnsetType = UNSET
    current: dict[str, str | int | None] | UnsetType = UNSET
    fields: list[str] | UnsetType = UNSET
    change_numbers: list[int] | UnsetType = UNSET


class HistoryList(Struct, rename="camel", omit_defaults=True):
    """A page of a vehicle's changes, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    history: list[HistoryShape]
    next_cursor: str | None
    more: bool
    archived_until: Annotated[
        datetime | UnsetType,
        Meta(description="On the last page, if earlier changes of the vehicle are archived: none of them is later."),
    ] = UNSET


class StatusNameShape(Struct, rename="camel"):
    """A vehicle status in both languages, and its meaning."""

    vehicle_status_id: int
    name: str
    nombre: str
    meaning: str
    operational: bool
    settable: bool


class StatusNameList(Struct, rename="camel"):
    """All vehicle statuses."""

    vehicle_statuses: list[StatusNameShape]


class ProblemShape(Struct, rename="camel"):
    """An error (RFC 9457). ``errorType`` and ``errorDetail`` are for programs, and ``detail`` is for people."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=INTEGER_MAX)]
    detail: str
    instance: str
    error_type: str
    error_detail: str


def shape_vehicle(version: VehicleVersion) -> object:
    """Give the JSON form of a vehicle, or of a former version."""
    vehicle = version.vehicle
    values: dict[str, object] = {
        name_attribute(field): version.details[field.name] for field in FIELDS if field.name in version.details
    }
    status, since = vehicle.status, vehicle.status_since
    if version.valid_to is not None:
        status, since = VehicleStatus.INFO_CHANGED, version.valid_to
        values |= {"valid_from": version.valid_from, "valid_to": version.valid_to}
    return VehicleShape(
        vin=vehicle.vin,
        vehicle_status_id=status.value,
        operational=is_operational(status),
        status_since=since,
        created_at=vehicle.created_at,
        updated_at=vehicle.updated_at,
        **values,
    )


def shape_status(vehicle: Vehicle, names: Mapping[str, str]) -> VehicleStatusShape:
    """Give the JSON form of a vehicle's status, with the names of authors by their ids."""
    return VehicleStatusShape(
        vin=vehicle.vin,
        vehicle_status_id=vehicle.status.value,
        name=STATUS_TEXTS[vehicle.status].name,
        operational=is_operational(vehicle.status),
        since=vehicle.status_since,
        changed_by=vehicle.status_by,
        changed_by_name=names.get(vehicle.status_by),
        reason=vehicle.status_reason,
    )


def shape_history_entry(entry: HistoryEntry, names: Mapping[str, str]) -> HistoryShape:
    """Give the JSON form of a recorded change, with the names of authors by their ids."""
    shape = HistoryShape(
        type=entry.type.value, at=entry.at, by=entry.by, by_name=names.get(entry.by), request_id=entry.request_id
    )
    if entry.erased is not None:
        shape.fields, shape.change_numbers = [*entry.erased.fields], [*entry.erased.numbers]
        shape.reason = entry.reason
        return shape
    if entry.differences is None:
        shape.to_status_id = entry.to_status.value
    else:
        shape.former = {name: former for name, (former, _) in entry.differences.items()}
        shape.current = {name: current for name, (_, current) in entry.differences.items()}
    if entry.from_status is not None and entry.differences is None:
        shape.from_status_id = entry.from_status.value
        shape.reason = entry.reason
    return shape
