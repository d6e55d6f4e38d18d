"""Reads the query parameters of lists.

What is unknown, doubled or out of range is refused by name: a misspelt filter must not return everything.
"""

from datetime import UTC, datetime
from difflib import get_close_matches
from urllib.parse import parse_qsl

from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, LIMIT_DEFAULT, LIMIT_MAX, SORT_FIELDS, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import INTEGER_MAX, check_text
from padron.domain.vin import VIN_LENGTH
from padron.http.calls import Call

STATUS_FILTER = "assetStatusId"
PAGE_PARAMETERS = frozenset({"limit", "cursor"})
DATA_PARAMETERS = frozenset({*FILTER_FIELDS, "vin"})
LIST_PARAMETERS = frozenset({*DATA_PARAMETERS, STATUS_FILTER, "operational", "sort", "asOf", *PAGE_PARAMETERS})
_STATUS_MAX = max(VehicleStatus).value


def read_query(call: Call, known: frozenset[str]) -> dict[str, str]:
    """Give the query parameters by name. Raises ``bad_parameters`` for one unknown, empty, doubled or not UTF-8."""
    parameters: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            call.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=100,
        )
    except ValueError as error:
        raise PadronError(Code.BAD_PARAMETERS, "The query is not percent-encoded UTF-8 with few members.") from error
    for name, value in pairs:
        if name not in known:
            raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(name, known))
        if name in parameters:
            raise PadronError(Code.BAD_PARAMETERS, f"The query parameter {name} occurs twice.")
        if not value:
            raise PadronError(
                Code.BAD_PARAMETERS, f"The query parameter {name} is empty: leave it out or give a value."
            )
        parameters[name] = value
    return parameters


def parse_vehicle_query(parameters: dict[str, str]) -> VehicleQuery:
    """Give the question that the parameters ask. Raises ``bad_parameters`` for a value out of range."""
    status = parameters.get(STATUS_FILTER)
    sort = parameters.get("sort")
    if sort is not None and sort.removeprefix("-") not in SORT_FIELDS:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"sort {sort!a} is not a field to sort by: use one of {', '.join(SORT_FIELDS)}.",
        )
    operational = parse_boolean(parameters, "operational")
    if operational is not None and status == str(VehicleStatus.INFO_CHANGED.value):
        raise PadronError(Code.BAD_PARAMETERS, "operational is about current vehicles: leave out assetStatusId=2.")
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
                _check_filter(name, text, field.length_max)
                if field.length_max is not None
                else parse_number(name, text, 0, field.number_max)
            )
    if "vin" in parameters:
        text = _check_filter("vin", parameters["vin"], VIN_LENGTH)
        filters["vin"] = text.upper() if text.isascii() else text
    return filters


def parse_limit(parameters: dict[str, str], limit_max: int = LIMIT_MAX) -> int:
    """Give the page's size: 50 unless asked for, at most 500 or what the list allows."""
    text = parameters.get("limit")
    return LIMIT_DEFAULT if text is None else parse_number("limit", text, 1, limit_max)


def _describe_unknown(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
    return f"There is no query parameter {name!a} here; {hint}"


def parse_boolean(parameters: dict[str, str], name: str) -> bool | None:
    """Give true or false, or None when the parameter is not there. Raises ``bad_parameters``."""
    text = parameters.get(name)
    if text is None:
        return None
    if text not in {"true", "false"}:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} is {text!a}: it must be true or false.")
    return text == "true"


def _check_filter(name: str, text: str, length_max: int) -> str:
    check_text(name, text, length_max)
    return text


def parse_number(name: str, text: str, least: int, most: int) -> int:
    """Give an integer from a parameter's text. Raises ``bad_parameters`` for anything else, or out of range."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(INTEGER_MAX)) and least <= int(text) <= most:
        return int(text)
    raise PadronError(Code.BAD_PARAMETERS, f"{name} is {text!a}: it must be an integer from {least} to {most}.")


def parse_instant(parameters: dict[str, str], name: str) -> datetime | None:
    """Give an instant in UTC, or None when the parameter is not there. Raises ``bad_parameters``."""
    text = parameters.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text) if text.isascii() else None
        if at is not None and at.tzinfo is not None and "T" in text:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    hint = " A + in an address is written %2B." if " " in text else ""
    raise PadronError(
        Code.BAD_PARAMETERS, f"{name} is {text!a}: it must be an instant such as 2026-11-23T14:00:00Z (RFC 3339).{hint}"
    )
