"""Reads the query for a list of vehicles from named texts: URL parameters, or command-line options.

The names of fields are those of the domain. What only one of the two edges has, such as the size of
a page, stays there.
"""

from collections.abc import Mapping

from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, VehicleQuery
from padron.domain.quoting import quote
from padron.domain.searching import parse_words
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import INTEGER_MAX, check_text, end_lines, give_allowed
from padron.domain.vin import VIN_LENGTH

STATUS_FILTER = "assetStatusId"
OPERATIONAL_FILTER = "operational"
SORT = "sort"
SEARCH = "q"
DATA_FILTERS: frozenset[str] = frozenset({*FILTER_FIELDS, "vin"})
FILTERS: frozenset[str] = DATA_FILTERS | {STATUS_FILTER, OPERATIONAL_FILTER, SEARCH}

SEVERAL = ","  # between the statuses of a filter
STATUSES_MAX = 20  # values of one filter

_STATUS_MAX = max(VehicleStatus).value


def parse_question(given: Mapping[str, str]) -> VehicleQuery:
    """Give the query that the texts mean. Raises ``bad_parameters`` for a value out of range."""
    status = given.get(STATUS_FILTER)
    sort = given.get(SORT)
    if sort is not None and sort.removeprefix("-") not in SORT_FIELDS:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"sort is {quote(sort)}, which is not a field to sort by. Use one of {', '.join(SORT_FIELDS)}.",
        )
    statuses = _parse_statuses(status)
    operational = parse_boolean(given, OPERATIONAL_FILTER)
    if operational is not None and status == str(VehicleStatus.INFO_CHANGED.value):
        raise PadronError(
            Code.BAD_PARAMETERS, "The filter operational is only for current vehicles: leave out assetStatusId=2."
        )
    if SEARCH in given and status == str(VehicleStatus.INFO_CHANGED.value):
        raise PadronError(Code.BAD_PARAMETERS, "q finds only current vehicles: leave out assetStatusId=2.")
    return VehicleQuery(
        filters=parse_filters(given),
        words=parse_words(given[SEARCH]) if SEARCH in given else (),
        status=min(statuses) if len(statuses) == 1 else None,
        statuses=statuses if len(statuses) > 1 else frozenset(),
        operational=operational,
        sort=None if sort is None else sort.removeprefix("-"),
        descending=sort is not None and sort.startswith("-"),
    )


def _parse_statuses(text: str | None) -> frozenset[VehicleStatus]:
    """Give the statuses of a filter: a vehicle has any of them. Raises ``bad_parameters``."""
    if text is None:
        return frozenset()
    parts = text.split(SEVERAL)
    if len(parts) > STATUSES_MAX:
        raise PadronError(
            Code.BAD_PARAMETERS, f"{STATUS_FILTER} has {len(parts)} values: at most {STATUSES_MAX} are allowed."
        )
    statuses = frozenset(VehicleStatus(parse_number(STATUS_FILTER, part, 0, _STATUS_MAX)) for part in parts)
    if len(statuses) > 1 and VehicleStatus.INFO_CHANGED in statuses:
        raise PadronError(
            Code.BAD_PARAMETERS, f"{STATUS_FILTER}=2 means former versions: it cannot be one of several statuses."
        )
    return statuses


def parse_filters(given: Mapping[str, str]) -> dict[str, str | int]:
    """Give the filters on core data and VIN. Raises ``bad_parameters`` for a value out of range."""
    filters: dict[str, str | int] = {}
    for name, field in FILTER_FIELDS.items():
        if name in given:
            text = given[name]
            filters[name] = (
                _check_filter(name, end_lines(text) if field.has_lines else text, field.length_max, give_allowed(field))
                if field.length_max is not None
                else parse_number(name, text, 0, field.number_max)
            )
    if "vin" in given:
        text = _check_filter("vin", given["vin"], VIN_LENGTH)
        filters["vin"] = text.upper() if text.isascii() else text
    return filters


def parse_boolean(given: Mapping[str, str], name: str) -> bool | None:
    """Give true or false, or None when there is no text of this name. Raises ``bad_parameters``."""
    text = given.get(name)
    if text is None:
        return None
    if text not in {"true", "false"}:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} is {quote(text)}: it must be true or false.")
    return text == "true"


def parse_number(name: str, text: str, least: int, most: int) -> int:
    """Give the integer in a text. Raises ``bad_parameters`` for other text, or a number out of range."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(INTEGER_MAX)) and least <= int(text) <= most:
        return int(text)
    raise PadronError(Code.BAD_PARAMETERS, f"{name} is {quote(text)}: it must be an integer from {least} to {most}.")


def _check_filter(name: str, text: str, length_max: int, allowed: str = "") -> str:
    check_text(name, text, length_max, allowed=allowed)
    return text
