"""Compares the rows of a register with each other, account by account and in portions.

Memory is constant: of each kind of fault only the first few are kept, and the rest are counted.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum, auto

from padron.domain.finding import CheckName, Finding, advise, approve, blame
from padron.store.examination import LAST_ID, AccountSums, Note, Records, VehiclePortion

Clock = Callable[[], datetime]

PORTION_CHANGES = 20_000
PORTION_VEHICLES = 2_000
CLOCK_AHEAD_MAX = timedelta(minutes=1)

_SHOWN_MAX = 3

_OF_RECORDS = {
    CheckName.ACCOUNTS: "Every row belongs to an account.",
    CheckName.CLOCK: "No recorded change is in the future.",
    CheckName.COUNTERS: "The counters of all accounts agree with their rows.",
    CheckName.RECORD: "All changes are numbered without a gap, and each belongs to a vehicle.",
    CheckName.HISTORIES: "Every vehicle is what its changes made of it.",
    CheckName.CORE_DATA: "Every current vehicle has its core data once.",
    CheckName.IDENTITIES: "Every vehicle is found by its VIN and plate, and no two current ones share them.",
    CheckName.SEARCH: "Every current vehicle is found by the texts that it has now.",
    CheckName.ORDERS: "Every current vehicle is found by lists by statusSince and updatedAt.",
    CheckName.ORPHANS: "No row lacks what it belongs to.",
}

CHECKS = tuple(_OF_RECORDS)


class _Faults:
    """The faults found so far: the first few of each check, and how many there are."""

    def __init__(self) -> None:
        self.shown: dict[CheckName, list[str]] = {}
        self.counts: dict[CheckName, int] = {}

    @property
    def count(self) -> int:
        """How many faults there are."""
        return sum(self.counts.values())

    def add(self, check: CheckName, detail: str) -> None:
        self.counts[check] = self.counts.get(check, 0) + 1
        shown = self.shown.setdefault(check, [])
        if len(shown) < _SHOWN_MAX:
            shown.append(detail)

    def take(self, others: "_Faults") -> None:
        """Add what others found."""
        for check, count in others.counts.items():
            shown = self.shown.setdefault(check, [])
            shown += others.shown[check][: _SHOWN_MAX - len(shown)]
            self.counts[check] = self.counts.get(check, 0) + count

    def list_findings(self) -> Iterator[Finding]:
        """Give one finding for each check of the records."""
        for check, sentence in _OF_RECORDS.items():
            count, shown = self.counts.get(check, 0), self.shown.get(check, [])
            if not count:
                yield approve(check, sentence)
                continue
            more = f" And {count - len(shown):,} more." if count > len(shown) else ""
            yield blame(check, f"{' '.join(shown)}{more}")


async def examine_records(records: Records, clock: Clock, note: Note) -> AsyncIterator[Finding]:
    """Compare all rows with each other, and give one finding for each check. Raises ``store_unavailable``."""
    faults = _Faults()
    account_id = await records.find_next_account(-LAST_ID)
    while account_id is not None:
        found = _Faults()
        await _examine_account(records, account_id, clock, found, note)
        match await _find_deletion(records, account_id, found):
            case _DeletionState.NONE:
                faults.take(found)
            case _DeletionState.UNDER_WAY:
                yield advise(
                    CheckName.ACCOUNTS,
                    f"Account {account_id} is being deleted and was left out. If nobody deletes it now, run padron "
                    "accounts delete again.",
                )
            case _DeletionState.OVER:
                pass
        account_id = await records.find_next_account(account_id)
    for finding in faults.list_findings():
        yield finding


class _DeletionState(Enum):
    """Whether the deletion of an account met its examination."""

    NONE = auto()
    UNDER_WAY = auto()
    OVER = auto()


async def _find_deletion(records: Records, account_id: int, found: _Faults) -> _DeletionState:
    """Say whether an account's faults only show that its rows are being deleted, portion by portion."""
    if not found.count:
        return _DeletionState.NONE
    sums = await records.load_sums(account_id)
    if sums.is_being_deleted:
        return _DeletionState.UNDER_WAY
    return _DeletionState.OVER if await records.find_next_account(account_id - 1) != account_id else _DeletionState.NONE


async def _examine_account(records: Records, account_id: int, clock: Clock, faults: _Faults, note: Note) -> None:
    where = f"Account {account_id}"
    note(f"counters of account {account_id}")
    sums = await records.load_sums(account_id)
    _compare_sums(sums, where, clock(), faults)  # others write while a large register is examined
    await _examine_numbers(records, account_id, faults, note)
    done, after = 0, -LAST_ID
    while (portion := await records.find_portion(account_id, after, PORTION_VEHICLES)) is not None:
        await _examine_vehicles(records, account_id, portion, faults)
        done, after = done + portion.count, portion.last
        note(f"vehicles of account {account_id}: {done:,} of {sums.current_count:,}")
    for orphans in await records.count_orphans(account_id):
        faults.add(CheckName.ORPHANS, f"{where} has {orphans.count:,} {orphans.what}.")


def _compare_sums(sums: AccountSums, where: str, now: datetime, faults: _Faults) -> None:
    if not sums.is_account:
        faults.add(CheckName.ACCOUNTS, f"{where} has rows, but there is no such account.")
    if sums.last_change is None:
        faults.add(CheckName.COUNTERS, f"{where} has no counter.")
        return
    if sums.last_change != (sums.last_number or 0):
        faults.add(
            CheckName.COUNTERS,
            f"{where} counts {sums.last_change:,} changes, and the last one has the number {sums.last_number or 0:,}.",
        )
    if sums.vehicle_count != sums.current_count:
        faults.add(
            CheckName.COUNTERS,
            f"{where} counts {sums.vehicle_count or 0:,} current vehicles, and has {sums.current_count:,}.",
        )
    if sums.last_at is not None and sums.last_at > now + CLOCK_AHEAD_MAX:
        faults.add(
            CheckName.CLOCK,
            f"{where} has a change of {sums.last_at:%Y-%m-%dT%H:%M:%SZ}, which is in the future: it is "
            f"{now:%Y-%m-%dT%H:%M:%SZ} here. Set the clock right.",
        )


async def _examine_numbers(records: Records, account_id: int, faults: _Faults, note: Note) -> None:
    where = f"Account {account_id}"
    last = 0
    while (portion := await records.load_numbers(account_id, last, PORTION_CHANGES)) is not None:
        last = max(last, portion.archived_to)
        missing = portion.last - last - portion.count
        if missing:
            faults.add(
                CheckName.RECORD,
                f"{where} lacks {missing:,} of the changes {last + 1:,} to {portion.last:,}.",
            )  # fmt: skip
        if portion.stray_count:
            faults.add(CheckName.RECORD, f"{where} has {portion.stray_count:,} changes of vehicles that do not exist.")
        last = portion.last
        note(f"changes of account {account_id}: {last:,}")


async def _examine_vehicles(records: Records, account_id: int, portion: VehiclePortion, faults: _Faults) -> None:
    for one in await records.list_faulty_histories(account_id, portion):
        faults.add(
            CheckName.HISTORIES,
            f"Vehicle {one.vehicle_id} of account {account_id} has the status {one.status} at revision {one.revision}, "
            f"but its {one.change_count:,} changes lead to the status {one.last_status}, "
            f"with {one.broken_count:,} broken steps.",
        )
    for vehicle in await records.list_without_details(account_id, portion):
        faults.add(
            CheckName.CORE_DATA,
            f"The core data of vehicle {vehicle.vehicle_id} of account {account_id} is missing, doubled or another's.",
        )
    for vehicle in await records.list_misnamed(account_id, portion):
        faults.add(
            CheckName.IDENTITIES,
            f"Vehicle {vehicle.vehicle_id} of account {account_id} is found by another VIN or plate than its own.",
        )
    for vehicle in await records.list_unfindable(account_id, portion):
        faults.add(
            CheckName.SEARCH,
            f"A search does not find vehicle {vehicle.vehicle_id} of account {account_id} by what it is now.",
        )
    for vehicle in await records.list_unlisted(account_id, portion):
        faults.add(
            CheckName.ORDERS,
            f"Lists by statusSince or updatedAt may leave out vehicle {vehicle.vehicle_id} of account {account_id}. "
            "Run `padron register orders`.",
        )
    for vehicle in await records.list_namesakes(account_id, portion):
        faults.add(
            CheckName.IDENTITIES,
            f"Vehicle {vehicle.vehicle_id} of account {account_id} shares its VIN or plate with another current one.",
        )
