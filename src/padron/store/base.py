"""The one interface that both engines implement, and the promises that the contract suite holds them to.

Everything is keyed by account first: a reader or a transaction belongs to one account and cannot reach
another. Every method may raise ``store_unavailable`` when the database cannot be reached or cannot write.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from padron.domain.change import Change, FeedEntry, Span, WrittenChanges
from padron.domain.idempotency import HeldKey
from padron.domain.vehicle import Details, Vehicle
from padron.store.changes import ChangeReader
from padron.store.directory import Directory
from padron.store.gate import GateReader, GateTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportBoard, ImportReader, ImportTransaction
from padron.store.operations import OperationReader, OperationTransaction
from padron.store.plans import PlanBoard, PlanReader, PlanTransaction
from padron.store.port import ReadPort, WritePort
from padron.store.vehicles import VehicleReader
from padron.store.webhooks import WebhookBoard, WebhookReader, WebhookTransaction

T = TypeVar("T")

Decide = Callable[[int, Sequence[Vehicle]], Sequence[Change]]  # of an account and its vehicles: the changes to make


class WriteTransaction(Protocol):
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

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        """Give those of these vehicles that are former, by id, locked. Lock the current ones with their VINs first."""
        ...

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the last core data of vehicles that are locked already, by vehicle id."""
        ...

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        """Give current vehicles that are locked other slots, in order. What a caller sees of them stays as it is."""
        ...

    @property
    def gate(self) -> GateTransaction:
        """The account's remembered refusals, in this same transaction, as are all that follow."""
        ...

    @property
    def imports(self) -> ImportTransaction:
        """The account's imports: locked after all else."""
        ...

    @property
    def keys(self) -> KeyTransaction:
        """The account's Idempotency-Keys."""
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
    def webhooks(self) -> WebhookTransaction:
        """The account's webhooks."""
        ...


class NounTransactions(ABC):
    """The part of ``WriteTransaction`` that both engines have alike."""

    @property
    @abstractmethod
    def port(self) -> WritePort:
        """The transaction as the classes of the nouns use it."""

    @property
    def gate(self) -> GateTransaction:
        """Give the account's remembered refusals."""
        return GateTransaction(self.port)

    @property
    def imports(self) -> ImportTransaction:
        """Give the account's imports."""
        return ImportTransaction(self.port)

    @property
    def keys(self) -> KeyTransaction:
        """Give the account's Idempotency-Keys."""
        return KeyTransaction(self.port)

    @property
    def operations(self) -> OperationTransaction:
        """Give the account's operations."""
        return OperationTransaction(self.port)

    @property
    def plans(self) -> PlanTransaction:
        """Give the account's planned changes."""
        return PlanTransaction(self.port)

    @property
    def webhooks(self) -> WebhookTransaction:
        """Give the account's webhooks."""
        return WebhookTransaction(self.port)


class Reader(VehicleReader, ChangeReader):
    """One account's committed records: its vehicles and its record of changes, and each other noun by its name.

    Each method sees one instant.
    """

    def __init__(self, port: ReadPort, account_id: int) -> None:
        super().__init__(port, account_id)

    @property
    def gate(self) -> GateReader:
        """What the gate sees."""
        return GateReader(self._port)

    @property
    def imports(self) -> ImportReader:
        """The account's imports."""
        return ImportReader(self._port)

    @property
    def operations(self) -> OperationReader:
        """The account's operations, with their runs, work and results."""
        return OperationReader(self._port)

    @property
    def plans(self) -> PlanReader:
        """The account's planned changes."""
        return PlanReader(self._port)

    @property
    def webhooks(self) -> WebhookReader:
        """The account's webhooks."""
        return WebhookReader(self._port)


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
    def imports(self) -> ImportBoard:
        """What workers see of imports, in all accounts: for the server itself, never for a request."""
        ...

    @property
    def plans(self) -> PlanBoard:
        """What servers see of planned changes, on the same terms."""
        ...

    @property
    def webhooks(self) -> WebhookBoard:
        """What workers see of webhooks, on the same terms."""
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

    def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Change statuses in several accounts at once; give the accounts in which all of it is durable, as they are.

        ``decide`` is given an account and its current vehicles with the VINs, by VIN and slot, and gives what to change
        of them: statuses only. It may be asked again, and must hold no state that this would spoil. In the accounts
        that are not given nothing has changed: somebody else stands in the way there, or the engine does not write in
        this way. Use ``write_apart`` for these, so that the others need not wait with them.
        """
        ...

    async def write_apart(self, account_id: int, vins: Sequence[str], decide: Decide) -> None:
        """Change statuses in one account on the same terms, waiting for others there as every write does."""
        ...

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account and give its result once it is durable.

        What ``work`` raises undoes it alone and is raised here. It may be run again from its start, a bounded
        number of times, when another transaction stood in its way: it must hold no state outside itself, and
        await nothing but the transaction. A caller that is cancelled meanwhile leaves the work to go on.
        """
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
