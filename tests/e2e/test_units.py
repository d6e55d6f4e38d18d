"""Under systemd: a socket that outlives the server, and signs of life that stop when the server hangs."""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Select
from tests.e2e import client
from tests.e2e.client import connect
from tests.e2e.load import Load
from tests.e2e.program import make_fleets, run_command
from tests.e2e.record import check_record
from tests.e2e.units import Hearer, Unit, hear, is_open, open_socket, run_unit
from tests.postgres import Postgres

CLIENTS = 8
START_S_MAX = 40  # of a busy machine; until then a connection waits in the line of the socket
READY_S_MAX = 3  # from the sign to the answer; a start takes longer
WATCHDOG = {"WATCHDOG_USEC": "900000"}  # three signs of life in less than a second
WATCHED_S = 1.5  # longer than systemd waits for a sign
_ALONE = pytest.param("postgres", 1, marks=pytest.mark.long)  # what differs is one process or several
SERVERS = pytest.mark.parametrize("engine, workers", [("sqlite", 1), _ALONE, ("postgres", 2)])


def give_port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


@pytest.mark.long("postgres")
@SERVERS
async def test_a_restart_on_systemds_socket_refuses_no_connection_and_loses_no_call(
    url: str, workers: int, tmp_path: Path, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S_MAX", START_S_MAX)
    load = Load(await make_fleets(url))
    ended = asyncio.Event()
    log = tmp_path / "unit.log"

    async def call_again_and_again(port: int) -> None:
        while not ended.is_set():
            async with connect(port) as connection:  # a refused connection fails the test
                await load.send(connection, load.make_call())

    with open_socket() as listener, hear(tmp_path) as hearer:
        port = give_port(listener)
        start = partial(
            run_unit, url, log, "--workers", str(workers),
            listener=listener, variables={"NOTIFY_SOCKET": hearer.address},
        )  # fmt: skip
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(call_again_and_again(port))
            async with start() as unit:
                await hearer.wait_for("READY=1", START_S_MAX)
                await load.wait_for_answers(100)
                assert await unit.stop() == 0, unit.log
            async with start() as unit:
                await load.wait_for_answers(100, seconds_max=START_S_MAX)
                ended.set()
                await asyncio.sleep(0.5)
                assert unit.log.count(f"Listening on http://127.0.0.1:{port}") == 2
                assert unit.log.count("on systemd's socket") == 2
    assert load.give_statuses() == {204}
    await check_record(select, load.calls)


@SERVERS
async def test_systemd_hears_of_the_start_only_when_calls_are_answered(
    engine: str, url: str, workers: int, tmp_path: Path
) -> None:
    await make_fleets(url, accounts=1)
    with open_socket() as listener, hear(tmp_path) as hearer:
        variables = {"NOTIFY_SOCKET": hearer.address}
        options = ("--workers", str(workers))
        is_forked = engine == "sqlite" or workers > 1  # and otherwise it is started as systemd does
        async with run_unit(
            url, tmp_path / "log", *options, listener=listener, variables=variables, is_forked=is_forked
        ) as unit:
            async with connect(give_port(listener)) as connection:
                await connection.send(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
                await hearer.wait_for("READY=1", START_S_MAX)
                async with asyncio.timeout(READY_S_MAX):
                    assert (await connection.read_answer()).status == 200
            assert await unit.stop() == 0, unit.log
            assert hearer.listen()[-2:] == ["STOPPING=1", "STATUS=Finishes the running requests"]


@SERVERS
@pytest.mark.long
async def test_a_server_that_works_gives_signs_of_life_and_one_that_is_frozen_does_not(
    url: str, workers: int, tmp_path: Path
) -> None:
    await make_fleets(url, accounts=1)
    with hear(tmp_path) as hearer:
        variables = {"NOTIFY_SOCKET": hearer.address, **WATCHDOG}
        async with run_unit(url, tmp_path / "log", "--workers", str(workers), variables=variables) as unit:
            await hearer.wait_for("READY=1", START_S_MAX)
            await check_signs(hearer, expected=True)
            unit.process.send_signal(signal.SIGSTOP)
            await check_signs(hearer, expected=False)
            unit.process.send_signal(signal.SIGCONT)
            await check_signs(hearer, expected=True)


async def check_signs(hearer: Hearer, *, expected: bool) -> None:
    hearer.forget()
    if expected:
        await hearer.wait_for("WATCHDOG=1")
    else:
        await asyncio.sleep(WATCHED_S)
        assert "WATCHDOG=1" not in hearer.listen()


@pytest.mark.long
@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("workers", [1, 2])
async def test_an_outage_of_the_database_is_no_reason_to_restart_the_server(
    url: str, workers: int, tmp_path: Path, postgres_server: Postgres
) -> None:
    await make_fleets(url, accounts=1)
    with hear(tmp_path) as hearer, open_socket() as listener:
        variables = {"NOTIFY_SOCKET": hearer.address, **WATCHDOG}
        options = ("--workers", str(workers))
        async with run_unit(url, tmp_path / "log", *options, listener=listener, variables=variables) as unit:
            await hearer.wait_for("READY=1", START_S_MAX)
            async with postgres_server.killed():
                await asyncio.sleep(WATCHED_S)
                await check_signs(hearer, expected=True)
                assert unit.process.poll() is None
                async with connect(give_port(listener)) as connection:
                    assert (await connection.request("GET", "/readyz")).status == 503
            async with connect(give_port(listener)) as connection:
                assert (await connection.request("GET", "/readyz")).status == 200


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_socket_for_another_process_is_not_taken(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    with open_socket() as listener:
        variables = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
        async with run_unit(url, tmp_path / "log", variables=variables) as unit:
            await unit.wait_for_log("Listening on")
            assert str(give_port(listener)) not in unit.log
            assert "systemd" not in unit.log


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_socket_of_another_kind_is_refused_with_what_to_write(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "socket"))
        other.listen()
        async with run_unit(url, tmp_path / "log", listener=other) as unit:
            assert await asyncio.to_thread(unit.process.wait, 20) == 2
            assert "ListenStream=127.0.0.1:8080" in unit.log


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_without_systemds_socket_the_port_is_free_after_the_end(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    async with AsyncExitStack() as stack:
        unit: Unit = await stack.enter_async_context(run_unit(url, tmp_path / "log"))
        await unit.wait_for_log("Listening on")
        port = int(unit.log.partition("http://127.0.0.1:")[2].partition(",")[0])
        assert is_open(port)
        assert await unit.stop() == 0
        assert not is_open(port)
    assert (await run_command(url, "accounts", "list")).status == 0
