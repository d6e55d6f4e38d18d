"""Opaque cursors. A list's cursor belongs to its question: filters and order must stay the same.

Each cursor begins with the epoch of the register that gave it. A cursor of another epoch is
``cursor_gone``. A restored backup ended that life of the register, in which the same numbers may
have meant other changes.
"""

import re
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from padron.domain.account import ApiKey
from padron.domain.administration import FIRST_KEY, KeyPlace
from padron.domain.change import START, Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate import Refusal, RefusalPlace
from padron.domain.operation import ATTEMPTS_MAX, Result, RunResultPlace, VehicleResultPlace
from padron.domain.plan import PLAN_ID_PATTERN, Plan, PlanPlace, PlanQuery
from padron.domain.query import FILTER_FIELDS, FilterValues, Position, VehicleQuery, give_filter_values
from padron.domain.sorting import give_field_key
from padron.domain.time_in_status import TimeQuery
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME, VehicleVersion, check_text, fold_text, give_allowed
from padron.domain.vin import VIN_LENGTH, Vin
from padron.service.changes.cursor_texts import decode_cursor, encode_cursor, refuse_cursor
from padron.service.pages import look_beyond

Q = TypeVar("Q")

CURSOR_LENGTH_MAX = 2_000
_CURSORS_KEPT = 4_096  # of the feed: between two changes, every answer of the gate has the same one
_SIGNS_OF_KEYS = "".join(map(chr, range(1, 0x20)))  # what sort keys have instead of some signs
_is_plan_id = re.compile(PLAN_ID_PATTERN).fullmatch
_is_request_id = re.compile("[0-9A-Za-z_-]{1,100}").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_MAX = 2**63 - 1
_MARK_MAX = 2**32 - 1
_INSTANT_MAX = 253_402_300_799_999_999  # the last microsecond of the year 9999
_TIME_SORTS = frozenset({"statusSince", "createdAt", "updatedAt"})
_TEXT_SORTS = frozenset(field.name for field in FIELDS if field.is_text)
_NUMBER_SORTS = frozenset({"vehicleStatusId", *(field.name for field in FILTER_FIELDS.values() if not field.is_text)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Continued(Generic[Q]):
    """A query to the store that starts at a cursor, and the place in the feed that the earlier pages reflect."""

    query: Q
    told: Place


def continue_list(epoch: str, query: VehicleQuery, cursor: str | None) -> Continued[VehicleQuery]:
    """Give the query to the store: it starts at the cursor, and asks for one row more than the page has.

    It also gives the place in the feed that the earlier pages reflect. Without a named place that
    is the beginning. Raises ``cursor_gone``, and ``bad_parameters`` for a cursor that is damaged or
    belongs to another question.
    """
    asked = replace(query, limit=look_beyond(query.limit))
    if cursor is None:
        return Continued(query=asked, told=START)
    match decode_cursor(epoch, cursor):
        case [fingerprint, (str() | int() | None) as key, int(vehicle_id), int(began), *seen] if (
            fingerprint == _give_fingerprint(query)
            and _is_id(vehicle_id)
            and _is_id(began)
            and _is_key(query.sort, key)
        ):
            told = _parse_place(seen) if seen or query.as_of is not None else START
            place = give_field_key(query.sort, key) if isinstance(key, str) and query.sort in _TEXT_SORTS else key
            up_to = None if query.as_of is None else told.number
            after = Position(key=place, vehicle_id=vehicle_id, began=began)
            return Continued(query=replace(asked, after=after, up_to=up_to), told=told)
        case [fingerprint, [str(key)], int(vehicle_id), int(began), *seen] if (
            fingerprint == _give_fingerprint(query)
            and _is_id(vehicle_id)
            and _is_id(began)
            and query.sort in _TEXT_SORTS
        ):
            check_text("cursor", key, CURSOR_LENGTH_MAX, allowed=_SIGNS_OF_KEYS)
            after = Position(key=key, vehicle_id=vehicle_id, began=began)
            told = _parse_place(seen) if seen else START
            return Continued(query=replace(asked, after=after), told=told)
        case _:
            raise refuse_cursor()


def format_list_cursor(
    epoch: str, query: VehicleQuery, version: VehicleVersion, position: Position, seen: Place = START
) -> str:
    """Give the cursor that continues after this row of the list, in a state that has the change ``seen``.

    For a list of the past, ``seen`` is the cut, which stays the same. The cursor holds text as the
    vehicle has it. Its sort key may be several times as long, and too long for an address.
    """
    key = version.details.get(query.sort, "") if query.sort in _TEXT_SORTS else position.key
    return _format_place(epoch, query, key, position, seen)


def format_place_cursor(epoch: str, query: VehicleQuery, position: Position, seen: Place) -> str:
    """Give the cursor that continues after a place in the list, whose vehicle the page does not have.

    It holds the sort key itself, because the text may have changed since.
    """
    key = [position.key] if query.sort in _TEXT_SORTS else position.key
    return _format_place(epoch, query, key, position, seen)


def _format_place(epoch: str, query: VehicleQuery, key: object, position: Position, seen: Place) -> str:
    place: list[object] = [_give_fingerprint(query), key, position.vehicle_id, position.began]
    return encode_cursor(epoch, place if query.up_to is None and seen == START else [*place, seen.number, seen.mark])


def parse_history_cursor(epoch: str, cursor: str | None) -> int | None:
    """Give the change number that the page is below. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match decode_cursor(epoch, cursor):
        case ["history", int(number)] if _is_id(number):
            return number
        case _:
            raise refuse_cursor()


def format_history_cursor(epoch: str, number: int) -> str:
    """Give the cursor that continues below this change number."""
    return encode_cursor(epoch, ["history", number])


def parse_delivery_cursor(epoch: str, cursor: str | None) -> int | None:
    """Give the change number that the page of deliveries is below. Raises ``bad_parameters``."""
    # Both lists descend by the number of a change, and their cursors have always had the same form.
    # Clients may hold such cursors.
    return parse_history_cursor(epoch, cursor)


def format_delivery_cursor(epoch: str, number: int) -> str:
    """Give the cursor that continues below the delivery of this change."""
    return format_history_cursor(epoch, number)


def parse_import_cursor(epoch: str, cursor: str | None) -> int | None:
    """Give the id of the import that the page is below. Raises ``bad_parameters``."""
    numbers = parse_numbers(epoch, "imports", cursor, 1)
    return None if numbers is None else numbers[0]


def format_import_cursor(epoch: str, import_id: int) -> str:
    """Give the cursor that continues below this import."""
    return format_numbers(epoch, "imports", import_id)


def parse_key_cursor(epoch: str, cursor: str | None) -> KeyPlace:
    """Give the API key that the page is after. Raises ``bad_parameters``."""
    if cursor is None:
        return FIRST_KEY
    match decode_cursor(epoch, cursor):
        case ["keys", int(microseconds), str(key_id)] if _is_key("createdAt", microseconds) and key_id.isalnum():
            return KeyPlace(created_at=_EPOCH + timedelta(microseconds=microseconds), key_id=key_id)
        case _:
            raise refuse_cursor()


def format_key_cursor(epoch: str, key: ApiKey) -> str:
    """Give the cursor that continues after this API key."""
    return encode_cursor(epoch, ["keys", (key.created_at - _EPOCH) // timedelta(microseconds=1), key.key_id])


def parse_feed_cursor(epoch: str, cursor: str | None) -> Place:
    """Give the place after which the feed continues. Without a cursor that is the beginning.

    Raises ``bad_parameters``, and ``cursor_gone`` for a cursor of another life of the register.
    """
    if cursor is None:
        return START
    match decode_cursor(epoch, cursor):
        case ["feed", *place]:
            return _parse_place(place)
        case _:
            raise refuse_cursor()


@lru_cache(maxsize=_CURSORS_KEPT)
def format_feed_cursor(epoch: str, place: Place) -> str:
    """Give the cursor of a place in the feed."""
    return encode_cursor(epoch, ["feed", place.number, place.mark])


def parse_seen(epoch: str, text: str) -> Place | str:
    """Give what an answer must include: a place in the feed, or a request's id.

    Raises ``bad_parameters``, and ``cursor_gone`` for a cursor of another life of the register.
    """
    try:
        return parse_feed_cursor(epoch, text)
    except PadronError as error:
        if error.code is Code.CURSOR_GONE:
            raise
        if _is_request_id(text) is not None:
            return text
    raise PadronError(
        Code.BAD_PARAMETERS,
        "Padron-After is neither a cursor of the feed nor a request's id. Send one that an answer gave.",
    )


def parse_duplicate_cursor(epoch: str, cursor: str | None) -> str:
    """Give the VIN after which a page of duplicates continues, or "" without a cursor. Raises ``bad_parameters``."""
    if cursor is None:
        return ""
    match decode_cursor(epoch, cursor):
        case ["duplicates", str(vin)] if len(vin) == VIN_LENGTH:
            check_text("cursor", vin, VIN_LENGTH)
            return vin
        case _:
            raise refuse_cursor()


def format_duplicate_cursor(epoch: str, vin: Vin) -> str:
    """Give the cursor that continues after this VIN."""
    return encode_cursor(epoch, ["duplicates", vin])


def parse_refusal_cursor(epoch: str, cursor: str | None) -> RefusalPlace | None:
    """Give the place after which a page of refusals continues. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match decode_cursor(epoch, cursor):
        case ["refusals", int(hour), str(vin), str(operation), str(actor)] if (
            _is_id(hour) and hour <= _INSTANT_MAX // 1_000_000
        ):
            for text in (vin, operation, actor):
                check_text("cursor", text, CURSOR_LENGTH_MAX)
            hour_at = datetime.fromtimestamp(hour, UTC)
            return RefusalPlace(hour_at=hour_at, vin=vin, operation=operation, actor=actor)
        case _:
            raise refuse_cursor()


def format_refusal_cursor(epoch: str, refusal: Refusal) -> str:
    """Give the cursor that continues after this row."""
    hour = int(refusal.hour_at.timestamp())
    return encode_cursor(epoch, ["refusals", hour, refusal.vin, refusal.operation, refusal.actor])


def continue_report(epoch: str, query: TimeQuery, cursor: str) -> Continued[TimeQuery]:
    """Give the query to the store, which starts at the cursor, and the place in the feed that cuts it off.

    Raises as ``continue_list`` does.
    """
    match decode_cursor(epoch, cursor):
        case ["time-in-status", fingerprint, int(since), int(after), *until] if (
            fingerprint == _give_report_fingerprint(query) and _is_id(since) and _is_id(after)
        ):
            told = _parse_place(until)
            return Continued(query=replace(query, since=since, until=told.number, after=after), told=told)
        case _:
            raise refuse_cursor()


def format_report_cursor(epoch: str, query: TimeQuery, until: Place, after: int) -> str:
    """Give the cursor that continues after this vehicle, with the two cuts of the report."""
    fingerprint = _give_report_fingerprint(query)
    return encode_cursor(epoch, ["time-in-status", fingerprint, query.since, after, until.number, until.mark])


def parse_numbers(epoch: str, kind: str, cursor: str | None, count: int) -> tuple[int, ...] | None:
    """Give the numbers after which a list of this kind continues. None without a cursor. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match decode_cursor(epoch, cursor):
        case [name, *numbers] if (
            name == kind
            and len(numbers) == count
            and all(isinstance(number, int) and _is_id(number) for number in numbers)
        ):
            return tuple(number for number in numbers if isinstance(number, int))
        case _:
            raise refuse_cursor()


def format_numbers(epoch: str, kind: str, *numbers: int) -> str:
    """Give the cursor that continues after these numbers."""
    return encode_cursor(epoch, [kind, *numbers])


def parse_run_result_place(epoch: str, cursor: str | None) -> RunResultPlace:
    """Give the place that the page of a run's results is after. Raises ``bad_parameters``."""
    return RunResultPlace(*(parse_numbers(epoch, "run-results", cursor, 2) or (0, 0)))


def parse_result_place(epoch: str, cursor: str | None) -> VehicleResultPlace | None:
    """Give the place that the page of a vehicle's results is before. Raises ``bad_parameters``."""
    numbers = parse_numbers(epoch, "vehicle-results", cursor, 3)
    if numbers is None:
        return None
    microseconds, run_id, attempt = numbers
    if microseconds > _INSTANT_MAX or attempt > ATTEMPTS_MAX:
        raise refuse_cursor()
    return VehicleResultPlace(_EPOCH + timedelta(microseconds=microseconds), run_id, attempt)


def format_result_place(epoch: str, result: Result) -> str:
    """Give the cursor that continues before this result."""
    microseconds = (result.given_at - _EPOCH) // timedelta(microseconds=1)
    return format_numbers(epoch, "vehicle-results", microseconds, result.key.run_id, result.key.attempt)


def parse_plan_cursor(epoch: str, query: PlanQuery, cursor: str | None) -> PlanPlace | None:
    """Give the place after which a page of plans continues. Raises ``bad_parameters``."""
    if cursor is None:
        return None
    match decode_cursor(epoch, cursor):
        case ["plans", fingerprint, int(microseconds), str(plan_id)] if (
            fingerprint == _give_plans_fingerprint(query)
            and _is_id(microseconds)
            and microseconds <= _INSTANT_MAX
            and _is_plan_id(plan_id) is not None
        ):
            return PlanPlace(effective_at=_EPOCH + timedelta(microseconds=microseconds), plan_id=plan_id)
        case _:
            raise refuse_cursor()


def format_plan_cursor(epoch: str, query: PlanQuery, plan: Plan) -> str:
    """Give the cursor that continues after this plan."""
    microseconds = (plan.effective_at - _EPOCH) // timedelta(microseconds=1)
    return encode_cursor(epoch, ["plans", _give_plans_fingerprint(query), microseconds, plan.plan_id])


def _give_plans_fingerprint(query: PlanQuery) -> int:
    asked = [query.vin, query.state, query.request_id, query.descending]
    return zlib.crc32(msgspec.json.encode(asked))


def _give_fingerprint(query: VehicleQuery) -> int:
    filters = sorted((name, _fold_filter(wanted)) for name, wanted in query.filters.items())
    status = None if query.status is None else query.status.value
    asked: list[object] = [filters, status, query.operational, query.sort, query.descending]
    if query.statuses:
        asked.append(["statuses", *sorted(status.value for status in query.statuses)])
    if query.words:
        asked.append(sorted(query.words))
    return zlib.crc32(msgspec.json.encode(asked if query.as_of is None else [*asked, query.as_of]))


def _fold_filter(wanted: FilterValues) -> str:
    """Give what tells a filter from another one. That of one value is as in cursors of former versions."""
    folded = sorted({fold_text(str(value)) for value in give_filter_values(wanted)})
    return folded[0] if len(folded) == 1 else msgspec.json.encode(folded).decode()


def _give_report_fingerprint(query: TimeQuery) -> int:
    filters = sorted((name, fold_text(str(value))) for name, value in query.filters.items())
    return zlib.crc32(msgspec.json.encode([filters, query.from_at, query.to_at]))


def _is_id(number: int) -> bool:
    return not isinstance(number, bool) and 0 <= number <= _ID_MAX


def _parse_place(parts: list[object]) -> Place:
    match parts:
        case [int(number), int(mark)] if _is_id(number) and not isinstance(mark, bool) and 0 <= mark <= _MARK_MAX:
            return Place(number=number, mark=mark)
        case _:
            raise refuse_cursor()


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
    field = FIELDS_BY_NAME.get(sort)
    check_text("cursor", key, CURSOR_LENGTH_MAX, allowed="" if field is None else give_allowed(field))
    return True
