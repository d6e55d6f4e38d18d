"""Several workers, a dead one, one that is stopped, and one that lost its lease."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.webhook import LEASE, Answer, DeliveryState, EndpointKey, EventType, Filter
from padron.service import accounts
from padron.service.webhooks import deliveries, endpoints
from padron.service.webhooks.deliveries import SendOutcome
from padron.store.base import Store
from padron.workers import webhooks as worker_module
from tests.cast import make_member, make_vin, registered, save, wait_until
from tests.delivery.conftest import Desk
from tests.delivery.receiver import Received, always, reply, run_receiver


@pytest.mark.long("sqlite")
async def test_two_processes_share_the_endpoints_and_send_everything_once(desk: Desk) -> None:
    await desk.register(10)
    async with run_receiver() as other:
        for _ in range(3):
            await desk.add_endpoint()
            await desk.add_endpoint(other)
        desk.start_worker()
        desk.start_worker(await desk.open_runtime())
        for status in (3, 4, 5):
            await asyncio.gather(*(desk.set_status(number, status) for number in range(10)))
        for receiver in (desk.receiver, other):
            await desk.wait_for_received(90, receiver)
        await desk.wait_until_quiet()
        for receiver in (desk.receiver, other):
            ids = Counter(message.headers["webhook-id"] for message in receiver.received)
            assert len(ids) == 90
            assert set(ids.values()) == {1}
            sent: dict[tuple[str, str], list[int]] = {}
            for message in receiver.received:
                endpoint_id = message.headers["webhook-id"].split("_")[1]
                sent.setdefault((endpoint_id, message.vin), []).append(message.number)
            assert all(numbers == sorted(numbers) for numbers in sent.values())


async def test_what_a_dead_worker_held_is_taken_over_when_its_lease_ends_and_no_sooner(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    await desk.set_status()
    key = EndpointKey(desk.acme.account.account_id, endpoint.endpoint_id)
    assert await deliveries.claim_endpoint(desk.runtime, key, "dead")
    other = await desk.add_endpoint()
    await desk.set_status(0, 4)
    desk.start_worker()
    await desk.wait_for_received(1)
    desk.moment.now += LEASE - timedelta(seconds=1)
    await desk.set_status(0, 5)
    await desk.wait_for_received(2)
    assert {message.headers["webhook-id"].split("_")[1] for message in desk.receiver.received} == {other.endpoint_id}
    desk.moment.move(seconds=1)
    await desk.wait_for_received(5)
    assert [
        message.number for message in desk.receiver.received if endpoint.endpoint_id in message.headers["webhook-id"]
    ] == [2, 3, 4]


@pytest.mark.parametrize("wakes", ["never before", "later"])
async def test_what_a_dead_worker_had_cut_is_sent_without_waiting_for_another_change(desk: Desk, wakes: str) -> None:
    await desk.register(2)
    endpoint = await desk.add_endpoint()
    if wakes == "later":
        desk.receiver.answer = always(500)
        former = desk.start_worker()
        for status, pause_s in ((3, 0), (4, 6)):  # twice refused, the first is not due for minutes
            desk.moment.move(seconds=pause_s)
            await desk.set_status(0, status)
            await desk.wait_for_received(1 if status == 3 else 2)
            await desk.wait_until_quiet()
        await desk.stop_worker(former)
        desk.receiver.answer = always(200)
        desk.receiver.received.clear()
    await desk.set_status(1)
    key = EndpointKey(desk.acme.account.account_id, endpoint.endpoint_id)
    assert await deliveries.claim_endpoint(desk.runtime, key, "dead")
    work = await deliveries.advance_endpoint(desk.runtime, key, "dead", [], frozenset(), 16)
    assert work is not None
    (sending,) = work.due
    desk.start_worker()
    desk.moment.now += LEASE
    await desk.wait_for_received(1)
    assert desk.receiver.numbers == [sending.delivery.number]


async def test_what_a_dead_worker_held_is_taken_over_at_once_by_the_next_one_of_its_name(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    await desk.set_status()
    key = EndpointKey(desk.acme.account.account_id, endpoint.endpoint_id)
    assert await deliveries.claim_endpoint(desk.runtime, key, "the only server")
    assert await deliveries.advance_endpoint(desk.runtime, key, "the only server", [], frozenset(), 16) is not None
    desk.start_worker(holder="the only server")
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    assert desk.receiver.numbers == [2]


async def test_a_worker_that_lost_its_lease_can_write_nothing_any_more(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    await desk.set_status()
    key = EndpointKey(desk.acme.account.account_id, endpoint.endpoint_id)
    assert await deliveries.claim_endpoint(desk.runtime, key, "former")
    assert not await deliveries.claim_endpoint(desk.runtime, key, "next")
    work = await deliveries.advance_endpoint(desk.runtime, key, "former", [], frozenset(), 16)
    assert work is not None
    assert [sending.delivery.number for sending in work.due] == [2]
    desk.moment.now += LEASE
    assert await deliveries.claim_endpoint(desk.runtime, key, "next")
    outcome = SendOutcome(number=2, at=desk.moment.now, answer=Answer(status=200, duration=timedelta(0)))
    assert await deliveries.advance_endpoint(desk.runtime, key, "former", [outcome], frozenset(), 16) is None
    await deliveries.release_endpoint(desk.runtime, key, "former", [outcome])
    (delivery,) = await desk.list_deliveries(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
    assert await deliveries.renew_leases(desk.runtime, "former") == set()
    assert await deliveries.renew_leases(desk.runtime, "next") == {key}


async def test_nothing_is_sent_that_might_outlast_the_lease(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "SEND_S_MAX", LEASE.total_seconds())
    await desk.register()
    endpoint = await desk.add_endpoint()
    await desk.set_status()
    desk.start_worker()

    async def is_held() -> bool:
        return (await desk.get_endpoint(endpoint)).lease_holder is not None

    for _ in range(3):
        await wait_until(is_held)
    assert desk.receiver.received == []
    monkeypatch.undo()
    await desk.wait_for_received(1)


async def test_stopping_waits_for_what_is_on_its_way_and_records_it(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    go = asyncio.Event()

    async def answer(_: Received) -> bytes:
        await go.wait()
        return reply(200)

    desk.receiver.answer = answer
    worker = desk.start_worker()
    await desk.set_status()
    await desk.wait_for_received(1)
    stopping = asyncio.create_task(desk.stop_worker(worker))
    await desk.set_status(0, 4)
    go.set()
    await stopping
    states = {one.number: one.state for one in await desk.list_deliveries(endpoint)}
    assert states[2] is DeliveryState.DELIVERED
    assert desk.receiver.numbers == [2]
    after = await desk.get_endpoint(endpoint)
    assert after.lease_holder is None
    desk.start_worker()
    await desk.wait_for_received(2)
    assert desk.receiver.numbers == [2, 3]


@pytest.mark.long("postgres")
async def test_stopping_cuts_off_what_hangs_within_five_seconds_and_another_sends_it_again(desk: Desk) -> None:
    await desk.register()
    endpoint = await desk.add_endpoint()
    never = asyncio.Event()

    async def hang(_: Received) -> None:
        await never.wait()

    desk.receiver.answer = hang
    worker = desk.start_worker()
    await desk.set_status()
    await desk.wait_for_received(1)
    async with asyncio.timeout(5):
        await desk.stop_worker(worker)
    (delivery,) = await desk.list_deliveries(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
    assert (await desk.get_endpoint(endpoint)).lease_holder is None
    desk.start_worker(await desk.open_runtime())
    await desk.wait_for_received(2)
    assert desk.receiver.numbers == [2, 2]
    never.set()


async def test_a_mistake_of_ours_counts_as_a_failed_attempt_and_stops_nothing_else(desk: Desk) -> None:
    class BrokenSender:
        allowed = desk.runtime.sender.allowed
        broken = True

        async def send(self, message: object) -> Answer:
            if self.broken:
                self.broken = False
                raise LookupError(message)
            return await desk.runtime.sender.send(message)  # type: ignore[arg-type]

    runtime = replace(desk.runtime, sender=BrokenSender())
    await desk.register()
    endpoint = await desk.add_endpoint()
    desk.start_worker(runtime)
    await desk.set_status()
    await desk.wait_until_quiet()
    (delivery,) = await desk.list_deliveries(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 1)
    desk.moment.move(seconds=6)
    await desk.wait_for_received(1)
    await desk.wait_until_quiet()
    assert (await desk.list_deliveries(endpoint))[0].state is DeliveryState.DELIVERED


async def test_without_endpoints_the_board_is_empty(store: Store, desk: Desk) -> None:
    assert not await store.webhooks.has_endpoints()
    assert await store.webhooks.list_ready(desk.moment.now, 10) == []
    await desk.add_endpoint()
    assert await store.webhooks.has_endpoints()
    assert await store.webhooks.list_ready(desk.moment.now, 10) == []


@pytest.mark.long("postgres")
async def test_accounts_whose_endpoints_hang_leave_places_for_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "HELD_MAX", 12)
    monkeypatch.setattr(worker_module, "READY_MAX", 24)
    monkeypatch.setattr(worker_module, "SENDS_TOTAL_MAX", 20)
    never = asyncio.Event()

    async def hang(_: Received) -> bytes | None:
        await never.wait()
        return None

    await desk.register()
    async with run_receiver() as hanging:
        hanging.answer = hang
        for number in range(4):
            account = await accounts.add_account(desk.runtime, f"Hanging {number}")
            member = await make_member(desk.runtime, account, "Hanging", ["vehicles:write", "webhooks:manage"])
            await save(desk.runtime.store, member.account.account_id, registered(make_vin(0)))
            for _ in range(6):
                await endpoints.add_endpoint(
                    desk.runtime,
                    member.principal,
                    url=hanging.url,
                    description="",
                    chosen=Filter(event_types=frozenset(EventType)),
                )
            await save(desk.runtime.store, member.account.account_id, registered(make_vin(1)))
        worker = desk.start_worker()

        async def is_full() -> bool:
            return len(worker._held_by) == 4 and not any(map(worker._has_place, worker._held_by))

        await wait_until(is_full)
        assert max(worker._held_by.values()) <= 3
        assert worker._sends_by.total() <= 16
        assert len(worker._held) < 12
        await desk.add_endpoint()
        await desk.set_status()
        await desk.wait_for_received(1)
        never.set()
