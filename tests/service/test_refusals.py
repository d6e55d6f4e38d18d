"""What the gate refused is remembered apart for each account, within limits, and for ninety days."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.gate import KEPT, RefusalQuery, judge
from padron.service.operations import refusals
from padron.service.operations.gate import check_vehicles, list_refusals
from padron.service.operations.refusals import RefusalLog
from padron.service.runtime import Runtime
from padron.store.base import Store, WriteTransaction
from padron.workers.base import run_workers
from padron.workers.clearing import ClearingWorker
from tests.cast import NOON, Cast, make_vin
from tests.conftest import Select, SteppedClock
from tests.service.stores import FaultyStore

T = TypeVar("T")

COUNT = "SELECT count(*), sum(count) FROM gate_refusals WHERE account_id = $1"


async def count(runtime: Runtime, principal: Principal) -> int:
    page = await list_refusals(runtime, principal, RefusalQuery(limit=100_000), None)
    return len(page.rows)


def refuse(log: RefusalLog, principal: Principal, first: int, last: int) -> None:
    for number in range(first, last):
        log.remember(principal, "dispatch", judge(make_vin(number), []), NOON)


@pytest.mark.long("postgres")
async def test_a_flood_of_one_account_makes_no_others_be_forgotten(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "WRITE_EVERY_S", 0.05)
    acme, beta = cast.acme.principal, cast.beta.principal
    refuse(runtime.refusals, acme, 0, refusals.ACCOUNT_PENDING_MAX + 700)
    refuse(runtime.refusals, beta, 0, 300)
    assert await count(runtime, beta) == 300
    assert await count(runtime, acme) == refusals.ACCOUNT_PENDING_MAX
    async with asyncio.timeout(10):
        while f"700 refusals of account {acme.account_id}" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert f"account {beta.account_id}" not in caplog.text


@pytest.mark.long("postgres")
async def test_when_all_places_are_taken_an_account_with_few_still_has_some(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "PENDING_MAX", 1_000)
    acme, beta = cast.acme.principal, cast.beta.principal
    refuse(runtime.refusals, acme, 0, 2_000)
    refuse(runtime.refusals, beta, 0, refusals.ACCOUNT_PENDING_SURE + 50)
    assert await count(runtime, acme) == 1_000
    assert await count(runtime, beta) == refusals.ACCOUNT_PENDING_SURE
    refuse(runtime.refusals, beta, 1_000, 2_000)  # what is written takes no place any more
    assert await count(runtime, beta) == refusals.ACCOUNT_PENDING_SURE + 1_000


@pytest.mark.long("postgres")
async def test_what_waits_is_written_in_portions_accounts_in_turn(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(FaultyStore):
        def __init__(self, store: Store) -> None:
            super().__init__(store)
            self.accounts: list[int] = []

        async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
            self.accounts.append(account_id)
            return await super().write(account_id, work)

    monkeypatch.setattr(refusals, "WRITE_EVERY_S", 0.01)
    acme, beta = cast.acme.principal, cast.beta.principal
    watched = Watched(runtime.store)
    log = RefusalLog(watched)
    refuse(log, acme, 0, 4 * refusals.PORTION_ROWS)
    refuse(log, beta, 0, 10)
    async with asyncio.timeout(20):
        while len(watched.accounts) < 5:  # noqa: ASYNC110 - the task has no event for us
            await asyncio.sleep(0.01)
    await log.close()
    assert watched.accounts == [acme.account_id, beta.account_id, *[acme.account_id] * 3]


async def test_what_cannot_be_written_is_kept_and_counted_on(runtime: Runtime, cast: Cast, select: Select) -> None:
    faulty = FaultyStore(runtime.store)
    faulty.error, faulty.fails = PadronError(Code.STORE_UNAVAILABLE, "away"), True
    log = RefusalLog(faulty)
    acme = cast.acme.principal
    refuse(log, acme, 0, 3)
    await log.flush(acme.account_id)
    refuse(log, acme, 2, 5)
    faulty.fails = False
    await log.close()
    assert await select(COUNT, acme.account_id) == [(5, 6)]


async def test_refusals_are_deleted_after_ninety_days_in_every_account(
    runtime: Runtime, cast: Cast, clock: SteppedClock, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "PORTION_ROWS", 2)
    acme, beta = cast.acme.principal, cast.beta.principal
    for number in range(5):
        for member in (acme, beta):
            await check_vehicles(runtime, member, "dispatch", [make_vin(number)])
    await count(runtime, acme)
    clock.now += KEPT - timedelta(hours=1)
    await check_vehicles(runtime, acme, "dispatch", [make_vin(7)])
    assert await count(runtime, acme) == 6
    assert await runtime.refusals.delete_old(acme.account_id, clock.now - KEPT) == 0
    clock.now += timedelta(hours=2)
    await runtime.refusals.flush(beta.account_id)
    async with run_workers([ClearingWorker(runtime, every_s=0.01)]), asyncio.timeout(10):
        while (await select("SELECT count(*) FROM gate_refusals"))[0][0] > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await select("SELECT vin FROM gate_refusals") == [(make_vin(7),)]
