"""The errors of leases of local gates."""

from padron.domain.errors import Code
from padron.http.answers.problem import Problem

STRICT_GATES_OFF = Problem(
    slug="strict-gates-off", status=409, title="Strict gates are off", error_type="conflict",
    error_detail="StrictGatesOff",
    meaning="The deactivations of this account do not wait for leases, so a lease would promise nothing.",
    remedy="Turn them on with PUT /api/v2/account/strict-gates, or with padron accounts strict-gates.",
)  # fmt: skip
GATE_LEASE_NOT_FOUND = Problem(
    slug="gate-lease-not-found", status=404, title="Lease not found", error_type="notFound",
    error_detail="GateLeaseNotFound",
    meaning="The account has no such lease: it was not renewed or not acknowledged in time, or it was ended.",
    remedy="Stop answering when the time of your last answer is over. Take a new lease with POST "
    "/api/v2/gate-leases.",
)  # fmt: skip
TOO_MANY_GATE_LEASES = Problem(
    slug="too-many-gate-leases", status=429, title="Too many leases", error_type="tooManyRequests",
    error_detail="TooManyGateLeases",
    meaning="The account has the maximum of leases of local gates.",
    remedy="End leases that nobody needs. Those that are not renewed end at the next deactivation.",
)  # fmt: skip

GATE_PROBLEMS: dict[Code, Problem] = {
    Code.STRICT_GATES_OFF: STRICT_GATES_OFF,
    Code.GATE_LEASE_NOT_FOUND: GATE_LEASE_NOT_FOUND,
    Code.TOO_MANY_GATE_LEASES: TOO_MANY_GATE_LEASES,
}
