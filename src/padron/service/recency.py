"""What an answer must include, so that nobody misses what they have seen: their own change, or a place in the feed.

Large answers may come from a replica that is some seconds behind. Who names what was seen gets nothing older.
"""

from padron.domain.account import Principal
from padron.service import cursors
from padron.service.runtime import Runtime


async def find_seen(runtime: Runtime, principal: Principal, seen: str | None) -> int:
    """Give the number of the change that an answer must include; 0 when nothing was named.

    ``seen`` is a cursor of the feed, or the id of a request: of one that changed nothing the account's last change
    counts, for what it found may be just as new. Raises ``bad_parameters`` for text that is neither.
    """
    if seen is None:
        return 0
    named = cursors.parse_seen(seen)
    if isinstance(named, int):
        return named
    return await runtime.store.read(principal.account_id).find_request_end(named)
