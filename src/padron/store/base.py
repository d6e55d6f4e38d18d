"""The one interface that both engines implement, and the promises that the contract suite holds them to.

Everything is keyed by account first: a reader or a transaction belongs to one account and cannot reach
another. Every method may raise ``store_unavailable`` when the database cannot be reached or cannot write.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from padron.domain.account import Account, ApiKey
from padron.domain.change import Change, FeedEntry, HistoryEntry, Place, WrittenChanges
from padron.domain.gate import Refusal, RefusalQuery
from padron.domain.idempotency import HeldKey
from padron.domain.query import Position, Span, VehicleQuery
from padron.domain.time_in_status import StatusTime, TimeQuery
from padron.domain.vehicle import Details, Vehicle, VehicleVersion
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportBoard, ImportReader, ImportTransaction
from padron.store.operations import OperationStore
from padron.store.plans import PlanBoard, PlanReader, PlanTransaction
from padron.store.repair import RepairReader, RepairTransaction
from padron.store.webhooks import WebhookBoard, WebhookReader, WebhookTransaction

T = TypeVar("T")

Decide = Callable[[int, Sequence[Vehicle]], Sequence[Change]]  # of an account and its vehicles: the changes to make


class Patience(Enum):
    """How long a write waits for others that are in its way."""

    NONE = "none"
    BRIEF = "brief"  # as long as a batch of another server may take
    FULL = "full"  # as long as any write


class WriteTransaction(RepairTransaction, Protocol):
    """One account's transaction: all of it happens, or nothing. What ``lock_`` reads stays so until its end."""

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs, by VIN and slot, locked."""
        ...

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        """Write the changes, in order, with the account's next numbers, and give them with these numbers.

        It is the last step before the commit: other writers of the account wait from here on.
        Two changes of one vehicle may follow each other. A registration's vehicle id is its change number,
        which its vehicle bears from then on.
        An account's time never goes back: changes that are earlier than its last one, by a clock that was set back,
        are recorded at the instant of that one, and say so afterwards.
        A change that deactivates withdraws the vehicle's open work of all operations.
        A vehicle that a change retires or restores has no other change among them; a restored one gets its slot.
        Raises nothing for a VIN or plate that another transaction took meanwhile: the work is run again.
        """
        ...

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles that bear any of these plates, each once, locked."""
        ...

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the current core data of vehicles that are locked already, by vehicle id."""
        ...

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        """Give the first change of each vehicle since a span of numbers began that is not the span's own.

        The span's own are those of the request up to its end. The vehicles, current or former, must be locked; those
        without such a change are left out.
        """
        ...

    async def save_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Add the counts of refusals to those of the same hour, vehicle, operation and actor."""
        ...

    async def delete_refusals(self, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` refusals of hours before an instant, the oldest first, and give their number."""
        ...

    @property
    def imports(self) -> ImportTransaction:
        """The account's imports, in this same transaction: locked after all else."""
        ...


class Reader(RepairReader, Protocol):
    """One account's committed records. Each method sees one instant."""

    async def list_by_vin(self, vin: str) -> list[Vehicle]:
        """Give the current vehicles with this VIN: none, one, or several kept from legacy data."""
        ...

    async def load_details(self, vehicle_id: int) -> Details:
        """Give a current vehicle's core data, or nothing for an unknown id."""
        ...

    async def list_versions_by_vin(self, vin: str) -> list[VehicleVersion]:
        """Give the current vehicles with this VIN together with their core data, of one instant."""
        ...

    async def list_vehicles(self, query: VehicleQuery) -> list[tuple[VehicleVersion, Position]]:
        """Give at most ``query.limit`` vehicles after ``query.after``, each with its place in the order.

        With ``query.up_to`` as they were after the change of that number, slots left out: the record has none.
        """
        ...

    async def find_cut(self, at: datetime) -> int:
        """Give the number of the last change up to an instant, 0 for none: the register's state then.

        The same at any time, unless a change is recorded later that bears an earlier instant than this.
        """
        ...

    async def sum_statuses(self, query: TimeQuery) -> list[StatusTime]:
        """Give how long ``query.limit`` vehicles after ``query.after`` had which status, by vehicle id.

        Each vehicle that was registered by the end of the period is there, if only with no time at all.
        """
        ...

    async def list_request_changes(self, request_id: str, after: int, limit: int) -> list[FeedEntry]:
        """Give what one request changed, in order, the changes with a number above ``after``."""
        ...

    async def list_history(self, vehicle_id: int, before: int | None, limit: int) -> list[HistoryEntry]:
        """Give a vehicle's changes, newest first, those with a number below ``before``."""
        ...

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes with a number above ``after``, in order, without a gap.

        A change is there as soon as its writer has been answered, on every server.
        """
        ...

    async def load_gate(self, vins: Sequence[str]) -> tuple[list[Vehicle], Place]:
        """Give the current vehicles with these VINs and the place after the account's last change, of one instant."""
        ...

    async def list_refusals(self, query: RefusalQuery) -> list[Refusal]:
        """Give the remembered refusals that fit, newest hour first, then by VIN, operation and actor."""
        ...

    async def find_last_change(self) -> int:
        """Give the number of the account's last change; 0 when there is none."""
        ...

    async def find_last_instant(self) -> datetime:
        """Give the instant of the account's last change, before which no later one comes; 1970 when there is none."""
        ...

    async def find_place(self, number: int) -> Place | None:
        """Give the place after the change of this number; None when there is no such change, nor 0."""
        ...

    async def find_request_end(self, request_id: str) -> int:
        """Give the number of a request's last change; of the account's when the request made none."""
        ...


class Directory(Protocol):
    """The accounts and their keys, and the register's epoch: the only work that crosses accounts."""

    async def add_account(self, name: str, at: datetime) -> Account:
        """Add an account. Raises ``account_exists``."""
        ...

    async def list_accounts(self) -> list[Account]:
        """Give all accounts, by name."""
        ...

    async def find_account(self, name: str) -> Account | None:
        """Give the account with this name, if there is one."""
        ...

    async def add_key(self, key: ApiKey) -> None:
        """Add a key."""
        ...

    async def list_keys(self, account_id: int) -> list[ApiKey]:
        """Give an account's keys, revoked and expired ones included, oldest first."""
        ...

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        """Give one key, if there is one."""
        ...

    async def find_keys(self, keys: Sequence[tuple[int, str]]) -> list[ApiKey]:
        """Give those of these keys, by account and key id, that there are, in any order: for the server itself."""
        ...

    async def revoke_key(self, account_id: int, key_id: str, at: datetime) -> bool:
        """Revoke a key; the first revocation's instant stays. Give False when there is no such key."""
        ...

    async def touch_key(self, account_id: int, key_id: str, at: datetime) -> None:
        """Note when a key was last used."""
        ...

    async def renew_epoch(self, epoch: str) -> None:
        """Give the register's present life a new name. A store that is open keeps the one that it read."""
        ...


class Store(Protocol):
    """An open database."""

    @property
    def epoch(self) -> str:
        """The name of the register's present life, as it was when the store was opened: 8 hexadecimal digits."""
        ...

    @property
    def directory(self) -> Directory:
        """The accounts and keys."""
        ...

    @property
    def operations(self) -> OperationStore:
        """The operations, their runs, work and results."""
        ...

    def read(self, account_id: int) -> Reader:
        """Give a reader of one account's committed records."""
        ...

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        """Give a reader for large answers that may be some seconds behind, if a replica gives them.

        How many, its operator says. What it reads has at least the account's change of this number, and each method
        sees what the ones before saw, or later.
        """
        ...

    def read_caught_up(self, account_id: int) -> Reader:
        """Give a reader that sees all that was committed when it is asked, as ``read`` does, for large answers.

        A replica may give them once it has come that far.
        """
        ...

    @property
    def is_replica_fresh(self) -> bool | None:
        """Whether a replica takes reads now; None when there is none."""
        ...

    async def write_together(
        self, vins: Mapping[int, Sequence[str]], decide: Decide, patience: Patience
    ) -> frozenset[int]:
        """Change statuses in several accounts at once, and give the accounts in which all of it is durable.

        ``decide`` is given an account and its current vehicles with the VINs, by VIN and slot, and gives what to change
        of them: statuses only. It may be asked again, and must hold no state that this would spoil. In the accounts
        left out nothing has changed: somebody else stands in the way there, for longer than ``patience`` allows, or
        the engine does not write in this way. Use ``write`` for these. Without patience it waits for nobody. A brief
        wait is for all: in vain, it leaves all accounts out. Full patience is for one account alone, which is left out
        only if somebody has changed a vehicle meanwhile.
        """
        ...

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account and give its result once it is durable.

        What ``work`` raises undoes it alone and is raised here. It may be run again from its start, a bounded
        number of times, when another transaction stood in its way: it must hold no state outside itself, and
        await nothing but the transaction. A caller that is cancelled meanwhile leaves the work to go on.
        """
        ...

    @property
    def plans(self) -> PlanBoard:
        """What servers see of planned changes: for the server itself, never for a request."""
        ...

    def read_plans(self, account_id: int) -> PlanReader:
        """Give a reader of one account's plans."""
        ...

    async def write_plans(
        self, account_id: int, work: Callable[[WriteTransaction, PlanTransaction], Awaitable[T]]
    ) -> T:
        """Run ``work`` on an account's vehicles and plans in one transaction, with the promises of ``write``."""
        ...

    @property
    def webhooks(self) -> WebhookBoard:
        """What workers see of webhooks: for the server itself, never for a request."""
        ...

    def read_webhooks(self, account_id: int) -> WebhookReader:
        """Give a reader of one account's committed records of webhooks."""
        ...

    async def write_webhooks(self, account_id: int, work: Callable[[WebhookTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, with the promises of ``write``."""
        ...

    async def write_keys(self, account_id: int, work: Callable[[KeyTransaction], Awaitable[T]]) -> T:
        """Run ``work`` on an account's Idempotency-Keys in a transaction, with the promises of ``write``."""
        ...

    @property
    def imports(self) -> ImportBoard:
        """What workers see of imports: for the server itself, never for a request."""
        ...

    def read_imports(self, account_id: int) -> ImportReader:
        """Give a reader of one account's committed imports."""
        ...

    async def write_imports(self, account_id: int, work: Callable[[ImportTransaction], Awaitable[T]]) -> T:
        """Run ``work`` on an account's imports in a transaction, with the promises of ``write``."""
        ...

    def hold_key(self, held: HeldKey) -> "Store":
        """Give this store for one request: each transaction is committed together with the key's state, or undone."""
        ...

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes: for the server itself, never for a request."""
        ...

    async def read_time(self) -> datetime | None:
        """Give the present instant by the database's clock, which all its servers share; None when it has none."""
        ...

    async def check(self) -> None:
        """Return when the database answers with the schema of this program. Raises ``store_unavailable``."""
        ...

    async def close(self) -> None:
        """Finish what is under way and close. The store cannot be used afterwards."""
        ...
