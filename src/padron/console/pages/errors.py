"""The console's own pages for what goes wrong. Each has the id of the request, which the log has as well."""

from collections.abc import Mapping
from dataclasses import replace

from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.errors import Code, PadronError
from padron.domain.rates import RateExceededError
from padron.mounting import BodyRefusedError, MountedReply

NOT_FOUND = 404
SERVER_ERROR = 500
_BAD_REQUEST = 400
_CONFLICT = 409
_PASSING = frozenset({429, 503})
_RETRY_AFTER_S = 1

STATUSES: Mapping[Code, int] = {
    Code.BAD_PARAMETERS: 400,
    Code.UNAUTHORIZED: 401,
    Code.INVALID_TOKEN: 401,
    Code.SESSION_ENDED: 401,
    Code.FORBIDDEN: 403,
    Code.VEHICLE_NOT_FOUND: 404,
    Code.PLAN_NOT_FOUND: 404,
    Code.REQUEST_NOT_FOUND: 404,
    Code.KEY_NOT_FOUND: 404,
    Code.USER_NOT_FOUND: 404,
    Code.WEBHOOK_NOT_FOUND: 404,
    Code.DELIVERY_NOT_FOUND: 404,
    Code.OPERATION_NOT_FOUND: 404,
    Code.RUN_NOT_FOUND: 404,
    Code.NO_DUPLICATES: 409,
    Code.RUN_ENDED: 409,
    Code.VIEW_NOT_FOUND: 404,
    Code.IMPORT_NOT_FOUND: 404,
    Code.SELECTION_NOT_FOUND: 404,
    Code.MULTIPLE_VEHICLES_FOUND: 409,
    Code.IMPORT_ENDED: 409,
    Code.IMPORT_LIMIT_REACHED: 409,
    Code.REQUEST_TOO_LARGE: 409,
    Code.SELECTION_ENDED: 409,
    Code.SELECTION_CHANGED: 409,
    Code.SELECTION_LIMIT_REACHED: 409,
    Code.PLAN_ENDED: 409,
    Code.NOTHING_TO_BRING_BACK: 409,
    Code.REVISION_MISMATCH: 412,
    Code.CURSOR_GONE: 410,
    Code.ARCHIVED: 410,
    Code.RATE_EXCEEDED: 429,
    Code.OVERLOADED: 429,
    Code.SERVER_FULL: 503,
    Code.PROVIDER_UNAVAILABLE: 503,
    Code.STORE_UNAVAILABLE: 503,
}


def show_error(visit: PageVisit, error: PadronError) -> MountedReply:
    """Give the page for a refusal."""
    status = STATUSES.get(error.code, _BAD_REQUEST)
    reply = _show(visit, status, f"error.{error.code.value}", error.detail, error.code.value)
    if status not in _PASSING:
        return reply
    wait_s = error.wait_s if isinstance(error, RateExceededError) else _RETRY_AFTER_S
    return replace(reply, headers=(*reply.headers, (b"retry-after", b"%d" % wait_s)))


def show_refused_body(visit: PageVisit, error: BodyRefusedError) -> MountedReply:
    """Give the page for a form that is too large or too slow."""
    reply = _show(visit, error.status, "error.body", error.detail, error.problem)
    return replace(reply, headers=(*reply.headers, *error.headers))


def show_missing(visit: PageVisit) -> MountedReply:
    """Give the page for an address that does not exist."""
    return _show(visit, NOT_FOUND, "error.no_page", "", "path-not-found")


def show_other_account(visit: PageVisit) -> MountedReply:
    """Give the page for a form that was made before another account was chosen. Nothing was done."""
    return _show(visit, _CONFLICT, "error.other_account", "", "other-account")


def show_failure(visit: PageVisit) -> MountedReply:
    """Give the page for a failure of the server itself. It says nothing of the cause, which only the log has."""
    return _show(visit, SERVER_ERROR, "error.failure", "", "internal-error")


def _show(visit: PageVisit, status: int, key: str, detail: str, problem: str) -> MountedReply:
    known = key if visit.wording.has(key) else "error.other"
    return show(visit, "error.html", status=status, kind=problem, key=known, detail=detail, status_code=status)
