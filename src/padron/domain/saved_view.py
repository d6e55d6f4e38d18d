"""A saved view of the list of vehicles: its filters, order and columns under a name, one's own or shared.

A view holds no vehicle. It is a question, and whoever opens it asks it with their own rights.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from padron.domain.account import check_name, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.ids import format_timed_id, make_timed_id, parse_timed_id
from padron.domain.quoting import quote
from padron.domain.vehicle import fold_text

OWN_VIEWS_MAX = 50  # that one person keeps for themselves in an account
SHARED_VIEWS_MAX = 200  # of an account
VIEW_NAME_LENGTH_MAX = 60
QUERY_LENGTH_MAX = 4_000
ALL_VEHICLES = 0  # the id of no view: whoever chose it sees the whole list first


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedView:
    """A view. ``query`` is that of ``GET /api/v2/vehicles``: filters, search, order and size of a page."""

    view_id: int
    name: str
    query: str
    columns: tuple[str, ...]  # empty: the usual ones
    made_by: str
    is_shared: bool
    is_default: bool  # of the account
    changed_at: datetime

    def is_of(self, actor: str) -> bool:
        """Say whether an actor made the view."""
        return self.made_by == actor


def make_view_id(at: datetime, random_number: int) -> int:
    """Give a new view's id."""
    return make_timed_id(at, random_number)


def format_view_id(view_id: int) -> str:
    """Give a view's id as people see it: 16 hexadecimal digits."""
    return format_timed_id(view_id)


def get_view(views: Iterable[SavedView], text: str) -> SavedView:
    """Give the view with this id among those that somebody sees. Raises ``view_not_found``."""
    view_id = parse_timed_id(text)
    for view in views:
        if view.view_id == view_id:
            return view
    raise PadronError(Code.VIEW_NOT_FOUND, f"There is no view {quote(text)}, or it is not shared with you.")


def check_view(view: SavedView, others: Iterable[SavedView]) -> None:
    """Raise ``bad_parameters``, ``view_exists`` or ``view_limit_reached`` unless a view can be beside the others.

    The others are those that its maker sees. A name is unique among the shared views, and among one's own.
    """
    check_name("The view's name", view.name, VIEW_NAME_LENGTH_MAX)
    if not view.is_shared and not is_user_id(view.made_by):
        raise PadronError(
            Code.BAD_PARAMETERS, "Only a person can keep a view for themselves. Share the view with the account."
        )
    alike = [one for one in others if one.view_id != view.view_id and one.is_shared is view.is_shared]
    if any(fold_text(one.name) == fold_text(view.name) for one in alike):
        raise PadronError(
            Code.VIEW_EXISTS,
            f"There already is a view {quote(view.name)}. Choose another name, or save over it.",
        )
    most = SHARED_VIEWS_MAX if view.is_shared else OWN_VIEWS_MAX
    if len(alike) >= most:
        whose = "This account already shares" if view.is_shared else "You already keep"
        raise PadronError(Code.VIEW_LIMIT_REACHED, f"{whose} {most} views, the maximum. Delete one first.")
