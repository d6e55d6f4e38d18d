"""Status changes, the hot path: the calls of several accounts in one transaction.

Each statement runs once for each row, but is looked up, prepared and begun once for the whole batch.
"""

from collections.abc import Mapping, Sequence

import apsw

from padron.domain.change import Change, find_latest, keep_order
from padron.domain.vehicle import Vehicle
from padron.store.base import Decide
from padron.store.changes import encode_differences
from padron.store.sqlite.port import SQL, from_instant, to_instant
from padron.store.strict_accounts import StrictAccounts
from padron.store.vehicles import VEHICLE, give_status_id, to_vehicle

_ACCOUNT_PLACE = len(VEHICLE.names)  # the account comes after the vehicle's columns

_Bound = tuple[object, ...]


def change_together(
    connection: apsw.Connection, vins: Mapping[int, Sequence[str]], decide: Decide, strict: StrictAccounts
) -> None:
    """Read vehicles of several accounts and save the decided changes. Each of them changes only a status."""
    asked = [(account_id, vin) for account_id, named in vins.items() for vin in named]
    found: dict[int, list[Vehicle]] = {account_id: [] for account_id in vins}
    for row in connection.executemany(SQL["load_together"], asked):
        found[row[_ACCOUNT_PLACE]].append(to_vehicle(row, to_instant))
    decided = {account_id: decide(account_id, vehicles) for account_id, vehicles in found.items()}
    for account_id, made in decided.items():
        if not made:
            strict.note(account_id, connection.execute(SQL["find_strict_gates"], (account_id,)).get)
    save_statuses(connection, {account_id: made for account_id, made in decided.items() if made}, strict)


def save_statuses(connection: apsw.Connection, changes: Mapping[int, Sequence[Change]], strict: StrictAccounts) -> None:
    """Write plain changes by account, with each account's next numbers."""
    firsts = _take_numbers(connection, changes, strict)
    statuses: list[_Bound] = []
    deactivated: list[_Bound] = []
    recorded: list[_Bound] = []
    for account_id, made in changes.items():
        instant, at = made[0].at, from_instant(made[0].at)
        for number, change in enumerate(made, firsts[account_id]):
            if change.at is not instant:  # the calls of a batch share their instant
                instant, at = change.at, from_instant(change.at)
            vehicle_id = change.vehicle.vehicle_id
            statuses.append(give_status_row(account_id, change, at))
            if change.deactivates:
                deactivated.append((at, account_id, vehicle_id))
            recorded.append(give_change_row(account_id, change, number, vehicle_id, at))
    connection.executemany(SQL["update_status"], statuses)
    if deactivated:
        _withdraw_work(connection, deactivated)
    connection.executemany(SQL["insert_change"], recorded)


def _take_numbers(
    connection: apsw.Connection, changes: Mapping[int, Sequence[Change]], strict: StrictAccounts
) -> dict[int, int]:
    """Take the accounts' next numbers, keep the order of their instants, and give the number of each first change."""
    firsts: dict[int, int] = {}
    taken: list[_Bound] = []
    rows = connection.executemany(SQL["load_numbers"], [(one,) for one in changes])
    for last, last_at, account_id, switches in rows:
        strict.note(account_id, switches)
        made = changes[account_id]
        latest = from_instant(find_latest(made))
        if last_at > latest:
            keep_order(made, to_instant(last_at))
        firsts[account_id] = last + 1
        taken.append((last + len(made), max(last_at, latest), account_id))
    connection.executemany(SQL["save_numbers"], taken)
    return firsts


def _withdraw_work(connection: apsw.Connection, deactivated: Sequence[_Bound]) -> None:
    """Withdraw the work of vehicles, each with its instant and its account. Most have none."""
    found = set(connection.executemany(SQL["find_answerable_work"], [row[1:] for row in deactivated]))
    if found:
        connection.executemany(SQL["withdraw_work"], [row for row in deactivated if row[1:] in found])


def give_status_row(account_id: int, change: Change, at: int) -> _Bound:
    """Give the values of ``update_status``. ``at`` is the instant of the change as it is stored."""
    vehicle = change.vehicle
    return (
        give_status_id(vehicle.status), at, vehicle.status_by, vehicle.status_reason, vehicle.revision, at,
        account_id, vehicle.vehicle_id,
    )  # fmt: skip


def give_change_row(account_id: int, change: Change, number: int, vehicle_id: int, at: int) -> _Bound:
    """Give the values of ``insert_change``. ``at`` is the instant of the change as it is stored."""
    return (
        account_id,
        number,
        vehicle_id,
        change.vehicle.vin,
        change.type._value_,
        at,
        change.by,
        change.request_id,
        give_status_id(change.from_status),
        give_status_id(change.vehicle.status),
        change.reason,
        encode_differences(change),
    )
