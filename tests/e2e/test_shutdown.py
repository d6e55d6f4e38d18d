"""The server told to stop: it finishes what is under way, takes nothing new, and is gone within ten seconds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import apsw
import asyncpg
import pytest

from padron.cli.serve import GRACE_S
from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import Connection, build_request, connect
from tests.e2e.load import Load
from tests.e2e.program import STOP_S_MAX, make_fleets, run_server
from tests.e2e.record import check_record

OPERATION = "/api/v2/operations/poll-tracker"
DECLARATION = {"description": "", "leaseSeconds": 60, "attempts": 1}
WAIT_S = 20  # longer than a server takes to end
PATIENCE_S = 0.25  # a server that gives up what is under way would do so meanwhile

_ALONE = pytest.param("postgres", 1, marks=pytest.mark.long)  # what differs is one process or several
SERVERS = pytest.mark.parametrize("engine,workers", [("sqlite", 1), _ALONE, ("postgres", 2)])
SERVERS_LONG = pytest.mark.parametrize(
    "engine,workers", [("sqlite", 1), _ALONE, pytest.param("postgres", 2, marks=pytest.mark.long)]
)


@asynccontextmanager
async def hold_writes(engine: str, database: str) -> AsyncIterator[None]:
    """Let no write be committed until the block ends, as another program's transaction would."""
    if engine == "sqlite":
        file = apsw.Connection(database)
        try:
            file.set_busy_timeout(5_000)
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")
        finally:
            file.close()
        return
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction():
            await connection.execute("SELECT last_change FROM counters FOR UPDATE")
            yield
    finally:
        await connection.close()


async def is_refused(port: int) -> bool:
    try:
        async with connect(port):
            return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it stood in line at the very moment when the listener closed: the next one is refused


async def wait_until_refused(port: int) -> None:
    async def check() -> bool:
        return await is_refused(port)

    await wait_until(check)


@SERVERS
async def test_what_is_under_way_is_finished_and_nothing_new_is_taken(
    engine: str, workers: int, url: str, database: str, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path, workers=workers) as server, AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connect(server.port)) for _ in range(12)]
        for connection in connections:
            assert (await connection.request("GET", "/livez")).status == 200
        idle, busy = connections[:4], connections[4:]
        async with hold_writes(engine, database):
            calls = [load.make_call() for _ in busy]
            for connection, call in zip(busy, calls, strict=True):
                await connection.send(call.build())
            for _ in range(2):  # what a server reads after those that were sent before
                assert {(await connection.request("GET", "/livez")).status for connection in idle} == {200}
            server.ask_to_stop()
            begun = time.monotonic()
            await wait_until_refused(server.port)
            await asyncio.sleep(PATIENCE_S)
        for connection, call in zip(busy, calls, strict=True):
            call.answer = await connection.read_answer()
        assert load.give_statuses() == {204}
        assert [await connection.read_to_end() for connection in connections] == [b""] * 12
        assert await server.wait() == 0
        assert time.monotonic() - begun < STOP_S_MAX
        assert "Traceback" not in server.read_log()
    await check_record(select, load.calls)


@SERVERS_LONG
async def test_clients_that_sent_half_a_request_do_not_keep_it_from_ending(
    url: str, workers: int, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path, workers=workers) as server, AsyncExitStack() as stack:

        async def open_one() -> Connection:
            return await stack.enter_async_context(connect(server.port))

        half_head, half_body, silent, idle = [await open_one() for _ in range(4)]
        whole = load.make_call().build()
        await half_head.send(whole[:40])
        await half_body.send(whole[:-5])
        for _ in range(2):  # what a server reads after what was sent before
            assert (await idle.request("GET", "/livez")).status == 200
        begun = time.monotonic()
        server.ask_to_stop()
        assert await server.wait() == 0
        assert time.monotonic() - begun < GRACE_S  # nobody waits for the rest as long as for what is being done
        answer = await half_body.read_answer()
        answer.check_problem(503, "serviceUnavailable", "StoreUnavailable")
        await asyncio.gather(*(connection.read_to_end() for connection in (half_head, half_body, silent, idle)))
        assert "Traceback" not in server.read_log()
    assert await check_record(select, load.calls) == 18, "Half a request was done."


@SERVERS_LONG
async def test_claims_that_wait_for_work_are_answered_with_nothing_when_it_stops(
    url: str, workers: int, tmp_path: Path
) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    async with run_server(url, tmp_path, workers=workers) as server, AsyncExitStack() as stack:
        idle, *waiting = [await stack.enter_async_context(connect(server.port)) for _ in range(7)]
        declared = await idle.request("PUT", OPERATION, token=fleet.token, body=DECLARATION)
        assert declared.status == 201, declared.body
        claim = build_request("POST", f"{OPERATION}/claims", token=fleet.token, body={"wait": WAIT_S})
        head, _, body = claim.partition(b"\r\n\r\n")
        for connection in waiting:
            await connection.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        for connection in waiting:
            assert (await connection.read_answer()).status == 100  # from here on the server knows of the request
            await connection.send(body)
        for _ in range(2):  # what a server reads after what was sent before
            assert (await idle.request("GET", "/livez")).status == 200
        server.ask_to_stop()
        answers = [await connection.read_answer() for connection in waiting]
        # A server that let them wait would break them off when its time to end is over.
        assert [(answer.status, answer.document) for answer in answers] == [(200, {"claims": []})] * len(waiting)
        assert [await connection.read_to_end() for connection in waiting] == [b""] * len(waiting)
        assert await server.wait() == 0
        # Nor did it wait until its clients close their ends, of which none does.
        assert "ERROR" not in server.read_log()


@SERVERS_LONG
@pytest.mark.long
async def test_a_server_stopped_under_load_keeps_what_it_answered(
    url: str, workers: int, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path, workers=workers) as server:
        async with load.under_way(server.port):
            await load.wait_for_answers(100)
            assert await server.stop() == 0
        assert load.give_statuses() == {204}
        assert "Traceback" not in server.read_log()
    await check_record(select, load.calls)
