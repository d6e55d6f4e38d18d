"""Asks again, between the portions of a long deed, whether the visitor may still do it."""

from collections.abc import Awaitable, Callable

from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.service.people.sessions import read_session


def confirm_right(visit: PageVisit, scope: Scope) -> Callable[[], Awaitable[None]]:
    """Give a function that raises ``session_ended`` or ``forbidden`` once the visitor has lost the right."""

    async def confirm() -> None:
        session = await read_session(visit.runtime, visit.token or "", visit.visitor)
        session.principal.check_scope(scope)

    return confirm
