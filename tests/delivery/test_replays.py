"""Sending again: from a change's number on, or one delivery; and how long the log and an endpoint's rows last."""

import pytest

from padron.domain import webhook
from padron.domain.webhook import DeliveryState
from padron.service.webhooks import deliveries, endpoints
from tests.delivery.conftest import Desk
from tests.delivery.receiver import Received, always, reply


async def test_a_replay_sends_everything_after_a_change_again_with_the_same_ids(desk: Desk) -> None:
    await desk.register(2)
    endpoint = await desk.add_endpoint()
    desk.start_worker()
    for status in (3, 4, 5):
        await desk.set_status(0, status)
    await desk.wait_for_received(3)
    await desk.wait_until_quiet()
    await endpoints.replay_after(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 1)
    await desk.wait_for_received(7)
    await desk.wait_until_quiet()
    assert sorted(desk.receiver.numbers[3:]) == [2, 3, 4, 5]
    assert [number for number in desk.receiver.numbers[3:] if number != 2] == [3, 4, 5]
    ids = [message.headers["webhook-id"] for message in desk.receiver.received if message.number == 4]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_after_a_replay_what_waited_does_not_overtake_what_is_cut_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "CUT_MAX", 1)
    await desk.register(2)
    endpoint = await desk.add_endpoint()

    async def answer(message: Received) -> bytes:
        return reply(500 if message.number == 4 else 200)

    desk.receiver.answer = answer
    worker = desk.start_worker()
    await desk.set_status(0, 3)
    await desk.set_status(0, 4)
    await desk.wait_for_received(2)
    await desk.wait_until_quiet()
    await desk.stop_worker(worker)
    desk.receiver.answer = always(200)
    desk.moment.move(seconds=6)
    await endpoints.replay_after(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 0)
    desk.start_worker()
    await desk.wait_for(lambda: 4 in desk.receiver.accepted_numbers)
    await desk.wait_until_quiet()
    begin = desk.receiver.numbers.index(1)
    assert [number for number in desk.receiver.numbers[begin:] if number != 2] == [1, 3, 4]


async def test_one_delivery_can_be_sent_again(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.start_worker()
    for status in (3, 4):
        await desk.set_status(0, status)
    await desk.wait_for_received(2)
    await desk.wait_until_quiet()
    await endpoints.replay_delivery(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 2)
    await desk.wait_for_received(3)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [2, 3, 2]
    logged = await endpoints.get_delivery(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 2)
    assert logged.sending.delivery.state is DeliveryState.DELIVERED
    assert [attempt.attempt for attempt in logged.attempts] == [2, 1]


async def test_a_full_endpoint_is_cut_no_further_and_a_replay_still_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PENDING_MAX", 3)
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(500)
    for status in (3, 4, 5):
        await desk.set_status(0, status)
    desk.start_worker()
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    for status in (6, 7, 8):
        await desk.set_status(0, status)
    await desk.wait_until_quiet()
    full = await desk.get_endpoint(endpoint)
    assert (full.is_full, full.position) == (True, 4)
    desk.receiver.answer = always(200)
    await endpoints.replay_after(desk.runtime, desk.acme.principal, endpoint.endpoint_id, 0)
    await desk.wait_for_received(8)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [2, 1, 2, 3, 4, 5, 6, 7]
    assert not (await desk.get_endpoint(endpoint)).is_full


async def test_a_deleted_endpoint_gets_nothing_more_and_is_cleared_away(desk: Desk) -> None:
    await desk.register(3)
    endpoint = await desk.add_endpoint()
    desk.receiver.answer = always(500)
    desk.start_worker()
    for number in range(3):
        await desk.set_status(number)
    await desk.wait_for_received(3)
    await endpoints.delete_endpoint(desk.runtime, desk.acme.principal, endpoint.endpoint_id)
    await desk.wait_until_quiet()
    for table in ("webhook_endpoints", "webhook_deliveries", "webhook_attempts"):
        assert await desk.select(f"SELECT * FROM {table}") == []  # noqa: S608 - a name of ours
    desk.moment.move(days=1)
    await desk.set_status(0, 5)
    await desk.wait_until_quiet()
    assert len(desk.receiver.received) == 3


async def test_the_log_is_kept_for_thirty_days(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.start_worker()
    await desk.set_status(0, 3)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    desk.moment.move(days=31)
    await desk.set_status(0, 4)
    await desk.wait_for_received(2)
    await desk.wait_until_quiet()
    assert [delivery.number for delivery in await desk.list_deliveries(endpoint)] == [3]
    assert await desk.select("SELECT number FROM webhook_attempts") == [(3,)]
