"""Deletes what is over: sessions, links and old events, in small transactions."""

from collections.abc import Awaitable, Callable

from padron.domain.sessions import SIGN_INS_KEPT
from padron.service.runtime import Runtime

PORTION = 500
UNKNOWN_KEPT = 10_000  # attempts by people whom the register does not know


async def clear_people(runtime: Runtime) -> None:
    """Delete sessions and links that are over, and events after 90 days. Raises ``store_unavailable``."""
    now = runtime.clock()
    people = runtime.store.people
    await _repeat(lambda: people.delete_ended_sessions(now, PORTION))
    await _repeat(lambda: people.delete_ended_invitations(now, PORTION))
    await _repeat(lambda: people.delete_old_sign_ins(now - SIGN_INS_KEPT, PORTION))
    await _repeat(lambda: people.delete_surplus_sign_ins(UNKNOWN_KEPT, PORTION))


async def _repeat(delete: Callable[[], Awaitable[int]]) -> None:
    while await delete() == PORTION:
        pass
