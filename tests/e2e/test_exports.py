"""Exports that are interrupted: no file that looks whole, no answer that looks complete."""

import asyncio
import signal
from pathlib import Path

import pytest

from padron.domain.vehicle import Details
from tests.cast import wait_until
from tests.e2e.client import build_request, connect
from tests.e2e.program import Fleet, make_fleets, run_server
from tests.starting import start_program

# 8 MB as CSV: a system keeps up to 4 MB on their way to a client who reads nothing.
VEHICLES = 6_000
DETAILS: Details = {"observations": "x" * 1_300}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Fleet]:
    """A register that is only read, by one test after the other, and the one account in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('filled') / 'padron.db'}"
    (fleet,) = asyncio.run(make_fleets(url, accounts=1, vehicles=VEHICLES, details=DETAILS))
    return url, fleet


@pytest.mark.parametrize(
    "form, number, status",
    [
        ("csv", signal.SIGTERM, 143),
        ("xlsx", signal.SIGTERM, 143),
        ("jsonl", signal.SIGINT, 130),
        pytest.param("csv", signal.SIGINT, 130, marks=pytest.mark.long),
        pytest.param("xlsx", signal.SIGINT, 130, marks=pytest.mark.long),
        pytest.param("jsonl", signal.SIGTERM, 143, marks=pytest.mark.long),
    ],
)
async def test_an_interrupted_command_leaves_no_file(
    filled: tuple[str, Fleet], tmp_path: Path, form: str, number: signal.Signals, status: int
) -> None:
    url, fleet = filled
    folder = tmp_path / "exports"
    folder.mkdir()
    words = ("vehicles", "export", "--account", fleet.name, str(folder / f"out.{form}"), "--database-url", url)
    with (tmp_path / "out").open("w+b") as out, (tmp_path / "err").open("w+b") as err:
        program = start_program(*words, stdout=out, stderr=err)

        async def has_begun() -> bool:
            return any(folder.iterdir())

        try:
            await wait_until(has_begun, seconds_max=30)
            program.send_signal(number)
            assert await asyncio.to_thread(program.wait, 20) == status
        finally:
            program.kill()
    assert list(folder.iterdir()) == []
    assert (tmp_path / "out").read_bytes() == b""
    said = (tmp_path / "err").read_text("utf-8")
    assert "Traceback" not in said
    if number is signal.SIGTERM:
        assert said == "padron: The export was interrupted. No file was written.\n"


@pytest.mark.long
async def test_a_server_that_ends_breaks_an_export_off_visibly(filled: tuple[str, Fleet], tmp_path: Path) -> None:
    url, fleet = filled
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await connection.send(build_request("GET", "/api/v2/vehicles.csv", token=fleet.token))
        await asyncio.sleep(0.3)  # it waits for the client, who reads nothing
        server.ask_to_stop()
        answer = await connection.read_to_end()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.count(b"3PADR") < VEHICLES
        assert not answer.endswith(b"\r\n0\r\n\r\n")  # a row may end with a 0 as well
        assert await server.wait() == 0
        assert "Traceback" not in server.read_log(), server.read_log()
        assert "broke off" in server.read_log()


@pytest.mark.long
async def test_a_client_that_takes_nothing_does_not_hold_a_server_up(filled: tuple[str, Fleet], tmp_path: Path) -> None:
    url, fleet = filled
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await connection.send(build_request("GET", "/api/v2/vehicles.csv", token=fleet.token))
        await asyncio.sleep(0.5)
        server.ask_to_stop()
        assert await server.wait() == 0
        assert "Traceback" not in server.read_log(), server.read_log()
        assert "broke off" in server.read_log()
