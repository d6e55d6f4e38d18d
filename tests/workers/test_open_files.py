"""The log says that no file is left for a new connection: once, then at most once a minute, and when it is over."""

import asyncio
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from padron.workers.base import run_workers
from padron.workers.open_files import OpenFilesWorker
from tests.cast import wait_until

SPARE = 10


@contextmanager
def without_files() -> Iterator[None]:
    """Leave this process no file to open, for the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    # A limit counts numbers, not files: some are already above it, and those below are taken here.
    resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + SPARE, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def count(caplog: pytest.LogCaptureFixture, begin: str) -> int:
    return sum(record.name == "padron.files" and record.message.startswith(begin) for record in caplog.records)


async def wait_for(caplog: pytest.LogCaptureFixture, begin: str, times: int = 1) -> None:
    async def was_said() -> bool:
        return count(caplog, begin) >= times

    await wait_until(was_said)


async def test_it_is_said_once_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with run_workers([OpenFilesWorker(every_s=0.005)]):
        for _ in range(2):  # the second time is within the same minute
            with without_files():
                await wait_for(caplog, "New connections are dropped")
                await asyncio.sleep(0.05)
            await wait_for(caplog, "New connections are accepted again")
            await asyncio.sleep(0.02)
    assert count(caplog, "New connections are dropped, because this process has no file left") == 1
    assert count(caplog, "New connections are accepted again") == 1


async def test_it_is_said_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async with run_workers([OpenFilesWorker(every_s=0.005, say_every_s=0.05)]):
        with without_files():
            await wait_for(caplog, "New connections are dropped", times=3)


async def test_nothing_is_said_while_files_are_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with run_workers([OpenFilesWorker(every_s=0.001)]):
        await asyncio.sleep(0.05)
    assert caplog.records == []
