"""Changing statuses in one transaction: what the single call and the bulk call have in common.

``build_status_change`` says what a change of status consists of, for these two as well as for plans,
imports, undo and repairs.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from padron.domain.change import Change, StatusRequest, build_status_change, decide
from padron.domain.errors import PadronError
from padron.domain.vehicle import Vehicle
from padron.store.base import WriteTransaction

Outcome = Vehicle | PadronError


def decide_all(
    vehicles: Sequence[Vehicle], requests: Sequence[StatusRequest], at: datetime
) -> tuple[list[Outcome], list[Change]]:
    """Decide each request in order: give each its vehicle or its refusal, and the changes to write.

    ``vehicles`` are the current ones with the VINs asked for, by VIN and slot. A request sees what the requests before
    it did: two changes of one vehicle both happen.
    """
    current: dict[str, list[Vehicle]] = {}
    for vehicle in vehicles:
        current.setdefault(vehicle.vin, []).append(vehicle)
    outcomes: list[Outcome] = []
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
        change = build_status_change(
            before, request.status, at=at, by=request.by, request_id=request.request_id, reason=request.reason
        )
        current[request.vin] = [change.vehicle]
        changes.append(change)
        outcomes.append(change.vehicle)
    return outcomes, changes


async def change_statuses(
    transaction: WriteTransaction,
    requests: Sequence[StatusRequest],
    at: datetime,
    is_wanted: Callable[[Sequence[Outcome]], bool] | None = None,
) -> list[Outcome]:
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
