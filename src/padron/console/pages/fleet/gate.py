"""The gate for people: may this vehicle be dispatched? And what the gate has refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.gate import OPERATION_LENGTH_MAX, RefusalQuery, RefusalReason, Verdict
from padron.domain.query import VehicleQuery
from padron.domain.vehicle import suggest_plate
from padron.domain.vin import Vin, parse_vin
from padron.mounting import MountedReply
from padron.service.operations.gate import check_vehicles, list_refusals
from padron.service.vehicles.reading import list_vehicles

ASKED_MAX = 100  # vehicles that one form asks about
NAMES_MAX = 20  # plates and unit numbers: each is a look-up of its own, or two
BEARERS_MAX = 5  # vehicles with one unit number
ROWS = 50

_PATH = "/console/gate"
_REFUSALS = "/console/gate/refusals"
_BAD_REQUEST = 400
_ENDS = re.compile(r"[\r\n,;]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedVehicles:
    """The VINs that a form means, what was typed for those named otherwise, and the texts that mean no vehicle."""

    vins: Sequence[Vin]
    typed: Mapping[str, str]
    unknown: Sequence[str]


async def show_gate(visit: PageVisit) -> MountedReply:
    """GET /console/gate. The address may name a VIN beforehand; nothing is asked yet."""
    return _show_gate(visit, visit.query.get("vin"), visit.query.get("operation"))


async def show_gate_again(visit: PageVisit) -> MountedReply:
    """Show the form as it was typed. Nothing is asked."""
    return _show_gate(visit, visit.form.get("vehicles"), visit.form.get("operation"))


async def ask_gate(visit: PageVisit) -> MountedReply:
    """POST /console/gate: ask. Refusals are remembered, as for a program that asks."""
    typed, operation = visit.form.get("vehicles"), visit.form.get("operation").strip()
    try:
        asked = await find_asked(visit, typed)
        answer = await check_vehicles(visit.runtime, visit.principal, operation, asked.vins)
    except PadronError as error:
        if error.code is not Code.BAD_PARAMETERS:
            raise
        return _show_gate(visit, typed, operation, problem=error.detail)
    actors = {verdict.vehicle.status_by for verdict in answer.verdicts if verdict.vehicle is not None}
    return show(
        visit,
        "gate.html",
        typed=typed,
        operation=operation,
        verdicts=answer.verdicts,
        unknown=asked.unknown,
        named=asked.typed,
        reasons=RefusalReason,
        names=await name_actors(visit, actors),
        problem="",
        operation_max=OPERATION_LENGTH_MAX,
        asked_max=ASKED_MAX,
    )


async def find_asked(visit: PageVisit, typed: str) -> AskedVehicles:
    """Give the vehicles that a text names by VIN, plate or unit number.

    Raises ``bad_parameters`` for none, and for too many.
    """
    texts = list(dict.fromkeys(text.strip() for text in _ENDS.split(typed) if text.strip()))
    if not texts or len(texts) > ASKED_MAX:
        key = "gate.too_many" if texts else "gate.none_typed"
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say(key, max=ASKED_MAX))
    vins: list[Vin] = []
    unknown: list[str] = []
    named: dict[str, str] = {}
    names_left = NAMES_MAX
    for text in texts:
        try:
            vins.append(parse_vin(text))
        except PadronError:
            found = await _find_by_name(visit, text) if names_left else []
            names_left = max(names_left - 1, 0)
            vins += found
            named |= dict.fromkeys(found, text)
            if not found:
                unknown.append(text)
    return AskedVehicles(vins=list(dict.fromkeys(vins)), typed=named, unknown=unknown)


async def show_refusals(visit: PageVisit) -> MountedReply:
    """GET /console/gate/refusals, the newest first, perhaps of one VIN or one operation."""
    vin_text, operation = visit.query.get("vin").strip(), visit.query.get("operation").strip()
    cursor = visit.query.get("cursor") or None
    problem, rows, next_cursor = "", [], None
    try:
        query = RefusalQuery(vin=parse_vin(vin_text) if vin_text else None, operation=operation or None, limit=ROWS)
        page = await list_refusals(visit.runtime, visit.principal, query, cursor)
        rows, next_cursor = list(page.rows), page.next_cursor
    except PadronError as error:
        if error.code not in {Code.BAD_PARAMETERS, Code.CURSOR_GONE}:
            raise
        problem = error.detail
    kept = [Pair(name, text) for name, text in (("vin", vin_text), ("operation", operation)) if text]
    return show(
        visit,
        "refusals.html",
        rows=rows,
        vin=vin_text,
        operation=operation,
        next_page=[*kept, Pair("cursor", next_cursor)] if next_cursor else [],
        first_page=kept,
        is_first=cursor is None,
        names=await name_actors(visit, {one.actor for one in rows}),
        problem=problem,
    )


async def _find_by_name(visit: PageVisit, text: str) -> list[Vin]:
    """Give the vehicles with a plate, which people write with hyphens or spaces, or else with a unit number."""
    plate = await _find_by(visit, "plate", suggest_plate(text) or text, 1)
    return plate or await _find_by(visit, "customId", text, BEARERS_MAX)


async def _find_by(visit: PageVisit, field: str, text: str, limit: int) -> list[Vin]:
    try:
        query = VehicleQuery(filters={field: text}, limit=limit)
        found = await list_vehicles(visit.runtime, visit.principal, query, None)
    except PadronError as error:
        if error.code not in {Code.BAD_PARAMETERS, Code.FORBIDDEN}:
            raise
        return []
    return [version.vehicle.vin for version in found.page.rows]


def _show_gate(visit: PageVisit, typed: str, operation: str, *, problem: str = "") -> MountedReply:
    verdicts: list[Verdict] = []
    return show(
        visit,
        "gate.html",
        status=_BAD_REQUEST if problem else 200,
        typed=typed,
        operation=operation,
        verdicts=verdicts,
        unknown=(),
        named={},
        reasons=RefusalReason,
        names={},
        problem=problem,
        operation_max=OPERATION_LENGTH_MAX,
        asked_max=ASKED_MAX,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_gate, scope=Scope.GATE_CHECK),
    ConsoleRoute(method="POST", path=_PATH, endpoint=ask_gate, scope=Scope.GATE_CHECK, show_again=show_gate_again),
    ConsoleRoute(method="GET", path=_REFUSALS, endpoint=show_refusals, scope=Scope.GATE_CHECK),
)
