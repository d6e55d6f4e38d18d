"""Turns the body of a status call, single or bulk, into its request: a change for now, or a plan for later."""

from padron.domain.change import PlanRequest, StatusRequest, parse_reason
from padron.domain.instants import parse_future_instant
from padron.domain.status import parse_settable_status
from padron.domain.vin import Vin
from padron.http.calls import Call
from padron.http.shapes.vehicles import StatusBody


def parse_request(call: Call, vin: Vin, body: StatusBody, revisions: frozenset[str] | None) -> StatusRequest:
    """Give the request of a body. It is a ``PlanRequest`` when the body names an instant. Raises ``bad_parameters``."""
    status = parse_settable_status(body.vehicle_status_id)
    reason = parse_reason(body.reason) if isinstance(body.reason, str) else None
    by, request_id = call.principal.actor, call.request_id
    if isinstance(body.effective_at, str) or isinstance(body.until, str):
        return PlanRequest(
            vin=vin,
            status=status,
            reason=reason,
            revisions=revisions,
            by=by,
            request_id=request_id,
            effective_at=parse_future_instant("effectiveAt", body.effective_at)
            if isinstance(body.effective_at, str)
            else None,
            until=parse_future_instant("until", body.until) if isinstance(body.until, str) else None,
        )
    return StatusRequest(vin, status, reason, revisions, by, request_id)
