"""What an answer must include, so that clients see their own changes and what they saw before.

Large answers may come from a replica that is some seconds behind. A client that names what it saw
gets nothing older. The primary checks whether a place belongs to this register, because a replica
may not have reached it.
"""

from padron.domain.account import Principal
from padron.domain.change import START, Place
from padron.service.changes import cursors
from padron.service.changes.cursor_texts import give_gone
from padron.service.runtime import Runtime
from padron.store.reader import Reader


async def find_seen(runtime: Runtime, principal: Principal, seen: str | None) -> int:
    """Give the number of the change that an answer must include, or 0 when the client named nothing.

    ``seen`` is a cursor of the feed, or the id of a request. For a request that changed nothing, it
    is the account's last change: the request may have seen that one. Raises ``cursor_gone``, and
    ``bad_parameters`` for other text.
    """
    if seen is None:
        return 0
    named = cursors.parse_seen(runtime.store.epoch, seen)
    if isinstance(named, Place):
        await check_place(runtime, principal, named)
        return named.number
    return await runtime.store.read(principal.account_id).find_request_end(named)


async def read_place(runtime: Runtime, principal: Principal, cursor: str | None) -> Place:
    """Give the place of a feed cursor, or the beginning without one. Raises ``bad_parameters``, ``cursor_gone``."""
    place = cursors.parse_feed_cursor(runtime.store.epoch, cursor)
    await check_place(runtime, principal, place)
    if place == START:
        (await runtime.store.read(principal.account_id).find_record_start()).check_place(START.number)
    return place


async def check_place(runtime: Runtime, principal: Principal, place: Place) -> None:
    """Raise ``cursor_gone`` unless the account has this very change at this place."""
    reader = runtime.store.read(principal.account_id)
    if place != START and await reader.find_place(place.number) != place:
        (await reader.find_record_start()).check_place(place.number)
        raise give_gone()


async def find_place(reader: Reader, number: int) -> Place:
    """Give the place after a change that the reader has, or the beginning."""
    return await reader.find_place(number) or START
