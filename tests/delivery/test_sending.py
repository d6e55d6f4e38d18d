"""What arrives at a receiver, in which order, and what becomes of failures."""

import asyncio
import random
import re
from collections import Counter
from datetime import timedelta

import pytest

from padron.domain import webhook
from padron.domain.webhook import DeliveryState, EventType, Filter, OffReason
from padron.service import actor_names
from padron.service.administration.keys import change_key
from padron.service.watching.counts import AttemptEnd
from padron.service.webhooks import endpoints
from padron.service.webhooks.endpoints import EndpointEdits
from tests.cast import make_vin
from tests.delivery.conftest import Desk
from tests.delivery.receiver import Received, always, reply, run_receiver


async def test_a_change_arrives_signed_and_says_what_happened(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.start_worker()
    await desk.set_status(0, 3, "Gone from the yard")
    await desk.wait_for_received(1)
    (message,) = desk.receiver.received
    message.verify(endpoint.secret)
    assert re.fullmatch(f"msg_{endpoint.endpoint_id}_2x[0-9a-f]{{8}}", message.headers["webhook-id"])
    assert message.headers["content-type"] == "application/json"
    at = desk.moment.now.isoformat().replace("+00:00", "Z")
    assert message.event == {
        "type": "vehicle.status_changed",
        "timestamp": at,
        "data": {
            "number": 2,
            "type": "vehicle.status_changed",
            "vin": make_vin(0),
            "at": at,
            "by": "Acme",
            "byName": None,
            "requestId": "r",
            "operational": False,
            "operationalChanged": True,
            "fromStatusId": 1,
            "toStatusId": 3,
            "reason": "Gone from the yard",
        },
    }
    await desk.wait_until_quiet()
    (delivery,) = await desk.list_deliveries(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)


async def test_each_attempt_names_the_author_as_the_key_is_called_at_that_instant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor_names, "BELIEVED_S", 0)
    key_id = desk.acme.principal.actor
    await desk.register()
    await desk.add_endpoint()
    desk.receiver.answer = always(500)
    await desk.set_status(by=key_id)
    desk.start_worker()
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    await change_key(desk.runtime, key_id, label="Norte", networks=None)
    await desk.pump(lambda: len(desk.receiver.received) >= 2)
    first, second = desk.receiver.received[:2]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    told = [(message.event["data"]["by"], message.event["data"]["byName"]) for message in (first, second)]
    assert told == [(key_id, "key Acme"), (key_id, "key Norte")]


async def test_nothing_from_before_the_endpoint_is_sent_and_nothing_happens_for_a_status_set_again(desk: Desk) -> None:
    await desk.register(2)
    await desk.add_endpoint()
    desk.start_worker()
    await desk.set_status(0, 1)
    await desk.set_status(1, 4)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [3]


async def test_after_a_rotation_both_secrets_verify(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    rotated = await endpoints.rotate_secret(desk.runtime, desk.acme.principal, endpoint.endpoint_id)
    assert rotated.secret != endpoint.secret
    desk.start_worker()
    await desk.set_status()
    await desk.wait_for_received(1)
    for secret in (endpoint.secret, rotated.secret):
        desk.receiver.received[0].verify(secret)
    desk.moment.move(hours=24)
    await desk.set_status(0, 1)
    await desk.wait_for_received(2)
    assert desk.receiver.received[1].headers["webhook-signature"].count("v1,") == 1


async def test_an_endpoint_hears_only_of_what_it_chose(desk: Desk) -> None:
    await desk.register()
    chosen = Filter(
        event_types=frozenset({EventType.VEHICLE_STATUS_CHANGED}),
        statuses_left=frozenset({3}),
        statuses_entered=frozenset({8}),
    )
    endpoint = await desk.add_endpoint(chosen=chosen)
    desk.start_worker()
    for status in (4, 3, 1, 8, 0):
        await desk.set_status(0, status)
    await desk.wait_for_received(2)
    await desk.wait_until_quiet()
    assert [message.event["data"]["toStatusId"] for message in desk.receiver.received] == [1, 8]
    assert (await desk.get_endpoint(endpoint)).position == 6


async def test_a_failed_delivery_holds_up_its_own_vehicle_only(desk: Desk) -> None:
    await desk.register(2)
    await desk.add_endpoint()
    desk.receiver.answer = always(500)
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.set_status(0, 4)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    desk.receiver.answer = always(200)
    await desk.set_status(1, 5)
    await desk.wait_for_received(2)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [3, 5]
    desk.moment.move(seconds=6)
    await desk.wait_for_received(4)
    assert desk.receiver.numbers == [3, 5, 3, 4]


@pytest.mark.long("postgres")
async def test_after_the_last_attempt_the_next_delivery_goes(desk: Desk) -> None:
    await desk.register(2)
    endpoint = await desk.add_endpoint()

    async def answer(message: Received) -> bytes:
        return reply(400 if message.number == 3 else 200)

    desk.receiver.answer = answer
    await desk.set_status(0, 3)
    await desk.set_status(0, 4)
    begin = desk.moment.now
    desk.start_worker()
    await desk.pump(lambda: 4 in desk.receiver.numbers)
    await desk.wait_until_quiet()
    assert Counter(desk.receiver.numbers) == {3: webhook.TRIES_MAX, 4: 1}
    assert timedelta(hours=68) < desk.moment.now - begin < timedelta(hours=84)
    states = {delivery.number: delivery.state for delivery in await desk.list_deliveries(endpoint)}
    assert states == {3: DeliveryState.FAILED, 4: DeliveryState.DELIVERED}
    logged = await endpoints.get_delivery(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 3)
    assert [attempt.attempt for attempt in logged.attempts] == list(range(webhook.TRIES_MAX, 0, -1))
    assert {attempt.answer.status for attempt in logged.attempts} == {400}


async def test_410_switches_off_and_switching_on_goes_on_where_it_stopped(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(410)
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    assert (await desk.get_endpoint(endpoint)).off_reason is OffReason.GONE
    await desk.set_status(0, 4)
    desk.moment.move(days=1)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [2]
    told = [record.getMessage() for record in caplog.records if record.name == "padron.delivery"]
    account_id = desk.acme.account.account_id
    begin = f"webhook {endpoint.endpoint_id} of account {account_id} was switched off: The receiver answered 410"
    assert [line.startswith(begin) for line in told] == [True]
    counts = desk.runtime.counts
    assert (counts.switched_off[OffReason.GONE], counts.attempts[AttemptEnd.REFUSED]) == (1, 1)
    desk.receiver.answer = always(200)
    edits = EndpointEdits(enabled=True)
    await endpoints.change_endpoint(desk.runtime, desk.acme.principal, endpoint.endpoint_id, edits)
    await desk.wait_for_received(3)
    assert desk.receiver.numbers == [2, 2, 3]


@pytest.mark.parametrize("way", ["switched off and on", "another url"])
@pytest.mark.long("postgres")
async def test_what_waits_is_due_at_once_when_an_endpoint_is_mended(desk: Desk, way: str) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(500)
    desk.start_worker()
    await desk.set_status(0, 3)
    for attempt, pause_s in enumerate((0, 6, 400, 2_000), start=1):
        desk.moment.move(seconds=pause_s)
        await desk.wait_for_received(attempt)
        await desk.wait_until_quiet()
    desk.receiver.answer = always(200)
    steps = [EndpointEdits(enabled=False), EndpointEdits(enabled=True)]
    if way == "another url":
        steps = [EndpointEdits(url=f"{desk.receiver.url}/mended")]
    for edits in steps:
        await endpoints.change_endpoint(desk.runtime, desk.acme.principal, endpoint.endpoint_id, edits)
    await desk.wait_for(lambda: desk.receiver.accepted_numbers == [2])
    assert desk.receiver.received[-1].path == ("/hook/mended" if way == "another url" else "/hook")


@pytest.mark.long("postgres")
async def test_five_days_of_failures_switch_off_and_say_so(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(503)
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.set_status(0, 4)
    begin = desk.moment.now

    async def is_off() -> bool:
        return (await desk.get_endpoint(endpoint)).off_reason is not None

    while not await is_off():
        received = len(desk.receiver.received)
        await desk.pump(lambda before=received: len(desk.receiver.received) > before)  # type: ignore[misc]
        await desk.wait_until_quiet()
    off = await desk.get_endpoint(endpoint)
    assert off.off_reason is OffReason.FAILING
    assert off.off_at is not None
    assert timedelta(days=5) <= off.off_at - begin < timedelta(days=6, hours=12)
    desk.moment.move(days=2)
    received = len(desk.receiver.received)
    await desk.wait_until_quiet()
    assert len(desk.receiver.received) == received


async def test_retry_after_lets_the_whole_endpoint_rest(desk: Desk) -> None:
    await desk.register(2)
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(429, Retry_After="3600")
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    await desk.set_status(1, 3)
    desk.moment.move(minutes=59)
    await desk.wait_until_quiet()
    assert len(desk.receiver.received) == 1
    assert (await desk.get_endpoint(endpoint)).rest_until is not None
    desk.receiver.answer = always(200)
    desk.moment.move(minutes=1)
    await desk.wait_for_received(3)
    assert sorted(desk.receiver.numbers[1:]) == [3, 4]


@pytest.mark.long("postgres")
@pytest.mark.timeout(120)
async def test_a_receiver_that_fails_three_times_in_ten_loses_nothing_and_gets_every_vehicle_in_order(
    desk: Desk,
) -> None:
    vehicles, changes = 8, 8
    await desk.register(vehicles)
    await desk.add_endpoint()
    chance = random.Random(7)

    async def answer(message: Received) -> bytes | None:
        drawn = chance.random()
        await asyncio.sleep(chance.random() / 500)
        if drawn < 0.1:
            return None  # it took the message and hangs up
        if drawn < 0.2:
            return reply(500)
        if drawn < 0.3:
            return reply(302, Location=f"http://127.0.0.1:1/{message.number}")
        return reply(200)

    desk.receiver.answer = answer

    async def drive(number: int) -> None:
        for step in range(changes):
            await desk.set_status(number, (3, 4)[step % 2])

    desk.start_worker()
    await asyncio.gather(*(drive(number) for number in range(vehicles)))
    every = set(range(vehicles + 1, vehicles + 1 + vehicles * changes))
    await desk.pump(lambda: every == set(desk.receiver.accepted_numbers), seconds_max=100)
    await desk.wait_until_quiet()
    assert len(desk.receiver.received) > len(every) + 5
    for numbers in desk.receiver.list_numbers_by_vin().values():
        assert numbers == sorted(numbers)
        assert len(set(numbers)) == changes
    assert sorted(desk.receiver.accepted_numbers) == sorted(every)


@pytest.mark.long("postgres")
async def test_a_slow_endpoint_delays_no_other(desk: Desk) -> None:
    await desk.register(20)
    never = asyncio.Event()

    async def hang(_: Received) -> None:
        await never.wait()

    async with run_receiver() as slow:
        slow.answer = hang
        await desk.add_endpoint(slow)
        await desk.add_endpoint()
        desk.start_worker()
        for number in range(20):
            await desk.set_status(number)
        await desk.wait_for_received(20)
        assert slow.accepted == []
        assert 0 < len(slow.received) <= 16
        never.set()


async def test_a_slow_answer_for_one_vehicle_delays_no_other_vehicle(desk: Desk) -> None:
    await desk.register(2)
    await desk.add_endpoint()
    never = asyncio.Event()

    async def answer(message: Received) -> bytes:
        if message.vin == make_vin(0):
            await never.wait()
        return reply(200)

    desk.receiver.answer = answer
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.wait_for_received(1)
    for status in (3, 4, 5):
        await desk.set_status(1, status)
    await desk.wait_for(lambda: len(desk.receiver.accepted) == 3)
    assert desk.receiver.numbers == [3, 4, 5, 6]
    never.set()


async def test_no_transaction_is_open_while_a_message_is_sent(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()

    async def answer(message: Received) -> bytes:
        if message.number == 2:
            async with asyncio.timeout(2):
                await desk.set_status(0, 4)
                edits = EndpointEdits(description="changed by its own receiver")
                await endpoints.change_endpoint(desk.runtime, desk.acme.principal, endpoint.endpoint_id, edits)
        return reply(200)

    desk.receiver.answer = answer
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.wait_for(lambda: desk.receiver.accepted_numbers == [2, 3])
    assert (await desk.get_endpoint(endpoint)).description == "changed by its own receiver"
