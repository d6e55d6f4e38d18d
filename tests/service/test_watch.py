"""Who waits for a change is woken in the order of coming, few at a time, and leaves nothing behind however it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from padron.service.changes import watch as watching
from padron.service.changes.watch import ChangeWatch
from padron.service.runtime import Runtime
from tests.cast import Cast, make_vin, registered, save, wait_until

MANY = 3 * watching.WOKEN_BY_A_LOOK + 5


@pytest.fixture
async def watch(runtime: Runtime) -> AsyncIterator[ChangeWatch]:
    watch = ChangeWatch(runtime.store)
    yield watch
    await watch.close()
    assert watch._waiting == {}


def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_who_waits_gets_the_number_of_the_last_change(runtime: Runtime, cast: Cast, watch: ChangeWatch) -> None:
    acme = cast.acme.account.account_id
    waiting = asyncio.create_task(watch.wait(acme, 0, 30, never()))
    other = asyncio.create_task(watch.wait(cast.beta.account.account_id, 0, 0.5, never()))
    await save(runtime.store, acme, *(registered(make_vin(number)) for number in range(3)))
    assert await waiting == 3
    assert await watch.wait(acme, 2, 30, never()) == 3
    assert await watch.wait(acme, 3, 0.2, never()) is None
    assert await other is None


async def test_a_client_that_goes_and_a_server_that_stops_end_the_wait(cast: Cast, watch: ChangeWatch) -> None:
    acme, gone = cast.acme.account.account_id, never()
    waits = [asyncio.create_task(watch.wait(acme, 0, 30, one)) for one in (gone, never())]
    await asyncio.sleep(0)
    gone.set_result(None)
    async with asyncio.timeout(5):
        assert await waits[0] is None
        assert watch.waiting_count == 1
        watch.stop()
        assert await waits[1] is None
        assert await watch.wait(acme, 0, 30, never()) is None


async def test_a_wait_that_is_cancelled_leaves_nobody_waiting(cast: Cast, watch: ChangeWatch) -> None:
    waiting = asyncio.create_task(watch.wait(cast.acme.account.account_id, 0, 30, never()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert watch.waiting_count == 0


async def test_many_are_woken_in_portions_and_in_the_order_of_coming(
    runtime: Runtime, cast: Cast, watch: ChangeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = cast.acme.account.account_id
    order: list[int] = []
    portions: list[int] = []  # how many were woken when each rest ended
    original = watching._rest

    async def rest() -> None:
        await original()
        portions.append(len(order))

    async def wait(place: int) -> None:
        assert await watch.wait(acme, 0, 30, never()) == 1
        order.append(place)

    monkeypatch.setattr(watching, "_rest", rest)
    tasks = [asyncio.create_task(wait(place)) for place in range(MANY)]
    await asyncio.sleep(0)
    await save(runtime.store, acme, registered(make_vin(1)))
    await asyncio.gather(*tasks)
    assert order == list(range(MANY))
    assert portions == [*range(watching.WOKEN_AT_ONCE, MANY, watching.WOKEN_AT_ONCE)]


async def test_a_rest_takes_as_long_as_those_who_were_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, rests = 100.0, list[float]()
    original = asyncio.sleep

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        rests.append(seconds)
        now_s += 0.004 if seconds == 0 else 0  # what they take
        await original(0)

    monkeypatch.setattr(watching, "perf_counter", lambda: now_s)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await watching._rest()
    assert rests == [0, pytest.approx(0.004)]


async def test_another_account_is_woken_before_the_last_of_many(
    runtime: Runtime, cast: Cast, watch: ChangeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, beta = cast.acme.account.account_id, cast.beta.account.account_id
    are_saved, original = asyncio.Event(), watching._rest

    async def rest() -> None:
        await are_saved.wait()  # on a slow machine all of Acme's would be woken before Beta's change
        await original()

    monkeypatch.setattr(watching, "_rest", rest)
    many = [asyncio.create_task(watch.wait(acme, 0, 30, never())) for _ in range(MANY)]
    one = asyncio.create_task(watch.wait(beta, 0, 30, never()))
    await asyncio.sleep(0)
    await save(runtime.store, acme, registered(make_vin(1)))
    await save(runtime.store, beta, registered(make_vin(1)))
    are_saved.set()
    async with asyncio.timeout(10):
        await one
    assert not all(task.done() for task in many)

    async def are_all_told() -> bool:
        return all(task.done() for task in many)

    await wait_until(are_all_told)
