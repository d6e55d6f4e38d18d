"""Status changes, the hot path. One statement saves a batch of any accounts and needs no transaction around it.

This takes two round trips instead of four (begin, lock, save, commit). The first reads the vehicles without a lock.
The second saves, and compares the vehicles' revisions. Every other change of a vehicle's own row raises its revision.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

import asyncpg

from padron.domain.change import Change, ChangeType, keep_order
from padron.domain.vehicle import Vehicle
from padron.store.base import Decide
from padron.store.postgres.port import SQL, FetchPort, leave_instant
from padron.store.strict_accounts import StrictAccounts
from padron.store.vehicles import VEHICLE, give_status_id, to_vehicle

BRIEF_MS_MAX = 50

_ACCOUNT_PLACE = len(VEHICLE.names)  # the account comes after the vehicle's columns


class Patience(Enum):
    """How long a batch waits for the locks of other transactions."""

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
    connection: FetchPort,
    vins: Mapping[int, Sequence[str]],
    decide: Decide,
    patience: Patience,
    strict: StrictAccounts,
    confirm: str | None = None,
) -> frozenset[int]:
    """Read vehicles of several accounts and save the decided changes. Give the accounts without a conflict.

    ``confirm`` is a statement to send where nothing is saved, if only saving proves that the place was the right one.
    """
    accounts = [account_id for account_id, asked in vins.items() for _ in asked]
    rows = await connection.fetch(SQL["load_together"], accounts, [vin for asked in vins.values() for vin in asked])
    found: dict[int, list[Vehicle]] = {account_id: [] for account_id in vins}
    for row in rows:
        account_id, switches = row[_ACCOUNT_PLACE:]
        if switches is None:
            found[account_id].append(to_vehicle(row, leave_instant))
        else:
            strict.note(account_id, switches)
    decided = {account_id: decide(account_id, vehicles) for account_id, vehicles in found.items()}
    changes = {account_id: made for account_id, made in decided.items() if made}
    try:
        saved = await save_statuses(connection, changes, patience, strict) if changes else {}
        if confirm is not None and not changes:
            await connection.fetch(confirm)
    except asyncpg.NotNullViolationError:
        saved = {}
    except asyncpg.LockNotAvailableError:
        if patience is not Patience.BRIEF:
            raise
        saved = {}
    return frozenset(vins) - (changes.keys() - saved.keys())


async def save_statuses(
    connection: FetchPort, changes: Mapping[int, Sequence[Change]], patience: Patience, strict: StrictAccounts
) -> dict[int, int]:
    """Write plain changes by account, and give the number of each account's first one.

    The statement leaves an account out, and writes nothing of it, when one of its vehicles changed since it was read.
    Without patience it also leaves out an account for which it would have to wait.

    Raises LockNotAvailableError when a wait times out, and NotNullViolationError when a row was moved. Then nothing is
    written for any account.
    """
    rows = [
        (
            account_id, change.vehicle.vehicle_id, change.vehicle.vin, change.at, change.by, change.request_id,
            give_status_id(change.from_status), give_status_id(change.vehicle.status), change.reason,
            change.vehicle.revision, revision, place,
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
    for account_id, last_at, _, switches in saved:
        keep_order(changes[account_id], last_at)
        strict.note(account_id, switches)
    return {account_id: former + 1 for account_id, _, former, _ in saved}


def list_seen(changes: Sequence[Change]) -> list[int | None]:
    """Give for each vehicle's last change the revision that the vehicle had when read, and None for earlier ones."""
    if len({change.vehicle.vehicle_id for change in changes}) == len(changes):  # nearly always
        return [change.vehicle.revision - 1 for change in changes]
    times = Counter(change.vehicle.vehicle_id for change in changes)
    last = {change.vehicle.vehicle_id: place for place, change in enumerate(changes)}
    seen: list[int | None] = [None] * len(changes)
    for vehicle_id, place in last.items():
        seen[place] = changes[place].vehicle.revision - times[vehicle_id]  # each change adds one
    return seen


def is_plain(change: Change) -> bool:
    """Say whether a change changes only the status, and the vehicle stays current. Attributes are fast to compare."""
    return change.type is ChangeType.STATUS_CHANGED and change.details is None and change.vehicle.slot >= 0


def find_deactivated(changes: Sequence[Change]) -> dict[int, datetime]:
    """Give the instant of each vehicle's first deactivation, in order of vehicle ids, the order of work's locks.

    A later change of the batch back to Active does not restore the work.
    """
    deactivated: dict[int, datetime] = {}
    for change in changes:
        if change.deactivates:
            deactivated.setdefault(change.vehicle.vehicle_id, change.at)
    return dict(sorted(deactivated.items()))
