"""The list of vehicles: found, filtered, sorted and paged, with all of it in the address."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.following import begin_following
from padron.console.pages.listing_state import COLUMNS, LIMITS, ListState, read_state
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus
from padron.domain.vehicle import VehicleVersion
from padron.mounting import MountedReply
from padron.service.vehicles.counting import VehicleCount, count_vehicles
from padron.service.vehicles.questions import OPERATIONAL_FILTER, SEARCH, SEVERAL, SORT, STATUS_FILTER, parse_question
from padron.service.vehicles.reading import list_vehicles

COUNT, EXACT = "count", "exact"  # the field of an address that asks for an exact count, and its value
SHORT_PAGE = 100  # of vehicles; a longer one waits for its turn, as in the API

_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.CURSOR_GONE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One value of a filter, and the list without it."""

    pair: Pair
    text: str
    status: VehicleStatus | None


async def show_vehicles(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles."""
    followed = await begin_following(visit)
    state = read_state(visit.query)
    rows: Sequence[VehicleVersion] = ()
    next_cursor: str | None = None
    refusal: PadronError | None = None
    counted: VehicleCount | None = None
    try:
        query = build_query(state)
        is_long = state.limit > SHORT_PAGE
        async with visit.runtime.turns.take(visit.principal.account_id) if is_long else nullcontext():
            found = await list_vehicles(visit.runtime, visit.principal, query, state.cursor)
        rows, next_cursor = found.page.rows, found.page.next_cursor
        if state.cursor is None:
            is_exact = visit.query.get(COUNT) == EXACT
            counted = await count_vehicles(visit.runtime, visit.principal, query, exactly=is_exact)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        refusal = error
    return show(
        visit,
        "vehicles.html",
        state=state,
        followed=followed,
        rows=rows,
        next_cursor=next_cursor,
        refusal=refusal,
        counted=counted,
        exactly=[*state.list_pairs(), Pair(COUNT, EXACT)],
        chips=list_chips(visit, state),
        statuses=list(STATUS_TEXTS),
        settable=list(SETTABLE_STATUSES.values()),
        chosen_statuses=state.get_values(STATUS_FILTER),
        status_filter=STATUS_FILTER,
        fields=sorted(FILTER_FIELDS, key=visit.wording.name_field),
        columns=COLUMNS,
        limits=LIMITS,
    )


def build_query(state: ListState) -> VehicleQuery:
    """Give the question that a list asks. Raises ``bad_parameters`` for a filter's value that cannot be one."""
    given = dict(state.filters)
    if statuses := state.get_values(STATUS_FILTER):
        given[STATUS_FILTER] = SEVERAL.join(statuses)
    if state.sort is not None:
        given[SORT] = state.sort
    if state.search:
        given[SEARCH] = state.search
    return replace(parse_question(given), limit=state.limit)


def list_chips(visit: PageVisit, state: ListState) -> list[Chip]:
    """Give a chip for each value of each filter."""
    return [_give_chip(visit, pair) for pair in state.filters]


def _give_chip(visit: PageVisit, pair: Pair) -> Chip:
    wording = visit.wording
    if pair.name == OPERATIONAL_FILTER:
        text = wording.say("list.operational" if pair.value == "true" else "list.not_operational")
        return Chip(pair=pair, text=str(text), status=None)
    if pair.name != STATUS_FILTER:
        return Chip(pair=pair, text=f"{wording.name_field(pair.name)}: {pair.value}", status=None)
    status = next((one for one in VehicleStatus if str(one.value) == pair.value), None)
    return Chip(pair=pair, text=pair.value if status is None else wording.name_status(status), status=status)


ROUTES = (ConsoleRoute(method="GET", path="/console/vehicles", endpoint=show_vehicles, scope=Scope.VEHICLES_READ),)
