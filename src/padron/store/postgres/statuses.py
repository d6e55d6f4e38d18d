"""Status changes, the hot path: a batch is one statement, and needs no transaction around it.

Four round trips (begin, lock, save, commit) become two: the vehicles are read without a lock, and the statement that
saves compares their revisions. Whatever else changes a vehicle's own row raises its revision.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from padron.domain.change import Change, ChangeType
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.store.postgres.rows import to_vehicle
from padron.store.statements import load_statements

SQL = load_statements("padron.store.postgres")


class OvertakenError(Exception):
    """Another transaction changed one of the vehicles after it was read: nothing was saved."""


class StatusAttempt:
    """Reads vehicles and saves changes of their statuses, as a transaction of one account, but locks nothing between.

    It has to be repeated with locks when it was overtaken, which ``save_changes`` raises.
    """

    def __init__(self, connection: asyncpg.Connection, account_id: int) -> None:
        self._connection = connection
        self._account_id = account_id

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        rows = await self._connection.fetch(SQL["load_gate"], self._account_id, vins)
        return [to_vehicle(row) for row in rows if row[0] is not None]

    async def save_changes(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        try:
            await save_statuses(self._connection, self._account_id, changes)
        except asyncpg.NotNullViolationError as error:
            raise OvertakenError from error


async def save_statuses(connection: asyncpg.Connection, account_id: int, changes: Sequence[Change]) -> None:
    """Write changes that are all plain. Raises NotNullViolationError when a vehicle is not as it was read."""
    times = Counter(change.vehicle.vehicle_id for change in changes)
    last = {change.vehicle.vehicle_id: place for place, change in enumerate(changes)}
    seen: list[int | None] = [None] * len(changes)
    for vehicle_id, place in last.items():
        seen[place] = changes[place].vehicle.revision - times[vehicle_id]  # each change adds one
    deactivated = find_deactivated(changes)
    await connection.execute(
        SQL["save_statuses"],
        account_id,
        [change.vehicle.vehicle_id for change in changes],
        [change.vehicle.vin for change in changes],
        [change.at for change in changes],
        [change.by for change in changes],
        [change.request_id for change in changes],
        [give_status_id(change.from_status) for change in changes],
        [change.vehicle.status.value for change in changes],
        [change.reason for change in changes],
        [change.vehicle.revision for change in changes],
        seen,
        len(changes),
        list(deactivated),
        list(deactivated.values()),
    )


def is_plain(change: Change) -> bool:
    """Say whether nothing but the status of a vehicle that stays current is changed, by attributes, which is fast."""
    return change.type is ChangeType.STATUS_CHANGED and change.details is None and change.vehicle.slot >= 0


def find_deactivated(changes: Sequence[Change]) -> dict[int, datetime]:
    """Give when each vehicle was deactivated first, by vehicle id, as work is locked in this order.

    A later change of the batch back to Active undoes nothing.
    """
    deactivated: dict[int, datetime] = {}
    for change in changes:
        if change.deactivates:
            deactivated.setdefault(change.vehicle.vehicle_id, change.at)
    return dict(sorted(deactivated.items()))


def give_status_id(status: VehicleStatus | None) -> int | None:
    """Give what a column of statuses holds."""
    return None if status is None else status.value
