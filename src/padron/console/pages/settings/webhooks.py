"""The webhooks of an account: the list, a new one, and what is done to one. A secret is shown once, and never again."""

import re

from padron.console.declarations import ConsoleRoute, ShowPage
from padron.console.fields import Pair
from padron.console.pages.settings.webhook_form import TypedWebhook
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.webhook import (
    DESCRIPTION_LENGTH_MAX,
    EVENT_TYPES,
    ROTATION,
    Answer,
    DeliveryState,
    Endpoint,
    EventType,
)
from padron.mounting import MountedReply
from padron.service.webhooks import endpoints
from padron.service.webhooks.endpoints import EndpointEdits

ROWS = 50

_LIST = "/console/webhooks"
_ONE = "/console/webhooks/{webhook}"
_BAD_REQUEST = 400
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.WEBHOOK_LIMIT_REACHED, Code.CURSOR_GONE, Code.ARCHIVED})
_SAVED = ("changed", "on", "off", "replay", "deleted")
_match_id = re.compile("[0-9A-Za-z]{22}").fullmatch
_match_number = re.compile("[0-9]{1,18}").fullmatch


async def show_webhooks(visit: PageVisit) -> MountedReply:
    """GET /console/webhooks."""
    rows = await endpoints.list_endpoints(visit.runtime, visit.principal)
    return show(visit, "webhooks.html", rows=rows, saved=give_saved(visit), events=list(EventType))


async def show_new(visit: PageVisit) -> MountedReply:
    """GET /console/webhooks/new."""
    return _show_form(visit, None, TypedWebhook.begin())


async def show_new_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return _show_form(visit, None, TypedWebhook.read(visit.form), note="sign_in.typed_again")


async def add(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/new."""
    typed = TypedWebhook.read(visit.form)
    try:
        made = await endpoints.add_endpoint(
            visit.runtime, visit.principal, url=typed.url, description=typed.description, chosen=typed.parse_filter()
        )
    except PadronError as error:
        return _show_form(visit, None, typed, problem=explain(error))
    return _show_secret(visit, made, is_new=True)


async def show_webhook(visit: PageVisit) -> MountedReply:
    """GET /console/webhooks/{webhook}."""
    return await _show_one(visit)


async def show_edit(visit: PageVisit) -> MountedReply:
    """GET /console/webhooks/{webhook}/edit."""
    endpoint = await get_endpoint(visit)
    return _show_form(visit, endpoint, TypedWebhook.of(endpoint))


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/edit."""
    endpoint, typed = await get_endpoint(visit), TypedWebhook.read(visit.form)
    try:
        chosen = typed.parse_filter()
        edits = EndpointEdits(url=typed.url, description=typed.description, filter=lambda _: chosen)
        await endpoints.change_endpoint(visit.runtime, visit.principal, endpoint.endpoint_id, edits)
    except PadronError as error:
        return _show_form(visit, endpoint, typed, problem=explain(error))
    return _return(visit, endpoint, "changed")


async def switch(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/switch: on, or off."""
    endpoint, is_on = await get_endpoint(visit), visit.form.get("to") == "on"
    edits = EndpointEdits(enabled=is_on)
    await endpoints.change_endpoint(visit.runtime, visit.principal, endpoint.endpoint_id, edits)
    return _return(visit, endpoint, "on" if is_on else "off")


async def test(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/test: send a test event, and show the answer."""
    endpoint = await get_endpoint(visit)
    answer = await endpoints.send_test(visit.runtime, visit.principal, endpoint.endpoint_id)
    return await _show_one(visit, tested=answer)


async def rotate(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/secret: a new secret."""
    endpoint = await get_endpoint(visit)
    rotated = await endpoints.rotate_secret(visit.runtime, visit.principal, endpoint.endpoint_id)
    return _show_secret(visit, rotated, is_new=False)


async def replay(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/replay: send everything again after a change's number."""
    endpoint, after = await get_endpoint(visit), visit.form.get("after").strip()
    try:
        number = _parse_after(visit, after)
        await endpoints.replay_after(visit.runtime, visit.principal, endpoint.endpoint_id, number)
    except PadronError as error:
        return await _show_one(visit, problem=explain(error))
    return _return(visit, endpoint, "replay")


async def delete(visit: PageVisit) -> MountedReply:
    """POST /console/webhooks/{webhook}/delete."""
    endpoint = await get_endpoint(visit)
    await endpoints.delete_endpoint(visit.runtime, visit.principal, endpoint.endpoint_id)
    return redirect(visit, _LIST, [Pair("saved", "deleted")])


async def get_endpoint(visit: PageVisit) -> Endpoint:
    """Give the endpoint of the address. Raises ``webhook_not_found``."""
    text = visit.parameters["webhook"]
    if _match_id(text) is None:
        raise PadronError(Code.WEBHOOK_NOT_FOUND, f"The account has no webhook endpoint with the id {quote(text)}.")
    return await endpoints.get_endpoint(visit.runtime, visit.principal, text)


def give_saved(visit: PageVisit) -> str:
    """Give what the visitor has just done, if the address names something that can be done."""
    asked = visit.query.get("saved")
    return asked if asked in _SAVED else ""


def explain(error: PadronError) -> str:
    """Give the words of a refusal that belongs beside its form. Raises every other one again."""
    if error.code not in _EXPLAINED:
        raise error
    return error.detail


def _parse_after(visit: PageVisit, text: str) -> int:
    if _match_number(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("hooks.bad_number"))
    return int(text)


def _return(visit: PageVisit, endpoint: Endpoint, saved: str) -> MountedReply:
    return redirect(visit, f"{_LIST}/{endpoint.endpoint_id}", [Pair("saved", saved)])


def _show_form(
    visit: PageVisit, endpoint: Endpoint | None, typed: TypedWebhook, *, problem: str = "", note: str = ""
) -> MountedReply:
    return show(
        visit,
        "webhook-form.html",
        status=_BAD_REQUEST if problem else 200,
        endpoint=endpoint,
        typed=typed,
        events=list(EventType),
        statuses=list(SETTABLE_STATUSES.values()),
        description_max=DESCRIPTION_LENGTH_MAX,
        problem=problem,
        note=note,
    )


async def _show_one(visit: PageVisit, *, tested: Answer | None = None, problem: str = "") -> MountedReply:
    endpoint = await get_endpoint(visit)
    state = next((one for one in DeliveryState if one.value == visit.query.get("state")), None)
    cursor = visit.query.get("cursor") or None
    page = await endpoints.list_deliveries(
        visit.runtime, visit.principal, endpoint.endpoint_id, state=state, limit=ROWS, cursor=cursor
    )
    return show(
        visit,
        "webhook.html",
        status=_BAD_REQUEST if problem else 200,
        endpoint=endpoint,
        events=[event for event in EventType if event in endpoint.filter.event_types],
        left=[one for one in SETTABLE_STATUSES.values() if one.value in endpoint.filter.statuses_left],
        entered=[one for one in SETTABLE_STATUSES.values() if one.value in endpoint.filter.statuses_entered],
        is_rotated=len(endpoint.list_secrets(visit.now)) > 1,
        rows=page.rows,
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        event_types=EVENT_TYPES,
        states=list(DeliveryState),
        state=state,
        tested=tested,
        after=visit.form.get("after"),
        saved=give_saved(visit),
        problem=problem,
    )


def _show_secret(visit: PageVisit, endpoint: Endpoint, *, is_new: bool) -> MountedReply:
    until = None if is_new else visit.now + ROTATION
    return show(visit, "webhook-secret.html", endpoint=endpoint, is_new=is_new, until=until)


def _act(path: str, endpoint: ShowPage, show_again: ShowPage | None = None) -> ConsoleRoute:
    return ConsoleRoute(
        method="POST", path=path, endpoint=endpoint, scope=Scope.WEBHOOKS_MANAGE, show_again=show_again
    )  # fmt: skip


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_webhooks, scope=Scope.WEBHOOKS_MANAGE),
    ConsoleRoute(method="GET", path=f"{_LIST}/new", endpoint=show_new, scope=Scope.WEBHOOKS_MANAGE),
    _act(f"{_LIST}/new", add, show_new_again),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_webhook, scope=Scope.WEBHOOKS_MANAGE),
    ConsoleRoute(method="GET", path=f"{_ONE}/edit", endpoint=show_edit, scope=Scope.WEBHOOKS_MANAGE),
    _act(f"{_ONE}/edit", change),
    _act(f"{_ONE}/switch", switch),
    _act(f"{_ONE}/test", test),
    _act(f"{_ONE}/secret", rotate),
    _act(f"{_ONE}/replay", replay),
    _act(f"{_ONE}/delete", delete),
)
