"""Reads selections and their vehicles, cancels them, and deletes those that are over."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from padron.domain import selection as rules
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.naming_list import ListFault
from padron.domain.quoting import quote
from padron.domain.selection import (
    ENDED_STATES,
    SelectedOutcome,
    SelectedVehicle,
    SelectionState,
    VehicleSelection,
    parse_selection_id,
)
from padron.domain.status import is_operational
from padron.domain.vehicle import Details
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

DELETED_ROWS = 2_000  # in one transaction
REPORT_PAGE = 1_000
FAULTS_SHOWN = 500
_NEWEST = 2**63 - 1
_OUTCOMES_IN_FORCE = frozenset({SelectedOutcome.CHANGED, SelectedOutcome.UNCHANGED})


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionView:
    """A selection with a page of its vehicles, and the first faults of its list."""

    selection: VehicleSelection
    page: Page[SelectedVehicle]
    faults: list[ListFault]


async def list_selections(
    runtime: Runtime, principal: Principal, *, limit: int, cursor: str | None
) -> Page[VehicleSelection]:
    """Give a page of the account's selections, newest first. Raises ``forbidden`` and ``bad_parameters``."""
    _check_may_read(principal)
    epoch = runtime.store.epoch
    numbers = cursors.parse_numbers(epoch, "selections", cursor, 1)
    before = _NEWEST if numbers is None else numbers[0]
    now = runtime.clock()
    found = await runtime.store.read(principal.account_id).selections.list_selections(before, look_beyond(limit))
    await _await_leases(runtime, principal, found)
    page = cut_page(found, limit, lambda last: cursors.format_numbers(epoch, "selections", last.selection_id))
    return Page(rows=[one for one in page.rows if one.is_busy or one.expires_at > now], next_cursor=page.next_cursor)


async def get_selection(runtime: Runtime, principal: Principal, selection_id: str) -> VehicleSelection:
    """Give one selection. Raises ``forbidden`` and ``selection_not_found``."""
    found = await _find_selection(runtime, principal, selection_id)
    await _await_leases(runtime, principal, [found])
    return found


async def _await_leases(runtime: Runtime, principal: Principal, told: Sequence[VehicleSelection]) -> None:
    """Return once no local gate answers from before what these selections have done so far."""
    if any(one.tells_deactivated for one in told):
        await runtime.leases.confirm_change(principal.account_id, None)


async def _find_selection(runtime: Runtime, principal: Principal, selection_id: str) -> VehicleSelection:
    _check_may_read(principal)
    number = parse_selection_id(selection_id)
    found = None
    if number is not None:
        found = await runtime.store.read(principal.account_id).selections.find_selection(number)
    if found is None or found.state is SelectionState.MAKING:
        raise refuse_unknown(selection_id)
    if not found.is_busy and found.expires_at <= runtime.clock():
        raise refuse_unknown(selection_id)
    return found


async def view_selection(
    runtime: Runtime, principal: Principal, selection_id: str, *, limit: int, cursor: str | None
) -> SelectionView:
    """Give a selection with a page of its vehicles. Raises ``forbidden`` and ``selection_not_found``."""
    found = await _find_selection(runtime, principal, selection_id)
    epoch = runtime.store.epoch
    numbers = cursors.parse_numbers(epoch, "selected", cursor, 1)
    reader = runtime.store.read(principal.account_id).selections
    rows = await reader.list_vehicles(found.selection_id, 0 if numbers is None else numbers[0], look_beyond(limit))
    page = cut_page(rows, limit, lambda last: cursors.format_numbers(epoch, "selected", last.vehicle_id))
    faults = await reader.list_faults(found.selection_id, 0, FAULTS_SHOWN) if found.fault_count else []
    await _await_leases_for_rows(runtime, principal, found, rows)
    return SelectionView(selection=found, page=page, faults=faults)


async def _await_leases_for_rows(
    runtime: Runtime, principal: Principal, found: VehicleSelection, rows: Sequence[SelectedVehicle]
) -> None:
    """Return once no local gate answers from before what a selection has done to these vehicles, or says it has done.

    The rows may be newer than the selection.
    """
    is_deactivation = found.wanted is None or not is_operational(found.wanted.status)
    if found.tells_deactivated or (is_deactivation and any(row.outcome in _OUTCOMES_IN_FORCE for row in rows)):
        await runtime.leases.confirm_change(principal.account_id, None)


async def load_details(runtime: Runtime, principal: Principal, vehicle_ids: Collection[int]) -> dict[int, Details]:
    """Give the core data of those of some vehicles that are current. Raises ``forbidden``."""
    _check_may_read(principal)
    return await runtime.store.read(principal.account_id).selections.load_details([*vehicle_ids])


async def list_report(
    runtime: Runtime, principal: Principal, found: VehicleSelection
) -> AsyncIterator[list[SelectedVehicle]]:
    """Give all vehicles of a selection with their outcomes, a thousand at a time. Raises ``forbidden``."""
    _check_may_read(principal)
    reader = runtime.store.read(principal.account_id).selections
    after = 0
    while page := await reader.list_vehicles(found.selection_id, after, REPORT_PAGE):
        await _await_leases_for_rows(runtime, principal, found, page)
        yield page
        after = page[-1].vehicle_id


async def list_faults(
    runtime: Runtime, principal: Principal, found: VehicleSelection
) -> AsyncIterator[list[ListFault]]:
    """Give all faults of a selection's list, a thousand at a time. Raises ``forbidden``."""
    _check_may_read(principal)
    reader = runtime.store.read(principal.account_id).selections
    after = 0
    while page := await reader.list_faults(found.selection_id, after, REPORT_PAGE):
        yield page
        after = page[-1].place


async def delete_selection(runtime: Runtime, principal: Principal, selection_id: str) -> None:
    """Cancel a selection that is being applied, and delete any other one.

    What a cancelled one changed so far stays. Raises ``forbidden`` and ``selection_not_found``.
    """
    _check_may_read(principal)
    found = await _find_selection(runtime, principal, selection_id)
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> bool:
        present = await transaction.selections.lock_selection(found.selection_id)
        if present is None:
            raise refuse_unknown(selection_id)
        if present.state not in ENDED_STATES:
            await transaction.selections.save_selection(rules.end(present, SelectionState.CANCELLED, now))
        return not present.is_busy

    if await runtime.store.write(principal.account_id, work):
        await remove_selection(runtime, principal.account_id, found.selection_id)


async def remove_selection(runtime: Runtime, account_id: int, selection_id: int) -> None:
    """Delete a selection that is not being applied, in small transactions."""

    async def work(transaction: WriteTransaction) -> bool:
        selections = transaction.selections
        present = await selections.lock_selection(selection_id)
        if present is None or present.is_busy:
            return False
        if await selections.delete_vehicles(selection_id, DELETED_ROWS) == DELETED_ROWS:
            return True
        if await selections.delete_faults(selection_id, DELETED_ROWS) == DELETED_ROWS:
            return True
        await selections.delete_selection(selection_id)
        return False

    while await runtime.store.write(account_id, work):
        pass


async def clear_selections(runtime: Runtime, account_id: int) -> None:
    """Delete the account's selections that have expired."""
    now = runtime.clock()

    async def find(transaction: WriteTransaction) -> list[int]:
        return await transaction.selections.list_expired(now)

    for selection_id in await runtime.store.write(account_id, find):
        await remove_selection(runtime, account_id, selection_id)


def refuse_unknown(selection_id: str) -> PadronError:
    """Give the refusal of a selection that does not exist."""
    return PadronError(Code.SELECTION_NOT_FOUND, f"There is no selection {quote(selection_id)}.")


def _check_may_read(principal: Principal) -> None:
    for scope in (Scope.VEHICLES_READ, Scope.VEHICLES_STATUS, Scope.VEHICLES_BULK):
        principal.check_scope(scope)
