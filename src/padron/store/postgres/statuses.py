"""Status changes, the hot path: a batch is one statement, of whatever accounts, and needs no transaction around it.

Four round trips (begin, lock, save, commit) become two: the vehicles are read without a lock, and the statement that
saves compares their revisions. Whatever else changes a vehicle's own row raises its revision.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

import asyncpg

from padron.domain.change import Change, ChangeType, keep_order
from padron.domain.vehicle import Vehicle
from padron.store.base import Decide
from padron.store.postgres.port import SQL, leave_instant
from padron.store.vehicles import VEHICLE, give_status_id, to_vehicle

BRIEF_MS_MAX = 50

_ACCOUNT_PLACE = len(VEHICLE.names)  # the account comes after the vehicle's columns


class Patience(Enum):
    """How long a batch waits for others that are in its way."""

    NONE = "none"
    BRIEF = "brief"  # as long as a batch of another server may take
    FULL = "full"  # as long as any write


def _build_save(*, given: str = "", skip: str = "", withdraw: str = "withdraw_work") -> str:
    return SQL["save_statuses"].replace(":given", given).replace(":skip", skip).replace(":withdraw", withdraw)


SAVES = {
    Patience.NONE: _build_save(skip="SKIP LOCKED", withdraw="withdraw_free_work"),
    Patience.BRIEF: _build_save(given=f"set_config('lock_timeout', '{BRIEF_MS_MAX}', true) AS brief CROSS JOIN"),
    Patience.FULL: _build_save(),
}


async def change_together(
    connection: asyncpg.Connection,
    vins: Mapping[int, Sequence[str]],
    decide: Decide,
    patience: Patience,
) -> frozenset[int]:
    """Read vehicles of several accounts and save what is decided; give the accounts in which nobody was in the way."""
    accounts = [account_id for account_id, asked in vins.items() for _ in asked]
    rows = await connection.fetch(SQL["load_together"], accounts, [vin for asked in vins.values() for vin in asked])
    found: dict[int, list[Vehicle]] = {account_id: [] for account_id in vins}
    for row in rows:
        found[row[_ACCOUNT_PLACE]].append(to_vehicle(row, leave_instant))
    decided = {account_id: decide(account_id, vehicles) for account_id, vehicles in found.items()}
    changes = {account_id: made for account_id, made in decided.items() if made}
    try:
        saved = await save_statuses(connection, changes, patience) if changes else {}
    except asyncpg.NotNullViolationError:
        saved = {}
    except asyncpg.LockNotAvailableError:
        if patience is not Patience.BRIEF:
            raise
        saved = {}
    return frozenset(vins) - (changes.keys() - saved.keys())


async def save_statuses(
    connection: asyncpg.Connection, changes: Mapping[int, Sequence[Change]], patience: Patience
) -> dict[int, int]:
    """Write changes by account, all of them plain, and give the number of each account's first one.

    An account is left out, and nothing of it is written, when one of its vehicles is not as it was read. Without
    patience it is also left out when another transaction holds something that it would have to wait for. Raises
    LockNotAvailableError when it waited in vain, and NotNullViolationError when a row was moved; then nothing at all is
    written.
    """
    rows = [
        (
            account_id, change.vehicle.vehicle_id, change.vehicle.vin, change.at, change.by, change.request_id,
            give_status_id(change.from_status), change.vehicle.status.value, change.reason, change.vehicle.revision,
            revision, place,
        )
        for account_id, made in changes.items()
        for place, (change, revision) in enumerate(zip(made, list_seen(made), strict=True), start=1)
    ]  # fmt: skip
    deactivated = [
        (account_id, vehicle_id, at)
        for account_id, made in changes.items()
        for vehicle_id, at in find_deactivated(made).items()
    ]
    saved = await connection.fetch(
        SAVES[patience],
        *map(list, zip(*rows, strict=True)),
        *(map(list, zip(*deactivated, strict=True)) if deactivated else ([], [], [])),
    )
    for account_id, last_at, _ in saved:
        keep_order(changes[account_id], last_at)
    return {account_id: former + 1 for account_id, _, former in saved}


def list_seen(changes: Sequence[Change]) -> list[int | None]:
    """Give, at each vehicle's last change, the revision that it had when it was read; None at those before."""
    times = Counter(change.vehicle.vehicle_id for change in changes)
    last = {change.vehicle.vehicle_id: place for place, change in enumerate(changes)}
    seen: list[int | None] = [None] * len(changes)
    for vehicle_id, place in last.items():
        seen[place] = changes[place].vehicle.revision - times[vehicle_id]  # each change adds one
    return seen


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
