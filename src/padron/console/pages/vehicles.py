"""The list of vehicles: found, filtered, sorted and paged, with all of it in the address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.following import begin_following
from padron.console.pages.listing_state import COLUMNS, LIMITS, VIEW, ListState
from padron.console.pages.opened_view import choose_list
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, VehicleQuery
from padron.domain.saved_view import SavedView, format_view_id
from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus
from padron.domain.vehicle import VehicleVersion
from padron.mounting import MountedReply
from padron.service.vehicles.counting import VehicleCount, count_vehicles
from padron.service.vehicles.questions import OPERATIONAL_FILTER, SEARCH, SORT, STATUS_FILTER, parse_question
from padron.service.vehicles.reading import list_vehicles, wait_for_turn
from padron.service.views.keeping import may_change
from padron.service.views.opening import SeenViews, list_views

SAVED = "saved"  # the field that says that a view has just been saved
COUNT, EXACT = "count", "exact"  # the field of an address that asks for an exact count, and its value
ONWARD, ASKED = "onward", "1"  # the field that asks for one page after the other until something is found

_ASIDE = frozenset({COUNT, SAVED, ONWARD})
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.CURSOR_GONE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One value of a filter, and the list without it."""

    pair: Pair
    text: str
    status: VehicleStatus | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedView:
    """A saved view to choose: its address, and whether it is one's own or shared, in words."""

    view: SavedView
    address: list[Pair]
    text: str


async def show_vehicles(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles."""
    followed = await begin_following(visit)
    seen = await list_views(visit.runtime, visit.principal)
    shown = choose_list(visit.query, seen, _ASIDE)
    state = shown.state
    rows: Sequence[VehicleVersion] = ()
    next_cursor: str | None = None
    refusal: PadronError | None = None
    counted: VehicleCount | None = None
    try:
        query = build_query(state)
        async with wait_for_turn(visit.runtime, visit.principal, query):
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
        shown=shown,
        views=list_offered(seen, visit),
        first=seen.first,
        may_save_over=shown.view is not None and may_change(visit.principal, shown.view),
        has_saved=visit.query.get(SAVED) == VIEW and not shown.is_changed,
        followed=followed,
        rows=rows,
        next_cursor=next_cursor,
        refusal=refusal,
        counted=counted,
        exactly=[*state.list_pairs(), Pair(COUNT, EXACT)],
        onward=[*state.at(next_cursor), Pair(ONWARD, ASKED)],
        goes_on=visit.query.get(ONWARD) == ASKED and next_cursor is not None and not rows,
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
    given = {name: state.get_values(name) for name in dict(state.filters)}
    if state.sort is not None:
        given[SORT] = [state.sort]
    if state.search:
        given[SEARCH] = [state.search]
    return replace(parse_question(given), limit=state.limit)


def list_offered(seen: SeenViews, visit: PageVisit) -> list[OfferedView]:
    """Give the views to choose from, one's own before the shared ones."""
    own = [view for view in seen.views if not view.is_shared]
    shared = [view for view in seen.views if view.is_shared]
    return [
        OfferedView(view=view, address=[Pair(VIEW, format_view_id(view.view_id))], text=_name_group(visit, view))
        for view in (*own, *shared)
    ]


def _name_group(visit: PageVisit, view: SavedView) -> str:
    return str(visit.wording.say("views.shared" if view.is_shared else "views.own"))


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
