"""Long reads of an account come one after the other and rest between, and no other account waits for them."""

import asyncio
from typing import Any

import pytest

from padron.service import turns
from padron.service.turns import Turns

ACME, BETA = 1, 2


async def hold(line: Turns, account_id: int, log: list[str], name: str, until: asyncio.Event) -> None:
    async with line.take(account_id):
        log.append(name)
        await until.wait()


async def settle_down() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_accounts_portions_come_one_after_the_other_in_order() -> None:
    line, begun = Turns(), asyncio.Queue[int]()
    ends = [asyncio.Event() for _ in range(3)]

    async def take(place: int) -> None:
        async with line.take(ACME):
            begun.put_nowait(place)
            await ends[place].wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for place in range(3):
            tasks.create_task(take(place))
        for place, end in enumerate(ends):
            assert await begun.get() == place
            await settle_down()
            assert begun.empty()
            end.set()


async def test_another_account_does_not_wait() -> None:
    line, log, end = Turns(), list[str](), asyncio.Event()
    tasks = [
        asyncio.create_task(hold(line, account_id, log, str(account_id), end)) for account_id in (ACME, ACME, BETA)
    ]
    await settle_down()
    assert log == ["1", "2"]
    end.set()
    await asyncio.gather(*tasks)


async def test_as_many_as_the_width_run_at_once() -> None:
    line, log, end = Turns(3), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(hold(line, ACME, log, "x", end)) for _ in range(5)]
    await settle_down()
    assert len(log) == 3
    end.set()
    await asyncio.gather(*tasks)


async def test_after_a_portion_the_account_rests_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    loop = asyncio.get_running_loop()
    original = loop.call_later

    def note(delay: float, *rest: Any) -> asyncio.TimerHandle:  # noqa: ANN401
        rests.append(delay)
        return original(delay, *rest)

    monkeypatch.setattr(loop, "call_later", note)
    line, seconds = Turns(), 100.0
    monkeypatch.setattr(loop, "time", lambda: seconds)
    async with line.take(ACME):
        seconds += 0.02
    async with line.take(BETA):
        seconds += 10  # a slow database
    assert rests == [pytest.approx(0.02), turns.REST_S_MAX]


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    line, log, end = Turns(), list[str](), asyncio.Event()
    first, second, third = (asyncio.create_task(hold(line, ACME, log, name, end)) for name in "abc")
    await settle_down()
    second.cancel()
    end.set()
    await asyncio.gather(first, third)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert log == ["a", "c"]
    await asyncio.sleep(2 * turns.REST_S_MAX)
    assert line._lanes == {}


async def test_an_error_in_a_portion_gives_the_turn_on() -> None:
    line = Turns()
    with pytest.raises(ValueError, match="x"):
        async with line.take(ACME):
            raise ValueError("x")
    async with asyncio.timeout(5), line.take(ACME):
        pass
