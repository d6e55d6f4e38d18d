"""Turns rows into records and back. Instants are stored as microseconds since 1970, core data as JSON text."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from padron.domain.account import Account, ApiKey
from padron.domain.change import START, ChangeType, FeedEntry, HistoryEntry, Place
from padron.domain.gate import Refusal, RefusalReason
from padron.domain.query import Position, VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.time_in_status import StatusTime
from padron.domain.vehicle import Details, Difference, Vehicle, VehicleVersion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATUSES = {status.value: status for status in VehicleStatus}


def to_instant(microseconds: int) -> datetime:
    """Give the instant of a stored number."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_instant_or_none(microseconds: int | None) -> datetime | None:
    """Give the instant of a stored number, or None."""
    return None if microseconds is None else to_instant(microseconds)


def from_instant(at: datetime) -> int:
    """Give the number to store for an instant."""
    return (at - _EPOCH) // _MICROSECOND


def from_instant_or_none(at: datetime | None) -> int | None:
    """Give the number to store for an instant, or None."""
    return None if at is None else from_instant(at)


def to_vehicle(row: tuple[Any, ...]) -> Vehicle:
    """Give the vehicle of a row of ``vehicles``."""
    return Vehicle(
        vehicle_id=row[0],
        vin=row[1],
        slot=row[2],
        status=_STATUSES[row[3]],
        status_since=to_instant(row[4]),
        status_by=row[5],
        status_reason=row[6],
        revision=row[7],
        created_at=to_instant(row[8]),
        updated_at=to_instant(row[9]),
    )


def to_details(text: str) -> Details:
    """Give the core data of a JSON text."""
    return msgspec.json.decode(text, type=dict[str, str | int])


def to_version(row: tuple[Any, ...]) -> VehicleVersion:
    """Give the version of a joined row: a vehicle's columns, details, began, valid_from, valid_to."""
    return VehicleVersion(
        vehicle=to_vehicle(row),
        details=to_details(row[10]),
        began=row[11],
        valid_from=to_instant(row[12]),
        valid_to=to_instant_or_none(row[13]),
    )


def to_position(row: tuple[Any, ...], query: VehicleQuery) -> Position:
    """Give the place of a list's row in the order asked for."""
    return Position(key=None if query.sort is None else row[14], vehicle_id=row[0], began=row[11])


def to_history_entry(row: tuple[Any, ...]) -> HistoryEntry:
    """Give the history entry of a row of ``changes``."""
    number, kind, at, by, request_id, from_status, to_status, reason, differences = row
    return HistoryEntry(
        number=number,
        type=ChangeType(kind),
        at=to_instant(at),
        by=by,
        request_id=request_id,
        from_status=None if from_status is None else _STATUSES[from_status],
        to_status=_STATUSES[to_status],
        reason=reason,
        differences=None if differences is None else msgspec.json.decode(differences, type=dict[str, Difference]),
    )


def to_feed_entry(row: tuple[Any, ...]) -> FeedEntry:
    """Give the feed entry of a row: the columns of history, then the vehicle's id, VIN and present status."""
    *change, vehicle_id, vin, status = row
    return FeedEntry(
        change=to_history_entry(tuple(change)),
        vehicle_id=vehicle_id,
        vin=vin,
        is_operational=is_operational(_STATUSES[status]),
    )


def to_place(number: int, request_id: str | None, at: int | None, vin: str | None) -> Place:
    """Give the place after a change; the beginning where there is none."""
    if request_id is None or at is None or vin is None:
        return START
    return Place.after(number, request_id=request_id, at=to_instant(at), vin=vin)


def to_status_time(row: tuple[Any, ...]) -> StatusTime:
    """Give the time of a row of ``sum_statuses``."""
    return StatusTime(
        vehicle_id=row[0],
        vin=row[1],
        status=_STATUSES[row[2]],
        reason=row[3],
        microseconds=row[4],
        plate=row[5],
        custom_id=row[6],
    )


def to_refusal(row: tuple[Any, ...]) -> Refusal:
    """Give the refusal of a row of ``gate_refusals``."""
    return Refusal(
        hour_at=to_instant(row[0]),
        vin=row[1],
        operation=row[2],
        actor=row[3],
        reason=RefusalReason(row[4]),
        status=None if row[5] is None else _STATUSES[row[5]],
        count=row[6],
        first_at=to_instant(row[7]),
        last_at=to_instant(row[8]),
    )


def to_account(row: tuple[Any, ...]) -> Account:
    """Give the account of a row."""
    return Account(account_id=row[0], name=row[1], created_at=to_instant(row[2]))


def to_key(row: tuple[Any, ...]) -> ApiKey:
    """Give the key of a row; scopes are stored as words between spaces."""
    return ApiKey(
        account_id=row[0],
        key_id=row[1],
        label=row[2],
        scopes=frozenset(row[3].split()),
        secret_sha256=row[4],
        created_at=to_instant(row[5]),
        expires_at=to_instant_or_none(row[6]),
        revoked_at=to_instant_or_none(row[7]),
        last_used_at=to_instant_or_none(row[8]),
    )
