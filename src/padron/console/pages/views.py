"""Saved views: saving the list under a name, and naming, sharing, choosing and deleting what was saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair, write_query
from padron.console.naming import name_actors
from padron.console.pages.listing_state import COLUMNS_USUAL, VIEW, ListState, read_state
from padron.console.pages.opened_view import give_state
from padron.console.pages.vehicles import SAVED, Chip, list_chips
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.saved_view import ALL_VEHICLES, VIEW_NAME_LENGTH_MAX, SavedView, format_view_id
from padron.mounting import MountedReply
from padron.service.views import keeping, opening
from padron.service.views.keeping import ViewDraft

_LIST = "/console/views"
_ONE = "/console/views/{view}"
_VEHICLES = "/console/vehicles"
_BAD_REQUEST = 400
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.VIEW_EXISTS, Code.VIEW_LIMIT_REACHED})
_DONE = ("changed", "deleted", "first")


@dataclass(frozen=True, kw_only=True, slots=True)
class _ViewRow:
    """What the page says of a view besides the view itself."""

    view_id: str
    chips: Sequence[Chip]
    search: str
    may_change: bool
    may_unshare: bool
    is_chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _TypedView:
    """What was typed and refused. ``state`` is that of a list to save, and None for a view that exists."""

    view_id: str
    name: str
    is_shared: bool
    state: ListState | None
    problem: str = ""


async def show_views(visit: PageVisit) -> MountedReply:
    """GET /console/views."""
    return await _show(visit)


async def show_save_again(visit: PageVisit) -> MountedReply:
    """Give the form of a list to save as it was typed before the session ended."""
    return await _show(visit, _read_typed(visit, "", read_state(visit.form)))


async def save(visit: PageVisit) -> MountedReply:
    """POST /console/views: keep the list under a new name, or in the place of a view."""
    form = visit.form
    state = read_state(form)
    over = form.get("over")
    try:
        if over:
            before = await opening.get_seen_view(visit.runtime, visit.principal, over)
            draft = _draft(state, before.name, is_shared=before.is_shared, is_default=before.is_default)
            saved = await keeping.change_view(visit.runtime, visit.principal, over, draft)
        else:
            draft = _draft(state, form.get("name").strip(), is_shared=_is_shared(visit))
            saved = await keeping.save_view(visit.runtime, visit.principal, draft)
    except PadronError as error:
        return await _show(visit, _read_typed(visit, "", state, explain(error)))
    return redirect(visit, _VEHICLES, [Pair(VIEW, format_view_id(saved.view_id)), Pair(SAVED, VIEW)])


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/views/{view}: another name, shared or not, the account's default or not."""
    view_id = visit.parameters["view"]
    before = await opening.get_seen_view(visit.runtime, visit.principal, view_id)
    opened = opening.open_view(before)
    is_shared = _is_shared(visit)
    may_set_default = visit.may(Scope.VEHICLES_BULK)
    draft = ViewDraft(
        name=visit.form.get("name").strip(),
        query=_write(give_state(opened)) if opened.dropped else before.query,
        columns=opened.columns,
        is_shared=is_shared,
        is_default=is_shared and ("default" in visit.form if may_set_default else before.is_default),
    )
    try:
        await keeping.change_view(visit.runtime, visit.principal, view_id, draft)
    except PadronError as error:
        return await _show(visit, _read_typed(visit, view_id, None, explain(error)))
    return redirect(visit, _LIST, [Pair(SAVED, "changed")])


async def delete(visit: PageVisit) -> MountedReply:
    """POST /console/views/{view}/delete."""
    await keeping.delete_view(visit.runtime, visit.principal, visit.parameters["view"])
    return redirect(visit, _LIST, [Pair(SAVED, "deleted")])


async def choose(visit: PageVisit) -> MountedReply:
    """POST /console/views/first: what the visitor sees first. Without a choice it is the account's default."""
    chosen = visit.form.get(VIEW) if VIEW in visit.form else None
    await keeping.choose_first(visit.runtime, visit.principal, chosen)
    return redirect(visit, _LIST, [Pair(SAVED, "first")])


def explain(error: PadronError) -> str:
    """Give the words of a refusal that belongs beside its form. Raises every other one again."""
    if error.code not in _EXPLAINED:
        raise error
    return error.detail


async def _show(visit: PageVisit, typed: _TypedView | None = None) -> MountedReply:
    seen = await opening.list_views(visit.runtime, visit.principal)
    saved = visit.query.get(SAVED)
    return show(
        visit,
        "views.html",
        status=_BAD_REQUEST if typed is not None and typed.problem else 200,
        own=[view for view in seen.views if not view.is_shared],
        shared=[view for view in seen.views if view.is_shared],
        give_row=partial(_give_row, visit, seen.chosen),  # while the page is written: a row may have 200 filters
        chosen=seen.chosen,
        first=seen.first,
        all_vehicles=ALL_VEHICLES,
        has_default=any(view.is_default for view in seen.views),
        is_person=is_user_id(visit.principal.actor),
        names=await name_actors(visit, {view.made_by for view in seen.views}),
        typed=typed,
        chips=[] if typed is None or typed.state is None else list_chips(visit, typed.state),
        saved=saved if saved in _DONE else "",
        name_length_max=VIEW_NAME_LENGTH_MAX,
    )


def _give_row(visit: PageVisit, chosen: int | None, view: SavedView) -> _ViewRow:
    state = give_state(opening.open_view(view))
    return _ViewRow(
        view_id=format_view_id(view.view_id),
        chips=list_chips(visit, state),
        search=state.search,
        may_change=keeping.may_change(visit.principal, view),
        may_unshare=view.is_of(visit.principal.actor) and is_user_id(view.made_by),
        is_chosen=view.view_id == chosen,
    )


def _read_typed(visit: PageVisit, view_id: str, state: ListState | None, problem: str = "") -> _TypedView:
    return _TypedView(
        view_id=view_id,
        name=visit.form.get("name"),
        is_shared=_is_shared(visit),
        state=state,
        problem=problem,
    )


def _is_shared(visit: PageVisit) -> bool:
    """Say whether a form shares its view. A key that may share does so always, because it is no person."""
    return "shared" in visit.form or (not is_user_id(visit.principal.actor) and visit.may(Scope.VEHICLES_WRITE))


def _draft(state: ListState, name: str, *, is_shared: bool, is_default: bool = False) -> ViewDraft:
    columns = () if state.columns == COLUMNS_USUAL else state.columns
    return ViewDraft(name=name, query=_write(state), columns=columns, is_shared=is_shared, is_default=is_default)


def _write(state: ListState) -> str:
    return write_query(state.list_asked()).removeprefix("?")


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_views, scope=Scope.VEHICLES_READ),
    ConsoleRoute(
        method="POST", path=_LIST, endpoint=save, scope=Scope.VEHICLES_READ, show_again=show_save_again
    ),
    ConsoleRoute(method="POST", path=f"{_LIST}/first", endpoint=choose, scope=Scope.VEHICLES_READ),
    ConsoleRoute(method="POST", path=_ONE, endpoint=change, scope=Scope.VEHICLES_READ),
    ConsoleRoute(method="POST", path=f"{_ONE}/delete", endpoint=delete, scope=Scope.VEHICLES_READ),
)  # fmt: skip
