"""The steps of applying a selection, from taking it to its end. Each is a short transaction.

The transaction that changes vehicles also commits the progress, with the number of the attempt. So after a process was
killed, nothing is lost and nothing is done twice. A process that lost its lease, or whose selection was cancelled,
changes nothing more.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from padron.domain import selection as rules
from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.selection import (
    LEASE,
    SelectedOutcome,
    SelectedVehicle,
    SelectionState,
    VehicleSelection,
    WaitingSelection,
    check_held,
    is_free,
)
from padron.service.plans.planning import DecidedAndPlanned, change_and_plan
from padron.service.runtime import Runtime
from padron.service.selections.previewing import GONE
from padron.store.base import WriteTransaction

PORTION = 100  # vehicles of a transaction, during which the account's calls wait

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class SelectionRun:
    """A selection that this process has taken."""

    account_id: int
    taken: VehicleSelection
    is_lost: bool = field(default=False, kw_only=True)  # cancelled, or taken over by another worker


async def list_waiting(runtime: Runtime, holder: str, limit: int) -> list[WaitingSelection]:
    """Give the selections that wait for a worker."""
    return await runtime.store.selections.list_waiting(runtime.clock(), holder, limit)


async def take_selection(runtime: Runtime, waiting: WaitingSelection, holder: str) -> SelectionRun | None:
    """Take a selection. None when it does not wait any more, or has failed too often."""
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> VehicleSelection | None:
        selections = transaction.selections
        present = await selections.lock_selection(waiting.selection_id)
        if present is None or not is_free(present, holder, now) or not await selections.is_account_enabled():
            return None
        taken = rules.claim(present, holder, now)
        await selections.save_selection(taken)
        return taken

    taken = await runtime.store.write(waiting.account_id, work)
    if taken is None or taken.state is not SelectionState.RUNNING:
        return None
    return SelectionRun(waiting.account_id, taken)


async def apply_portion(runtime: Runtime, run: SelectionRun) -> bool:
    """Change the next vehicles of a selection, and say whether any were left. The last call ends the selection."""
    selection_id, attempt = run.taken.selection_id, run.taken.attempt
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> bool:
        selections = transaction.selections
        seen = check_held(await selections.find_selection(selection_id), attempt)
        rows = await selections.list_vehicles(selection_id, seen.position, PORTION)
        requests = {row.vehicle_id: _give_request(seen, row) for row in rows if row.tag}
        done = await change_and_plan(transaction, list(requests.values()), now) if requests else None
        # After the vehicles, like every row that is locked beside them. Only the holder moves the position.
        held = check_held(await selections.lock_selection(selection_id), attempt)
        if not rows:
            await selections.save_selection(rules.end(held, SelectionState.DONE, now))
            return False
        ended = _end_rows(rows, requests, done)
        await selections.save_vehicles(selection_id, ended)
        moved = replace(
            held,
            position=rows[-1].vehicle_id,
            counts=held.counts.add(row.outcome for row in ended if row.outcome is not None),
            lease_until=now + LEASE,
            tries=0,
        )
        await selections.save_selection(moved)
        return True

    return await _write_held(runtime, run, work, otherwise=False)


async def release_selection(runtime: Runtime, run: SelectionRun) -> None:
    """Give a run back, so that another process can continue at once."""

    async def work(transaction: WriteTransaction) -> None:
        selections = transaction.selections
        held = check_held(await selections.lock_selection(run.taken.selection_id), run.taken.attempt)
        await selections.save_selection(rules.release(held))

    await _write_held(runtime, run, work, otherwise=None)


def _give_request(selection: VehicleSelection, row: SelectedVehicle) -> StatusRequest:
    if selection.wanted is None or selection.applied_by is None or selection.request_id is None:
        raise AssertionError(selection)  # it was queued with all of them
    return selection.wanted.give_request(row.vin, row.tag, selection.applied_by, selection.request_id)


def _end_rows(
    rows: Sequence[SelectedVehicle], requests: Mapping[int, StatusRequest], done: DecidedAndPlanned | None
) -> list[SelectedVehicle]:
    """Give the vehicles with what became of them."""
    outcomes: dict[int, SelectedVehicle] = {}
    places = {} if done is None else {vehicle_id: place for place, vehicle_id in enumerate(requests)}
    changed = frozenset[int]() if done is None else frozenset(done.decided.places)
    for row in rows:
        place = places.get(row.vehicle_id)
        if place is None or done is None:
            outcomes[row.vehicle_id] = replace(row, outcome=SelectedOutcome.REFUSED, detail=GONE)
            continue
        decided = done.decided.outcomes[place]
        request = requests[row.vehicle_id]
        if isinstance(decided, PadronError):
            outcomes[row.vehicle_id] = replace(row, outcome=_name_refusal(decided), detail=decided.detail)
        elif isinstance(request, PlanRequest) and request.is_for_later:
            outcomes[row.vehicle_id] = replace(row, outcome=SelectedOutcome.PLANNED)
        else:
            outcome = SelectedOutcome.CHANGED if place in changed else SelectedOutcome.UNCHANGED
            outcomes[row.vehicle_id] = replace(row, outcome=outcome)
    return list(outcomes.values())


def _name_refusal(refusal: PadronError) -> SelectedOutcome:
    is_changed = refusal.code in {Code.REVISION_MISMATCH, Code.VEHICLE_NOT_FOUND}
    return SelectedOutcome.CHANGED_SINCE if is_changed else SelectedOutcome.REFUSED


async def _write_held(
    runtime: Runtime, run: SelectionRun, work: Callable[[WriteTransaction], Awaitable[T]], *, otherwise: T
) -> T:
    try:
        return await runtime.store.write(run.account_id, work)
    except PadronError as error:
        if error.code is not Code.SELECTION_ENDED:
            raise
        run.is_lost = True
        return otherwise
