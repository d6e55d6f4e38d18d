"""The JSON form of repairing duplicates."""

from collections.abc import Mapping
from typing import Annotated, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from padron.domain.change import REASON_LENGTH_MAX
from padron.domain.duplicates import STATUS_FIELD, DuplicateGroup, Repaired, find_differences
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS, VehicleVersion
from padron.http.requests.revisions import PlainRevision, RevisionText
from padron.http.shapes.vehicles import FORMER_NAME, ActorName, VehicleShape, name_attribute, shape_vehicle, type_edit

_ID_MAX = 2**53 - 1
_ID = {"minimum": 1, "maximum": _ID_MAX}
_VehicleId = Annotated[int, Meta(description="The id of one of the vehicles.", extra_json_schema=_ID)]
_NAMES = {"vehicle_status_id": STATUS_FIELD, **{name_attribute(field): field.name for field in FIELDS}}
_Revisions = Annotated[
    dict[int, RevisionText | PlainRevision],
    Meta(
        description="Continue only if these are the vehicles and their revisions, by id; otherwise 412.",
        extra_json_schema={"propertyNames": {"pattern": "^[1-9][0-9]{0,14}$"}},
    ),
]
_RepairReason = Annotated[
    str | UnsetType,
    Meta(description="The reason, for people.", extra_json_schema={"maxLength": REASON_LENGTH_MAX}),
]


class ResolveBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Which vehicle is kept. With ``dryRun`` the answer is the same, but nothing is changed."""

    keep: _VehicleId
    revisions: _Revisions | UnsetType = UNSET
    reason: _RepairReason = UNSET
    dry_run: bool = False


TakenValues = msgspec.defstruct(
    "TakenValues",
    [(attribute, _VehicleId | UnsetType, UNSET) for attribute in _NAMES],
    namespace={"__doc__": "The vehicle to take each value from, by field. If it has no value, the value is removed."},
    rename=_NAMES,
    forbid_unknown_fields=True,
)
GivenValues = msgspec.defstruct(
    "GivenValues",
    [
        (
            "vehicle_status_id",
            Annotated[int, Meta(extra_json_schema={"enum": [*SETTABLE_STATUSES]})] | UnsetType,
            UNSET,
        ),
        *((name_attribute(field), type_edit(field), UNSET) for field in FIELDS),
    ],
    namespace={"__doc__": "Values, by field."},
    rename=_NAMES,
    forbid_unknown_fields=True,
)


class MergeBody(ResolveBody, forbid_unknown_fields=True, rename="camel"):
    """Which vehicle is kept, and its new values: from other vehicles, or given here. Its other values stay."""

    take: TakenValues | UnsetType = UNSET  # type: ignore[valid-type]
    given: GivenValues | UnsetType = msgspec.field(default=UNSET, name="set")  # type: ignore[valid-type]


DuplicateShape = msgspec.defstruct(
    "DuplicateVehicle",
    [
        ("id", int),
        ("vehicle_id", Annotated[int, FORMER_NAME]),
        ("changed_by", str),
        ("changed_by_name", ActorName),
        ("reason", str | None),
        ("revision", RevisionText | UnsetType, UNSET),  # a dry run has no revision, because nothing is stored
    ],
    bases=(VehicleShape,),
    namespace={"__doc__": "One of several vehicles with a VIN, with the author and the reason of its status."},
    rename={
        "vehicle_id": "vehicleId",
        "changed_by": "changedBy",
        "changed_by_name": "changedByName",
        **{field.name: field.encode_name for field in msgspec.structs.fields(VehicleShape)},
    },
    omit_defaults=True,
    kw_only=True,
)


class DuplicateGroupShape(Struct, rename="camel"):
    """A VIN, its vehicles, and the values that differ, in the order of the vehicles. A missing value is null.

    ``count`` is the number of vehicles. If it is more than a thousand, only the first ones are shown.
    """

    vin: str
    count: int
    vehicles: list[DuplicateShape]  # type: ignore[valid-type]
    differences: dict[str, list[str | int | None]]


class DuplicateList(Struct, rename="camel"):
    """A page of duplicates, by VIN. On the last page, ``more`` is false and ``nextCursor`` is null."""

    duplicates: list[DuplicateGroupShape]
    next_cursor: str | None
    more: bool


class FormerShape(Struct, rename="camel", omit_defaults=True):
    """A vehicle that became a former version. A dry run gives no ``revision``, because nothing is stored."""

    id: int
    vehicle_id: Annotated[int, FORMER_NAME]
    revision: RevisionText | UnsetType = UNSET


class RepairAnswer(Struct, rename="camel"):
    """The kept vehicle as it is now, and the vehicles that became former versions. ``requestId`` can be undone."""

    request_id: str
    dry_run: bool
    vehicle: DuplicateShape  # type: ignore[valid-type]
    former: list[FormerShape]


def shape_group(group: DuplicateGroup, names: Mapping[str, str]) -> DuplicateGroupShape:
    """Give the JSON form of the vehicles with one VIN, with the names of authors by their ids."""
    return DuplicateGroupShape(
        vin=group.vin,
        count=group.count,
        vehicles=[shape_duplicate(version, names) for version in group.versions],
        differences=find_differences(group.versions),
    )


def shape_repair(done: Repaired, names: Mapping[str, str], request_id: str, *, dry_run: bool) -> RepairAnswer:
    """Give the JSON form of a repair's result, with the names of authors by their ids."""
    return RepairAnswer(
        request_id=request_id,
        dry_run=dry_run,
        vehicle=shape_duplicate(done.version, names, has_revision=not dry_run),
        former=[
            FormerShape(
                id=one.vehicle_id,
                vehicle_id=one.vehicle_id,
                revision=UNSET if dry_run else format_tag(one),
            )
            for one in done.former
        ],
    )


def shape_duplicate(version: VehicleVersion, names: Mapping[str, str], *, has_revision: bool = True) -> object:
    """Give the JSON form of one of several vehicles with a VIN, with the names of authors by their ids."""
    vehicle = version.vehicle
    return DuplicateShape(
        **asdict(cast("Struct", shape_vehicle(version))),
        id=vehicle.vehicle_id,
        vehicle_id=vehicle.vehicle_id,
        revision=format_tag(vehicle) if has_revision else UNSET,
        changed_by=vehicle.status_by,
        changed_by_name=names.get(vehicle.status_by),
        reason=vehicle.status_reason,
    )
