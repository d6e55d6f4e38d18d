"""What changes while a page is open, as a stream of server-sent events, for the script that marks it.

A stream looks at its session again and again, so it ends soon after the session does. It is no use of the session: a
page that is only open keeps nobody signed in.
"""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from padron.console.declarations import Access, ConsoleRoute
from padron.console.replies import send_events, stream_events
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.mounting import MountedReply
from padron.service.changes.feed import Wait, format_cursor
from padron.service.changes.marks import ChangedVehicles, follow_changed, list_changed
from padron.service.changes.stream_lines import HEARTBEAT_S, format_comment, format_event, format_heartbeat
from padron.service.people.sessions import read_session

LOOK_EVERY_S = 1.0  # at the session
TOGETHER_S = 0.3  # after an event, so that a thousand changes are a few events
BRIEF = "brief"


class NewsShape(msgspec.Struct):
    """What the script reads. ``ended`` says that the session is over, and that nothing follows."""

    vins: list[str]
    many: bool
    ended: bool = False


async def follow(visit: PageVisit) -> MountedReply:
    """GET /console/live: the VINs of what changes after a cursor, as it changes.

    With ``brief`` the answer ends with what has changed by now. A page asks so when its browser has no connection to
    spare. The place comes from ``Last-Event-ID``, or else from ``after``. Who has no session any more learns it by an
    event, because a script cannot read the status of another answer.
    """
    if visit.session is None:
        return send_events(visit, _word_end())
    cursor = visit.request.headers.get("last-event-id") or visit.query.get("after")
    if not cursor:
        raise PadronError(Code.BAD_PARAMETERS, "after must be a cursor of the feed.")
    first = await list_changed(visit.runtime, visit.principal, cursor)
    if BRIEF in visit.query:
        return send_events(visit, _word(visit, first))
    visit.request.begin_stream(visit.signed_in.session_id)
    return stream_events(visit, _stream(visit, first))


async def _stream(visit: PageVisit, first: ChangedVehicles) -> AsyncGenerator[bytes, None]:
    gone = visit.request.watch_client()
    looking = asyncio.create_task(_end_with_session(visit, gone))
    try:
        yield _word(visit, first)
        heartbeat = Wait(seconds=HEARTBEAT_S, gone=gone)
        async for found in follow_changed(visit.runtime, visit.principal, first.place, heartbeat):
            if not await _may_follow(visit):
                break
            yield _word(visit, found)
            if found.vins:
                await asyncio.wait([gone], timeout=TOGETHER_S)
        if not visit.runtime.watch.is_stopping and not await _may_follow(visit):
            yield _word_end()
    except PadronError as error:  # the script asks again
        visit.runtime.outage.note(error.detail)
        yield format_comment(error.detail)
    finally:
        gone.cancel()
        looking.cancel()


async def _end_with_session(visit: PageVisit, gone: asyncio.Future[None]) -> None:
    """Look at the session until the client has gone. Once the session is over, let the stream take the client so."""
    while not gone.done():
        await asyncio.wait([gone], timeout=LOOK_EVERY_S)
        try:
            is_over = not await _may_follow(visit)
        except PadronError:  # the database cannot say so, and nothing may follow unseen
            is_over = True
        if is_over:
            gone.cancel()


async def _may_follow(visit: PageVisit) -> bool:
    """Say whether the session still lives, in the same account, with the scope."""
    try:
        session = await read_session(visit.runtime, visit.token or "", visit.visitor, is_use=False)
    except PadronError as error:
        if error.code is not Code.SESSION_ENDED:
            raise
        return False
    principal = session.principal
    return principal.account_id == visit.principal.account_id and Scope.CHANGES_READ.value in principal.scopes


def _word_end() -> bytes:
    return format_event("", msgspec.json.encode(NewsShape(vins=[], many=False, ended=True)))


def _word(visit: PageVisit, found: ChangedVehicles) -> bytes:
    cursor = format_cursor(visit.runtime, found.place)
    if not found.vins and not found.is_many:
        return format_heartbeat(cursor)
    return format_event(cursor, msgspec.json.encode(NewsShape(vins=list(found.vins), many=found.is_many)))


ROUTES = (ConsoleRoute(method="GET", path="/console/live", endpoint=follow, access=Access.PUBLIC, is_use=False),)
