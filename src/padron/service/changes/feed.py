"""The feed: an account's changes in order, without a gap. Clients read pages, or follow new changes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import FeedEntry, Place
from padron.service.changes import cursors
from padron.service.changes.pages import FeedPage, FeedQuery
from padron.service.changes.watch import Gone
from padron.service.pages import look_beyond
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import find_seen

SCANNED_MAX = 5_000  # changes that one request looks at to find some that match its filters


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
            if not await runtime.watch.wait(principal.account_id, query.after.number, left_s, wait.gone):
                return found
            at_least = query.after.number + 1  # the watch has seen this change, so the next read must include it
            has_waited = True


async def follow_changes(
    runtime: Runtime, principal: Principal, query: FeedQuery, heartbeat: Wait
) -> AsyncIterator[FeedPage]:
    """Give pages as changes appear. After ``heartbeat`` seconds without a change, give an empty page.

    Ends when the client has gone or the server is stopping.
    """
    gone = heartbeat.gone
    at_least = 0
    has_waited = False  # for the changes of the next page
    while not gone.done() and not runtime.watch.is_stopping:
        async with runtime.turns.take(principal.account_id):  # a change wakes all streams of its account at once
            recent = runtime.recent_pages.find(principal.account_id, query, at_least)
            found = recent or await list_changes(runtime, principal, query, at_least=at_least)
            if recent is None:
                runtime.recent_pages.keep(principal.account_id, query, found)
        query = replace(query, after=found.position)
        if found.entries:
            if has_waited:
                _note_lag(runtime, found)
            yield found
            continue
        came = found.more or await runtime.watch.wait(principal.account_id, query.after.number, heartbeat.seconds, gone)
        has_waited = came and not found.more
        at_least = query.after.number + 1 if came else 0  # the watch has seen it: the next read must include it
        if not came and not gone.done() and not runtime.watch.is_stopping:
            yield found


def _note_lag(runtime: Runtime, found: FeedPage) -> None:
    """Count how old the first change was when a client that waited for it got it."""
    if found.entries:
        runtime.counts.feed_lag_s.observe((runtime.clock() - found.entries[0].change.at).total_seconds())
