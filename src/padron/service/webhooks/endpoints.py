"""The webhook endpoints of an account: create, list, change, delete, rotate, test, read the log, replay."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from padron.domain import webhook
from padron.domain.account import Principal, Scope, encode_base62
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.signature import SECRET_BYTES, format_secret, give_headers
from padron.domain.target import parse_target
from padron.domain.vehicle import check_text
from padron.domain.webhook import Answer, Attempt, DeliveryState, Endpoint, Filter, OffReason, Sending
from padron.service.actors import name_actors
from padron.service.changes import cursors
from padron.service.changes.cursor_texts import give_gone
from padron.service.changes.events import encode_test_payload
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import read_place
from padron.service.webhooks.sending import Message
from padron.service.webhooks.tracing import send_traced
from padron.store.base import WriteTransaction
from padron.store.webhooks import WebhookReader, WebhookTransaction
from padron.traces import CURRENT


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointEdits:
    """The changes to an endpoint. None leaves a value as it is."""

    url: str | None = None
    description: str | None = None
    filter: Callable[[Filter], Filter] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedDelivery:
    """A delivery with its change and its last attempts, newest first."""

    sending: Sending
    attempts: list[Attempt]


async def add_endpoint(
    runtime: Runtime, principal: Principal, *, url: str, description: str, chosen: Filter
) -> Endpoint:
    """Add an endpoint, which receives every change from now on.

    Raises ``forbidden``, ``bad_parameters`` for a bad target, and ``webhook_limit_reached``.
    """
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    _check(runtime, url, description)
    now = runtime.clock()
    endpoint_id = encode_base62(secrets.randbits(160), webhook.ENDPOINT_ID_LENGTH)
    secret = _make_secret()
    stored = runtime.secret_box.seal(secret)

    async def work(transaction: WriteTransaction) -> Endpoint:
        webhooks = transaction.webhooks
        if await webhooks.count_endpoints() >= runtime.limits.webhooks:
            raise PadronError(
                Code.WEBHOOK_LIMIT_REACHED,
                f"This account already has {runtime.limits.webhooks} webhook endpoints, the maximum. Delete one.",
            )
        endpoint = Endpoint(
            endpoint_id=endpoint_id,
            url=url,
            description=description,
            filter=chosen,
            secret=stored,
            position=await webhooks.find_last_change(),
            created_at=now,
            updated_at=now,
        )
        await webhooks.add_endpoint(endpoint)
        return endpoint

    return replace(await runtime.store.write(principal.account_id, work), secret=secret)


async def list_endpoints(runtime: Runtime, principal: Principal) -> list[Endpoint]:
    """Give the account's endpoints, oldest first."""
    return await _read(runtime, principal).list_endpoints()


async def get_endpoint(runtime: Runtime, principal: Principal, endpoint_id: str) -> Endpoint:
    """Give an endpoint. Raises ``webhook_not_found``."""
    endpoint = await _read(runtime, principal).find_endpoint(endpoint_id)
    if endpoint is None:
        raise _give_not_found(endpoint_id)
    return endpoint


async def change_endpoint(runtime: Runtime, principal: Principal, endpoint_id: str, edits: EndpointEdits) -> Endpoint:
    """Change an endpoint and give the result. Raises ``webhook_not_found``, ``bad_parameters``.

    Enabling it, or a new URL, makes all pending deliveries due at once.
    """
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    _check(runtime, edits.url, edits.description)
    now = runtime.clock()

    async def work(transaction: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
        after = replace(
            endpoint,
            url=endpoint.url if edits.url is None else edits.url,
            description=endpoint.description if edits.description is None else edits.description,
            filter=endpoint.filter if edits.filter is None else edits.filter(endpoint.filter),
            updated_at=now,
        )
        switched_on = edits.enabled is True and endpoint.off_reason is not None
        if switched_on or (after.url != endpoint.url and endpoint.off_reason is None):
            after = webhook.revive(after, now)
            await transaction.revive_pending(endpoint_id, now)
        if edits.enabled is False:
            after = webhook.switch_off(after, OffReason.ASKED, now)
        return after

    return await _change(runtime, principal, endpoint_id, work)


async def delete_endpoint(runtime: Runtime, principal: Principal, endpoint_id: str) -> None:
    """Delete an endpoint at once. A worker deletes its log step by step. Raises ``webhook_not_found``."""
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    now = runtime.clock()

    async def work(_: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
        return replace(webhook.switch_off(endpoint, OffReason.ASKED, now), deleted_at=now)

    await _change(runtime, principal, endpoint_id, work)


async def rotate_secret(runtime: Runtime, principal: Principal, endpoint_id: str) -> Endpoint:
    """Give the endpoint with a new secret. Both secrets sign for a day. Raises ``webhook_not_found``."""
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    now = runtime.clock()
    secret = _make_secret()
    stored = runtime.secret_box.seal(secret)

    async def work(_: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
        return webhook.rotate_secret(endpoint, stored, now)

    return replace(await _change(runtime, principal, endpoint_id, work), secret=secret)


async def send_test(runtime: Runtime, principal: Principal, endpoint_id: str) -> Answer:
    """Send a test event at once, even to a disabled endpoint, and give the result.

    The test appears neither in the log nor in the endpoint's failures. Raises
    ``webhook_not_found``.
    """
    endpoint = await get_endpoint(runtime, principal, endpoint_id)
    now = runtime.clock()
    names = await name_actors(runtime, principal.account_id, [principal.actor])
    body = encode_test_payload(endpoint_id, principal.actor, names, now)
    message_id = f"msg_{endpoint_id}_test{secrets.token_hex(8)}"
    headers = give_headers(
        [runtime.secret_box.open(stored) for stored in endpoint.list_secrets(now)], message_id, now, body
    )
    message = Message(endpoint_id=endpoint.endpoint_id, url=endpoint.url, headers=headers, body=body)
    if runtime.tracer is None:
        return await runtime.sender.send(message)
    return await send_traced(runtime.sender, runtime.tracer, message, CURRENT.get())


async def list_deliveries(
    runtime: Runtime,
    principal: Principal,
    endpoint_id: str,
    *,
    state: DeliveryState | None,
    limit: int,
    cursor: str | None,
) -> Page[Sending]:
    """Give a page of an endpoint's deliveries. Raises ``webhook_not_found``, ``bad_parameters`` for a bad cursor."""
    await get_endpoint(runtime, principal, endpoint_id)
    epoch = runtime.store.epoch
    before = cursors.parse_delivery_cursor(epoch, cursor)
    found = await _read(runtime, principal).list_deliveries(endpoint_id, state, before, look_beyond(limit))
    return cut_page(found, limit, lambda last: cursors.format_delivery_cursor(epoch, last.delivery.number))


async def get_delivery(runtime: Runtime, principal: Principal, endpoint_id: str, number: int) -> LoggedDelivery:
    """Give a delivery with its attempts. Raises ``webhook_not_found``, ``delivery_not_found``."""
    await get_endpoint(runtime, principal, endpoint_id)
    reader = _read(runtime, principal)
    sending = await reader.find_delivery(endpoint_id, number)
    if sending is None:
        raise _give_no_delivery(number)
    return LoggedDelivery(sending=sending, attempts=await reader.list_attempts(endpoint_id, number))


async def replay_after(runtime: Runtime, principal: Principal, endpoint_id: str, after: int | str) -> Endpoint:
    """Replay the feed to the endpoint, after a change's number or a cursor of the feed.

    Deliveries that are pending beyond this place wait until the replay reaches them, so the order
    of each vehicle's changes holds. Raises ``webhook_not_found``, ``bad_parameters``, and
    ``cursor_gone``, also for a number that no change has.
    """
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    now = runtime.clock()
    number = after if isinstance(after, int) else (await read_place(runtime, principal, after)).number

    async def work(transaction: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
        if number > await transaction.find_last_change():
            raise give_gone()
        webhook.check_replay(endpoint, number)
        (await transaction.lock_record_start()).check_place(number)
        return replace(endpoint, position=number, is_full=False, wake_at=now)

    return await _change(runtime, principal, endpoint_id, work)


async def replay_delivery(runtime: Runtime, principal: Principal, endpoint_id: str, number: int) -> LoggedDelivery:
    """Send one delivery again. Raises ``webhook_not_found``, ``delivery_not_found``."""
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    now = runtime.clock()

    async def work(transaction: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
        found = await transaction.lock_deliveries(endpoint_id, [number])
        if not found:
            raise _give_no_delivery(number)
        await transaction.save_deliveries([webhook.restart(found[0], now)])
        return replace(endpoint, wake_at=now)

    await _change(runtime, principal, endpoint_id, work)
    return await get_delivery(runtime, principal, endpoint_id, number)


async def _change(
    runtime: Runtime,
    principal: Principal,
    endpoint_id: str,
    work: Callable[[WebhookTransaction, Endpoint], Awaitable[Endpoint]],
) -> Endpoint:
    """Lock an endpoint, let ``work`` change it, save it and give it. Raises ``webhook_not_found``."""

    async def run(transaction: WriteTransaction) -> Endpoint:
        webhooks = transaction.webhooks
        endpoint = await webhooks.lock_endpoint(endpoint_id)
        if endpoint is None or endpoint.deleted_at is not None:
            raise _give_not_found(endpoint_id)
        after = await work(webhooks, endpoint)
        await webhooks.save_endpoint(after)
        return after

    return await runtime.store.write(principal.account_id, run)


def _read(runtime: Runtime, principal: Principal) -> WebhookReader:
    principal.check_scope(Scope.WEBHOOKS_MANAGE)
    return runtime.store.read(principal.account_id).webhooks


def _check(runtime: Runtime, url: str | None, description: str | None) -> None:
    if url is not None:
        parse_target(url, runtime.sender.allowed)
    if description is not None:
        check_text("description", description, webhook.DESCRIPTION_LENGTH_MAX)


def _make_secret() -> str:
    return format_secret(secrets.token_bytes(SECRET_BYTES))


def _give_not_found(endpoint_id: str) -> PadronError:
    return PadronError(Code.WEBHOOK_NOT_FOUND, f"The account has no webhook endpoint with the id {quote(endpoint_id)}.")


def _give_no_delivery(number: int) -> PadronError:
    return PadronError(Code.DELIVERY_NOT_FOUND, f"The endpoint has no delivery {number}.")
