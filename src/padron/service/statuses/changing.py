"""Changing statuses in one transaction. The one function behind the single call and all that change many."""

from collections.abc import Callable, Sequence
from datetime import datetime

from padron.domain.change import Change, ChangeType, StatusRequest, decide
from padron.domain.errors import PadronError
from padron.domain.vehicle import Vehicle, give_status
from padron.store.base import WriteTransaction

StatusOutcome = Vehicle | PadronError


def decide_all(
    vehicles: Sequence[Vehicle], requests: Sequence[StatusRequest], at: datetime
) -> tuple[list[StatusOutcome], list[Change]]:
    """Decide each request in order: give each its vehicle or its refusal, and the changes to write.

    ``vehicles`` are the current ones with the VINs asked for, by VIN and slot. A request sees what the requests before
    it did: two changes of one vehicle both happen.
    """
    current: dict[str, list[Vehicle]] = {}
    for vehicle in vehicles:
        current.setdefault(vehicle.vin, []).append(vehicle)
    outcomes: list[StatusOutcome] = []
    changes: list[Change] = []
    for request in requests:
        found = current.get(request.vin, [])
        try:
            before = decide(found, request)
        except PadronError as refusal:
            outcomes.append(refusal)
            continue
        if before is None:
            outcomes.append(found[0])
            continue
        after = give_status(before, request.status, at=at, by=request.by, reason=request.reason)
        current[request.vin] = [after]
        changes.append(
            Change(
                type=ChangeType.STATUS_CHANGED,
                vehicle=after,
                at=at,
                by=request.by,
                request_id=request.request_id,
                from_status=before.status,
                reason=request.reason,
            )
        )
        outcomes.append(after)
    return outcomes, changes


async def change_statuses(
    transaction: WriteTransaction,
    requests: Sequence[StatusRequest],
    at: datetime,
    is_wanted: Callable[[Sequence[StatusOutcome]], bool] | None = None,
) -> list[StatusOutcome]:
    """Decide each request, write what changes, and give each its vehicle or its refusal.

    With ``is_wanted``, all of it is written only if that says so of the outcomes.
    """
    vehicles = await transaction.lock_vehicles(list_vins(requests))
    outcomes, changes = decide_all(vehicles, requests, at)
    if is_wanted is None or is_wanted(outcomes):
        await transaction.save_changes(changes)
    return outcomes


def list_vins(requests: Sequence[StatusRequest]) -> list[str]:
    """Give the VINs that are asked for, each once, sorted."""
    return sorted({request.vin for request in requests})
