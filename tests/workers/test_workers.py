"""How a worker ends: nothing new begins, what is under way may end, and what does not is cut off."""

import asyncio
import logging

import pytest

from padron.workers.base import PauseRange, Worker, run_workers

LONG_S = 30.0
_log = logging.getLogger("padron.test")


class Digger(Worker):
    """Begins one hole at each look."""

    stop_s_max = 0.2

    def __init__(self, *, dig_s: float, told: list[str] | None = None, name: str = "dig") -> None:
        super().__init__(name, _log, "nothing is dug")
        self.dig_s = dig_s
        self.name = name
        self.told = [] if told is None else told
        self.began = asyncio.Event()

    async def _look(self) -> float:
        if not self.began.is_set():
            self._begin(self._dig(), self.name)
        return 0.01

    def _hasten(self) -> None:
        self.told.append(f"{self.name} hastens")

    async def _dig(self) -> None:
        self.began.set()
        try:
            await self.pause(LONG_S)
            await asyncio.sleep(self.dig_s)
            self.told.append(f"{self.name} ends")
        except asyncio.CancelledError:
            self.told.append(f"{self.name} is cut off")
            raise


async def test_what_is_under_way_hears_that_it_is_to_end_and_is_waited_for() -> None:
    digger = Digger(dig_s=0.05)
    async with run_workers([digger]):
        await digger.began.wait()
        assert digger.told == []
    assert (digger.told, digger.is_stopping) == (["dig hastens", "dig ends"], True)


async def test_what_does_not_end_in_time_is_cut_off() -> None:
    digger = Digger(dig_s=LONG_S)
    async with asyncio.timeout(5):
        async with run_workers([digger]):
            await digger.began.wait()
    assert digger.told == ["dig hastens", "dig is cut off"]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("padron-")]


async def test_whoever_began_last_ends_first_and_all_end_when_the_block_fails() -> None:
    told: list[str] = []
    diggers = [Digger(dig_s=0.0, told=told, name=name) for name in ("a", "b")]

    async def fail() -> None:
        async with run_workers(diggers):
            for digger in diggers:
                await digger.began.wait()
            raise ValueError("the block")

    with pytest.raises(ValueError, match="the block"):
        await fail()
    assert [one for one in told if "ends" in one] == ["b ends", "a ends"]


def test_pauses_are_in_their_range_and_differ() -> None:
    drawn = {PauseRange(s_min=1.0, s_max=2.0).draw() for _ in range(50)}
    assert len(drawn) > 1
    assert 1.0 <= min(drawn) <= max(drawn) <= 2.0
