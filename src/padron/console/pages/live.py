"""What changed since a page was made, for the script that marks it. Each request waits for a change for a while.

A waiting request counts among those of the account, which are limited. It looks at its session again and again, so it
ends soon after the session does. It is no use of the session: a page that is only open keeps nobody signed in.
"""

import msgspec

from padron.console.declarations import ConsoleRoute
from padron.console.replies import send_json
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.mounting import MountedReply
from padron.service.changes.feed import Wait
from padron.service.changes.marks import ChangedVehicles, await_changed
from padron.service.people.sessions import read_session

DIGITS_MAX = 18
WAIT_S = 25.0
LOOK_EVERY_S = 1.0  # at the session


class ChangedShape(msgspec.Struct):
    """What the script reads."""

    after: int
    vins: list[str]
    many: bool


async def follow(visit: PageVisit) -> MountedReply:
    """GET /console/live: the VINs of what changed after a number. Without a change it answers after 25 seconds."""
    text = visit.query.get("after")
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise PadronError(Code.BAD_PARAMETERS, "after must be the number of a change.")
    found = await _await_change(visit, int(text))
    shape = ChangedShape(after=found.number, vins=list(found.vins), many=found.is_many)
    return send_json(visit, msgspec.json.encode(shape))


async def _await_change(visit: PageVisit, after: int) -> ChangedVehicles:
    runtime, watch = visit.runtime, visit.runtime.watch
    principal = visit.principal
    deadline = watch.read_time() + WAIT_S
    with visit.request.wait() as gone:
        while True:
            left_s = deadline - watch.read_time()
            wait = Wait(seconds=max(min(left_s, LOOK_EVERY_S), 0.0), gone=gone)
            found = await await_changed(runtime, principal, after, wait)
            session = await read_session(runtime, visit.token or "", visit.visitor, is_use=False)
            if session.principal.account_id != principal.account_id:
                raise PadronError(Code.SESSION_ENDED, "Another account was chosen.")
            session.principal.check_scope(Scope.CHANGES_READ)
            if found.vins or left_s <= 0 or gone.done() or watch.is_stopping:
                return found


ROUTES = (ConsoleRoute(method="GET", path="/console/live", endpoint=follow, scope=Scope.CHANGES_READ, is_use=False),)
