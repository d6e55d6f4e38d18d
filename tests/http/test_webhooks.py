"""Webhook endpoints over the API: row by row what may be asked, and what is answered."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from padron.delivery.sender import HttpSender
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.target import URL_LENGTH_MAX
from padron.http.app import build_app
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from padron.workers import webhooks
from padron.workers.base import run_workers
from padron.workers.webhooks import WebhookWorker
from tests.cast import HUMMER, make_cast, wait_until
from tests.delivery.receiver import Received, Receiver, always, run_receiver
from tests.http.api import Api, Client, Reply, before_the_store
from tests.http.asgi import AsgiClient
from tests.http.conftest import run_api, run_lifespan
from tests.http.document import DOCUMENT
from tests.tables import each_row

WEBHOOKS = "/api/v2/webhooks"
URL = "https://fleet.example/hook"
BODY: dict[str, Any] = {"url": URL, "eventTypes": ["vehicle.status_changed"]}
NOBODYS = f"{WEBHOOKS}/{'a' * 22}"

ACTIONS = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate-secret"), ("POST", "/test"), ("GET", "/deliveries"),
    ("GET", "/deliveries/1"), ("POST", "/replay"), ("POST", "/deliveries/1/replay"),
]  # fmt: skip


def give_content(method: str, path: str) -> str | None:
    if method == "PATCH":
        return '{"enabled": true}'
    return '{"after": 0}' if path == "/replay" else None


async def post(client: Client, target: str, body: object = None) -> Reply:
    return await client.send("POST", target, None if body is None else json.dumps(body))


async def create(client: Client, **changes: object) -> Any:  # noqa: ANN401 - JSON
    reply = await post(client, WEBHOOKS, {**BODY, **changes})
    assert reply.status == 201, reply.content
    assert reply.headers["location"] == f"{WEBHOOKS}/{reply.body['id']}"
    return reply.body


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as one:
        yield one


@pytest.fixture
async def live(
    open_store: Callable[[], Awaitable[Store]],
    clock: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Api]:
    """The API of a server that sends. It looks often for its first endpoint."""
    monkeypatch.setattr(webhooks, "NONE_S", 0.02)
    async with HttpSender((IPv4Network("127.0.0.1/32"),), clock) as sender:
        runtime = build_runtime(await open_store(), clock, sender)
        async with run_api(runtime, await make_cast(runtime)) as api, run_workers([WebhookWorker(runtime)]):
            yield api


async def test_an_endpoint_is_created_and_its_secret_shown_this_once(api: Api) -> None:
    made = await create(api.acme, description="Yard", statusesLeft=[1], statusesEntered=[9, 1])
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "url": URL,
        "description": "Yard",
        "eventTypes": ["vehicle.status_changed"],
        "statusesLeft": [1],
        "statusesEntered": [1, 9],
        "enabled": True,
        "offReason": None,
        "offDetail": None,
        "offAt": None,
        "failingSince": None,
        "position": 0,
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
    assert (await api.acme.get(f"{WEBHOOKS}/{made['id']}")).body == made
    assert (await api.acme.get(WEBHOOKS)).body == {"webhooks": [made]}
    assert secret != (await create(api.acme))["secret"]


@before_the_store
@each_row(
    "changes",
    [
        {"url": "http://fleet.example/"}, {"url": "https://127.0.0.1/"}, {"url": "https://fleet.example:8080/"},
        {"url": "https://user:secret@fleet.example/"}, {"url": f"https://fleet.example/{'x' * URL_LENGTH_MAX}"},
        {"url": ""}, {"url": 5}, {"eventTypes": []}, {"eventTypes": ["vehicle.sold"]}, {"eventTypes": None},
        {"eventTypes": "vehicle.status_changed"},
        {"statusesLeft": [2]}, {"statusesEntered": [10]}, {"statusesLeft": ["1"]}, {"statusesLeft": [True]},
        {"description": "x" * 201}, {"description": "\x00"}, {"enabled": True}, {"secret": "whsec_mine"},
    ],
)  # fmt: skip
async def test_an_endpoint_that_makes_no_sense_is_400(api: Api, changes: dict[str, object]) -> None:
    reply = await post(api.acme, WEBHOOKS, {**BODY, **changes})
    assert reply.code == (400, "BadParameters")
    assert (await api.acme.get(WEBHOOKS)).body == {"webhooks": []}


@pytest.mark.long("postgres")
async def test_a_body_without_url_or_types_is_400(api: Api) -> None:
    for name in BODY:
        reply = await post(api.acme, WEBHOOKS, {key: value for key, value in BODY.items() if key != name})
        assert reply.code == (400, "BadParameters")
        assert name in reply.detail


@pytest.mark.long("postgres")
async def test_an_account_has_so_many_endpoints_and_no_more(api: Api) -> None:
    for _ in range(DEFAULT_LIMITS.webhooks):
        made = await create(api.acme)
    assert (await post(api.acme, WEBHOOKS, BODY)).code == (409, "WebhookLimitReached")
    await create(api.beta)
    assert (await api.acme.send("DELETE", f"{WEBHOOKS}/{made['id']}")).status == 204
    await create(api.acme)


async def test_each_member_can_be_changed_by_itself(api: Api) -> None:
    made = await create(api.acme, statusesLeft=[1])
    del made["secret"]
    target = f"{WEBHOOKS}/{made['id']}"
    for name, value in [
        ("url", "https://other.example/"),
        ("description", "Other"),
        ("eventTypes", ["vehicle.info_changed", "vehicle.registered"]),
        ("statusesLeft", []),
        ("statusesEntered", [3]),
    ]:
        reply = await api.acme.patch(target, {name: value})
        assert reply.status == 200, reply.content
        made = {**made, name: value, "updatedAt": reply.body["updatedAt"]}
        assert reply.body == made
    off = (await api.acme.patch(target, {"enabled": False})).body
    assert (off["enabled"], off["offReason"]) == (False, "asked")
    assert off["offAt"] is not None
    assert off["offDetail"] == "It was switched off by a call of the API."
    assert (await api.acme.patch(target, {})).body["enabled"] is False
    assert (await api.acme.patch(target, {"enabled": True})).body["offReason"] is None


@pytest.mark.long("postgres")
@each_row("change", [{"url": "http://fleet.example/"}, {"eventTypes": []}, {"enabled": None}, {"id": "x"}])
async def test_a_change_that_makes_no_sense_is_400_and_changes_nothing(api: Api, change: dict[str, object]) -> None:
    made = await create(api.acme)
    target = f"{WEBHOOKS}/{made['id']}"
    before = (await api.acme.get(target)).body
    assert (await api.acme.patch(target, change)).code == (400, "BadParameters")
    assert (await api.acme.get(target)).body == before


@pytest.mark.long("postgres")
async def test_a_deleted_endpoint_is_gone_at_once(api: Api) -> None:
    made = await create(api.acme)
    target = f"{WEBHOOKS}/{made['id']}"
    assert (await api.acme.send("DELETE", target)).status == 204
    assert (await api.acme.get(WEBHOOKS)).body == {"webhooks": []}
    for method, path in ACTIONS:
        reply = await api.acme.send(method, target + path, give_content(method, path))
        assert reply.code == (404, "WebhookNotFound"), path


@pytest.mark.long("postgres")
@each_row("method, path", ACTIONS)
async def test_another_accounts_endpoint_cannot_be_told_from_none(api: Api, method: str, path: str) -> None:
    made = await create(api.acme)
    content = give_content(method, path)
    stranger = await api.beta.send(method, f"{WEBHOOKS}/{made['id']}{path}", content)
    nobody = await api.beta.send(method, NOBODYS + path, content)
    assert stranger.code == (404, "WebhookNotFound")
    there, nowhere = stranger.without("instance"), nobody.without("instance")
    assert there[2].replace(made["id"].encode(), b"a" * 22) == nowhere[2]
    assert there[:2] == nowhere[:2]


@pytest.mark.long("postgres")
@each_row("method, path", [*ACTIONS, ("POST", None), ("GET", None)])
async def test_every_call_needs_the_scope(api: Api, method: str, path: str | None) -> None:
    target = WEBHOOKS if path is None else NOBODYS + path
    assert (await api.gamma.send(method, target)).code == (403, "Forbidden")
    assert (await api.nobody.send(method, target)).code == (401, "Unauthorized")


@pytest.mark.long("postgres")
@each_row("name", ["%00", "x", "a" * 23, "%F0%9F%9A%97", "a" * 21 + "%27"])
async def test_an_id_that_cannot_be_one_is_404(api: Api, name: str) -> None:
    assert (await api.acme.get(f"{WEBHOOKS}/{name}")).code == (404, "WebhookNotFound")


@pytest.mark.long("postgres")
@each_row("name", ["0", "-1", "x", "1.0", "%00", "9" * 18, "9" * 19])
async def test_a_delivery_that_cannot_be_is_404(api: Api, name: str) -> None:
    made = await create(api.acme)
    for method, tail in (("GET", ""), ("POST", "/replay")):
        reply = await api.acme.send(method, f"{WEBHOOKS}/{made['id']}/deliveries/{name}{tail}")
        assert reply.code == (404, "DeliveryNotFound")


@pytest.mark.long("postgres")
@pytest.mark.parametrize("after", [1, -1, "0", 1.5, None, True])
async def test_a_replay_from_where_the_endpoint_never_was_is_400(api: Api, after: object) -> None:
    made = await create(api.acme)
    await api.acme.register()  # a change that is there, but that nothing has been sent for
    assert (await post(api.acme, f"{WEBHOOKS}/{made['id']}/replay", {"after": after})).code == (400, "BadParameters")


@pytest.mark.long("postgres")
@each_row("query", ["state=sent", "state=", "limit=0", "limit=501", "cursor=x", "stat=failed"])
async def test_a_question_to_the_log_that_makes_no_sense_is_400(api: Api, query: str) -> None:
    made = await create(api.acme)
    assert (await api.acme.get(f"{WEBHOOKS}/{made['id']}/deliveries?{query}")).code == (400, "BadParameters")


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_document_and_its_page_describe_the_calls(api: Api) -> None:
    document = (await api.nobody.get("/openapi.json")).body
    assert len([path for path in document["paths"] if path.startswith(WEBHOOKS)]) == 8
    page = await api.nobody.get("/docs")
    assert (page.status, b"rotateWebhookSecret" in page.content) == (200, True)
    for name in ("webhook-not-found", "delivery-not-found", "webhook-limit-reached"):
        assert (await api.nobody.get(f"/errors/{name}")).status == 200


@pytest.mark.long("postgres")
async def test_a_rotation_shows_a_new_secret_and_until_when_the_former_signs(api: Api) -> None:
    made = await create(api.acme)
    rotated = (await post(api.acme, f"{WEBHOOKS}/{made['id']}/rotate-secret")).body
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    shown = (await api.acme.get(f"{WEBHOOKS}/{made['id']}")).body
    assert "secret" not in shown
    assert shown["formerSecretUntil"] == rotated["formerSecretUntil"]


@pytest.mark.long("postgres")
async def test_a_process_that_sends_nothing_says_so(api: Api) -> None:
    made = await create(api.acme)
    reply = await post(api.acme, f"{WEBHOOKS}/{made['id']}/test")
    assert (reply.status, reply.body["delivered"], reply.body["status"]) == (200, False, None)
    assert "sends no webhooks" in reply.body["error"]


async def test_a_test_event_is_sent_at_once_and_its_outcome_answered(live: Api, receiver: Receiver) -> None:
    made = await create(live.acme, url=receiver.url)
    target = f"{WEBHOOKS}/{made['id']}"
    reply = await post(live.acme, f"{target}/test")
    assert reply.body["delivered"] is True
    assert reply.body["status"] == 204
    (message,) = receiver.received
    assert message.event["type"] == "webhook.test"
    author = {"by": live.acme.actor, "byName": live.acme.actor_name}
    assert message.event["data"] == {"webhookId": made["id"], **author}
    receiver.answer = always(410, b"no\n")
    reply = await post(live.acme, f"{target}/test")
    assert (reply.body["delivered"], reply.body["status"], reply.body["body"]) == (False, 410, r"no\n")
    shown = (await live.acme.get(target)).body
    assert (shown["enabled"], shown["failingSince"]) == (True, None)
    assert (await live.acme.get(f"{target}/deliveries")).body["deliveries"] == []


@pytest.mark.long("postgres")
async def test_the_log_shows_deliveries_and_attempts_in_pages(live: Api, receiver: Receiver) -> None:
    made = await create(live.acme, url=receiver.url)
    target = f"{WEBHOOKS}/{made['id']}/deliveries"
    await live.acme.register()
    for status in (3, 4, 5):
        await live.acme.patch_status(HUMMER, status)

    async def is_delivered(count: int = 3) -> bool:
        return len((await live.acme.get(f"{target}?state=delivered")).body["deliveries"]) == count

    await wait_until(is_delivered)
    first = (await live.acme.get(f"{target}?limit=2")).body
    rest = (await live.acme.get(f"{target}?limit=2&cursor={first['nextCursor']}")).body
    assert [one["id"] for one in first["deliveries"] + rest["deliveries"]] == [4, 3, 2]
    assert rest["nextCursor"] is None
    assert (await live.acme.get(f"{target}?state=failed")).body == {"deliveries": [], "nextCursor": None, "more": False}
    one = (await live.acme.get(f"{target}/2")).body
    assert one["state"] == "delivered"
    assert (one["attemptCount"], one["dueAt"]) == (1, None)
    assert one["messageId"] == receiver.received[0].headers["webhook-id"]
    assert re.fullmatch(f"msg_{made['id']}_2x[0-9a-f]{{8}}", one["messageId"])
    assert one["event"]["toStatusId"] == 3
    (attempt,) = one["attempts"]
    assert (attempt["attempt"], attempt["delivered"], attempt["status"], attempt["error"]) == (1, True, 204, None)
    again = await post(live.acme, f"{target}/2/replay")
    assert (again.status, again.body["state"]) == (202, "pending")
    await wait_until(is_delivered)
    assert (await live.acme.get(f"{target}/2")).body["attemptCount"] == 2


async def test_a_replay_from_a_number_sends_again(live: Api, receiver: Receiver) -> None:
    made = await create(live.acme, url=receiver.url, eventTypes=["vehicle.registered", "vehicle.info_changed"])
    await live.acme.register()
    await live.acme.put_vehicle(HUMMER, doors=2)

    async def has_received(count: int) -> bool:
        return len(receiver.received) == count

    await wait_until(lambda: has_received(2))
    reply = await post(live.acme, f"{WEBHOOKS}/{made['id']}/replay", {"after": 1})
    assert (reply.status, reply.body["position"]) == (202, 1)
    await wait_until(lambda: has_received(3))
    info = receiver.received[-1].event["data"]
    assert (info["type"], info["former"], info["current"]) == ("vehicle.info_changed", {"doors": 4}, {"doors": 2})


def check_message(message: Received) -> None:
    """Check a message against what the document says of its type, headers included."""
    described = DOCUMENT["webhooks"][message.event["type"]]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(message.event)
    told = {*find_schema(find_schema(schema)["properties"]["data"])["properties"]}
    assert {*message.event["data"]} == told - {"allowed", "formerAllowed"}  # which only the feed tells
    for header in described["parameters"]:
        Draft202012Validator(header["schema"]).validate(message.headers[header["name"]])


def find_schema(reference: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    return DOCUMENT["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


@pytest.mark.long("postgres")
async def test_each_message_that_is_sent_is_a_documented_one(live: Api, receiver: Receiver) -> None:
    types = [
        "vehicle.registered", "vehicle.info_changed", "vehicle.status_changed", "vehicle.erased", "vehicle.deleted",
    ]  # fmt: skip
    made = await create(live.acme, url=receiver.url, eventTypes=types)
    await live.acme.register()
    await live.acme.put_vehicle(HUMMER, doors=2, plate="", brandName="Ñandú", ownerName="Ana")
    await live.acme.patch_status(HUMMER, 3, "Gone")
    await post(live.acme, "/api/v2/erasures", {"vin": HUMMER, "fields": ["ownerName"]})
    await live.acme.send("DELETE", f"/api/v2/vehicles/{HUMMER}")

    async def has_received() -> bool:
        return len(receiver.received) == 5

    await wait_until(has_received)
    await post(live.acme, f"{WEBHOOKS}/{made['id']}/rotate-secret")
    await post(live.acme, f"{WEBHOOKS}/{made['id']}/test")
    assert [message.event["type"] for message in receiver.received] == [*types, "webhook.test"]
    assert {message.event["type"] for message in receiver.received} == {*DOCUMENT["webhooks"]}
    for message in receiver.received:
        check_message(message)
        other = {**message.event, "type": "vehicle.sold"}
        with pytest.raises(ValidationError):
            check_message(replace(message, body=json.dumps({**message.event, "data": other}).encode()))


@pytest.mark.long("postgres")
async def test_the_worker_starts_and_stops_with_the_application(
    open_store: Callable[[], Awaitable[Store]],
    clock: Any,  # noqa: ANN401
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "NONE_S", 0.1)
    async with HttpSender((IPv4Network("127.0.0.1/32"),), clock) as sender:
        runtime: Runtime = build_runtime(await open_store(), clock, sender)
        cast = await make_cast(runtime)

        async def open_runtime() -> Runtime:
            return runtime

        app = build_app(open_runtime, [lambda opened: run_workers([WebhookWorker(opened)])])
        async with run_lifespan(app):
            acme = Client(AsgiClient(app), cast.acme)
            await create(acme, url=receiver.url)
            await acme.register()
            await acme.patch_status()

            async def has_received() -> bool:
                return bool(receiver.received)

            await wait_until(has_received)
