"""What both engines keep of operations, runs, work and results. As in ``base``, everything belongs to one account.

Withdrawal is not here: it is part of ``WriteTransaction.save_changes``, in the transaction that changes the status.
Whoever waits for locks takes a run, then vehicles by id, then the counter, then work by vehicle and run; whoever
claims waits for nobody, so nobody waits in a circle.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from padron.domain.operation import (
    ClaimKey,
    Operation,
    Result,
    ResultEntry,
    Run,
    RunQuestion,
    RunRefusal,
    Work,
    WorkState,
)
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin

T = TypeVar("T")


class RunTransaction(Protocol):
    """Declaring operations and queueing runs: all of it happens, or nothing."""

    async def lock_declarer(self) -> None:
        """Let nobody else declare an operation or start a run until the end: the first lock of a transaction."""
        ...

    async def list_operations(self) -> list[Operation]:
        """Give the account's operations, by name."""
        ...

    async def save_operation(self, operation: Operation) -> None:
        """Write an operation, new or not."""
        ...

    async def list_filling_runs(self, limit: int) -> list[Run]:
        """Give the runs by filter that do not have all of their vehicles yet, oldest first."""
        ...

    async def add_run(self, run: Run) -> bool:
        """Write a new run; give False when its id is taken."""
        ...

    async def lock_run(self, run_id: int) -> Run | None:
        """Give a run, locked against other transactions."""
        ...

    async def hold_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs; none can be changed before the end of the transaction."""
        ...

    async def queue_vehicles(self, run: Run, vehicles: Sequence[Vehicle]) -> int:
        """Add work for vehicles that are held, and give how many had none in this run."""
        ...

    async def save_run(self, run: Run, refusals: Sequence[RunRefusal]) -> None:
        """Write how far a run has come, and further refusals to keep."""
        ...


class ClaimTransaction(Protocol):
    """Handing out and answering work. What ``lock_`` gives stays so until the end of the transaction."""

    async def lock_expired(self, operation: str, now: datetime, limit: int) -> list[Work]:
        """Give claimed work whose lease has run out, longest ago first; what another transaction holds is skipped."""
        ...

    async def lock_queued(self, operation: str, limit: int) -> list[Work]:
        """Give queued work, the oldest run's first, of vehicles that are operational at this very moment."""
        ...

    async def lock_work(self, keys: Sequence[ClaimKey]) -> list[Work]:
        """Give the work that these claims are for, whatever their attempts; waits for whoever holds it."""
        ...

    async def load_results(self, keys: Sequence[ClaimKey]) -> list[Result]:
        """Give the results that these claims have already. Their work must be locked."""
        ...

    async def save_work(self, works: Sequence[Work]) -> None:
        """Write work that is locked: its state, attempts, lease, holder and end."""
        ...

    async def add_results(self, results: Sequence[Result]) -> None:
        """Write the results of claims that have none."""
        ...


class OperationTransaction(RunTransaction, ClaimTransaction, Protocol):
    """One account's transaction on its operations."""


class OperationReader(Protocol):
    """One account's committed records. Each method sees one instant."""

    async def list_operations(self) -> list[Operation]:
        """Give the account's operations, by name."""
        ...

    async def find_operation(self, name: str) -> Operation | None:
        """Give the operation with this name, if there is one."""
        ...

    async def find_run(self, operation: str, run_id: int) -> Run | None:
        """Give a run of an operation, if there is one."""
        ...

    async def list_stalled_runs(self, operation: str, before: datetime) -> list[Run]:
        """Give the runs that are being queued and have not moved since an instant."""
        ...

    async def count_work(self, run_id: int, now: datetime, attempts_max: int) -> Mapping[WorkState, int]:
        """Give how much of a run's work is in which state; a lease that has run out counts as what follows it."""
        ...

    async def list_refusals(self, run_id: int) -> list[RunRefusal]:
        """Give the refusals of a run that were kept, in order."""
        ...

    async def has_work(self, operation: str, now: datetime) -> bool:
        """Say whether an operation has work that is queued, or whose lease has run out."""
        ...

    async def list_run_results(self, run_id: int, after: tuple[int, int], limit: int) -> list[ResultEntry]:
        """Give a run's results after a vehicle id and an attempt, in that order."""
        ...

    async def list_vehicle_results(
        self, vehicle_id: int, before: tuple[datetime, int, int] | None, limit: int
    ) -> list[ResultEntry]:
        """Give a vehicle's results, newest first, those before an instant, a run and an attempt."""
        ...


class OperationStore(Protocol):
    """The operations of an open database."""

    def read(self, account_id: int) -> OperationReader:
        """Give a reader of one account's committed records."""
        ...

    async def write(self, account_id: int, work: Callable[[OperationTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, on the terms of ``Store.write``."""
        ...


def encode_question(question: RunQuestion) -> str:
    """Give the JSON text that a run's question is stored as."""
    status = None if question.status is None else question.status.value
    return msgspec.json.encode([question.vins, question.filters, status]).decode()


def decode_question(text: str) -> RunQuestion:
    """Give the question of a stored text."""
    vins, filters, status = msgspec.json.decode(text, type=_Question)
    return RunQuestion(vins=vins, filters=filters, status=None if status is None else VehicleStatus(status))


_Question = tuple[tuple[Vin, ...] | None, dict[str, str | int] | None, int | None]
