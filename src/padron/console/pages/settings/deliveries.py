"""One delivery of a webhook with its attempts, and sending it again."""

import re

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.pages.settings.webhooks import get_endpoint
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.webhook import EVENT_TYPES, format_message_id
from padron.mounting import MountedReply
from padron.service.webhooks import endpoints

_ONE = "/console/webhooks/{webhook}/deliveries/{number}"
_match_number = re.compile("[0-9]{1,18}").fullmatch


async def show_delivery(visit: PageVisit) -> MountedReply:
    """GET /console/webhooks/{webhook}/deliveries/{number}."""
    endpoint = await get_endpoint(visit)
    found = await endpoints.get_delivery(visit.runtime, visit.principal, endpoint.endpoint_id, _read_number(visit))
    change = found.sending.entry.change
    return show(
        visit,
        "delivery.html",
        endpoint=endpoint,
        delivery=found.sending.delivery,
        entry=found.sending.entry,
        event=EVENT_TYPES[change.type],
        message_id=format_message_id(endpoint.endpoint_id, found.sending.entry.place),
        names=await name_actors(visit, {change.by}),
        attempts=found.attempts,
        is_sent_again="again" in visit.query,
    )


async def send_again(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/deliveries/{number}: send it again, with all retries."""
    endpoint, number = await get_endpoint(visit), _read_number(visit)
    await endpoints.replay_delivery(visit.runtime, visit.principal, endpoint.endpoint_id, number)
    return redirect(visit, f"/console/webhooks/{endpoint.endpoint_id}/deliveries/{number}", [Pair("again", "1")])


def _read_number(visit: PageVisit) -> int:
    text = visit.parameters["number"]
    if _match_number(text) is None:
        raise PadronError(Code.DELIVERY_NOT_FOUND, f"The endpoint has no delivery {quote(text)}.")
    return int(text)


ROUTES = (
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_delivery, scope=Scope.WEBHOOKS_MANAGE),
    ConsoleRoute(method="POST", path=_ONE, endpoint=send_again, scope=Scope.WEBHOOKS_MANAGE),
)
