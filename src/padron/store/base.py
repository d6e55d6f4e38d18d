"""The one interface that both engines implement. The contract suite tests each of its promises.

A reader or a transaction belongs to one account and cannot reach another one.
Every method may raise ``store_unavailable`` when the database cannot be reached or cannot write.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from padron.domain.change import Change, FeedEntry, Span, WrittenChanges
from padron.domain.idempotency import HeldKey
from padron.domain.vehicle import Details, Vehicle
from padron.meters import Family
from padron.store.administration import AdministrationTransaction
from padron.store.archives import ArchiveTransaction
from padron.store.backups import ContinuousBackup
from padron.store.directory import Directory
from padron.store.erasure import ErasureTransaction
from padron.store.gate import GateTransaction
from padron.store.gate_leases import GateLeaseTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportBoard, ImportTransaction
from padron.store.old_runs import OldRuns
from padron.store.operations import OperationTransaction
from padron.store.people.board import People
from padron.store.plans import PlanBoard, PlanTransaction
from padron.store.reader import Reader
from padron.store.removal import RemovalTransaction
from padron.store.selections import SelectionBoard, SelectionTransaction
from padron.store.strict_accounts import StrictAccounts
from padron.store.webhooks import WebhookBoard, WebhookTransaction
from padron.traces import Tracer

T = TypeVar("T")

Decide = Callable[[int, Sequence[Vehicle]], Sequence[Change]]  # takes an account and its vehicles, gives changes


class WriteTransaction(Protocol):
    """One account's transaction: all of it happens, or nothing.

    What a ``lock_`` method reads cannot change until the transaction ends.
    """

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs, by VIN and slot, locked."""
        ...

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        """Write the changes, in order, with the account's next numbers, and give them with these numbers.

        This is the last step before the commit: other writers of the account wait from here on.

        - The changes may include several changes of one vehicle.
        - A new vehicle's id is the number of the change that registers it.
        - An account's time never goes back. If a clock was set back, a change can be earlier than the account's
          last one. The store then records it at the last one's instant, and sets the change to that instant.
        - A change that deactivates a vehicle withdraws its open work of all operations.
        - A vehicle that is retired or restored has no other change in the call. A restored vehicle gets its slot.
        - The method raises no error for a VIN or plate that another transaction took meanwhile. The store runs
          the work again.
        """
        ...

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles that have any of these plates, each once, locked."""
        ...

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the current core data of vehicles that are already locked, by vehicle id."""
        ...

    async def find_later_changes(self, spans: Mapping[int, Span], request_id: str) -> dict[int, FeedEntry]:
        """Give the first foreign change of each vehicle since its span of numbers began.

        A change is foreign unless the request made it and its number is within the span.
        The vehicles, current or former, must be locked. The result omits vehicles without a foreign change.
        """
        ...

    async def count_vehicles(self) -> int:
        """Give the number of the account's current vehicles. Other transactions may register more until the end."""
        ...

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        """Give the former ones of these vehicles, by id, locked. Lock the current ones with their VINs first."""
        ...

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the last core data of vehicles that are already locked, by vehicle id."""
        ...

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        """Move locked current vehicles to other slots, in order. A caller of the API sees no difference."""
        ...

    @property
    def administration(self) -> AdministrationTransaction:
        """The account's keys, and the record of what was administered."""
        ...

    @property
    def archives(self) -> ArchiveTransaction:
        """The archiving of the account's record."""
        ...

    @property
    def erasure(self) -> ErasureTransaction:
        """The account's personal values."""
        ...

    @property
    def gate(self) -> GateTransaction:
        """The account's remembered refusals, in this same transaction, like all nouns below."""
        ...

    @property
    def gate_leases(self) -> GateLeaseTransaction:
        """The leases of local gates."""
        ...

    @property
    def imports(self) -> ImportTransaction:
        """The account's imports. A transaction locks them after everything else."""
        ...

    @property
    def keys(self) -> KeyTransaction:
        """The account's Idempotency-Keys."""
        ...

    @property
    def old_runs(self) -> OldRuns:
        """The deletion of the account's old runs and results."""
        ...

    @property
    def operations(self) -> OperationTransaction:
        """The account's operations, with their runs, work and results."""
        ...

    @property
    def plans(self) -> PlanTransaction:
        """The account's planned changes."""
        ...

    @property
    def removal(self) -> RemovalTransaction:
        """The removal of the whole account."""
        ...

    @property
    def selections(self) -> SelectionTransaction:
        """The account's selections. A transaction locks them after everything else."""
        ...

    @property
    def webhooks(self) -> WebhookTransaction:
        """The account's webhooks."""
        ...


class Store(Protocol):
    """An open database."""

    @property
    def epoch(self) -> str:
        """The name of the register's present life when the store was opened: 8 hexadecimal digits."""
        ...

    @property
    def strict_accounts(self) -> StrictAccounts:
        """The accounts whose deactivations wait for leases: right for one that was just written."""
        ...

    @property
    def directory(self) -> Directory:
        """The accounts and keys."""
        ...

    @property
    def imports(self) -> ImportBoard:
        """The imports of all accounts: for the server's workers, never for a request."""
        ...

    @property
    def people(self) -> People:
        """The people of the register and their sessions."""
        ...

    @property
    def plans(self) -> PlanBoard:
        """The planned changes of all accounts: for the server itself, never for a request."""
        ...

    @property
    def selections(self) -> SelectionBoard:
        """The selections of all accounts: for the server's workers, never for a request."""
        ...

    @property
    def webhooks(self) -> WebhookBoard:
        """The webhooks of all accounts: for the server's workers, never for a request."""
        ...

    def read(self, account_id: int) -> Reader:
        """Give a reader of one account's committed records."""
        ...

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        """Give a reader for large answers. If a replica serves it, it may be some seconds behind.

        The operator sets the maximum of these seconds. The reader sees at least the account's change with the
        number ``at_least``. Each method sees the state that the methods before saw, or a later one.
        """
        ...

    def read_caught_up(self, account_id: int) -> Reader:
        """Give a reader for large answers that, like ``read``, sees everything committed when it is asked.

        A replica may serve the reader as soon as the replica has replayed that much.
        """
        ...

    @property
    def reads_at_once(self) -> bool:
        """Say whether a point read is usually over without a wait, so that it needs no task of its own."""
        ...

    @property
    def stalled_s(self) -> float:
        """Give the seconds that the process's own writer has spent on one step; infinity if it has ended.

        A database that does not answer is no stall, because every wait for it is bounded.
        """
        ...

    @property
    def is_replica_fresh(self) -> bool | None:
        """Whether a replica serves reads now; None without a replica."""
        ...

    @property
    def failing_node_count(self) -> int:
        """How many nodes of a cluster do not answer or do not work, as far as it was noticed."""
        ...

    @property
    def backup(self) -> ContinuousBackup | None:
        """The continuous backup that this process keeps; None without one, and on PostgreSQL."""
        ...

    def give_lane(self, account_id: int) -> int:
        """Give the part of the database in which an account is. ``write_together`` takes accounts of one part only."""
        ...

    def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Change statuses in several accounts at once. Give each account as soon as all its changes are durable.

        ``decide`` takes an account and its current vehicles with the VINs, by VIN and slot. It gives the changes to
        make, of statuses only. The store may call it again, so it must keep no state between calls.

        Nothing has changed in an account that is not given. Another transaction holds something there, or the engine
        does not write in this way. Use ``write_apart`` for these accounts, so that the others need not wait.
        """
        ...

    async def write_apart(self, account_id: int, vins: Sequence[str], decide: Decide) -> None:
        """Change statuses in one account, with ``decide`` as above. It waits for other writers, as every write does."""
        ...

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account and give its result once it is durable.

        An error of ``work`` undoes this work alone and is raised here.
        The store may run ``work`` again from its start when another transaction conflicts with it, a bounded number
        of times. So ``work`` must keep no state outside itself, and must await only the transaction.
        The work continues even if the caller is cancelled.
        """
        ...

    def hold_key(self, held: HeldKey) -> "Store":
        """Give this store for one request. Each transaction commits together with the key's state, or is undone."""
        ...

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes: for the server itself, never for a request."""
        ...

    async def read_time(self) -> datetime | None:
        """Give the present instant by the clock that all servers of the database share; None without such a clock."""
        ...

    def give_families(self) -> Sequence[Family]:
        """Give the figures of the engine, for the operator. It waits for nothing."""
        ...

    def trace(self, tracer: Tracer) -> None:
        """Let a tracer record the commits from now on."""
        ...

    async def check(self) -> None:
        """Return when the database answers, is in order, takes writes and has the schema of this program.

        Raises ``store_unavailable``, as ``TroubledError`` when the cause is known, and ``schema_mismatch``.
        """
        ...

    @property
    def is_being_checked(self) -> bool | None:
        """Say whether ``examine`` has yet to end; None before the first one, and where the engine has no check."""
        ...

    async def watch(self) -> None:
        """Look for trouble that no call would notice. Call it about twice a second. Raises ``store_unavailable``."""
        ...

    async def examine(self) -> bool:
        """Check the whole database for damage, with a low priority. A damaged one is not served any more.

        Gives False when the check could not come to its end, and must be repeated. An engine whose database checks
        itself does nothing here.
        """
        ...

    async def follow_record(self) -> bool:
        """Bring what pages by an instant read closer to the record, by a bounded portion of changes.

        Gives False when nothing is left to do for now, and always where the engine has indexes for these orders.
        """
        ...

    async def restart_orders(self) -> None:
        """Forget what pages by an instant read. They look at all vehicles until it is built again."""
        ...

    async def scrub(self) -> bool:
        """Remove what was overwritten or deleted from the database's files, as far as the engine can do so now.

        Gives False when a reader prevents it.
        """
        ...

    async def close(self) -> None:
        """Finish the work under way and close. The store cannot be used afterwards."""
        ...
