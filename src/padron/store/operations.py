"""Operations, runs, work and results on both engines.

Withdrawal is not here: ``WriteTransaction.save_changes`` does it, in the transaction that changes the status.

A transaction that waits for locks takes them in this order: run, vehicles by id, counter, work by vehicle and run.
A transaction that claims work waits for no lock. So no deadlock is possible.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from padron.domain.gate import RefusalReason
from padron.domain.operation import (
    ClaimKey,
    Operation,
    Outcome,
    Result,
    ResultEntry,
    Run,
    RunQuestion,
    RunRefusal,
    RunResultPlace,
    VehicleResultPlace,
    Work,
    WorkState,
)
from padron.domain.status import OPERATIONAL_STATUSES, VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.store.cancelling import Cancelling
from padron.store.port import Columns, ReadPort, Row, ToInstant, give_or_none
from padron.store.vehicles import give_status_id, give_status_or_none, to_vehicle

OPERATION = Columns("name", "description", "lease_s", "attempts_max", "created_at", "updated_at")
RUN = Columns(
    "run_id", "operation", "question", "is_queueing", "position", "position_max", "queued_count", "refused_count",
    "created_at", "created_by", "moved_at", "cancelled_at", "cancelled_by",
)  # fmt: skip
MOVED_RUN = Columns(
    "run_id", "is_queueing", "position", "queued_count", "refused_count", "moved_at"
)  # fmt: skip
WORK = Columns(
    "run_id", "vehicle_id", "vin", "operation", "state", "attempts", "lease_until", "claimed_by", "ended_at"
)  # fmt: skip
CHANGED_WORK = Columns("run_id", "vehicle_id", "state", "attempts", "lease_until", "claimed_by", "ended_at")
RESULT = Columns("run_id", "vehicle_id", "attempt", "outcome", "result", "given_at", "given_by")
RESULT_ENTRY = Columns(*RESULT.names, "operation", "vin")
RUN_REFUSAL = Columns("vin", "reason", "status", "since")

_RESULT_WIDTH = len(RESULT.names)
_OPERATIONAL = [status.value for status in OPERATIONAL_STATUSES]
_NEWEST = VehicleResultPlace(datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**31 - 1)


class _StoredQuestion(msgspec.Struct, array_like=True):
    """A run's question as JSON: an array of these three."""

    vins: tuple[Vin, ...] | None
    filters: dict[str, str | int] | None
    status: int | None


class OperationTransaction(Cancelling):
    """One account's operations, in its open transaction. What ``lock_`` gives cannot change until its end."""

    async def lock_declarer(self) -> None:
        """Lock out all others who declare an operation or start a run. This is a transaction's first lock."""
        await self._port.fetch("lock_declarer")

    async def list_operations(self) -> list[Operation]:
        """Give the account's operations, by name."""
        return [_to_operation(row, self._port.to_instant) for row in await self._port.fetch("list_operations")]

    async def save_operation(self, operation: Operation) -> None:
        """Write a new operation, or replace the stored one."""
        await self._port.fetch("save_operation", *_from_operation(operation))

    async def list_filling_runs(self, limit: int) -> list[Run]:
        """Give the runs by filter that do not have all of their vehicles yet, oldest first."""
        return [_to_run(row, self._port.to_instant) for row in await self._port.fetch("list_filling_runs", limit)]

    async def add_run(self, run: Run) -> bool:
        """Write a new run. Give False when its id is taken."""
        return bool(await self._port.fetch("insert_run", *_from_run(run)))

    async def lock_run(self, run_id: int) -> Run | None:
        """Give a run, locked against other transactions."""
        rows = await self._port.fetch("lock_run", run_id)
        return _to_run(rows[0], self._port.to_instant) if rows else None

    async def hold_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs. None of them can change before the transaction ends."""
        rows = await self._port.fetch_rows("hold_vehicles", [(vin,) for vin in dict.fromkeys(vins)])
        return [to_vehicle(row, self._port.to_instant) for row in rows]

    async def queue_vehicles(self, run: Run, vehicles: Sequence[Vehicle]) -> int:
        """Add work for held vehicles, and give the number of those that had no work in this run yet."""
        vehicle_ids = [vehicle.vehicle_id for vehicle in vehicles]
        return len(await self._port.fetch("insert_work", run.run_id, run.operation, vehicle_ids))

    async def save_run(self, run: Run, refusals: Sequence[RunRefusal]) -> None:
        """Write a run's progress, and further refusals to keep."""
        await self._port.fetch("update_run", *_from_moved_run(run))
        first = run.refused_count - len(refusals)
        rows = [(run.run_id, place, *_from_refusal(refusal)) for place, refusal in enumerate(refusals, start=first)]
        await self._port.write_rows("insert_run_refusal", rows)

    async def lock_expired(self, operation: str, now: datetime, limit: int) -> list[Work]:
        """Give claimed work whose lease has expired, longest ago first. Skip work that another transaction holds."""
        return self._give_work(await self._port.fetch("lock_expired", operation, now, limit, _OPERATIONAL))

    async def lock_queued(self, operation: str, limit: int) -> list[Work]:
        """Give queued work of vehicles that are operational at this very moment, the oldest run's first."""
        return self._give_work(await self._port.fetch("lock_queued", operation, limit, _OPERATIONAL))

    async def lock_work(self, keys: Sequence[ClaimKey]) -> list[Work]:
        """Give the work of these claims, whatever their attempts. Wait for any transaction that holds it."""
        places = {(key.run_id, key.vehicle_id) for key in keys}
        return self._give_work(await self._port.fetch_rows("lock_work", list(places)))

    async def load_results(self, keys: Sequence[ClaimKey]) -> list[Result]:
        """Give the results that these claims already have. Their work must be locked."""
        rows = await self._port.fetch_rows("load_results", list(set(keys)))
        return [_to_result(row, self._port.to_instant) for row in rows]

    async def save_work(self, works: Sequence[Work]) -> None:
        """Write the state, attempts, lease, holder and end of locked work."""
        await self._port.fetch_rows("update_work", [_from_work(work) for work in works])

    async def add_results(self, results: Sequence[Result]) -> None:
        """Write the results of claims that have no result yet."""
        await self._port.fetch_rows("insert_result", [_from_result(result) for result in results])

    def _give_work(self, rows: Sequence[Row]) -> list[Work]:
        return [_to_work(row, self._port.to_instant) for row in rows]


class OperationReader:
    """One account's committed operations. Each method sees one instant."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def list_operations(self) -> list[Operation]:
        """Give the account's operations, by name."""
        return [_to_operation(row, self._port.to_instant) for row in await self._port.read_page("list_operations")]

    async def find_operation(self, name: str) -> Operation | None:
        """Give the operation with this name, if there is one."""
        rows = await self._port.read_point("find_operation", name)
        return _to_operation(rows[0], self._port.to_instant) if rows else None

    async def find_run(self, operation: str, run_id: int) -> Run | None:
        """Give a run of an operation, if there is one."""
        rows = await self._port.read_point("find_run", operation, run_id)
        return _to_run(rows[0], self._port.to_instant) if rows else None

    async def list_runs(self, operation: str, before: int, limit: int) -> list[Run]:
        """Give the runs of an operation before a run, newest first."""
        rows = await self._port.read_page("list_runs", operation, before, limit)
        return [_to_run(row, self._port.to_instant) for row in rows]

    async def list_stalled_runs(self, operation: str, before: datetime) -> list[Run]:
        """Give the runs in the state queueing that have not moved since an instant."""
        rows = await self._port.read_point("list_stalled_runs", operation, before)
        return [_to_run(row, self._port.to_instant) for row in rows]

    async def count_work(self, run_id: int, now: datetime, attempts_max: int) -> Mapping[WorkState, int]:
        """Give the amount of a run's work in each state. Work with an expired lease counts as its next state."""
        rows = await self._port.read_page("count_work", run_id, now, attempts_max)
        return {WorkState(state): count for state, count in rows}

    async def count_queued_runs(self) -> int:
        """Give the number of vehicles in the account's runs that still have queued work."""
        return int((await self._port.read_page("count_queued_runs"))[0][0])

    async def list_refusals(self, run_id: int) -> list[RunRefusal]:
        """Give the kept refusals of a run, in order."""
        return [
            _to_refusal(row, self._port.to_instant) for row in await self._port.read_page("list_run_refusals", run_id)
        ]

    async def has_work(self, operation: str, now: datetime) -> bool:
        """Say whether an operation has work that is queued, or whose lease has expired."""
        return bool((await self._port.read_point("has_work", operation, now))[0][0])

    async def list_run_results(self, run_id: int, after: RunResultPlace, limit: int) -> list[ResultEntry]:
        """Give a run's results after a place, by vehicle and attempt."""
        rows = await self._port.read_page("list_run_results", run_id, *after, limit)
        return [_to_result_entry(row, self._port.to_instant) for row in rows]

    async def list_vehicle_results(
        self, vehicle_id: int, before: VehicleResultPlace | None, limit: int
    ) -> list[ResultEntry]:
        """Give a vehicle's results before a place, newest first."""
        place = _NEWEST if before is None else before
        rows = await self._port.read_page("list_vehicle_results", vehicle_id, *place, limit)
        return [_to_result_entry(row, self._port.to_instant) for row in rows]

    async def list_open_work(self, vehicle_id: int, limit: int) -> list[Work]:
        """Give a vehicle's queued and claimed work, the oldest run's first."""
        rows = await self._port.read_point("list_open_work", vehicle_id, limit)
        return [_to_work(row, self._port.to_instant) for row in rows]


def encode_question(question: RunQuestion) -> str:
    """Give the JSON text that stores a run's question."""
    status = None if question.status is None else question.status.value
    return msgspec.json.encode([question.vins, question.filters, status]).decode()


def decode_question(text: str) -> RunQuestion:
    """Give the question of a stored text."""
    stored = msgspec.json.decode(text, type=_StoredQuestion)
    status = None if stored.status is None else VehicleStatus(stored.status)
    return RunQuestion(vins=stored.vins, filters=stored.filters, status=status)


def _to_operation(row: Row, to_instant: ToInstant) -> Operation:
    named = OPERATION.name(row)
    return Operation(
        name=named["name"],
        description=named["description"],
        lease_s=named["lease_s"],
        attempts_max=named["attempts_max"],
        created_at=to_instant(named["created_at"]),
        updated_at=to_instant(named["updated_at"]),
    )


def _from_operation(operation: Operation) -> Sequence[object]:
    return OPERATION.order(
        {
            "name": operation.name,
            "description": operation.description,
            "lease_s": operation.lease_s,
            "attempts_max": operation.attempts_max,
            "created_at": operation.created_at,
            "updated_at": operation.updated_at,
        }
    )


def _to_run(row: Row, to_instant: ToInstant) -> Run:
    named = RUN.name(row)
    return Run(
        run_id=named["run_id"],
        operation=named["operation"],
        question=decode_question(named["question"]),
        is_queueing=named["is_queueing"] == 1,
        position=named["position"],
        position_max=named["position_max"],
        queued_count=named["queued_count"],
        refused_count=named["refused_count"],
        created_at=to_instant(named["created_at"]),
        created_by=named["created_by"],
        moved_at=to_instant(named["moved_at"]),
        cancelled_at=give_or_none(to_instant, named["cancelled_at"]),
        cancelled_by=named["cancelled_by"],
    )


def _from_run(run: Run) -> Sequence[object]:
    return RUN.order(
        {
            "run_id": run.run_id,
            "operation": run.operation,
            "question": encode_question(run.question),
            "is_queueing": int(run.is_queueing),
            "position": run.position,
            "position_max": run.position_max,
            "queued_count": run.queued_count,
            "refused_count": run.refused_count,
            "created_at": run.created_at,
            "created_by": run.created_by,
            "moved_at": run.moved_at,
            "cancelled_at": run.cancelled_at,
            "cancelled_by": run.cancelled_by,
        }
    )


def _from_moved_run(run: Run) -> Sequence[object]:
    return MOVED_RUN.order(
        {
            "run_id": run.run_id,
            "is_queueing": int(run.is_queueing),
            "position": run.position,
            "queued_count": run.queued_count,
            "refused_count": run.refused_count,
            "moved_at": run.moved_at,
        }
    )


def _to_work(row: Row, to_instant: ToInstant) -> Work:
    named = WORK.name(row)
    return Work(
        run_id=named["run_id"],
        vehicle_id=named["vehicle_id"],
        vin=named["vin"],
        operation=named["operation"],
        state=WorkState(named["state"]),
        attempts=named["attempts"],
        lease_until=give_or_none(to_instant, named["lease_until"]),
        claimed_by=named["claimed_by"],
        ended_at=give_or_none(to_instant, named["ended_at"]),
    )


def _from_work(work: Work) -> Sequence[object]:
    return CHANGED_WORK.order(
        {
            "run_id": work.run_id,
            "vehicle_id": work.vehicle_id,
            "state": work.state.value,
            "attempts": work.attempts,
            "lease_until": work.lease_until,
            "claimed_by": work.claimed_by,
            "ended_at": work.ended_at,
        }
    )


def _to_result(row: Row, to_instant: ToInstant) -> Result:
    named = RESULT.name(row)
    return Result(
        key=ClaimKey(named["run_id"], named["vehicle_id"], named["attempt"]),
        outcome=Outcome(named["outcome"]),
        text=named["result"],
        given_at=to_instant(named["given_at"]),
        given_by=named["given_by"],
    )


def _from_result(result: Result) -> Sequence[object]:
    return RESULT.order(
        {
            "run_id": result.key.run_id,
            "vehicle_id": result.key.vehicle_id,
            "attempt": result.key.attempt,
            "outcome": result.outcome.value,
            "result": result.text,
            "given_at": result.given_at,
            "given_by": result.given_by,
        }
    )


def _to_result_entry(row: Row, to_instant: ToInstant) -> ResultEntry:
    """Give a result, its operation and its vehicle's VIN."""
    operation, vin = row[_RESULT_WIDTH:]
    return ResultEntry(result=_to_result(row[:_RESULT_WIDTH], to_instant), operation=operation, vin=vin)


def _to_refusal(row: Row, to_instant: ToInstant) -> RunRefusal:
    named = RUN_REFUSAL.name(row)
    return RunRefusal(
        vin=named["vin"],
        reason=RefusalReason(named["reason"]),
        status=give_status_or_none(named["status"]),
        since=give_or_none(to_instant, named["since"]),
    )


def _from_refusal(refusal: RunRefusal) -> Sequence[object]:
    return RUN_REFUSAL.order(
        {
            "vin": refusal.vin,
            "reason": refusal.reason.value,
            "status": give_status_id(refusal.status),
            "since": refusal.since,
        }
    )
