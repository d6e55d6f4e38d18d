"""What an account sees of itself: its counts, the limits in force, and who administered what."""

from padron.domain.account import Account, Principal, Scope
from padron.domain.administration import Act, Overview
from padron.domain.errors import Code, PadronError
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime

_NEWEST = 2**63 - 1


async def get_overview(runtime: Runtime, principal: Principal) -> Overview:
    """Give the account with its counts. Raises ``forbidden``."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    overview = await runtime.store.read(principal.account_id).administration.find_overview(runtime.clock())
    if overview is None:  # the account was deleted a moment ago
        raise PadronError(Code.INVALID_TOKEN, "The account of the API key does not exist any more.")
    return overview


async def list_acts(runtime: Runtime, principal: Principal, *, limit: int, cursor: str | None) -> Page[Act]:
    """Give a page of what was administered, newest first. Raises ``forbidden``, ``bad_parameters`` for a bad cursor."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    return await _list_acts(runtime, principal.account_id, limit, cursor)


async def list_last_acts(runtime: Runtime, account: Account, limit: int) -> list[Act]:
    """Give the last acts in an account, newest first, for an operator."""
    return [*(await _list_acts(runtime, account.account_id, limit, None)).rows]


async def _list_acts(runtime: Runtime, account_id: int, limit: int, cursor: str | None) -> Page[Act]:
    epoch = runtime.store.epoch
    place = cursors.parse_numbers(epoch, "acts", cursor, 1)
    before = _NEWEST if place is None else place[0]
    found = await runtime.store.read(account_id).administration.list_acts(before, look_beyond(limit))
    return cut_page(found, limit, lambda last: cursors.format_numbers(epoch, "acts", last.number))
