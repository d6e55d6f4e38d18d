"""The feed: an account's changes in order, without a gap. Clients read pages, or follow new changes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import FeedEntry, Place
from padron.service.changes import cursors
from padron.service.changes.pages import FeedPage, FeedQuery
from padron.service.changes.recent_pages import Question, SharedPage
from padron.service.changes.watch import Gone
from padron.service.pages import look_beyond
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import find_seen

SCANNED_MAX = 5_000  # changes that one request looks at to find some that match its filters

Encode = Callable[[Runtime, int, FeedPage], Awaitable[bytes]]  # for an account


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """The seconds to wait for a change, and a future that is done when the client has gone."""

    seconds: float
    gone: Gone


def format_cursor(runtime: Runtime, place: Place) -> str:
    """Give the cursor with which a reader continues after a place in the feed."""
    return cursors.format_feed_cursor(runtime.store.epoch, place)


async def list_changes(runtime: Runtime, principal: Principal, query: FeedQuery, *, at_least: int = 0) -> FeedPage:
    """Give a page of the matching changes, without waiting. Raises ``forbidden``.

    The state that is read has the change ``at_least``. Raises ``cursor_gone`` where archived changes would follow.
    """
    principal.check_scope(Scope.CHANGES_READ)
    reader = runtime.store.read_recent(principal.account_id, at_least)
    found: list[FeedEntry] = []
    limit, position, scanned = query.limit, query.after, 0
    while scanned < SCANNED_MAX:
        entries = await reader.list_changes(position.number, look_beyond(limit))
        if entries and entries[-1].change.number - position.number != len(entries):  # only the archive leaves a gap
            (await reader.find_record_start()).check_place(position.number)
        for entry in entries[:limit]:
            position = entry.place
            if query.wanted.fits(entry):
                found.append(entry)
                if len(found) == limit:
                    return FeedPage(entries=found, position=position, more=entry is not entries[-1])
        if len(entries) <= limit:
            return FeedPage(entries=found, position=position, more=False)
        scanned += limit
        if found:
            break
    return FeedPage(entries=found, position=position, more=True)


async def list_latest(runtime: Runtime, principal: Principal, limit: int) -> list[FeedEntry]:
    """Give the account's latest changes, newest first. Raises ``forbidden``."""
    principal.check_scope(Scope.CHANGES_READ)
    reader = runtime.store.read(principal.account_id)
    last = await reader.find_last_change()
    return (await reader.list_changes(max(last - limit, 0), limit))[::-1]


async def find_last(runtime: Runtime, principal: Principal) -> Place:
    """Give the place after the account's last change, at an instant after the call began. Raises ``forbidden``."""
    principal.check_scope(Scope.CHANGES_READ)
    return await runtime.store.read(principal.account_id).find_last_place()


async def await_changes(
    runtime: Runtime,
    principal: Principal,
    query: FeedQuery,
    wait: Wait,
    *,
    seen: str | None = None,
) -> FeedPage:
    """Wait for the first matching change, then give a page, in a state that includes ``seen``."""
    principal.check_scope(Scope.CHANGES_READ)
    at_least = await find_seen(runtime, principal, seen)
    has_waited = False
    deadline = runtime.watch.read_time() + wait.seconds
    while True:
        found = await list_changes(runtime, principal, query, at_least=at_least)
        left_s = deadline - runtime.watch.read_time()
        if has_waited:
            _note_lag(runtime, found)
        if found.entries or left_s <= 0:
            return found
        query = replace(query, after=found.position)
        if not found.more:
            number = await runtime.watch.wait(principal.account_id, query.after.number, left_s, wait.gone)
            if number is None:
                return found
            at_least = number  # the watch has seen this change, so the next read must include it
            has_waited = True


async def follow_changes(
    runtime: Runtime, principal: Principal, query: FeedQuery, heartbeat: Wait, encode: Encode | None = None
) -> AsyncIterator[SharedPage]:
    """Give pages as changes appear. After ``heartbeat`` seconds without a change, give an empty page.

    ``encode`` makes the bytes of a page, once for all streams that give the same function and ask the same. Ends when
    the client has gone or the server is stopping.
    """
    principal.check_scope(Scope.CHANGES_READ)
    account_id, gone = principal.account_id, heartbeat.gone
    at_least = 0
    is_woken = False
    while not gone.done() and not runtime.watch.is_stopping:
        # The watch paces those that it wakes. All others take turns, even for a page that is there: a stream that is
        # far behind would otherwise send one page after the other.
        shared = runtime.recent_pages.find(Question(account_id, query, encode), at_least) if is_woken else None
        if shared is None:
            shared = await _read_in_turn(runtime, principal, query, encode, at_least)
        query = replace(query, after=shared.page.position)
        if shared.page.entries:
            if is_woken:
                _note_lag(runtime, shared.page)
            yield shared
        if shared.page.more:
            at_least, is_woken = query.after.number + 1, False
            continue
        # The watch sees every later change. So a stream that has everything need not read again, only to learn that.
        number = await runtime.watch.wait(account_id, query.after.number, heartbeat.seconds, gone)
        at_least, is_woken = number or 0, number is not None
        if number is None and not gone.done() and not runtime.watch.is_stopping:
            nothing = FeedPage(entries=[], position=query.after, more=False)
            yield SharedPage(nothing, b"" if encode is None else await encode(runtime, account_id, nothing))


async def _read_in_turn(
    runtime: Runtime, principal: Principal, query: FeedQuery, encode: Encode | None, at_least: int
) -> SharedPage:
    """Give the page of a stream in its account's turn, with its bytes."""
    account_id = principal.account_id
    question = Question(account_id, query, encode)
    async with runtime.turns.take(account_id):
        shared = runtime.recent_pages.find(question, at_least)
        if shared is None:
            began_s = runtime.watch.read_time()
            page = await list_changes(runtime, principal, query, at_least=at_least)
            shared = SharedPage(page, b"" if encode is None else await encode(runtime, account_id, page))
            runtime.recent_pages.keep(question, shared, began_s)
        return shared


def _note_lag(runtime: Runtime, found: FeedPage) -> None:
    """Count how old the first change was when a client that waited for it got it."""
    if found.entries:
        runtime.counts.feed_lag_s.observe((runtime.clock() - found.entries[0].change.at).total_seconds())
