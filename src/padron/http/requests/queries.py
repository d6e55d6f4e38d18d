"""Reads the query parameters of lists.

The server refuses an unknown, repeated or invalid parameter by name, because a misspelt filter must not return
everything.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from urllib.parse import parse_qsl

from padron.domain import instants
from padron.domain.errors import Code, PadronError
from padron.domain.query import LIMIT_DEFAULT, LIMIT_MAX, VehicleQuery
from padron.domain.quoting import quote
from padron.http.calls import Call
from padron.service.vehicles.questions import (
    DATA_FILTERS,
    FILTERS,
    SEARCH,
    SEVERAL_FILTERS,
    SORT,
    STATUS_FILTER,
    parse_boolean,
    parse_filters,
    parse_number,
    parse_question,
    take_single,
)

__all__ = [
    "COUNT_PARAMETERS",
    "DATA_PARAMETERS",
    "EXPORT_PARAMETERS",
    "LIST_PARAMETERS",
    "PAGE_PARAMETERS",
    "SEARCH",
    "STATUS_FILTER",
    "parse_boolean",
    "parse_filters",
    "parse_instant",
    "parse_limit",
    "parse_list_query",
    "parse_number",
    "parse_query",
    "parse_vehicle_query",
    "read_list_query",
    "read_query",
    "take_single",
]

PAGE_PARAMETERS = frozenset({"limit", "cursor"})
EXPORT_PARAMETERS = FILTERS | {SORT}
COUNT_PARAMETERS = FILTERS
LIST_PARAMETERS = EXPORT_PARAMETERS | PAGE_PARAMETERS | {"asOf"}
DATA_PARAMETERS = DATA_FILTERS

# One parameter without an escape.
_match_plain_parameter = re.compile(rb"([0-9A-Za-z]+)=([0-9A-Za-z._-]+)").fullmatch


def read_query(call: Call, known: frozenset[str]) -> dict[str, str]:
    """Give the query parameters by name. Raises ``bad_parameters`` for an unknown, empty, repeated or malformed one."""
    return parse_query(call.request.query, known)


def read_list_query(call: Call, known: frozenset[str]) -> dict[str, list[str]]:
    """Give the values of each parameter of a list, whose filters may be repeated. Raises as ``read_query``."""
    return parse_list_query(call.request.query, known)


def parse_query(query: bytes, known: frozenset[str]) -> dict[str, str]:
    """Give the parameters of a query's text by name. Raises what ``read_query`` raises."""
    plain = _match_plain_parameter(query)
    if plain is not None and (name := plain[1].decode()) in known:  # the gate's question: a quarter of the time
        return {name: plain[2].decode()}
    return {name: values[0] for name, values in _collect(query, known, frozenset()).items()}


def parse_list_query(query: bytes, known: frozenset[str]) -> dict[str, list[str]]:
    """Give the values of each parameter of a query's text. Raises what ``read_query`` raises."""
    return _collect(query, known, SEVERAL_FILTERS)


def _collect(query: bytes, known: frozenset[str], repeatable: frozenset[str]) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise PadronError(
            Code.BAD_PARAMETERS, "The query must be percent-encoded UTF-8 with few parameters."
        ) from error
    for name, value in pairs:
        if name not in known:
            raise PadronError(Code.BAD_PARAMETERS, _describe_unknown(name, known))
        if name in parameters and name not in repeatable:
            raise PadronError(Code.BAD_PARAMETERS, f"The query parameter {name} occurs twice. Send it once.")
        if not value:
            raise PadronError(Code.BAD_PARAMETERS, f"The query parameter {name} is empty. Give it a value, or omit it.")
        parameters.setdefault(name, []).append(value)
    return parameters


def parse_vehicle_query(several: Mapping[str, list[str]]) -> VehicleQuery:
    """Give the query from its parameters. Raises ``bad_parameters`` for a value out of range."""
    given = take_single(several)
    return replace(parse_question(several), limit=parse_limit(given), as_of=parse_instant(given, "asOf"))


def parse_limit(given: dict[str, str], limit_max: int = LIMIT_MAX) -> int:
    """Give the page size: 50 by default, and at most ``limit_max`` (500 unless the list has its own maximum)."""
    text = given.get("limit")
    return LIMIT_DEFAULT if text is None else parse_number("limit", text, 1, limit_max)


def parse_instant(given: dict[str, str], name: str) -> datetime | None:
    """Give an instant in UTC, or None when the parameter is missing. Raises ``bad_parameters``."""
    text = given.get(name)
    if text is None:
        return None
    try:
        return instants.parse_instant(name, text)
    except PadronError as error:
        hint = " Write a + in a URL as %2B." if " " in text else ""
        raise PadronError(error.code, f"{error.detail}{hint}") from error


def _describe_unknown(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
    return f"There is no query parameter {quote(name)} here; {hint}"
