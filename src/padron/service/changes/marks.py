"""Which vehicles have changed since a page was made. It says no more: the page asks again for what it shows."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from padron.domain.account import Principal, Scope
from padron.domain.change import START, Place
from padron.domain.errors import Code, PadronError
from padron.service.changes.feed import Wait, follow_changes, format_cursor, list_changes
from padron.service.changes.pages import FeedFilter, FeedPage, FeedQuery
from padron.service.changes.stream_lines import STREAM_PAGE
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import read_place

CHANGES_MAX = 500  # that one answer names; after more, it says that there are many

_ALL = FeedFilter()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedVehicles:
    """The VINs of vehicles that changed up to a place, each once. ``is_many`` says that some are left out."""

    place: Place
    vins: Sequence[str]
    is_many: bool = False


async def find_cursor(runtime: Runtime, principal: Principal) -> str | None:
    """Give the cursor after the account's last change. Ask before reading what a page shows. Raises ``forbidden``.

    Give None where that change is archived, because nobody can continue from there.
    """
    principal.check_scope(Scope.CHANGES_READ)
    place = await _find_end(runtime, principal)
    return None if place is None else format_cursor(runtime, place)


async def list_changed(runtime: Runtime, principal: Principal, cursor: str) -> ChangedVehicles:
    """Give what has changed since a cursor. What is too much, archived or of another life of the register is many.

    Raises ``forbidden`` and ``bad_parameters``.
    """
    principal.check_scope(Scope.CHANGES_READ)
    end = await _find_end(runtime, principal) or START
    try:
        after = await read_place(runtime, principal, cursor)
        async with runtime.turns.take(principal.account_id):  # all pages that are open ask after a restart
            page = await list_changes(runtime, principal, FeedQuery(after=after, limit=CHANGES_MAX, wanted=_ALL))
    except PadronError as error:
        if error.code is not Code.CURSOR_GONE:
            raise
        return ChangedVehicles(place=end, vins=(), is_many=True)
    found = _name_vehicles(page)
    if not page.more:
        return found
    return ChangedVehicles(place=max(end, found.place, key=lambda place: place.number), vins=found.vins, is_many=True)


async def follow_changed(
    runtime: Runtime, principal: Principal, after: Place, heartbeat: Wait
) -> AsyncIterator[ChangedVehicles]:
    """Give what changes from a place on, as the feed's streams do, and nothing after each ``heartbeat`` without change.

    Ends when the client has gone or the server is stopping. Raises ``forbidden``.
    """
    query = FeedQuery(after=after, limit=STREAM_PAGE, wanted=_ALL)
    async for shared in follow_changes(runtime, principal, query, heartbeat):
        yield _name_vehicles(shared.page)


async def _find_end(runtime: Runtime, principal: Principal) -> Place | None:
    reader = runtime.store.read(principal.account_id)
    return await reader.find_place(await reader.find_last_change())


def _name_vehicles(page: FeedPage) -> ChangedVehicles:
    return ChangedVehicles(place=page.position, vins=list(dict.fromkeys(entry.vin for entry in page.entries)))
