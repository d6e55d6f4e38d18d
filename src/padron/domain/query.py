"""Queries for lists: filters, order, and the place where a page begins. The order is total, so pages are stable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from padron.domain import instants
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, INTEGER_MAX, NOT_FILTERED, Field, check_text, end_lines, give_allowed
from padron.domain.vin import VIN_LENGTH

LIMIT_DEFAULT = 50
LIMIT_MAX = 500

FILTER_FIELDS: dict[str, Field] = {field.name: field for field in FIELDS if field.name not in NOT_FILTERED}
STATUS_FILTER = "assetStatusId"
DATA_FILTERS: frozenset[str] = frozenset({*FILTER_FIELDS, "vin"})
FILTERS: frozenset[str] = DATA_FILTERS | {STATUS_FILTER, "operational"}
SORT_FIELDS: tuple[str, ...] = (
    "vin",
    *(field.name for field in FIELDS),
    "vehicleStatusId",
    "statusSince",
    "createdAt",
    "updatedAt",
)

_STATUS_MAX = max(VehicleStatus).value


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """The last row of a page: its identity and its sort key, as stored (None in order of registration)."""

    key: str | int | None
    vehicle_id: int
    began: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleQuery:
    """A query for the list of vehicles. Text in ``filters`` is compared by whole values, ignoring case."""

    filters: Mapping[str, str | int]  # by field name; "vin" as well
    status: VehicleStatus | None = None  # INFO_CHANGED asks for former versions instead of current vehicles
    operational: bool | None = None
    sort: str | None = None  # a name from SORT_FIELDS; None: in order of registration
    descending: bool = False
    limit: int = LIMIT_DEFAULT
    after: Position | None = None
    as_of: datetime | None = None  # None: now
    up_to: int | None = None  # the number of the last change up to as_of; the store reads only this
    registered_by: tuple[int, int] | None = None  # only vehicles registered by changes from the first to the second


def parse_vehicle_query(parameters: dict[str, str]) -> VehicleQuery:
    """Give the query that the parameters mean. Raises ``bad_parameters`` for a value out of range."""
    status = parameters.get(STATUS_FILTER)
    sort = parameters.get("sort")
    if sort is not None and sort.removeprefix("-") not in SORT_FIELDS:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"sort is {quote(sort)}, which is not a field to sort by. Use one of {', '.join(SORT_FIELDS)}.",
        )
    operational = parse_boolean(parameters, "operational")
    if operational is not None and status == str(VehicleStatus.INFO_CHANGED.value):
        raise PadronError(
            Code.BAD_PARAMETERS, "The filter operational is only for current vehicles: leave out assetStatusId=2."
        )
    return VehicleQuery(
        filters=parse_filters(parameters),
        status=None if status is None else VehicleStatus(parse_number(STATUS_FILTER, status, 0, _STATUS_MAX)),
        operational=operational,
        sort=None if sort is None else sort.removeprefix("-"),
        descending=sort is not None and sort.startswith("-"),
        limit=parse_limit(parameters),
        as_of=parse_instant(parameters, "asOf"),
    )


def parse_filters(parameters: dict[str, str]) -> dict[str, str | int]:
    """Give the filters on core data and VIN. Raises ``bad_parameters`` for a value out of range."""
    filters: dict[str, str | int] = {}
    for name, field in FILTER_FIELDS.items():
        if name in parameters:
            text = parameters[name]
            filters[name] = (
                _check_filter(name, end_lines(text) if field.has_lines else text, field.length_max, give_allowed(field))
                if field.length_max is not None
                else parse_number(name, text, 0, field.number_max)
            )
    if "vin" in parameters:
        text = _check_filter("vin", parameters["vin"], VIN_LENGTH)
        filters["vin"] = text.upper() if text.isascii() else text
    return filters


def parse_limit(parameters: dict[str, str], limit_max: int = LIMIT_MAX) -> int:
    """Give the page size: 50 by default, and at most ``limit_max`` (500 unless the list has its own maximum)."""
    text = parameters.get("limit")
    return LIMIT_DEFAULT if text is None else parse_number("limit", text, 1, limit_max)


def parse_boolean(parameters: dict[str, str], name: str) -> bool | None:
    """Give true or false, or None when the parameter is missing. Raises ``bad_parameters``."""
    text = parameters.get(name)
    if text is None:
        return None
    if text not in {"true", "false"}:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} is {quote(text)}: it must be true or false.")
    return text == "true"


def parse_number(name: str, text: str, least: int, most: int) -> int:
    """Give the integer in a parameter's text. Raises ``bad_parameters`` for other text or a number out of range."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(INTEGER_MAX)) and least <= int(text) <= most:
        return int(text)
    raise PadronError(Code.BAD_PARAMETERS, f"{name} is {quote(text)}: it must be an integer from {least} to {most}.")


def _check_filter(name: str, text: str, length_max: int, allowed: str = "") -> str:
    check_text(name, text, length_max, allowed=allowed)
    return text


def parse_instant(parameters: dict[str, str], name: str) -> datetime | None:
    """Give an instant in UTC, or None when the parameter is missing. Raises ``bad_parameters``."""
    text = parameters.get(name)
    if text is None:
        return None
    try:
        return instants.parse_instant(name, text)
    except PadronError as error:
        hint = " Write a + in a URL as %2B." if " " in text else ""
        raise PadronError(error.code, f"{error.detail}{hint}") from error
