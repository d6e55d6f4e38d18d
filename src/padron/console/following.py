"""From which change on a page's script follows the register."""

from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.service.changes.marks import find_cursor


async def begin_following(visit: PageVisit) -> str | None:
    """Give the cursor after the last change, or None for who may not follow. Call it before reading what is shown."""
    if not visit.may(Scope.CHANGES_READ):
        return None
    return await find_cursor(visit.runtime, visit.principal)
