"""Webhook endpoints, their deliveries, and sending again."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.webhook import DeliveryState, Filter, Sending, parse_filter
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.webhooks import (
    AnswerShape,
    DeliveryList,
    LoggedDeliveryShape,
    ReplayBody,
    WebhookBody,
    WebhookEdits,
    WebhookList,
    WebhookShape,
    shape_answer,
    shape_delivery,
    shape_endpoint,
    shape_logged_delivery,
)
from padron.service.actors import name_actors
from padron.service.webhooks import endpoints
from padron.service.webhooks.endpoints import EndpointEdits, LoggedDelivery

_QUERY = frozenset({"state", *queries.PAGE_PARAMETERS})
_match_id = re.compile("[0-9A-Za-z]{22}").fullmatch
_match_number = re.compile("[0-9]{1,18}").fullmatch


async def create_webhook(call: Call) -> Reply:
    """POST /api/v2/webhooks."""
    body = await read_json(call, WebhookBody)
    chosen = parse_filter(body.event_types, body.statuses_left, body.statuses_entered)
    endpoint = await endpoints.add_endpoint(
        call.runtime, call.principal, url=body.url, description=body.description, chosen=chosen
    )
    location = (b"location", place(f"{_PATH}/{endpoint.endpoint_id}").encode())
    return build_json_reply(201, shape_endpoint(endpoint, call.runtime.clock(), with_secret=True), (location,))


async def list_webhooks(call: Call) -> Reply:
    """GET /api/v2/webhooks."""
    now = call.runtime.clock()
    found = await endpoints.list_endpoints(call.runtime, call.principal)
    return build_json_reply(200, WebhookList(webhooks=[shape_endpoint(endpoint, now) for endpoint in found]))


async def get_webhook(call: Call) -> Reply:
    """GET /api/v2/webhooks/{webhookId}."""
    endpoint = await endpoints.get_endpoint(call.runtime, call.principal, _parse_id(call))
    return build_json_reply(200, shape_endpoint(endpoint, call.runtime.clock()))


async def change_webhook(call: Call) -> Reply:
    """PATCH /api/v2/webhooks/{webhookId}."""
    endpoint_id = _parse_id(call)
    body = await read_json(call, WebhookEdits)
    edits = EndpointEdits(
        url=None if body.url is UNSET else body.url,
        description=None if body.description is UNSET else body.description,
        filter=_give_filter_edit(body),
        enabled=None if body.enabled is UNSET else body.enabled,
    )
    endpoint = await endpoints.change_endpoint(call.runtime, call.principal, endpoint_id, edits)
    return build_json_reply(200, shape_endpoint(endpoint, call.runtime.clock()))


async def delete_webhook(call: Call) -> Reply:
    """DELETE /api/v2/webhooks/{webhookId}."""
    await endpoints.delete_endpoint(call.runtime, call.principal, _parse_id(call))
    return Reply(204)


async def rotate_secret(call: Call) -> Reply:
    """POST /api/v2/webhooks/{webhookId}/rotate-secret."""
    endpoint = await endpoints.rotate_secret(call.runtime, call.principal, _parse_id(call))
    return build_json_reply(200, shape_endpoint(endpoint, call.runtime.clock(), with_secret=True))


async def test_webhook(call: Call) -> Reply:
    """POST /api/v2/webhooks/{webhookId}/test."""
    answer = await endpoints.send_test(call.runtime, call.principal, _parse_id(call))
    return build_json_reply(200, shape_answer(answer))


async def list_deliveries(call: Call) -> Reply:
    """GET /api/v2/webhooks/{webhookId}/deliveries."""
    endpoint_id = _parse_id(call)
    given = queries.read_query(call, _QUERY)
    page = await endpoints.list_deliveries(
        call.runtime,
        call.principal,
        endpoint_id,
        state=_parse_state(given.get("state")),
        limit=queries.parse_limit(given),
        cursor=given.get("cursor"),
    )
    names = await _name_authors(call, page.rows)
    shapes = [shape_delivery(sending, names) for sending in page.rows]
    return build_json_reply(200, DeliveryList(deliveries=shapes, next_cursor=page.next_cursor, more=page.more))


async def get_delivery(call: Call) -> Reply:
    """GET /api/v2/webhooks/{webhookId}/deliveries/{deliveryId}."""
    found = await endpoints.get_delivery(call.runtime, call.principal, _parse_id(call), _parse_number(call))
    return build_json_reply(200, await _word_logged(call, found))


async def replay_webhook(call: Call) -> Reply:
    """POST /api/v2/webhooks/{webhookId}/replay."""
    endpoint_id = _parse_id(call)
    body = await read_json(call, ReplayBody)
    endpoint = await endpoints.replay_after(call.runtime, call.principal, endpoint_id, body.after)
    return build_json_reply(202, shape_endpoint(endpoint, call.runtime.clock()))


async def replay_delivery(call: Call) -> Reply:
    """POST /api/v2/webhooks/{webhookId}/deliveries/{deliveryId}/replay."""
    found = await endpoints.replay_delivery(call.runtime, call.principal, _parse_id(call), _parse_number(call))
    return build_json_reply(202, await _word_logged(call, found))


async def _word_logged(call: Call, found: LoggedDelivery) -> LoggedDeliveryShape:
    return shape_logged_delivery(found.sending, found.attempts, await _name_authors(call, [found.sending]))


async def _name_authors(call: Call, sendings: Sequence[Sending]) -> Mapping[str, str]:
    authors = [sending.entry.change.by for sending in sendings]
    return await name_actors(call.runtime, call.principal.account_id, authors)


def _parse_id(call: Call) -> str:
    text = call.path_parameters["webhookId"]
    if _match_id(text) is None:
        raise PadronError(Code.WEBHOOK_NOT_FOUND, f"The account has no webhook endpoint with the id {quote(text)}.")
    return text


def _parse_number(call: Call) -> int:
    text = call.path_parameters["deliveryId"]
    if _match_number(text) is None:
        raise PadronError(Code.DELIVERY_NOT_FOUND, f"The endpoint has no delivery {quote(text)}.")
    return int(text)


def _parse_state(text: str | None) -> DeliveryState | None:
    if text is None:
        return None
    try:
        return DeliveryState(text)
    except ValueError:
        known = ", ".join(DeliveryState)
        raise PadronError(Code.BAD_PARAMETERS, f"state is {quote(text)}: it must be one of {known}.") from None


def _give_filter_edit(body: WebhookEdits) -> Callable[[Filter], Filter]:
    """Give a function that changes the present filter. Members that the body does not have stay as they are."""

    def edit(present: Filter) -> Filter:
        return parse_filter(
            present.event_types if body.event_types is UNSET else body.event_types,
            present.statuses_left if body.statuses_left is UNSET else body.statuses_left,
            present.statuses_entered if body.statuses_entered is UNSET else body.statuses_entered,
        )

    return edit


_PATH = "/api/v2/webhooks"
_ONE = f"{_PATH}/{{webhookId}}"
_DELIVERY = f"{_ONE}/deliveries/{{deliveryId}}"
_SCOPE = Scope.WEBHOOKS_MANAGE
_BODY_PROBLEMS = (problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)
_ID = Parameter(
    name="webhookId", place="path", required=True, description="The endpoint's id.",
    schema={"type": "string", "pattern": "^[0-9A-Za-z]{22}$"},
)  # fmt: skip
_NUMBER = Parameter(
    name="deliveryId", place="path", required=True, description="The number of the change.",
    schema={"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
)  # fmt: skip
_STATE = Parameter(
    name="state", place="query", description="Only deliveries in this state.",
    schema={"type": "string", "enum": [state.value for state in DeliveryState]},
)  # fmt: skip
_EXAMPLE = {
    "url": "https://fleet.example/padron", "eventTypes": ["vehicle.status_changed"],
    "statusesLeft": [1], "statusesEntered": [1],
}  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="createWebhook", method="POST", path=_PATH, tag="Webhooks", summary="Create a webhook endpoint",
        description="From now on, every change that fits the filter is sent to the endpoint, signed as in Standard "
        "Webhooks. The secret is shown only in this answer.",
        endpoint=create_webhook, scope=_SCOPE, body=WebhookBody, body_example=_EXAMPLE,
        answers={
            201: Success(description="The endpoint.", body=WebhookShape, headers={"Location": "Its address."}),
        },
        problems=(*_BODY_PROBLEMS, problems.WEBHOOK_LIMIT_REACHED),
    ),
    Route(
        name="listWebhooks", method="GET", path=_PATH, tag="Webhooks", summary="List the webhook endpoints",
        description="All endpoints of the account, without their secrets.",
        endpoint=list_webhooks, scope=_SCOPE, answers={200: Success(description="The endpoints.", body=WebhookList)},
    ),
    Route(
        name="getWebhook", method="GET", path=_ONE, tag="Webhooks", summary="Read a webhook endpoint",
        description="Shows its filter, its position in the feed, and whether and why it is switched off.",
        endpoint=get_webhook, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The endpoint.", body=WebhookShape)},
        problems=(problems.WEBHOOK_NOT_FOUND,),
    ),
    Route(
        name="changeWebhook", method="PATCH", path=_ONE, tag="Webhooks", summary="Change a webhook endpoint",
        description="A missing member keeps its value. When the endpoint is switched on again, or gets another url, it "
        "continues where it stopped, and its pending deliveries are due immediately.",
        endpoint=change_webhook, scope=_SCOPE, parameters=(_ID,),
        body=WebhookEdits, body_example={"enabled": True},
        answers={200: Success(description="The endpoint as it is now.", body=WebhookShape)},
        problems=(*_BODY_PROBLEMS, problems.WEBHOOK_NOT_FOUND),
    ),
    Route(
        name="deleteWebhook", method="DELETE", path=_ONE, tag="Webhooks", summary="Delete a webhook endpoint",
        description="No new message is sent from now on. The log of the endpoint is deleted too.",
        endpoint=delete_webhook, scope=_SCOPE, parameters=(_ID,),
        answers={204: Success(description="It is deleted.")}, problems=(problems.WEBHOOK_NOT_FOUND,),
    ),
    Route(
        name="rotateWebhookSecret", method="POST", path=f"{_ONE}/rotate-secret", tag="Webhooks",
        summary="Replace an endpoint's secret",
        description="For 24 hours, messages have two signatures: by the new secret and by the former one.",
        endpoint=rotate_secret, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The endpoint with its new secret, shown only here.", body=WebhookShape)},
        problems=(problems.WEBHOOK_NOT_FOUND,),
    ),
    Route(
        name="testWebhook", method="POST", path=f"{_ONE}/test", tag="Webhooks", summary="Send a test event",
        description="Sends webhook.test immediately, even to an endpoint that is switched off, and waits up to 15 "
        "seconds for the answer. The result counts neither as a success nor as a failure.",
        endpoint=test_webhook, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The result, also for a failure.", body=AnswerShape)},
        problems=(problems.WEBHOOK_NOT_FOUND,),
    ),
    Route(
        name="listWebhookDeliveries", method="GET", path=f"{_ONE}/deliveries", tag="Webhooks",
        summary="List an endpoint's deliveries",
        description="The deliveries of the last 30 days, and all pending ones, newest first.",
        endpoint=list_deliveries, scope=_SCOPE, parameters=(_ID, _STATE, parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=DeliveryList)},
        problems=(problems.BAD_PARAMETERS, problems.WEBHOOK_NOT_FOUND),
    ),
    Route(
        name="getWebhookDelivery", method="GET", path=_DELIVERY, tag="Webhooks",
        summary="Read a delivery and its attempts",
        description="Gives the status or the error of each attempt, and the first kilobyte of the answer, escaped.",
        endpoint=get_delivery, scope=_SCOPE, parameters=(_ID, _NUMBER),
        answers={200: Success(description="The delivery.", body=LoggedDeliveryShape)},
        problems=(problems.WEBHOOK_NOT_FOUND, problems.DELIVERY_NOT_FOUND),
    ),
    Route(
        name="replayWebhook", method="POST", path=f"{_ONE}/replay", tag="Webhooks",
        summary="Send everything after a change again",
        description="The endpoint goes back in the feed. Every change after this number that fits its present filter "
        "is sent again, with the same webhook-id as before. Instead of the number you can send a cursor of the feed, "
        "which is safe after a backup was restored: a cursor from before the restore gets 410. A number beyond the end "
        "also gets 410.",
        endpoint=replay_webhook, scope=_SCOPE, parameters=(_ID,), body=ReplayBody, body_example={"after": 1200},
        answers={202: Success(description="It will be sent.", body=WebhookShape)},
        problems=(*_BODY_PROBLEMS, problems.WEBHOOK_NOT_FOUND, problems.CURSOR_GONE),
    ),
    Route(
        name="replayWebhookDelivery", method="POST", path=f"{_DELIVERY}/replay", tag="Webhooks",
        summary="Send one delivery again",
        description="Sends it immediately, with the whole schedule of retries and the same webhook-id as before.",
        endpoint=replay_delivery, scope=_SCOPE, parameters=(_ID, _NUMBER),
        answers={202: Success(description="It will be sent.", body=LoggedDeliveryShape)},
        problems=(problems.WEBHOOK_NOT_FOUND, problems.DELIVERY_NOT_FOUND),
    ),
)  # fmt: skip
