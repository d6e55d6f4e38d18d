"""What an answer must include, so that nobody misses what they have seen: their own change, or a place in the feed.

Large answers may come from a replica that is some seconds behind. Who names what was seen gets nothing older. Whether
a place is one of this register is asked of the primary: a replica may not have come there yet.
"""

from padron.domain.account import Principal
from padron.domain.change import START, Place
from padron.service.changes import cursors
from padron.service.runtime import Runtime
from padron.store.base import Reader


async def find_seen(runtime: Runtime, principal: Principal, seen: str | None) -> int:
    """Give the number of the change that an answer must include; 0 when nothing was named.

    ``seen`` is a cursor of the feed, or the id of a request: of one that changed nothing the account's last change
    counts, for what it found may be just as new. Raises ``bad_parameters`` for text that is neither, ``cursor_gone``.
    """
    if seen is None:
        return 0
    named = cursors.parse_seen(runtime.store.epoch, seen)
    if isinstance(named, Place):
        await check_place(runtime, principal, named)
        return named.number
    return await runtime.store.read(principal.account_id).find_request_end(named)


async def read_place(runtime: Runtime, principal: Principal, cursor: str | None) -> Place:
    """Give the place of a cursor of the feed; the beginning without one. Raises ``bad_parameters``, ``cursor_gone``."""
    place = cursors.parse_feed_cursor(runtime.store.epoch, cursor)
    await check_place(runtime, principal, place)
    return place


async def check_place(runtime: Runtime, principal: Principal, place: Place) -> None:
    """Raise ``cursor_gone`` unless the account has this very change: for an end not reached, and another change."""
    if place != START and await runtime.store.read(principal.account_id).find_place(place.number) != place:
        raise cursors.give_gone()


async def find_place(reader: Reader, number: int) -> Place:
    """Give the place after a change that the reader has, or after none."""
    return await reader.find_place(number) or START
