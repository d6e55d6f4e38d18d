"""An outage of the database is told once, and its end once, whatever the number of refused calls."""

import asyncio
import logging

import pytest

from padron.domain.errors import Code, PadronError
from padron.service.watching import outage
from padron.service.watching.counts import ServiceCounts
from padron.service.watching.outage import OutageLog
from padron.store.base import Store
from tests.cast import wait_until


class Faults:
    """A store whose check fails while it is gone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_gone = True

    async def check(self) -> None:
        if self.is_gone:
            raise PadronError(Code.STORE_UNAVAILABLE, "gone")
        await self._store.check()


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(outage, "QUIET_S", 0.1)


@pytest.mark.long("postgres")
async def test_it_is_two_lines_however_many_calls_are_refused(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    faults, counts = Faults(store), ServiceCounts()
    log = OutageLog(faults, counts)  # type: ignore[arg-type]  # it only checks
    for _ in range(500):
        log.note("no route to host")
    await asyncio.sleep(0.3)
    assert log.is_open
    faults.is_gone = False

    async def is_over() -> bool:
        return not log.is_open

    await wait_until(is_over)
    told = [record.getMessage() for record in caplog.records if record.name == "padron.store"]
    assert told[0] == "The database cannot be used, and calls are refused: no route to host"
    assert "The database can be used again" in told[1]
    assert "500 calls were refused" in told[1]
    assert len(told) == 2
    log.note("again")
    assert counts.outages == 2
    await log.close()


@pytest.mark.long("postgres")
async def test_while_writes_are_refused_it_is_not_over_although_reads_succeed(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = OutageLog(store, ServiceCounts())
    for _ in range(20):
        log.note("the disk is full")
        await asyncio.sleep(0.02)
    assert [record.levelname for record in caplog.records if record.name == "padron.store"] == ["WARNING"]
    await log.close()
