"""Status calls that are read without a lock, of several accounts together, and others who come between.

Who is overtaken between reading and saving begins anew with locks, and where others hold what has to be written, no
other account waits. Two stores stand for two server processes; SQLite allows one, where nobody can come between.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

import asyncpg
import pytest

from padron.domain.change import Change, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.statuses import changing
from padron.service.statuses import coalescer as coalescer_module
from padron.service.statuses.changing import Decisions, decide_all
from padron.service.statuses.coalescer import Coalescer
from padron.store import postgres
from padron.store.base import Decide, Store, WriteTransaction
from padron.store.postgres import PostgresStore, status_calls, statuses
from padron.store.postgres.statuses import Patience
from padron.store.strict_accounts import StrictAccounts
from tests.cast import (
    HUMMER,
    JEEP,
    UNKNOWN_VIN,
    after,
    get_one,
    info_changed,
    make_vin,
    registered,
    retired,
    save,
    status_changed,
)
from tests.conftest import Select
from tests.store.neighbours import add_account, add_neighbour

QUEUE = """
    INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
    VALUES ($1, 1, 1, 'poll', 'queued', 0)
"""
T = TypeVar("T")
ComeBetween = Callable[[int, Change], list[list[Vehicle]]]

FLEET = [make_vin(number) for number in range(6)]


@pytest.fixture
async def acme(stores: list[Store]) -> int:
    return await add_account(stores[0], "Acme", HUMMER, JEEP)


def ask(vin: str, status: VehicleStatus, request_id: str = "r-asked") -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id)


@pytest.fixture
async def beta(stores: list[Store], acme: int) -> int:
    return await add_neighbour(stores[0], acme, "Beta", HUMMER)


@pytest.fixture
async def gamma(stores: list[Store], acme: int) -> int:
    return await add_neighbour(stores[0], acme, "Gamma", HUMMER)


@pytest.fixture
async def coalescer(stores: list[Store]) -> AsyncIterator[Coalescer]:
    coalescer = Coalescer(stores[0], lambda: after(2))
    yield coalescer
    await coalescer.close()
    assert (coalescer._waiting, coalescer._busy, coalescer._is_running) == ({}, set(), False)


@pytest.fixture
def come_between(database: str, monkeypatch: pytest.MonkeyPatch) -> ComeBetween:
    """Lets another server make a change after an account's vehicles are read first; gives what each run reads."""

    def prepare(account_id: int, change: Change) -> list[list[Vehicle]]:
        read: list[list[Vehicle]] = []

        async def make_change() -> None:
            store = await postgres.open_store(database)
            await save(store, account_id, change)
            await store.close()

        def decide(vehicles: Sequence[Vehicle], requests: Sequence[StatusRequest], at: datetime) -> Decisions:
            if any(request.request_id == "r-overtaken" for request in requests):
                read.append(list(vehicles))
                if len(read) == 1:
                    with ThreadPoolExecutor(1) as other:
                        other.submit(asyncio.run, make_change()).result()
            return decide_all(vehicles, requests, at)

        for module in (coalescer_module, changing):
            monkeypatch.setattr(module, "decide_all", decide)
        return read

    return prepare


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("what", ["status", "core data", "former"])
async def test_who_is_overtaken_reads_again_and_saves_all_once_and_others_are_not_held_up(
    coalescer: Coalescer, acme: int, beta: int, what: str, come_between: ComeBetween, select: Select,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    store = coalescer._store
    hummer = await get_one(store, acme, HUMMER)
    change = {
        "status": status_changed(hummer, VehicleStatus.STOLEN, at=after(1)),
        "core data": info_changed(hummer, {}, {"plate": "ABC123"}, at=after(1)),
        "former": retired(hummer, at=after(1)),
    }[what]
    read = come_between(acme, change)
    locking = note_writes(store, monkeypatch)
    calls = [
        coalescer.submit(account, ask(vin, VehicleStatus.SOLD, request_id))
        for account, vin, request_id in (
            (acme, HUMMER, "r-overtaken"), (beta, HUMMER, "r-of-beta"), (acme, JEEP, "r-overtaken"),
        )
    ]  # fmt: skip
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [[(one.vin, one.revision) for one in found] for found in read] == [
        [(HUMMER, 1), (JEEP, 1)],
        [(JEEP, 1)] if what == "former" else [(HUMMER, 2), (JEEP, 1)],
    ]
    assert outcomes[1:] == [await get_one(store, beta), await get_one(store, acme, JEEP)]
    assert drain(locking) == [acme]
    rows = await select(
        "SELECT number, vehicle_id, from_status, to_status FROM changes WHERE account_id = $1 ORDER BY 1", acme
    )
    other, ours = change.vehicle.status.value, VehicleStatus.SOLD.value
    assert rows[2] == (3, 1, 1, other)
    assert rows[3:] == ([(4, 2, 1, ours)] if what == "former" else [(4, 1, other, ours), (5, 2, 1, ours)])
    written = await select("SELECT last_change FROM counters WHERE last_change > 0 ORDER BY account_id")
    assert written == [(len(rows),), (2,)]


def note_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[int]:
    """Give the queue to which each account is added that writes in a transaction of its own, with locks."""
    accounts: asyncio.Queue[int] = asyncio.Queue()
    write = store.write

    async def note(account_id: int, work: Callable[[WriteTransaction], Awaitable[Any]]) -> object:
        accounts.put_nowait(account_id)
        return await write(account_id, work)

    monkeypatch.setattr(store, "write", note)
    return accounts


def note_batches(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[tuple[set[int], Patience]]:
    """Give the queue to which the accounts of each statement are added, and how long it waits for others."""
    asked: asyncio.Queue[tuple[set[int], Patience]] = asyncio.Queue()
    change = statuses.change_together

    async def note(
        connection: asyncpg.Connection,
        *,
        vins: Mapping[int, Sequence[str]],
        decide: Decide,
        patience: Patience,
        strict: StrictAccounts,
        confirm: str | None,
    ) -> frozenset[int]:
        asked.put_nowait((set(vins), patience))
        return await change(connection, vins, decide, patience, strict, confirm)

    monkeypatch.setattr(status_calls, "change_together", note)
    return asked


def lengthen_brief_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a brief wait long enough for a test on a busy machine."""
    brief = statuses.SAVES[Patience.BRIEF]
    longer = brief.replace(f"'{statuses.BRIEF_MS_MAX}'", "'1400'")
    assert longer != brief
    monkeypatch.setitem(statuses.SAVES, Patience.BRIEF, longer)


def drain(queue: asyncio.Queue[T]) -> list[T]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


HELD = {
    "a vehicle": "SELECT 1 FROM vehicles WHERE account_id = $1 AND vehicle_id = 1 FOR UPDATE",
    "the counter": "SELECT 1 FROM counters WHERE account_id = $1 FOR UPDATE",
    "work": "SELECT 1 FROM work WHERE account_id = $1 FOR UPDATE",
}


@asynccontextmanager
async def hold(database: str, held: str, *account_ids: int) -> AsyncIterator[None]:
    """Let somebody hold this in these accounts for as long as the block runs."""
    other = await asyncpg.connect(database)
    try:
        async with other.transaction():
            for account_id in account_ids:
                assert await other.fetch(HELD[held], account_id)
            yield
    finally:
        await other.close()


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("held", HELD)
async def test_an_account_in_which_somebody_holds_something_waits_alone(
    acme: int, beta: int, coalescer: Coalescer, database: str, held: str, select: Select
) -> None:
    other = await asyncpg.connect(database)
    await other.execute(QUEUE, acme)
    transaction = other.transaction()
    await transaction.start()
    assert await other.fetch(HELD[held], acme)
    waiting = asyncio.ensure_future(coalescer.submit(acme, ask(HUMMER, VehicleStatus.STOLEN)))
    async with asyncio.timeout(1):  # the lock is waited for longer than that
        assert (await coalescer.submit(beta, ask(HUMMER, VehicleStatus.SOLD))).status is VehicleStatus.SOLD
        assert (await coalescer.submit(beta, ask(HUMMER, VehicleStatus.ACTIVE))).revision == 3
    assert not waiting.done()
    assert await select("SELECT number FROM changes WHERE account_id = $1 ORDER BY 1", acme) == [(1,), (2,)]
    late = coalescer.submit(acme, ask(JEEP, VehicleStatus.STOLEN))
    await transaction.rollback()
    assert ((await waiting).revision, (await late).revision) == (2, 2)
    assert await select("SELECT number FROM changes WHERE account_id = $1 ORDER BY 1", acme) == [
        (number,) for number in range(1, 5)
    ]
    assert await select("SELECT state FROM work") == [("withdrawn",)]
    await other.close()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_an_account_that_waited_alone_goes_together_with_others_again(
    acme: int, beta: int, coalescer: Coalescer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = note_batches(monkeypatch)
    async with hold(database, "the counter", acme):
        waiting = coalescer.submit(acme, ask(HUMMER, VehicleStatus.STOLEN))
        await coalescer.submit(beta, ask(HUMMER, VehicleStatus.STOLEN))
    await waiting
    await coalescer.close()
    drain(asked)
    await asyncio.gather(*(coalescer.submit(account, ask(HUMMER, VehicleStatus.SOLD)) for account in (acme, beta)))
    assert drain(asked) == [({acme, beta}, Patience.NONE)]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_several_accounts_in_which_another_server_is_at_work_wait_for_it_together(
    stores: list[Store], acme: int, beta: int, gamma: int, coalescer: Coalescer, database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(status_calls, "CROWDED_S", 1000)
    lengthen_brief_waits(monkeypatch)
    asked, locking = note_batches(monkeypatch), note_writes(stores[0], monkeypatch)
    accounts = [acme, beta, gamma]
    async with hold(database, "the counter", acme, beta):
        calls = [coalescer.submit(account, ask(HUMMER, VehicleStatus.STOLEN)) for account in accounts]
        await calls[2]  # nobody is in the way there
        batches = [await asked.get(), await asked.get()]
    assert [vehicle.revision for vehicle in await asyncio.gather(*calls)] == [2, 2, 2]
    await asyncio.gather(*(coalescer.submit(account, ask(HUMMER, VehicleStatus.SOLD)) for account in accounts))
    assert batches + drain(asked) == [
        ({acme, beta, gamma}, Patience.NONE), ({acme, beta}, Patience.BRIEF), ({acme, beta, gamma}, Patience.BRIEF),
    ]  # fmt: skip
    assert locking.empty()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_several_accounts_that_are_held_for_longer_wait_apart(
    stores: list[Store], acme: int, beta: int, gamma: int, coalescer: Coalescer, database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(coalescer_module, "APART_S", 1000)
    asked, locking = note_batches(monkeypatch), note_writes(stores[0], monkeypatch)
    async with hold(database, "a vehicle", acme, beta):
        waiting = [
            asyncio.ensure_future(coalescer.submit(account, ask(HUMMER, VehicleStatus.STOLEN)))
            for account in (acme, beta)
        ]
        assert {await locking.get(), await locking.get()} == {acme, beta}
        async with asyncio.timeout(1):  # the locks of those two are waited for longer than that
            assert (await coalescer.submit(gamma, ask(HUMMER, VehicleStatus.SOLD))).revision == 2
        assert [call.done() for call in waiting] == [False, False]
        late = coalescer.submit(acme, ask(JEEP, VehicleStatus.STOLEN))
    assert [vehicle.revision for vehicle in await asyncio.gather(*waiting, late)] == [2, 2, 2]
    batches = drain(asked)
    assert batches[:2] == [({acme, beta}, Patience.NONE), ({acme, beta}, Patience.BRIEF)]
    assert batches[-1] == ({acme}, Patience.FULL)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_who_waits_in_full_is_told_when_it_was_in_vain(stores: list[Store], acme: int, database: str) -> None:
    hummer = await get_one(stores[0], acme, HUMMER)
    change = status_changed(hummer, VehicleStatus.STOLEN, at=after(1))
    async with hold(database, "the counter", acme):
        with pytest.raises(PadronError) as raised:
            await stores[0].write_apart(acme, [HUMMER], lambda *_: [change])
    assert raised.value.code is Code.STORE_UNAVAILABLE


@pytest.mark.parametrize("engine", ["postgres"])
async def test_when_waiting_is_in_vain_the_others_go_on_without_those_that_are_held(
    stores: list[Store], acme: int, beta: int, gamma: int, coalescer: Coalescer, database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked = note_batches(monkeypatch)
    assert isinstance(stores[0], PostgresStore)
    stores[0]._status_calls._crowded_until = float("inf")
    async with hold(database, "the counter", acme):
        held, *rest = [
            asyncio.ensure_future(coalescer.submit(account, ask(HUMMER, VehicleStatus.STOLEN)))
            for account in (acme, beta, gamma)
        ]
        async with asyncio.timeout(1):
            assert [(await call).revision for call in rest] == [2, 2]
            assert (await coalescer.submit(beta, ask(HUMMER, VehicleStatus.SOLD))).revision == 3
        assert not held.done()
    assert (await held).revision == 2
    everybody = {acme, beta, gamma}
    assert drain(asked) == [(everybody, Patience.BRIEF), (everybody, Patience.NONE), ({beta}, Patience.NONE)]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_calls_that_came_while_an_account_was_apart_are_answered(
    acme: int, coalescer: Coalescer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalescer_module, "APART_S", 0)
    locking = note_writes(coalescer._store, monkeypatch)
    async with hold(database, "the counter", acme):
        calls = [coalescer.submit(acme, ask(HUMMER, VehicleStatus.STOLEN))]
        assert await locking.get() == acme  # it is apart now, and waits for the counter
        calls.append(coalescer.submit(acme, ask(JEEP, VehicleStatus.STOLEN)))
    assert [vehicle.vin for vehicle in await asyncio.wait_for(asyncio.gather(*calls), 5)] == [HUMMER, JEEP]


async def test_several_changes_of_one_vehicle_in_one_batch(
    stores: list[Store], acme: int, beta: int, coalescer: Coalescer, select: Select
) -> None:
    asked = [
        ask(HUMMER, VehicleStatus.STOLEN),
        ask(JEEP, VehicleStatus.SOLD),
        ask(HUMMER, VehicleStatus.STOLEN),
        ask(UNKNOWN_VIN, VehicleStatus.SOLD),
        ask(HUMMER, VehicleStatus.ACTIVE),
    ]
    calls = [coalescer.submit(account, one) for one in asked for account in (acme, beta)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(outcome, PadronError) for outcome in outcomes] == [
        False, False, False, True, False, False, True, True, False, False,
    ]  # fmt: skip
    rows = await select("SELECT account_id, number, vehicle_id, from_status, to_status FROM changes ORDER BY 1, 2")
    stolen, sold = VehicleStatus.STOLEN.value, VehicleStatus.SOLD.value
    assert rows[2:5] == [(acme, 3, 1, 1, stolen), (acme, 4, 2, 1, sold), (acme, 5, 1, stolen, 1)]
    assert rows[6:] == [(beta, 2, 1, 1, stolen), (beta, 3, 1, stolen, 1)]
    for account in (acme, beta):
        hummer = await get_one(stores[0], account, HUMMER)
        assert (hummer.status, hummer.revision, hummer.updated_at) == (VehicleStatus.ACTIVE, 3, after(2))


async def test_calls_on_two_servers_for_the_same_vehicles_all_happen_in_one_order(
    stores: list[Store], acme: int, beta: int, select: Select
) -> None:
    for account in (acme, beta):
        await save(stores[0], account, *(registered(vin) for vin in FLEET))
    coalescers = [Coalescer(store, lambda: after(1)) for store in stores]
    dice = random.Random(7)

    async def call(turn: int) -> Vehicle:
        status = dice.choice(list(SETTABLE_STATUSES.values()))
        asked = ask(dice.choice(FLEET), status, f"r-{turn}")
        return await coalescers[turn % 2].submit(dice.choice([acme, beta]), asked)

    answers = [await asyncio.gather(*(call(turn * 40 + place) for place in range(40))) for turn in range(15)]
    assert sum(map(len, answers)) == 600
    await asyncio.gather(*(coalescer.close() for coalescer in coalescers))
    for account in (acme, beta):
        numbers = await select("SELECT number FROM changes WHERE account_id = $1 ORDER BY number", account)
        assert numbers == [(number,) for number in range(1, len(numbers) + 1)]
        assert await select("SELECT last_change FROM counters WHERE account_id = $1", account) == [(len(numbers),)]
        for vin in FLEET:
            vehicle = await get_one(stores[0], account, vin)
            history = await stores[0].read(account).list_history(vehicle.vehicle_id, None, 1000)
            assert len(history) == vehicle.revision
            assert history[0].to_status is vehicle.status
            assert all(new.from_status is old.to_status for new, old in pairwise(history))
