"""Changing a vehicle's status: the form, what will happen, and the change itself.

The form carries the tag of the vehicle as it was seen. Whoever changed it meanwhile is not overruled unseen: both
changes are shown, and the form asks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Fields, Pair, tidy_text
from padron.console.naming import name_actors
from padron.console.pages.vehicle import read_vin
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import ChangeType, HistoryEntry, PlanRequest, StatusRequest, parse_reason
from padron.domain.errors import Code, PadronError
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.tags import format_tag, parse_tag
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.mounting import MountedReply
from padron.service.plans.planning import plan_status
from padron.service.statuses.preview import OPEN_WORK_MAX, StatusPreview, preview_status
from padron.service.statuses.single import set_status
from padron.service.vehicles.reading import get_status, list_history

CONFLICT_ROWS = 10

_PATH = "/console/vehicles/{vin}/status"
_CONFLICT = 409
_LOCAL_LENGTH = 16  # browsers may add seconds, which nobody typed
_BAD_REQUEST = 400
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.NOTHING_TO_BRING_BACK})


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedChange:
    """The form as it was typed."""

    status: str
    reason: str
    at: str
    until: str
    revision: str

    @classmethod
    def read(cls, fields: Fields) -> "TypedChange":
        """Give what a form or an address holds."""
        names = ("status", "reason", "at", "until", "revision")
        return cls(**{name: fields.get(name) for name in names})


async def show_form(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles/{vin}/status. The address may choose a status beforehand."""
    vehicle = await get_status(visit.runtime, visit.principal, read_vin(visit))
    typed = replace(TypedChange.read(visit.query), revision=format_tag(vehicle))
    return _show_form(visit, vehicle, typed)


async def show_form_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    vehicle = await get_status(visit.runtime, visit.principal, read_vin(visit))
    return _show_form(visit, vehicle, TypedChange.read(visit.form), note="sign_in.typed_again")


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/vehicles/{vin}/status: show what will happen, or do it once it is confirmed."""
    vin, typed = read_vin(visit), TypedChange.read(visit.form)
    try:
        request = parse_request(visit, vin, typed)
        if visit.form.is_sent_back:
            return _show_form(visit, await get_status(visit.runtime, visit.principal, vin), typed)
        if visit.form.is_confirmed:
            return await _do(visit, request)
        preview = await preview_status(visit.runtime, visit.principal, request)
    except PadronError as error:
        if error.code is Code.REVISION_MISMATCH:
            return await _show_conflict(visit, vin, typed)
        if error.code not in _EXPLAINED:
            raise
        vehicle = await get_status(visit.runtime, visit.principal, vin)
        return _show_form(visit, vehicle, typed, problem=error.detail)
    return _show_preview(visit, preview, request, typed)


def parse_request(visit: PageVisit, vin: Vin, typed: TypedChange) -> PlanRequest:
    """Give the request that a form means. Raises ``bad_parameters``."""
    status = SETTABLE_STATUSES.get(int(typed.status)) if typed.status.isdecimal() and len(typed.status) == 1 else None
    if status is None:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("change.no_status"))
    return PlanRequest(
        vin=vin,
        status=status,
        reason=parse_reason(tidy_text(typed.reason)),
        revisions=frozenset({typed.revision}) if typed.revision else None,
        by=visit.principal.actor,
        request_id=visit.request_id,
        effective_at=parse_local(visit, typed.at),
        until=parse_local(visit, typed.until),
    )


def parse_local(visit: PageVisit, text: str) -> datetime | None:
    """Give the instant of a day and time in the visitor's zone, or None for an empty text.

    Raises ``bad_parameters`` for other text, and for a time that the clocks skip on that day. Of a time that comes
    twice, the first is meant.
    """
    if not text:
        return None
    at = _find_instant(text, visit.preferences.zone)
    if at is None:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("change.bad_time", text=text[:40]))
    return at


def _find_instant(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        local = datetime.strptime(text[:_LOCAL_LENGTH], "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
        at = local.astimezone(UTC)
        is_there = at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return at if is_there else None


async def _do(visit: PageVisit, request: PlanRequest) -> MountedReply:
    place = f"/console/vehicles/{request.vin}"
    if request.effective_at is not None or request.until is not None:
        await plan_status(visit.runtime, visit.principal, request)
        return redirect(visit, place, [Pair("done", visit.request_id)])
    asked = StatusRequest(
        vin=request.vin,
        status=request.status,
        reason=request.reason,
        revisions=request.revisions,
        by=request.by,
        request_id=request.request_id,
    )
    after = await set_status(visit.runtime, visit.principal, asked)
    is_same = request.revisions is not None and format_tag(after) in request.revisions
    return redirect(visit, place, [Pair("done", "same" if is_same else visit.request_id)])


async def _show_conflict(visit: PageVisit, vin: Vin, typed: TypedChange) -> MountedReply:
    """Show what somebody else did since the form was made, beside what the visitor wants."""
    vehicle = await get_status(visit.runtime, visit.principal, vin)
    history = await list_history(visit.runtime, visit.principal, vin, limit=CONFLICT_ROWS, cursor=None)
    seen = parse_tag(typed.revision)
    newer = [entry for entry in history.rows if seen is None or seen.is_before(entry.at)]
    fresh = replace(typed, revision=format_tag(vehicle))
    request = parse_request(visit, vin, fresh)
    preview = await preview_status(visit.runtime, visit.principal, request)
    names = await name_actors(visit, {entry.by for entry in newer})
    return _show_preview(visit, preview, request, fresh, newer=newer, names=names)


def _show_form(
    visit: PageVisit, vehicle: Vehicle, typed: TypedChange, *, problem: str = "", note: str = ""
) -> MountedReply:
    return show(
        visit,
        "status-form.html",
        status=_BAD_REQUEST if problem else 200,
        vehicle=vehicle,
        typed=typed,
        statuses=list(SETTABLE_STATUSES.values()),
        problem=problem,
        note=note,
    )


def _show_preview(
    visit: PageVisit,
    preview: StatusPreview,
    request: PlanRequest,
    typed: TypedChange,
    *,
    newer: list[HistoryEntry] | None = None,
    names: Mapping[str, str] | None = None,
) -> MountedReply:
    return show(
        visit,
        "status-preview.html",
        status=200 if newer is None else _CONFLICT,
        preview=preview,
        request=request,
        typed=typed,
        newer=newer,
        names=names or {},
        changes=ChangeType,
        work_max=OPEN_WORK_MAX,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_form, scope=Scope.VEHICLES_STATUS),
    ConsoleRoute(method="POST", path=_PATH, endpoint=change, scope=Scope.VEHICLES_STATUS, show_again=show_form_again),
)
