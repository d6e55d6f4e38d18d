"""Opaque cursors. A list's cursor is bound to its question: filters and order may not change between pages."""

import base64
import binascii
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.gate import Refusal
from padron.domain.operation import ATTEMPTS_MAX, Result
from padron.domain.plan import PLAN_ID_PATTERN, Plan, PlanPlace, PlanQuery
from padron.domain.query import FILTER_FIELDS, Position, VehicleQuery
from padron.domain.time_in_status import TimeQuery
from padron.domain.vehicle import FIELDS, VehicleVersion, check_text, fold_text
from padron.domain.vin import VIN_LENGTH, Vin

CURSOR_LENGTH_MAX = 2_000
_is_plan_id = re.compile(PLAN_ID_PATTERN).fullmatch
_is_request_id = re.compile("[0-9A-Za-z_-]{1,100}").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_MAX = 2**63 - 1
_INSTANT_MAX = 253_402_300_799_999_999  # the last microsecond of the year 9999
_TIME_SORTS = frozenset({"statusSince", "createdAt", "updatedAt"})
_FOLDED_SORTS = frozenset(field.name for field in FIELDS if field.is_text)
_NUMBER_SORTS = frozenset({"vehicleStatusId", *(field.name for field in FILTER_FIELDS.values() if not field.is_text)})


def continue_list(query: VehicleQuery, cursor: str | None) -> VehicleQuery:
    """Give the question to the store: from the cursor on, and one row more than the page, to see if there is one.

    Raises ``bad_parameters`` for a cursor that is damaged or belongs to another question.
    """
    asked = replace(query, limit=query.limit + 1)
    if cursor is None:
        return asked
    parts = _decode(cursor)
    if query.as_of is not None:
        *parts, up_to = parts or [None]
        if not isinstance(up_to, int) or not _is_id(up_to):
            raise _give_refusal()
        asked = replace(asked, up_to=up_to)
    match parts:
        case [fingerprint, (str() | int() | None) as key, int(vehicle_id), int(began), *seen] if (
            fingerprint == _give_fingerprint(query)
            and _is_seen(seen)
            and _is_id(vehicle_id)
            and _is_id(began)
            and _is_key(query.sort, key)
        ):
            place = fold_text(key) if isinstance(key, str) and query.sort in _FOLDED_SORTS else key
            return replace(asked, after=Position(key=place, vehicle_id=vehicle_id, began=began))
        case _:
            raise _give_refusal()


def find_list_seen(cursor: str | None) -> int:
    """Give the number of the change that the pages before include; 0 when none is named. The cursor must be good."""
    match [] if cursor is None else _decode(cursor):
        case [_, _, _, _, int(number)]:
            return number
        case _:
            return 0


def format_list_cursor(query: VehicleQuery, version: VehicleVersion, position: Position, seen: int = 0) -> str:
    """Give the cursor that goes on after this row of the list, in a state that has the change ``seen``.

    For the past it holds the cut instead, so that this stays.

    Text goes into it as the vehicle has it: folded it may be three times as long, too long for an address.
    """
    key = version.details.get(query.sort, "") if query.sort in _FOLDED_SORTS else position.key
    place: list[object] = [_give_fingerprint(query), key, position.vehicle_id, position.began]
    last = seen if query.up_to is None else query.up_to
    return _encode(place if query.up_to is None and not seen else [*place, last])


def parse_history_cursor(cursor: str | None) -> int | None:
    """Give the change number that the page lies below. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match _decode(cursor):
        case ["history", int(number)] if _is_id(number):
            return number
        case _:
            raise _give_refusal()


def format_history_cursor(number: int) -> str:
    """Give the cursor that goes on below this change number."""
    return _encode(["history", number])


def parse_feed_cursor(cursor: str | None) -> int:
    """Give the change number that the feed goes on after; 0 without a cursor. Raises ``bad_parameters``."""
    if cursor is None:
        return 0
    match _decode(cursor):
        case ["feed", int(number)] if _is_id(number):
            return number
        case _:
            raise _give_refusal()


def format_feed_cursor(number: int) -> str:
    """Give the cursor of a place in the feed: after this change number."""
    return _encode(["feed", number])


def parse_seen(text: str) -> int | str:
    """Give what an answer must include: the number of a change, or a request's id. Raises ``bad_parameters``."""
    try:
        return parse_feed_cursor(text)
    except PadronError:
        if _is_request_id(text) is not None:
            return text
    raise PadronError(
        Code.BAD_PARAMETERS,
        "Padron-After is neither a cursor of the feed nor a request's id: send one that an answer gave.",
    )


def parse_duplicate_cursor(cursor: str | None) -> str:
    """Give the VIN that a page of duplicates goes on after; "" without a cursor. Raises ``bad_parameters``."""
    if cursor is None:
        return ""
    match _decode(cursor):
        case ["duplicates", str(vin)] if len(vin) == VIN_LENGTH:
            check_text("cursor", vin, VIN_LENGTH)
            return vin
        case _:
            raise _give_refusal()


def format_duplicate_cursor(vin: Vin) -> str:
    """Give the cursor that goes on after this VIN."""
    return _encode(["duplicates", vin])


def parse_refusal_cursor(cursor: str | None) -> tuple[datetime, str, str, str] | None:
    """Give the place that a page of refusals goes on after. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match _decode(cursor):
        case ["refusals", int(hour), str(vin), str(operation), str(actor)] if (
            _is_id(hour) and hour <= _INSTANT_MAX // 1_000_000
        ):
            for text in (vin, operation, actor):
                check_text("cursor", text, CURSOR_LENGTH_MAX)
            return datetime.fromtimestamp(hour, UTC), vin, operation, actor
        case _:
            raise _give_refusal()


def format_refusal_cursor(refusal: Refusal) -> str:
    """Give the cursor that goes on after this row."""
    hour = int(refusal.hour_at.timestamp())
    return _encode(["refusals", hour, refusal.vin, refusal.operation, refusal.actor])


def continue_report(query: TimeQuery, cursor: str) -> TimeQuery:
    """Give the question to the store, from the cursor on. Raises ``bad_parameters``, as ``continue_list`` does."""
    match _decode(cursor):
        case ["time-in-status", fingerprint, int(since), int(until), int(after)] if (
            fingerprint == _give_report_fingerprint(query) and _is_id(since) and _is_id(until) and _is_id(after)
        ):
            return replace(query, since=since, until=until, after=after)
        case _:
            raise _give_refusal()


def format_report_cursor(query: TimeQuery, after: int) -> str:
    """Give the cursor that goes on after this vehicle, with the two cuts of the report."""
    return _encode(["time-in-status", _give_report_fingerprint(query), query.since, query.until, after])


def parse_numbers(kind: str, cursor: str | None, count: int) -> tuple[int, ...] | None:
    """Give the numbers that a list of this kind goes on after; None without a cursor. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [name, *numbers] if (
            name == kind
            and len(numbers) == count
            and all(isinstance(number, int) and _is_id(number) for number in numbers)
        ):
            return tuple(number for number in numbers if isinstance(number, int))
        case _:
            raise _give_refusal()


def format_numbers(kind: str, *numbers: int) -> str:
    """Give the cursor that goes on after these numbers."""
    return _encode([kind, *numbers])


def parse_result_place(cursor: str | None) -> tuple[datetime, int, int] | None:
    """Give the instant, run and attempt that the page of results lies before. Raises ``bad_parameters``."""
    numbers = parse_numbers("vehicle-results", cursor, 3)
    if numbers is None:
        return None
    microseconds, run_id, attempt = numbers
    if microseconds > _INSTANT_MAX or attempt > ATTEMPTS_MAX:
        raise _give_refusal()
    return _EPOCH + timedelta(microseconds=microseconds), run_id, attempt


def format_result_place(result: Result) -> str:
    """Give the cursor that goes on before this result."""
    microseconds = (result.given_at - _EPOCH) // timedelta(microseconds=1)
    return format_numbers("vehicle-results", microseconds, result.key.run_id, result.key.attempt)


def parse_plan_cursor(query: PlanQuery, cursor: str | None) -> PlanPlace | None:
    """Give the place that a page of plans goes on after. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match _decode(cursor):
        case ["plans", fingerprint, int(microseconds), str(plan_id)] if (
            fingerprint == _give_plans_fingerprint(query)
            and _is_id(microseconds)
            and microseconds <= _INSTANT_MAX
            and _is_plan_id(plan_id) is not None
        ):
            return PlanPlace(effective_at=_EPOCH + timedelta(microseconds=microseconds), plan_id=plan_id)
        case _:
            raise _give_refusal()


def format_plan_cursor(query: PlanQuery, plan: Plan) -> str:
    """Give the cursor that goes on after this plan."""
    microseconds = (plan.effective_at - _EPOCH) // timedelta(microseconds=1)
    return _encode(["plans", _give_plans_fingerprint(query), microseconds, plan.plan_id])


def _give_plans_fingerprint(query: PlanQuery) -> int:
    asked = [query.vin, query.state, query.request_id, query.descending]
    return zlib.crc32(msgspec.json.encode(asked))


def _give_fingerprint(query: VehicleQuery) -> int:
    filters = sorted((name, fold_text(str(value))) for name, value in query.filters.items())
    status = None if query.status is None else query.status.value
    asked = [filters, status, query.operational, query.sort, query.descending]
    return zlib.crc32(msgspec.json.encode(asked if query.as_of is None else [*asked, query.as_of]))


def _give_report_fingerprint(query: TimeQuery) -> int:
    filters = sorted((name, fold_text(str(value))) for name, value in query.filters.items())
    return zlib.crc32(msgspec.json.encode([filters, query.from_at, query.to_at]))


def _is_id(number: int) -> bool:
    return not isinstance(number, bool) and 0 <= number <= _ID_MAX


def _is_seen(rest: list[object]) -> bool:
    return not rest or (len(rest) == 1 and isinstance(rest[0], int) and rest[0] > 0 and _is_id(rest[0]))


def _is_key(sort: str | None, key: str | int | None) -> bool:
    if isinstance(key, bool):
        return False
    if sort is None:
        return key is None
    if sort in _TIME_SORTS:
        return isinstance(key, int) and 0 <= key <= _INSTANT_MAX
    if sort in _NUMBER_SORTS:
        return isinstance(key, int) and -1 <= key <= 2**31 - 1
    if not isinstance(key, str):
        return False
    check_text("cursor", key, CURSOR_LENGTH_MAX)
    return True


def _encode(parts: list[object]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def _decode(cursor: str) -> list[object]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=list[object])
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _give_refusal() from error


def _give_refusal() -> PadronError:
    return PadronError(
        Code.BAD_PARAMETERS,
        "cursor is not one that this list gave for the same filters and order: start again without it.",
    )
