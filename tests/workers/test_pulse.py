"""The beat of a serving process: it stops with the writer of the store, and goes on while a database is away."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from padron.service import register
from padron.service.accounts import add_account
from padron.service.register import is_moving
from padron.service.runtime import Runtime
from padron.store.sqlite.engine import SqliteStore
from padron.workers.base import run_workers
from padron.workers.pulse import PulseWorker
from tests.cast import registered, save, wait_until
from tests.postgres import Postgres

EVERY_S = 0.02
SAID = "The writer of the database has ended or hangs: a restart of the server may help"


class Beats:
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        self.count += 1

    async def wait_for_more(self) -> None:
        aim = self.count + 2

        async def is_there() -> bool:
            return self.count >= aim

        await wait_until(is_there)

    async def check_silence(self) -> None:
        await asyncio.sleep(EVERY_S * 5)  # one that was under way may still come
        before = self.count
        await asyncio.sleep(EVERY_S * 20)
        assert self.count == before


@asynccontextmanager
async def beating(runtime: Runtime) -> AsyncIterator[Beats]:
    beats = Beats()
    async with run_workers([PulseWorker(runtime, beats.note, every_s=EVERY_S)]):
        await beats.wait_for_more()
        yield beats


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_commit_that_hangs_stops_the_beat_and_its_end_starts_it_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(register, "STALLED_S_MAX", 0.1)
    assert isinstance(runtime.store, SqliteStore)
    account = await add_account(runtime, "Acme")
    release = threading.Event()
    async with beating(runtime) as beats:
        runtime.store._committer._thread.submit(release.wait)  # a disk that does not answer holds this thread
        saving = asyncio.create_task(save(runtime.store, account.account_id, registered()))
        try:
            await beats.check_silence()
            assert caplog.messages == [SAID]
            assert not saving.done()
        finally:
            release.set()
        await saving
        await beats.wait_for_more()
    assert runtime.store.stalled_s == 0.0


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_writer_that_has_ended_stops_the_beat(runtime: Runtime) -> None:
    assert isinstance(runtime.store, SqliteStore)
    async with beating(runtime) as beats:
        committer = runtime.store._committer
        committer._task.cancel()
        await asyncio.wait([committer._task])
        await beats.check_silence()
        assert committer.stalled_s == inf
    committer._task = asyncio.create_task(asyncio.sleep(0))  # so that the register can be closed


async def test_an_idle_register_beats(runtime: Runtime) -> None:
    assert await is_moving(runtime)
    async with beating(runtime) as beats:
        await beats.wait_for_more()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_database_that_is_away_or_frozen_does_not_stop_the_beat(
    runtime: Runtime, postgres_server: Postgres
) -> None:
    async with beating(runtime) as beats:
        async with postgres_server.killed():
            await beats.wait_for_more()
        with postgres_server.frozen():
            await beats.wait_for_more()
        await beats.wait_for_more()
