"""Changes statuses in one transaction: the common part of the single call and the bulk call.

``build_status_change`` builds a change of status for both calls, and for plans, imports, undo and
repairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import Change, StatusRequest, build_status_change, decide
from padron.domain.errors import PadronError
from padron.domain.status import is_operational
from padron.domain.vehicle import Vehicle

StatusOutcome = Vehicle | PadronError


def tells_deactivated(outcome: StatusOutcome) -> bool:
    """Say whether an answer with the outcome tells that a vehicle may not be touched, whoever deactivated it."""
    return not isinstance(outcome, PadronError) and not is_operational(outcome.status)


# Not frozen, for speed, like changes: each batch of status calls makes one for each account.
@dataclass(kw_only=True, slots=True)
class Decisions:
    """The decisions on some requests: an outcome for each, in order, and the changes to write."""

    outcomes: list[StatusOutcome]  # the vehicle after the request, or the refusal
    changes: list[Change]
    places: list[int]  # for each change: the place of its request


def decide_all(vehicles: Sequence[Vehicle], requests: Sequence[StatusRequest], at: datetime) -> Decisions:
    """Decide each request in order.

    ``vehicles`` are the current ones with the requested VINs, by VIN and slot. A request sees the
    effect of earlier requests: two changes of one vehicle both happen.
    """
    current: dict[str, list[Vehicle]] = {}
    for vehicle in vehicles:
        current.setdefault(vehicle.vin, []).append(vehicle)
    outcomes: list[StatusOutcome] = []
    changes: list[Change] = []
    places: list[int] = []
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
        places.append(len(outcomes))
        outcomes.append(change.vehicle)
    return Decisions(outcomes=outcomes, changes=changes, places=places)


def list_vins(requests: Sequence[StatusRequest]) -> list[str]:
    """Give the requested VINs, sorted, each once."""
    return sorted({request.vin for request in requests})
