"""The feed: changes in pages, or as a stream of server-sent events at the same address."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import nullcontext

import msgspec

from padron.domain.account import Scope
from padron.domain.change import ChangeType, Place
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.webhook import EVENT_TYPES
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.http.requests.conditions import read_seen
from padron.http.shapes.changes import ChangeList, LastChange
from padron.service.actors import name_actors
from padron.service.changes import feed
from padron.service.changes.events import give_event
from padron.service.changes.feed import Wait
from padron.service.changes.pages import FeedFilter, FeedPage, FeedQuery
from padron.service.changes.stream_lines import (
    HEARTBEAT_S,
    STREAM_HEADERS,
    STREAM_PAGE,
    format_comment,
    format_event,
    format_heartbeat,
)
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import read_place

WAIT_S_MAX = 30

_PARAMETERS = frozenset({"after", "limit", "wait", "type", "operationalChanged"})
_TYPES: dict[str, ChangeType] = {name.value: kind for kind, name in EVENT_TYPES.items()}


async def list_changes(call: Call) -> Reply | StreamReply:
    """GET /api/v2/changes."""
    given = queries.read_query(call, _PARAMETERS)
    wanted = _parse_filter(given)
    limit = queries.parse_limit(given)
    wait_s = queries.parse_number("wait", given["wait"], 0, WAIT_S_MAX) if "wait" in given else 0
    if b"text/event-stream" in call.headers.get(b"accept", b""):
        last = call.headers.get(b"last-event-id", b"").decode("latin-1")
        after = await read_place(call.runtime, call.principal, last or given.get("after"))
        return StreamReply(_stream(call, after, wanted), STREAM_HEADERS, _word_farewell)
    after = await read_place(call.runtime, call.principal, given.get("after"))
    gone = call.watch_client()
    try:
        with call.waiting() if wait_s else nullcontext():
            found = await feed.await_changes(
                call.runtime,
                call.principal,
                FeedQuery(after=after, limit=limit, wanted=wanted),
                Wait(seconds=wait_s, gone=gone),
                seen=read_seen(call),
            )
    finally:
        gone.cancel()
    names = await _name_authors(call.runtime, call.principal.account_id, found)
    changes = [give_event(entry, names) for entry in found.entries]
    next_cursor = feed.format_cursor(call.runtime, found.position)
    return build_json_reply(200, {"changes": changes, "nextCursor": next_cursor, "more": found.more})


async def get_last_change(call: Call) -> Reply:
    """GET /api/v2/changes/last."""
    queries.read_query(call, frozenset())
    place = await feed.find_last(call.runtime, call.principal)
    return build_json_reply(200, LastChange(number=place.number, cursor=feed.format_cursor(call.runtime, place)))


async def _stream(call: Call, after: Place, wanted: FeedFilter) -> AsyncGenerator[bytes, None]:
    """Give the events."""
    gone = call.watch_client()
    try:
        yield b": padron\n\n"
        query = FeedQuery(after=after, limit=STREAM_PAGE, wanted=wanted)
        heartbeat = Wait(seconds=HEARTBEAT_S, gone=gone)
        async for shared in feed.follow_changes(call.runtime, call.principal, query, heartbeat, _encode_page):
            yield shared.encoded
        yield format_comment("the server is stopping: connect again")
    finally:
        gone.cancel()


async def _name_authors(runtime: Runtime, account_id: int, page: FeedPage) -> Mapping[str, str]:
    return await name_actors(runtime, account_id, [entry.change.by for entry in page.entries])


async def _encode_page(runtime: Runtime, account_id: int, page: FeedPage) -> bytes:
    """Give the events of a page. For an empty page, give a comment that keeps the connection alive."""
    if not page.entries:
        # The id is after the changes that the filters left out, so that a new connection need not read them again.
        return format_heartbeat(feed.format_cursor(runtime, page.position))
    names = await _name_authors(runtime, account_id, page)
    return b"".join(
        format_event(
            feed.format_cursor(runtime, entry.place),
            msgspec.json.encode(give_event(entry, names)),
            EVENT_TYPES[entry.change.type].value,
        )
        for entry in page.entries
    )


def _word_farewell(error: PadronError) -> bytes:
    """Say why the events end: the key is no longer valid, or the database cannot be read."""
    return format_comment(error.detail)


def _parse_filter(given: dict[str, str]) -> FeedFilter:
    types: frozenset[ChangeType] | None = None
    if "type" in given:
        names = given["type"].split(",")
        unknown = [name for name in names if name not in _TYPES]
        if unknown:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"type {quote(unknown[0])} does not exist: use {', '.join(_TYPES)}, with commas between several.",
            )
        types = frozenset(_TYPES[name] for name in names)
    return FeedFilter(types=types, operational_changed=queries.parse_boolean(given, "operationalChanged"))


_DESCRIPTION = """\
All changes in one order, without a gap. The answer is a page of changes after the cursor. With `wait`, the server waits
for the first change.

With `Accept: text/event-stream`, the same changes come as server-sent events. `event` is the type of the change, `data`
is the change as JSON on one line, and `id` is the cursor after it. Send `Last-Event-ID` to continue from there. An `id`
without `event` and `data` moves the cursor past changes that the filters left out. Comments keep the connection alive.
The stream ends when the server stops, or when the key is no longer valid.

A cursor from before a restored backup gets 410. Then load the list again.

`operational` says whether the vehicle is operational now. `operationalChanged` says whether the change made it
operational, or made it not operational. To miss nothing, load the list of vehicles with operational=true, and continue
from the cursor of its first page.\
"""

ROUTES: tuple[Route, ...] = (
    Route(
        name="listChanges", method="GET", path="/api/v2/changes", tag="Feed",
        summary="Follow the account's changes",
        description=_DESCRIPTION,
        endpoint=list_changes, scope=Scope.CHANGES_READ,
        parameters=(
            Parameter(name="after", place="query", description="The cursor to continue from; without it, the start.",
                      schema={"type": "string", "minLength": 1}),
            parameters.LIMIT,
            Parameter(name="wait", place="query", description="Seconds to wait for the first change.",
                      schema={"type": "integer", "minimum": 0, "maximum": WAIT_S_MAX, "default": 0}),
            Parameter(name="type", place="query", description="Only changes of these types, separated by commas.",
                      schema={"type": "string", "enum": list(_TYPES)}),
            Parameter(name="operationalChanged", place="query",
                      description="true: only changes that made a vehicle operational or not operational. "
                      "false: only other changes.",
                      schema={"type": "boolean"}),
            parameters.SEEN,
        ),
        answers={
            200: Success(description="Changes in order, or none. As `text/event-stream`: one event for each "
                         "change.", body=ChangeList, other_media_types=("text/event-stream",)),
        },
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getLastChange", method="GET", path="/api/v2/changes/last", tag="Feed",
        summary="Read the number of the last change",
        description="The account's last change at an instant after the request came, never from a replica. Who has "
        "applied all changes up to this number has a copy that is right as of the sending of the request.",
        endpoint=get_last_change, is_brief=True, scope=Scope.CHANGES_READ,
        answers={200: Success(description="The last change.", body=LastChange)},
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
