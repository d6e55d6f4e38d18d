"""Changing statuses in one transaction. The one function behind the single call and all that change many."""

from collections.abc import Callable, Sequence
from datetime import datetime

from padron.domain.change import Change, ChangeType, StatusRequest, decide
from padron.domain.errors import PadronError
from padron.domain.vehicle import Vehicle, give_status
from padron.store.base import StatusTransaction


async def change_statuses(
    transaction: StatusTransaction,
    requests: Sequence[StatusRequest],
    at: datetime,
    is_wanted: Callable[[Sequence[Vehicle | PadronError]], bool] | None = None,
) -> list[Vehicle | PadronError]:
    """Decide each request in order, write what changes, and give each its vehicle or its refusal.

    A request sees what the requests before it did: two changes of one vehicle both happen. With ``is_wanted``, all of
    it is written only if that says so of the outcomes.
    """
    current: dict[str, list[Vehicle]] = {}
    for vehicle in await transaction.lock_vehicles(sorted({request.vin for request in requests})):
        current.setdefault(vehicle.vin, []).append(vehicle)
    outcomes: list[Vehicle | PadronError] = []
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
    if is_wanted is None or is_wanted(outcomes):
        await transaction.save_changes(changes)
    return outcomes
