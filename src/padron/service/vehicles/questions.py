"""Reads the query for a list of vehicles from named texts: URL parameters, or command-line options.

The names of fields are those of the domain. What only one of the two edges has, such as the size of
a page, stays there.
"""

from collections.abc import Mapping, Sequence

from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, FilterValue, FilterValues, VehicleQuery
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
SEVERAL_FILTERS: frozenset[str] = DATA_FILTERS | {STATUS_FILTER}  # they may be given several times
FILTERS: frozenset[str] = SEVERAL_FILTERS | {OPERATIONAL_FILTER, SEARCH}

SEVERAL = ","  # between the statuses of a filter
VALUES_MAX = 20  # of one filter

_STATUS_MAX = max(VehicleStatus).value


def parse_question(several: Mapping[str, list[str]]) -> VehicleQuery:
    """Give the query that the texts mean. Raises ``bad_parameters`` for a value out of range.

    Each name has a list of texts. Only a filter of ``SEVERAL_FILTERS`` may have more than one.
    """
    given = take_single(several)
    statuses = _parse_statuses(several.get(STATUS_FILTER, ()))
    is_former = VehicleStatus.INFO_CHANGED in statuses
    sort = given.get(SORT)
    if sort is not None and sort.removeprefix("-") not in SORT_FIELDS:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"sort is {quote(sort)}, which is not a field to sort by. Use one of {', '.join(SORT_FIELDS)}.",
        )
    operational = parse_boolean(given, OPERATIONAL_FILTER)
    if operational is not None and is_former:
        raise PadronError(
            Code.BAD_PARAMETERS, "The filter operational is only for current vehicles: leave out assetStatusId=2."
        )
    if SEARCH in given and is_former:
        raise PadronError(Code.BAD_PARAMETERS, "q finds only current vehicles: leave out assetStatusId=2.")
    return VehicleQuery(
        filters=_parse_several(several),
        words=parse_words(given[SEARCH]) if SEARCH in given else (),
        status=min(statuses) if len(statuses) == 1 else None,
        statuses=statuses if len(statuses) > 1 else frozenset(),
        operational=operational,
        sort=None if sort is None else sort.removeprefix("-"),
        descending=sort is not None and sort.startswith("-"),
    )


def take_single(several: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give the first text of each name. Raises ``bad_parameters`` where a name may have only one, and has several."""
    for name, texts in several.items():
        if len(texts) > 1 and name not in SEVERAL_FILTERS:
            raise PadronError(Code.BAD_PARAMETERS, f"{name} has {len(texts)} values. Give it one.")
    return {name: texts[0] for name, texts in several.items() if texts}


def _parse_statuses(texts: Sequence[str]) -> frozenset[VehicleStatus]:
    """Give the statuses of a filter: a vehicle has any of them. Raises ``bad_parameters``."""
    parts = [part for text in texts for part in text.split(SEVERAL)]
    _check_count(STATUS_FILTER, len(parts))
    statuses = frozenset(VehicleStatus(parse_number(STATUS_FILTER, part, 0, _STATUS_MAX)) for part in parts)
    if len(statuses) > 1 and VehicleStatus.INFO_CHANGED in statuses:
        raise PadronError(
            Code.BAD_PARAMETERS, f"{STATUS_FILTER}=2 means former versions: it cannot be one of several statuses."
        )
    return statuses


def parse_filters(given: Mapping[str, str]) -> dict[str, FilterValue]:
    """Give the filters on core data and VIN, of one value each. Raises ``bad_parameters`` for a value out of range."""
    return {name: _parse_value(name, given[name]) for name in (*FILTER_FIELDS, "vin") if name in given}


def _parse_several(several: Mapping[str, Sequence[str]]) -> dict[str, FilterValues]:
    filters: dict[str, FilterValues] = {}
    for name in (*FILTER_FIELDS, "vin"):
        texts = several.get(name, ())
        _check_count(name, len(texts))
        values = tuple(dict.fromkeys(_parse_value(name, text) for text in texts))
        if values:
            filters[name] = values[0] if len(values) == 1 else values
    return filters


def _parse_value(name: str, text: str) -> FilterValue:
    if name == "vin":
        _check_filter(name, text, VIN_LENGTH)
        return text.upper() if text.isascii() else text
    field = FILTER_FIELDS[name]
    if field.length_max is None:
        return parse_number(name, text, 0, field.number_max)
    return _check_filter(name, end_lines(text) if field.has_lines else text, field.length_max, give_allowed(field))


def _check_count(name: str, count: int) -> None:
    if count > VALUES_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} has {count} values: at most {VALUES_MAX} are allowed.")


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
