"""What a list shows: its address, or a saved view if the address names only that, or one's first view."""

from dataclasses import dataclass, replace

from padron.console.fields import Fields, Pair
from padron.console.pages.listing_state import ALL, COLUMN, VIEW, ListState, read_state
from padron.domain.saved_view import SavedView, format_view_id
from padron.service.views.opening import OpenedView, SeenViews, open_view


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownList:
    """The state of a list, and the saved view that it began with.

    ``dropped`` is what the view asked and this version does not know. ``is_missing`` says that the address names a view
    that the visitor does not see.
    """

    state: ListState
    view: SavedView | None
    dropped: tuple[str, ...]
    is_changed: bool
    is_missing: bool = False


def choose_list(query: Fields, seen: SeenViews, aside: frozenset[str]) -> ShownList:
    """Give what an address shows. The fields ``aside`` do not belong to the list."""
    asked = query.get(VIEW)
    view = next((one for one in seen.views if format_view_id(one.view_id) == asked), None)
    is_bare = not any(pair.name not in {VIEW, *aside} for pair in query)
    if is_bare and not asked:
        view = seen.first
    is_missing = bool(asked) and asked != ALL and view is None
    if view is None:
        return ShownList(
            state=replace(read_state(query), view=""), view=None, dropped=(), is_changed=False, is_missing=is_missing
        )
    opened = open_view(view)
    saved = replace(give_state(opened), view=format_view_id(view.view_id))
    state = saved if is_bare else read_state(query)
    return ShownList(
        state=state,
        view=view,
        dropped=opened.dropped if is_bare else (),
        is_changed=not state.is_like(saved),
    )


def give_state(opened: OpenedView) -> ListState:
    """Give the state of the list that a view asks for."""
    pairs = [Pair(*pair) for pair in opened.pairs]
    return read_state(Fields([*pairs, *(Pair(COLUMN, name) for name in opened.columns)]))
