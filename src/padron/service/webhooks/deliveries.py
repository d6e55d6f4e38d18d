"""The steps of the webhook worker. Each is a short transaction of one account, and none is open while sending.

An endpoint belongs to the worker that its lease names. Every step first locks the endpoint and
checks this name. So a worker that lost its lease can write nothing more.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain import webhook
from padron.domain.errors import PadronError
from padron.domain.keeping import find_end
from padron.domain.signature import give_headers
from padron.domain.webhook import (
    LEASE,
    OFF_TEXTS,
    Answer,
    Attempt,
    Endpoint,
    EndpointKey,
    OffReason,
    Sending,
    format_message_id,
)
from padron.service.actors import name_actors
from padron.service.changes.events import encode_payload
from padron.service.runtime import Runtime
from padron.service.webhooks.sending import Message
from padron.service.webhooks.tracing import send_traced
from padron.store.base import WriteTransaction
from padron.store.webhooks import WebhookTransaction

CUT_MAX = 500  # changes that one transaction reads
CLEARED_MAX = 500  # rows of the log deleted in one transaction

Key = EndpointKey

_log = logging.getLogger("padron.delivery")


@dataclass(frozen=True, kw_only=True, slots=True)
class SendOutcome:
    """The result of sending one delivery."""

    number: int
    at: datetime
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointWork:
    """The next work of an endpoint. ``is_released`` means no work is left, and the lease is given back."""

    endpoint: Endpoint
    due: list[Sending]
    is_released: bool
    switched_off: OffReason | None = None  # why, if these outcomes switched it off


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cut:
    """An endpoint after a step in the feed, and whether the feed has more changes for it."""

    endpoint: Endpoint
    has_more: bool


async def has_endpoints(runtime: Runtime) -> bool:
    """Say whether any account has an endpoint."""
    return await runtime.store.webhooks.has_endpoints()


async def list_ready(runtime: Runtime, limit: int) -> list[EndpointKey]:
    """Give endpoints that have work and no worker."""
    return await runtime.store.webhooks.list_ready(runtime.clock(), limit)


async def renew_leases(runtime: Runtime, holder: str) -> set[EndpointKey]:
    """Prolong a worker's leases and give the endpoints that it still has."""
    return set(await runtime.store.webhooks.renew_leases(holder, runtime.clock() + LEASE))


async def claim_endpoint(runtime: Runtime, key: EndpointKey, holder: str) -> bool:
    """Take the lease of an endpoint, and say whether that succeeded."""
    endpoint_id = key.endpoint_id
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> bool:
        webhooks = transaction.webhooks
        endpoint = await webhooks.lock_endpoint(endpoint_id)
        if endpoint is None or endpoint.is_leased(now) or not await webhooks.is_account_enabled():
            return False
        # A worker that dies with the lease cannot save when the next delivery is due. So the
        # endpoint stays awake until a worker releases it.
        leased = replace(endpoint, lease_holder=holder, lease_until=now + LEASE, wake_at=now)
        await webhooks.save_endpoint(leased)
        return True

    return await runtime.store.write(key.account_id, work)


async def advance_endpoint(
    runtime: Runtime, key: EndpointKey, holder: str, outcomes: Sequence[SendOutcome], busy: frozenset[int], room: int
) -> EndpointWork | None:
    """Record outcomes, continue in the feed, and give at most ``room`` deliveries to send next.

    ``busy`` are the deliveries on their way. When there are no such deliveries and nothing to send,
    the same transaction gives the lease back. None means that the lease is lost, and the outcomes
    are not recorded.
    """
    endpoint_id = key.endpoint_id
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> EndpointWork | None:
        webhooks = transaction.webhooks
        before = await webhooks.lock_endpoint(endpoint_id)
        if before is None or before.lease_holder != holder:
            return None
        endpoint = recorded = await _record(webhooks, before, outcomes, now)
        due: list[Sending] = []
        has_more = False
        if endpoint.deleted_at is not None:
            has_more = await webhooks.delete_deliveries(endpoint_id, CLEARED_MAX) == CLEARED_MAX
            if not has_more and not busy:
                await webhooks.delete_endpoint(endpoint_id)
                return EndpointWork(endpoint=endpoint, due=[], is_released=True)
        elif room and endpoint.may_send(now):
            cut = await _cut(webhooks, endpoint, now)
            endpoint, has_more = cut.endpoint, cut.has_more
            found = await webhooks.list_due(endpoint, now, room + len(busy))
            due = [sending for sending in found if sending.delivery.number not in busy][:room]
        is_released = not (due or busy or has_more)
        if is_released:
            await webhooks.delete_settled(endpoint_id, find_end(runtime.ages.deliveries, now), CLEARED_MAX)
            endpoint = await _release(webhooks, endpoint)
        if endpoint != before:
            await webhooks.save_endpoint(endpoint)
        return EndpointWork(
            endpoint=endpoint, due=due, is_released=is_released, switched_off=_find_switch(before, recorded)
        )

    advanced = await runtime.store.write(key.account_id, work)
    if advanced is not None:
        _tell_switch(runtime, key, advanced.switched_off)
    return advanced


async def release_endpoint(runtime: Runtime, key: EndpointKey, holder: str, outcomes: Sequence[SendOutcome]) -> None:
    """Record outcomes and give the lease back, so that another process can continue at once."""
    endpoint_id = key.endpoint_id
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> OffReason | None:
        webhooks = transaction.webhooks
        before = await webhooks.lock_endpoint(endpoint_id)
        if before is None or before.lease_holder != holder:
            return None
        endpoint = await _record(webhooks, before, outcomes, now)
        await webhooks.save_endpoint(await _release(webhooks, endpoint))
        return _find_switch(before, endpoint)

    _tell_switch(runtime, key, await runtime.store.write(key.account_id, work))


async def send(runtime: Runtime, account_id: int, endpoint: Endpoint, sending: Sending) -> SendOutcome:
    """Send one signed delivery of an account's endpoint, and give the result."""
    now = runtime.clock()
    message_id = format_message_id(endpoint.endpoint_id, sending.entry.place)
    try:
        names = await name_actors(runtime, account_id, [sending.entry.change.by])
        secrets = [runtime.secret_box.open(stored) for stored in endpoint.list_secrets(now)]
    except PadronError as error:  # a failed attempt: it is sent again when the database or the key is back
        answer = Answer(status=None, error=error.detail, duration=timedelta(0))
        return SendOutcome(number=sending.delivery.number, at=now, answer=answer)
    body = encode_payload(sending.entry, names)
    headers = give_headers(secrets, message_id, now, body)
    message = Message(endpoint_id=endpoint.endpoint_id, url=endpoint.url, headers=headers, body=body)
    tracer = runtime.tracer
    if tracer is None:
        answer = await runtime.sender.send(message)
    else:
        cause = tracer.find_cause(sending.entry.change.request_id)
        answer = await send_traced(runtime.sender, tracer, message, cause, sending.delivery.attempts)
    runtime.counts.note_attempt(answer, (runtime.clock() - sending.entry.change.at).total_seconds())
    return SendOutcome(number=sending.delivery.number, at=now, answer=answer)


async def _record(
    transaction: WebhookTransaction, endpoint: Endpoint, outcomes: Sequence[SendOutcome], now: datetime
) -> Endpoint:
    if not outcomes:
        return endpoint
    numbers = [outcome.number for outcome in outcomes]
    found = await transaction.lock_deliveries(endpoint.endpoint_id, numbers)
    deliveries = {delivery.number: delivery for delivery in found}
    attempts = []
    for outcome in outcomes:
        endpoint = webhook.note_answer(endpoint, outcome.answer, now)
        delivery = deliveries.get(outcome.number)
        if delivery is None:
            continue  # the endpoint is being deleted
        after = webhook.settle(delivery, outcome.answer, now, random.random())  # noqa: S311 - jitter
        deliveries[outcome.number] = after
        attempts.append(
            Attempt(
                endpoint_id=endpoint.endpoint_id,
                number=outcome.number,
                attempt=after.attempts,
                at=outcome.at,
                answer=outcome.answer,
            )
        )
    await transaction.save_deliveries(list(deliveries.values()))
    await transaction.save_attempts(attempts)
    return endpoint


async def _cut(transaction: WebhookTransaction, endpoint: Endpoint, now: datetime) -> _Cut:
    """Move the endpoint forward in the feed, unless it has the maximum of pending deliveries."""
    if await transaction.count_pending(endpoint) >= webhook.PENDING_MAX:
        return _Cut(endpoint=endpoint, has_more=False)
    entries = await transaction.list_changes(endpoint.position, CUT_MAX)
    cut = webhook.cut(endpoint, entries, now)
    await transaction.put_deliveries(cut.deliveries)
    return _Cut(endpoint=cut.endpoint, has_more=len(entries) == CUT_MAX)


async def _release(transaction: WebhookTransaction, endpoint: Endpoint) -> Endpoint:
    pending = await transaction.count_pending(endpoint)
    return replace(
        endpoint,
        is_full=pending >= webhook.PENDING_MAX,
        wake_at=await transaction.find_next_due(endpoint) if pending else None,
        lease_holder=None,
        lease_until=None,
    )


def _find_switch(before: Endpoint, after: Endpoint) -> OffReason | None:
    return after.off_reason if before.off_reason is None else None


def _tell_switch(runtime: Runtime, key: EndpointKey, reason: OffReason | None) -> None:
    """Log that an endpoint was switched off. Call this after the commit, because a transaction may run twice."""
    if reason is not None:
        runtime.counts.switched_off[reason] += 1
        _log.warning(
            "webhook %s of account %d was switched off: %s", key.endpoint_id, key.account_id, OFF_TEXTS[reason]
        )
