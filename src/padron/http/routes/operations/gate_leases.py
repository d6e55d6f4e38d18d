"""Leases of local gates. While one counts, no answer tells of a deactivation that its holder has not applied."""

from padron.domain.account import Scope
from padron.domain.gate_leases import LEASE_ID_PATTERN, GrantedLease
from padron.http.answers import gate_problems, problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.gate_leases import (
    GateLeaseBody,
    GateLeaseList,
    GateRenewalBody,
    GrantedLeaseShape,
    shape_granted,
    shape_leases,
)
from padron.service.actors import name_actors
from padron.service.changes import feed
from padron.service.operations import gate_leases


async def take_lease(call: Call) -> Reply:
    """POST /api/v2/gate-leases."""
    body = await read_json(call, GateLeaseBody, absent=b"{}")
    granted = await gate_leases.take_lease(call.runtime, call.principal, body.seconds, body.name)
    return build_json_reply(201, _word(call, granted))


async def renew_lease(call: Call) -> Reply:
    """PUT /api/v2/gate-leases/{leaseId}."""
    body = await read_json(call, GateRenewalBody)
    granted = await gate_leases.renew_lease(
        call.runtime, call.principal, call.path_parameters["leaseId"], body.cursor
    )  # fmt: skip
    return build_json_reply(200, _word(call, granted))


async def end_lease(call: Call) -> Reply:
    """DELETE /api/v2/gate-leases/{leaseId}."""
    await gate_leases.end_lease(call.runtime, call.principal, call.path_parameters["leaseId"])
    return Reply(204)


async def list_leases(call: Call) -> Reply:
    """GET /api/v2/gate-leases."""
    queries.read_query(call, frozenset())
    found = await gate_leases.list_leases(call.runtime, call.principal)
    names = await name_actors(call.runtime, call.principal.account_id, [one.created_by for one in found.leases])
    return build_json_reply(200, shape_leases(found, dict(names)))


def _word(call: Call, granted: GrantedLease) -> GrantedLeaseShape:
    return shape_granted(granted, feed.format_cursor(call.runtime, granted.head))


_PATH = "/api/v2/gate-leases"
_TAG = "Gate"
_LEASE = Parameter(
    name="leaseId", place="path", required=True, description="The lease.",
    schema={"type": "string", "pattern": LEASE_ID_PATTERN},
)  # fmt: skip
_BODY = (problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)

ROUTES: tuple[Route, ...] = (
    Route(
        name="takeGateLease", method="POST", path=_PATH, tag=_TAG, summary="Take a lease for a local gate",
        description="With a lease, a local gate may answer for `seconds`, counted from before it sent the request, "
        "once it has applied the change `number`. Deactivations of the account wait until it has acknowledged them, "
        "at most these seconds. An Idempotency-Key is ignored: the answer counts from its own request.",
        endpoint=take_lease, scope=Scope.GATE_CHECK, body=GateLeaseBody, body_required=False, keeps_answer=False,
        body_example={"seconds": 2, "name": "dispatch-7"},
        answers={201: Success(description="The lease.", body=GrantedLeaseShape)},
        problems=(*_BODY, gate_problems.STRICT_GATES_OFF, gate_problems.TOO_MANY_GATE_LEASES),
    ),
    Route(
        name="renewGateLease", method="PUT", path=f"{_PATH}/{{leaseId}}", tag=_TAG,
        summary="Renew a lease, and acknowledge changes",
        description="Says that the local gate has applied all changes up to the cursor, and renews the lease. The "
        "answer counts for `seconds` from before its request, once the change `number` is applied.",
        endpoint=renew_lease, scope=Scope.GATE_CHECK, parameters=(_LEASE,), body=GateRenewalBody,
        body_example={"cursor": "9f31c07bWyJmZWVkIiw0MiwxNTQxODY2ODMxXQ"},
        answers={200: Success(description="The lease.", body=GrantedLeaseShape)},
        problems=(*_BODY, gate_problems.GATE_LEASE_NOT_FOUND, problems.CURSOR_GONE),
    ),
    Route(
        name="endGateLease", method="DELETE", path=f"{_PATH}/{{leaseId}}", tag=_TAG, summary="End a lease",
        description="Says that the local gate does not answer any more. Stop before sending this.",
        endpoint=end_lease, scope=Scope.GATE_CHECK, parameters=(_LEASE,),
        answers={204: Success(description="The lease has ended.")},
        problems=(gate_problems.GATE_LEASE_NOT_FOUND,),
    ),
    Route(
        name="listGateLeases", method="GET", path=_PATH, tag=_TAG, summary="List the leases of local gates",
        description="All leases of the account, with the last change that each local gate has applied.",
        endpoint=list_leases, scope=Scope.GATE_CHECK,
        answers={200: Success(description="The leases.", body=GateLeaseList)}, problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
