"""TLS in the real program: calls, renewed certificates without a lost connection, and SIGHUP with and without TLS."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cast import wait_until
from tests.certificates import Authority, Pair
from tests.e2e.client import Answer, build_request
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.secure import Program, run_program

POLL = "/api/v2/changes?wait=20&type=vehicle.status_changed"
ONE_PROCESS, TWO_PROCESSES = ("sqlite", 1), ("postgres", 2)
LONG = pytest.mark.long


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def served(authority: Authority) -> Pair:
    """The files that the server reads."""
    return authority.issue("served")


@asynccontextmanager
async def waiting_for_a_change(program: Program, fleet: Fleet) -> AsyncIterator[asyncio.Task[Answer]]:
    """Give the answer to a long poll that is under way on a connection of its own."""
    async with program.connect() as connection:
        assert (await connection.request("GET", "/livez")).status == 200
        last = await connection.request("GET", "/api/v2/changes", token=fleet.token)
        await connection.send(build_request("GET", f"{POLL}&after={last.document['nextCursor']}", token=fleet.token))
        answer = asyncio.create_task(connection.read_answer())
        await asyncio.sleep(0.2)
        assert not answer.done()
        yield answer


async def set_status(program: Program, fleet: Fleet, status: int) -> None:
    async with program.connect() as connection:
        target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
        answer = await connection.request("PATCH", target, token=fleet.token, body={"vehicleStatusId": status})
        assert answer.status == 204, answer.body


async def wait_for_serial(program: Program, serial: str) -> None:
    """Return once every process gives this certificate: so many connections in a row."""

    async def is_everywhere() -> bool:
        return {await program.get_serial() for _ in range(12)} == {serial}

    await wait_until(is_everywhere)


@pytest.mark.parametrize("engine, workers", [ONE_PROCESS, pytest.param(*TWO_PROCESSES, marks=LONG)])
async def test_a_renewed_certificate_is_served_a_bad_one_is_not_and_no_request_is_lost(
    url: str, tmp_path: Path, authority: Authority, served: Pair, workers: int
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    options = (*served.options, "--workers", str(workers))
    first, second = served.serial, authority.issue("second")
    async with run_program(url, tmp_path, *options, trust=authority.trust()) as program:
        assert program.scheme == "https"
        assert await program.get_serial() == first
        pids = program.worker_pids
        async with waiting_for_a_change(program, fleet) as answer:
            served.key.write_bytes(second.key.read_bytes())
            program.hang_up()
            await program.wait_for_log("does not belong to the certificate")
            await wait_for_serial(program, first)
            served.certificate.unlink()
            program.hang_up()
            await program.wait_for_log("there is no such file")
            await wait_for_serial(program, first)
            assert program.read_log().count("ERROR") == 2  # one for each signal, however many processes there are
            served.copy_from(second)
            await wait_for_serial(program, first)  # until the signal
            program.hang_up()
            await program.wait_for_log("New connections get the certificate")
            await wait_for_serial(program, second.serial)
            assert not answer.done()
            await set_status(program, fleet, 3)
            assert len((await answer).document["changes"]) == 1  # on the connection with the certificate before
        assert program.worker_pids == pids
        assert program.read_log().count("New connections get the certificate") == 1
        assert program.read_log().count("ERROR") == 2
        assert "WARNING" not in program.read_log()
        assert await program.stop() == 0


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.long
async def test_a_process_that_starts_while_the_files_are_bad_says_why_and_ends_no_other(
    url: str, tmp_path: Path, authority: Authority, served: Pair
) -> None:
    await make_fleets(url, accounts=1, vehicles=1)
    async with run_program(url, tmp_path, *served.options, "--workers", "2", trust=authority.trust()) as program:
        served.key.write_bytes(b"")
        killed, other = program.worker_pids
        os.kill(killed, signal.SIGKILL)
        await program.wait_for_log("This process cannot serve: ")
        assert {await program.get("/livez") for _ in range(5)} == {200}
        assert other in program.worker_pids
        assert "Traceback" not in program.read_log()
        assert await program.stop() == 0


async def test_an_expired_certificate_is_a_warning_at_the_start_and_on_sighup(
    tmp_path: Path, authority: Authority
) -> None:
    old = datetime.now(UTC) - timedelta(days=365)
    served = authority.issue("expired", old, old + timedelta(days=90))
    context = authority.trust()
    context.check_hostname = False
    context.verify_mode = 0  # type: ignore[assignment]  # CERT_NONE
    async with run_program(f"sqlite:///{tmp_path}/p.db", tmp_path, *served.options, trust=context) as program:
        assert program.read_log().count("WARNING") == 1
        assert "expired.pem' expired at" in program.read_log()
        program.hang_up()
        await program.wait_for_log("WARNING", times=2)


async def test_who_speaks_no_tls_is_cut_off_and_nothing_is_logged(
    tmp_path: Path, authority: Authority, served: Pair
) -> None:
    options = (*served.options, "--root-path", "/padron")
    url = f"sqlite:///{tmp_path}/p.db"
    async with run_program(url, tmp_path, *options, trust=authority.trust()) as program:
        assert (program.scheme, program.root_path) == ("https", "/padron")
        for sent in (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 70_000):
            with socket.create_connection(("127.0.0.1", program.port), timeout=5) as connection:
                connection.sendall(sent)
                try:
                    got = connection.recv(1_000)
                except ConnectionResetError:
                    got = b""
                assert not got.startswith(b"HTTP")
        for _ in range(3):  # and one that hangs up in the middle
            socket.create_connection(("127.0.0.1", program.port)).close()
        assert await program.get("/padron/livez") == 200
        with socket.create_connection(("127.0.0.1", program.port)):  # silent while the server ends
            assert await program.stop() == 0
        told = [line for line in program.read_log().splitlines() if " padron.access[" not in line]
        assert [line.rpartition(": ")[2] for line in told[1:]] == ["Stopped"], program.read_log()


@pytest.mark.parametrize("engine, workers", [ONE_PROCESS, pytest.param(*TWO_PROCESSES, marks=LONG)])
async def test_without_tls_sighup_ends_nobody(url: str, tmp_path: Path, workers: int) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    async with run_program(url, tmp_path, "--workers", str(workers)) as program:
        pids = program.worker_pids
        assert len(pids) == (0 if workers == 1 else workers)
        async with waiting_for_a_change(program, fleet) as answer:
            for pid in (program.pid, *pids):  # a terminal that closes sends it to all of them
                os.kill(pid, signal.SIGHUP)
            await program.wait_for_log("SIGHUP: the server has no certificate to read again")
            assert await program.get("/livez") == 200
            await set_status(program, fleet, 3)
            assert (await answer).status == 200
        assert program.worker_pids == pids
        assert "ERROR" not in program.read_log()
        assert await program.stop() == 0
