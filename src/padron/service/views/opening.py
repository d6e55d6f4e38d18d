"""Lists the views that somebody sees, and opens one: what its question still means in this version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from padron.domain.account import Principal, Scope, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.query import LIMIT_MAX, SORT_FIELDS
from padron.domain.quoting import quote
from padron.domain.saved_view import ALL_VEHICLES, QUERY_LENGTH_MAX, SavedView, get_view
from padron.service.runtime import Runtime
from padron.service.vehicles.questions import FILTERS, SORT, parse_number, parse_question

LIMIT = "limit"
KNOWN: frozenset[str] = FILTERS | {SORT, LIMIT}
_PAIRS_MAX = 200


class QueryPair(NamedTuple):
    """A parameter of the list with one value."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenViews:
    """The views that somebody sees, by name. ``first`` is what ``chosen`` leads to."""

    views: Sequence[SavedView]
    chosen: int | None
    first: SavedView | None  # None: all vehicles


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedView:
    """A view as it can be asked now. ``dropped`` are the parameters and columns that mean nothing any more."""

    view: SavedView
    pairs: tuple[QueryPair, ...]
    columns: tuple[str, ...]
    dropped: tuple[str, ...]


async def list_views(runtime: Runtime, principal: Principal) -> SeenViews:
    """Give the shared views and one's own. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_READ)
    board = runtime.store.people.views
    found = await board.list_views(principal.account_id, principal.actor)
    is_person = is_user_id(principal.actor)
    chosen = await board.find_choice(principal.account_id, principal.actor) if is_person else None
    default = next((view for view in found if view.is_default), None)
    own = next((view for view in found if view.view_id == chosen), default)
    return SeenViews(
        views=sorted(found, key=lambda view: (view.name.casefold(), view.view_id)),
        chosen=chosen,
        first=None if chosen == ALL_VEHICLES else own,
    )


async def get_seen_view(runtime: Runtime, principal: Principal, view_id: str) -> SavedView:
    """Give one view. Raises ``view_not_found``, also for what somebody else keeps for themselves."""
    return get_view((await list_views(runtime, principal)).views, view_id)


def open_view(view: SavedView) -> OpenedView:
    """Give what a view asks, without what a former version knew and this one does not."""
    pairs = split_query(view.query)
    # Nearly always the whole question still has its meaning. To ask for each parameter takes many times as long.
    unknown = frozenset() if _is_known(pairs) else frozenset(pair for pair in pairs if not _is_known([pair]))
    return OpenedView(
        view=view,
        pairs=tuple(pair for pair in pairs if pair not in unknown),
        columns=tuple(name for name in view.columns if name in SORT_FIELDS),
        dropped=(
            *(f"{pair.name}={pair.value}" for pair in pairs if pair in unknown),
            *(name for name in view.columns if name not in SORT_FIELDS),
        ),
    )


def split_query(query: str) -> list[QueryPair]:
    """Give the parameters of a query. Raises ``bad_parameters`` for one that is too long or malformed."""
    if len(query) > QUERY_LENGTH_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"The view's query has more than {QUERY_LENGTH_MAX:,} characters.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_PAIRS_MAX)
        return [QueryPair(name, value) for name, value in pairs]
    except ValueError:
        raise PadronError(
            Code.BAD_PARAMETERS, "The view's query must be percent-encoded UTF-8, as in an address."
        ) from None


def check_query(query: str) -> str:
    """Give a view's query in its usual form. Raises ``bad_parameters`` for one that the list would refuse."""
    pairs = split_query(query)
    _check_pairs(pairs)
    return urlencode(pairs)


def check_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """Give the columns of a view, each once. Raises ``bad_parameters`` for an unknown one."""
    names = tuple(dict.fromkeys(columns))
    for name in names:
        if name not in SORT_FIELDS:
            raise PadronError(
                Code.BAD_PARAMETERS, f"There is no column {quote(name)}. Use some of {', '.join(SORT_FIELDS)}."
            )
    return names


def _is_known(pairs: Iterable[QueryPair]) -> bool:
    try:
        _check_pairs(pairs)
    except PadronError:
        return False
    return True


def _check_pairs(pairs: Iterable[QueryPair]) -> None:
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in KNOWN or not value:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"A view cannot keep {quote(f'{name}={value}')}. It keeps the filters of the list, {SORT} and {LIMIT}, "
                "each with a value.",
            )
        several.setdefault(name, []).append(value)
    for text in several.pop(LIMIT, []):
        parse_number(LIMIT, text, 1, LIMIT_MAX)
    parse_question(several)
