"""One account's write transaction. Statements run on the event loop, because they take microseconds."""

import json
from collections.abc import Mapping, Sequence
from itertools import count

import apsw
import msgspec

from padron.domain.account import refuse_deleted
from padron.domain.change import (
    NONE_WRITTEN,
    Change,
    ChangeType,
    FeedEntry,
    Span,
    WrittenChanges,
    count_new,
    find_latest,
    give_ids,
    keep_order,
)
from padron.domain.searching import give_search_text
from padron.domain.vehicle import Details, Vehicle, fold_text
from padron.store.changes import to_feed_entry
from padron.store.nouns import NounTransactions
from padron.store.port import Row
from padron.store.sql.columns import fold_columns, fold_plate
from padron.store.sqlite.port import SQL, SqliteWrites, from_instant, to_instant
from padron.store.sqlite.statuses import give_change_row, give_status_row
from padron.store.strict_accounts import StrictAccounts
from padron.store.vehicles import to_details, to_vehicle

MANY = 300  # more than a batch of status calls has; from here one statement for all is faster than one for each


class SqliteTransaction(NounTransactions):
    """The open transaction of the one write connection, bound to an account."""

    def __init__(self, connection: apsw.Connection, account_id: int, strict: StrictAccounts) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._account_id = account_id
        self._strict = strict

    @property
    def port(self) -> SqliteWrites:
        """The transaction as the other nouns' classes use it."""
        return SqliteWrites(self._connection, self._account_id)

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs. The transaction already holds the only write lock."""
        execute, account_id, statement = self._execute, self._account_id, SQL["lock_by_vin"]
        if len(vins) >= MANY:
            return [
                to_vehicle(row, to_instant)
                for row in execute(SQL["lock_by_vins"], (account_id, json.dumps(list(vins))))
            ]
        return [
            to_vehicle(row, to_instant) for vin in sorted(set(vins)) for row in execute(statement, (account_id, vin))
        ]

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these plates. A vehicle has one plate, so no vehicle appears twice."""
        execute, account_id, statement = self._execute, self._account_id, SQL["lock_by_plate"]
        folded = list(dict.fromkeys(fold_text(plate) for plate in plates))
        if len(folded) >= MANY:
            return [
                to_vehicle(row, to_instant) for row in execute(SQL["lock_by_plates"], (account_id, json.dumps(folded)))
            ]
        return [to_vehicle(row, to_instant) for plate in folded for row in execute(statement, (account_id, plate))]

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the current core data by vehicle id."""
        if len(vehicle_ids) >= MANY:
            asked = (self._account_id, json.dumps(list(vehicle_ids)))
            found = self._execute(SQL["load_details"], asked)
            return {vehicle_id: to_details(details) for vehicle_id, details in found}
        return {
            vehicle_id: to_details(details)
            for vehicle_id in vehicle_ids
            for (details,) in self._execute(SQL["find_details"], (self._account_id, vehicle_id))
        }

    async def count_vehicles(self) -> int:
        """Give the number of current vehicles."""
        ((count,),) = self._execute(SQL["count_vehicles"], (self._account_id,))
        return int(count)

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        """Give the former ones of these vehicles."""
        execute, account_id, statement = self._execute, self._account_id, SQL["lock_former"]
        return [
            to_vehicle(row, to_instant)
            for one in sorted(set(vehicle_ids))
            for row in execute(statement, (account_id, one))
        ]

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the last core data by vehicle id."""
        return {
            vehicle_id: to_details(details)
            for vehicle_id in vehicle_ids
            for (details,) in self._execute(SQL["load_former_details"], (self._account_id, vehicle_id))
        }

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        """Give current vehicles other slots."""
        rows = [(self._account_id, vehicle_id, slot) for vehicle_id, slot in slots.items()]
        self._executemany(SQL["move_vehicle"], rows)

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        """Give each vehicle's first foreign change since its span began."""
        statement, account_id = SQL["find_later_changes"], self._account_id
        return {
            vehicle_id: to_feed_entry(row, to_instant)
            for vehicle_id, span in spans.items()
            for row in self._execute(statement, (account_id, vehicle_id, span.first, span.last, request_id))
        }

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        """Write the changes, in order, with the account's next numbers, and give them with these numbers."""
        if not changes:
            return NONE_WRITTEN
        latest = from_instant(find_latest(changes))
        taken = (len(changes), latest, self._account_id, count_new(changes))
        last, last_at, vehicle_count, switches = self._take_numbers(taken)
        self._strict.note(self._account_id, switches)
        if last_at > latest:
            keep_order(changes, to_instant(last_at))
        first = last - len(changes) + 1
        give_ids(changes, first)
        if len(changes) > 1 and all(change.type is ChangeType.REGISTERED for change in changes):
            self._executemany(SQL["insert_vehicle"], map(self._give_vehicle, changes, count(first)))
            self._executemany(SQL["insert_version"], map(self._give_first_version, changes, count(first)))
            self._executemany(SQL["insert_search_text"], map(self._give_search_text, changes, count(first)))
            self._executemany(
                SQL["insert_change"],
                (
                    give_change_row(self._account_id, change, n, n, from_instant(change.at))
                    for n, change in enumerate(changes, first)
                ),
            )
            return WrittenChanges(changes=changes, first_number=first, vehicle_count=vehicle_count)
        rows = []
        for number, change in enumerate(changes, start=first):
            vehicle_id = change.vehicle.vehicle_id
            match change.type:
                # The status call's case is first, because it is by far the most frequent. Attributes decide it.
                case ChangeType.STATUS_CHANGED if change.details is None and change.vehicle.slot >= 0:
                    self._update_status(change)
                case ChangeType.STATUS_CHANGED if change.restores:
                    self._restore_vehicle(change, number)
                case ChangeType.STATUS_CHANGED | ChangeType.DELETED:
                    self._retire_vehicle(change, number)
                case ChangeType.INFO_CHANGED | ChangeType.ERASED:
                    self._change_details(change, number)
                case ChangeType.REGISTERED:
                    self._execute(SQL["insert_vehicle"], self._give_vehicle(change, number))
                    self._execute(SQL["insert_version"], self._give_first_version(change, number))
                    self._execute(SQL["insert_search_text"], self._give_search_text(change, number))
            rows.append(give_change_row(self._account_id, change, number, vehicle_id, from_instant(change.at)))
        self._executemany(SQL["insert_change"], rows)
        return WrittenChanges(changes=changes, first_number=first, vehicle_count=vehicle_count)

    def _take_numbers(self, taken: tuple[int, ...]) -> Row:
        rows: Sequence[Row] = self._execute(SQL["take_numbers"], taken).fetchall()
        if not rows:
            raise refuse_deleted()
        return rows[0]

    def _update_status(self, change: Change) -> None:
        at = from_instant(change.at)
        self._execute(SQL["update_status"], give_status_row(self._account_id, change, at))
        if change.deactivates:
            self._execute(SQL["withdraw_work"], (at, self._account_id, change.vehicle.vehicle_id))

    def _retire_vehicle(self, change: Change, number: int) -> None:
        vehicle, at = change.vehicle, from_instant(change.at)
        key = (self._account_id, vehicle.vehicle_id)
        self._execute(
            SQL["retire_vehicle"],
            (*key, vehicle.vin, at, vehicle.status_by, vehicle.status_reason, vehicle.revision),
        )
        self._execute(SQL["end_version"], (number, at, *key))
        self._execute(SQL["delete_search_text"], key)
        if change.deactivates:
            self._execute(SQL["withdraw_work"], (at, *key))

    def _restore_vehicle(self, change: Change, number: int) -> None:
        vehicle, details, at = change.vehicle, change.details or {}, from_instant(change.at)
        status = (vehicle.status.value, at, vehicle.status_by, vehicle.status_reason, vehicle.revision)
        self._execute(
            SQL["restore_vehicle"],
            (self._account_id, vehicle.vehicle_id, vehicle.slot, fold_plate(details), *status),
        )
        self._execute(SQL["insert_version"], self._give_version(change, vehicle.vehicle_id, number))
        self._execute(SQL["save_search_text"], self._give_search_text(change, vehicle.vehicle_id))

    def _change_details(self, change: Change, number: int) -> None:
        vehicle, details = change.vehicle, change.details or {}
        at = from_instant(change.at)
        if change.details is None:
            self._execute(SQL["touch_vehicle"], (vehicle.revision, at, self._account_id, vehicle.vehicle_id))
            return
        self._execute(
            SQL["update_identity"],
            (vehicle.vin, fold_plate(details), vehicle.revision, at, self._account_id, vehicle.vehicle_id),
        )
        self._execute(SQL["end_version"], (number, at, self._account_id, vehicle.vehicle_id))
        self._execute(SQL["insert_version"], self._give_version(change, vehicle.vehicle_id, number))
        self._execute(SQL["save_search_text"], self._give_search_text(change, vehicle.vehicle_id))

    def _give_vehicle(self, change: Change, number: int) -> tuple[object, ...]:
        vehicle, at = change.vehicle, from_instant(change.at)
        return (
            self._account_id, number, vehicle.vin, vehicle.slot, fold_plate(change.details or {}),
            vehicle.status.value, at, vehicle.status_by, vehicle.status_reason,
            vehicle.revision, at, at,
        )  # fmt: skip

    def _give_first_version(self, change: Change, number: int) -> tuple[object, ...]:
        return self._give_version(change, number, number)

    def _give_version(self, change: Change, vehicle_id: int, began: int) -> tuple[object, ...]:
        details = change.details or {}
        text = msgspec.json.encode(details).decode()
        at = from_instant(change.at)
        return (self._account_id, vehicle_id, began, at, change.vehicle.vin, text, *fold_columns(details))

    def _give_search_text(self, change: Change, vehicle_id: int) -> tuple[object, ...]:
        return (self._account_id, vehicle_id, give_search_text(change.vehicle.vin, change.details or {}))
