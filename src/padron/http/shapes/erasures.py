"""The JSON form of erasures of personal values."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.change import REASON_LENGTH_MAX
from padron.domain.erasure import PERSONAL_FIELDS
from padron.http.shapes.vehicles import VinText
from padron.service.vehicles.erasure import ErasureReport

VALUE_LENGTH_MAX = 300


class ErasureBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Which values are erased: the fields of the vehicles with a VIN, or one value wherever these fields have it."""

    fields: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": [*PERSONAL_FIELDS]})]],
        Meta(description="The fields to erase.", extra_json_schema={"minItems": 1}),
    ]
    vin: Annotated[VinText | UnsetType, Meta(description="Without it, `value` is required.")] = UNSET
    value: Annotated[
        str | UnsetType,
        Meta(
            description="Only values that are this text, in any letter case. Without `vin`: of all vehicles.",
            extra_json_schema={"minLength": 1, "maxLength": VALUE_LENGTH_MAX},
        ),
    ] = UNSET
    dry_run: bool = False
    reason: Annotated[
        str | UnsetType,
        Meta(
            description="The reason, for people. It must not name the person.",
            extra_json_schema={"maxLength": REASON_LENGTH_MAX},
        ),
    ] = UNSET


class ErasedVehicleShape(Struct, rename="camel"):
    """One vehicle: the fields, the changes that had the values, and the change that records it (null: dry run)."""

    vehicle_id: int
    vin: str
    number: int | None
    fields: list[str]
    change_numbers: list[int]


class ErasureShape(Struct, rename="camel"):
    """The result. ``incomplete``: repeat the request, because others have the value too.

    ``openImports`` is the number of imports that have not ended. Their files may have the values.
    """

    request_id: str
    dry_run: bool
    erased: list[ErasedVehicleShape]
    incomplete: bool
    open_imports: int


def shape_erasure(report: ErasureReport, request_id: str, *, dry_run: bool) -> ErasureShape:
    """Give the JSON form of an erasure."""
    return ErasureShape(
        request_id=request_id,
        dry_run=dry_run,
        erased=[
            ErasedVehicleShape(
                vehicle_id=one.vehicle_id,
                vin=one.vin,
                number=one.number,
                fields=[*one.erased.fields],
                change_numbers=[*one.erased.numbers],
            )
            for one in report.vehicles
        ],
        incomplete=report.is_incomplete,
        open_imports=report.open_imports,
    )
