"""One account's write transaction. A method takes a few round trips, however many vehicles there are."""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from padron.domain.account import refuse_deleted
from padron.domain.change import (
    NONE_WRITTEN,
    Change,
    ChangeType,
    FeedEntry,
    NumberedChange,
    Span,
    WrittenChanges,
    count_new,
    find_latest,
    give_ids,
    keep_order,
)
from padron.domain.searching import give_search_text
from padron.domain.vehicle import Details, Vehicle, fold_text
from padron.store.changes import encode_differences, to_feed_entry
from padron.store.nouns import NounTransactions
from padron.store.postgres.port import SQL, DriverPort, PostgresWrites, leave_instant, run_portions
from padron.store.postgres.statuses import Patience, find_deactivated, is_plain, save_statuses
from padron.store.sql.columns import fold_columns, fold_plate
from padron.store.sql.searching import give_elements
from padron.store.strict_accounts import StrictAccounts
from padron.store.vehicles import give_status_id, to_details, to_vehicle

_EDITS = frozenset({ChangeType.INFO_CHANGED, ChangeType.ERASED})
MANY = 300  # more than a batch of status calls has


class PostgresTransaction(NounTransactions):
    """An open transaction, bound to an account.

    By way of Citus (``is_distributed``) it sends only plain statements. Citus cannot route a statement that changes
    several tables.
    """

    def __init__(
        self, connection: DriverPort, account_id: int, strict: StrictAccounts, *, is_distributed: bool = False
    ) -> None:
        self._connection = connection
        self._account_id = account_id
        self._strict = strict
        self._is_distributed = is_distributed

    @property
    def port(self) -> PostgresWrites:
        """The transaction as the other nouns' classes use it."""
        return PostgresWrites(self._connection, self._account_id)

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        if len(vins) >= MANY:
            await self._plan_anew()
        rows = await self._connection.fetch(SQL["lock_by_vin"], self._account_id, vins)
        return sorted(_give_vehicles(rows), key=lambda vehicle: (vehicle.vin, vehicle.slot))

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        if len(plates) >= MANY:
            await self._plan_anew()
        folded = [fold_text(plate) for plate in plates]
        rows = await self._connection.fetch(SQL["lock_by_plate"], self._account_id, folded)
        return _give_vehicles(rows)

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        rows = await self._connection.fetch(SQL["load_details"], self._account_id, vehicle_ids)
        return {vehicle_id: to_details(details) for vehicle_id, details in rows}

    async def count_vehicles(self) -> int:
        return int(await self._connection.fetchval(SQL["count_vehicles"], self._account_id))

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        rows = await self._connection.fetch(SQL["lock_former"], self._account_id, vehicle_ids)
        return _give_vehicles(rows)

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        rows = await self._connection.fetch(SQL["load_former_details"], self._account_id, vehicle_ids)
        return {vehicle_id: to_details(details) for vehicle_id, details in rows}

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        await self._write(SQL["move_vehicle"], [(self._account_id, *move) for move in slots.items()])
        await self._write(SQL["save_identity"], [(self._account_id, vehicle_id) for vehicle_id in slots])

    async def _plan_anew(self) -> None:
        """Make PostgreSQL plan the transaction's look-ups for the present size of the tables.

        A plan from a time when a table was nearly empty walks the whole table for each batch, until ANALYZE runs.
        """
        await self._connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        firsts, lasts = [span.first for span in spans.values()], [span.last for span in spans.values()]
        parameters = (self._account_id, list(spans), firsts, lasts, request_id)
        found = [
            to_feed_entry(row, leave_instant)
            for row in await self._connection.fetch(SQL["find_later_changes"], *parameters)
        ]
        return {entry.vehicle_id: entry for entry in found}

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        if not changes:
            return NONE_WRITTEN
        if not self._is_distributed and all(map(is_plain, changes)):
            firsts = await save_statuses(self._connection, {self._account_id: changes}, Patience.FULL, self._strict)
            if not firsts:
                raise RuntimeError("A locked vehicle changed after it was read.")
            return WrittenChanges(changes=changes, first_number=firsts[self._account_id])
        # The numbers come first, because a new vehicle's id is its number. From here other writers of the account wait.
        taken = (len(changes), find_latest(changes), self._account_id, count_new(changes))
        counters = await self._connection.fetch(SQL["take_numbers"], *taken)
        if not counters:
            raise refuse_deleted()
        last, last_at, vehicle_count, switches = counters[0]
        self._strict.note(self._account_id, switches)
        keep_order(changes, last_at)
        first = last - len(changes) + 1
        give_ids(changes, first)
        written = WrittenChanges(changes=changes, first_number=first, vehicle_count=vehicle_count)
        numbered = list(written)
        await self._save_vehicles(numbered)
        await self._save_versions(numbered)
        await self._save_search_texts(numbered)
        await self._write(SQL["insert_change"], [self._give_row(one) for one in numbered])
        if deactivated := find_deactivated(changes):
            withdrawn = (self._account_id, list(deactivated), list(deactivated.values()))
            await self._connection.execute(SQL["withdraw_work"], *withdrawn)
        return written

    async def _save_vehicles(self, numbered: Sequence[NumberedChange]) -> None:
        """Write the vehicles' own rows, and the rows that look-ups use.

        All changes of a vehicle write the revision and time of its last change.
        """
        after = {one.change.vehicle.vehicle_id: one.change.vehicle for one in numbered}
        retired: list[tuple[object, ...]] = []
        statuses: list[tuple[object, ...]] = []
        identities: list[tuple[object, ...]] = []
        restored: list[tuple[object, ...]] = []
        new: list[tuple[object, ...]] = []
        touched: list[tuple[object, ...]] = []
        for one in numbered:
            change = one.change
            vehicle, plate = change.vehicle, fold_plate(change.details or {})
            status = (vehicle.status.value, vehicle.status_since, vehicle.status_by, vehicle.status_reason)
            last = after[vehicle.vehicle_id]
            key = (last.revision, last.updated_at, self._account_id, vehicle.vehicle_id)
            own = (self._account_id, vehicle.vehicle_id)
            match change.type:
                case ChangeType.STATUS_CHANGED if change.retires:
                    retired.append((*own, *status[1:], vehicle.revision))
                case ChangeType.DELETED:
                    retired.append((*own, *status[1:], vehicle.revision))
                case ChangeType.STATUS_CHANGED if change.restores:
                    restored.append((*own, vehicle.slot, plate, *status, vehicle.revision))
                case ChangeType.STATUS_CHANGED:
                    statuses.append((*status, *key))
                case ChangeType.ERASED if change.details is None:
                    touched.append(key)
                case ChangeType.INFO_CHANGED | ChangeType.ERASED:
                    identities.append((vehicle.vin, plate, *key))
                case ChangeType.REGISTERED:
                    identity = (self._account_id, one.number, vehicle.vin, vehicle.slot, plate)
                    new.append((*identity, *status, vehicle.revision, change.at, change.at))
        # Edits go before registrations, because a new vehicle may take the plate that another one gives up. For the
        # same reason retired vehicles go first, and restored ones after the edits.
        await self._write(SQL["retire_identity"], [row[:2] for row in retired])
        await self._write(SQL["retire_vehicle"], retired)
        await self._write(SQL["update_status"], statuses)
        await self._write(SQL["edit_identity"], [(*row[:2], *row[-2:]) for row in identities])
        await self._write(SQL["update_identity"], identities)
        await self._write(SQL["touch_vehicle"], touched)
        await self._write(SQL["restore_vehicle"], restored)
        await self._write(SQL["save_identity"], [row[:2] for row in restored])
        await self._write(SQL["insert_identity"], [row[:5] for row in new])
        await self._write(SQL["insert_vehicle"], new)

    async def _save_versions(self, numbered: Sequence[NumberedChange]) -> None:
        versions: list[tuple[object, ...]] = []
        ends: dict[int, NumberedChange] = {}  # by vehicle: the next change, because the loop goes backwards
        for one in reversed(numbered):
            change = one.change
            if is_plain(change) or (change.type is ChangeType.ERASED and change.details is None):
                continue
            if change.retires:
                ends[change.vehicle.vehicle_id] = one
                continue
            vehicle_id = one.number if change.type is ChangeType.REGISTERED else change.vehicle.vehicle_id
            end = ends.get(vehicle_id)
            ended, valid_to = (None, None) if end is None else (end.number, end.change.at)
            details = change.details or {}
            text = msgspec.json.encode(details).decode()
            key = (self._account_id, vehicle_id, one.number, ended)
            span = (0 if end is None else 1, change.at, valid_to)
            versions.append((*key, *span, change.vehicle.vin, text, *fold_columns(details)))
            ends[vehicle_id] = one
        former: list[tuple[object, ...]] = [
            (end.number, end.change.at, self._account_id, vehicle_id)
            for vehicle_id, end in ends.items()
            if end.change.type in _EDITS or end.change.retires
        ]
        await self._write(SQL["end_version"], former)
        await self._write(SQL["insert_version"], versions)

    async def _save_search_texts(self, numbered: Sequence[NumberedChange]) -> None:
        """Write the texts in which vehicles are found, each as it is after the vehicle's last change."""
        texts: dict[int, str | None] = {}
        new: set[int] = set()
        for one in numbered:
            change, vehicle = one.change, one.change.vehicle
            if change.retires:
                texts[vehicle.vehicle_id] = None
            elif change.details is not None or change.type is ChangeType.REGISTERED or change.restores:
                texts[vehicle.vehicle_id] = give_search_text(vehicle.vin, change.details or {})
                if change.type is ChangeType.REGISTERED:
                    new.add(vehicle.vehicle_id)
        rows: dict[int, tuple[object, ...]] = {
            vehicle_id: (self._account_id, vehicle_id, text, give_elements(self._account_id, vehicle_id, text))
            for vehicle_id, text in sorted(texts.items())
            if text is not None
        }
        gone: list[tuple[object, ...]] = [(self._account_id, one) for one, text in texts.items() if text is None]
        await self._write(SQL["delete_search_text"], gone)
        await self._write(SQL["save_search_text"], [row for one, row in rows.items() if one not in new])
        await self._write(SQL["insert_search_text"], [row for one, row in rows.items() if one in new])

    async def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        await run_portions(self._connection, statement, rows)

    def _give_row(self, numbered: NumberedChange) -> tuple[object, ...]:
        number, change = numbered.number, numbered.change
        return (
            self._account_id,
            number,
            number if change.type is ChangeType.REGISTERED else change.vehicle.vehicle_id,
            change.vehicle.vin,
            change.type.value,
            change.at,
            change.by,
            change.request_id,
            give_status_id(change.from_status),
            change.vehicle.status.value,
            change.reason,
            encode_differences(change),
        )


def _give_vehicles(rows: Sequence[asyncpg.Record]) -> list[Vehicle]:
    return [to_vehicle(row, leave_instant) for row in rows]
