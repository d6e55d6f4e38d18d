"""Keys and accounts are changed and deleted beside running servers, by commands, as an operator does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padron.config import read_settings
from padron.service.administration.removal import QUIET_AFTER
from padron.wiring import use_runtime
from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import Answer, Connection, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server
from tests.starting import start_program

pytestmark = pytest.mark.long("postgres")

IN_FORCE_S = 2.0  # what is promised
PROXY = "127.0.0.0/8"
HOME = "192.0.2.7"
ABROAD = "203.0.113.9"
DELETED = 800  # vehicles
STREAM = (
    b"GET /api/v2/changes HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nConnection: close\r\n"
    b"Authorization: Bearer %s\r\n\r\n"
)
WAIT_S_MAX = 1.0  # for a status call of another account meanwhile


def ask(token: str, vin: str, address: str, *, is_plain: bool = True) -> bytes:
    """Give a request for a status through a proxy. One that is not plain goes the ordinary way."""
    lines = [
        f"GET /api/v2/vehicles/{vin}/status HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        f"X-Forwarded-For: 198.51.100.1, {address}",
        *([] if is_plain else ["Origin: https://fleet.example"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def send(connection: Connection, request: bytes) -> Answer:
    await connection.send(request)
    return await connection.read_answer()


async def await_status(connection: Connection, request: bytes, status: int) -> None:
    """Wait until a request has this answer, no longer than promised, on whichever process answers."""
    began = time.monotonic()
    while (await send(connection, request)).status != status:
        assert time.monotonic() - began < IN_FORCE_S
        await asyncio.sleep(0.02)


@asynccontextmanager
async def serve(engine: str, url: str, folder: Path) -> AsyncIterator[Server]:
    async with run_server(url, folder, workers=1 if engine == "sqlite" else 2, forwarded_allow=PROXY) as server:
        yield server


@pytest.mark.long
async def test_a_key_opens_from_its_networks_only_on_both_ways_and_its_last_use_is_told(
    engine: str, url: str, tmp_path: Path
) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    vin = fleet.vins[0]
    async with serve(engine, url, tmp_path) as server, connect(server.port) as connection:
        for is_plain in (True, False, True):
            assert (await send(connection, ask(fleet.token, vin, ABROAD, is_plain=is_plain))).status == 200
        changed = await run_command(url, "keys", "change", fleet.key_id, "--networks", "192.0.2.0/24,2001:db8::/32")
        assert changed.status == 0, changed.stderr
        await await_status(connection, ask(fleet.token, vin, ABROAD), 403)
        for is_plain in (True, False, True):
            refused = await send(connection, ask(fleet.token, vin, ABROAD, is_plain=is_plain))
            assert ABROAD in refused.check_problem(403, "forbidden", "Forbidden")["detail"]
            for address in (HOME, "2001:db8::1", f"::ffff:{HOME}"):
                assert (await send(connection, ask(fleet.token, vin, address, is_plain=is_plain))).status == 200
        plain = await connection.request("GET", f"/api/v2/vehicles/{vin}/status", token=fleet.token)
        assert plain.status == 403  # the proxy itself
        await run_command(url, "keys", "change", fleet.key_id, "--networks", "any")
        await await_status(connection, ask(fleet.token, vin, ABROAD), 200)
    shown = (await run_command(url, "keys", "show", fleet.key_id, "--json")).document
    assert shown["lastUsedFrom"] == ABROAD
    assert shown["lastUsedAt"] is not None


@pytest.mark.long
async def test_a_rotated_key_ends_after_the_overlap_and_the_new_one_goes_on(
    engine: str, url: str, tmp_path: Path
) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    vin = fleet.vins[0]
    async with serve(engine, url, tmp_path) as server, connect(server.port) as connection:
        assert (await send(connection, ask(fleet.token, vin, HOME))).status == 200
        rotated = await run_command(
            url, "keys", "rotate", fleet.key_id, "--account", fleet.name, "--overlap", "2s", "--json"
        )
        ends_s = time.monotonic() + 2
        new = rotated.document["secret"]
        for token in (fleet.token, new):
            assert (await send(connection, ask(token, vin, HOME))).status == 200
        await asyncio.sleep(max(ends_s - time.monotonic(), 0))
        await await_status(connection, ask(fleet.token, vin, HOME), 401)
        assert (await send(connection, ask(new, vin, HOME))).status == 200


@pytest.mark.long
async def test_a_disabled_account_is_cut_off_and_continues_under_another_name(
    engine: str, url: str, tmp_path: Path
) -> None:
    fleet, other = await make_fleets(url, accounts=2)
    request = ask(fleet.token, fleet.vins[0], HOME)
    async with (
        serve(engine, url, tmp_path) as server,
        connect(server.port) as connection,
        connect(server.port) as following,
    ):
        assert (await send(connection, request)).status == 200
        await following.send(STREAM % fleet.token.encode())
        began = time.monotonic()
        assert (await run_command(url, "accounts", "disable", fleet.name)).status == 0
        await await_status(connection, request, 401)
        assert (await send(connection, ask(other.token, other.vins[0], HOME))).status == 200
        # A stream that waits notices with the next change, which it does not tell any more. Until now, an answer of the
        # database from before may still have been on its way.
        await asyncio.sleep(max(began + IN_FORCE_S - time.monotonic(), 0))
        sold = await run_command(url, "vehicles", "status", "--account", fleet.name, "Sold", fleet.vins[0])
        assert sold.status == 0, sold.stderr
        received = await following.read_to_end()
        assert received.startswith(b"HTTP/1.1 200")
        assert b"its account is disabled" in received
        assert b'"toStatusId":8' not in received
        assert time.monotonic() - began < 10
        assert (await run_command(url, "accounts", "rename", fleet.name, "Norte")).status == 0
        assert (await run_command(url, "accounts", "enable", "Norte")).status == 0
        await await_status(connection, request, 200)


async def set_statuses(server: Server, fleet: Fleet, is_over: Callable[[], bool]) -> list[float]:
    """Set statuses one after the other, and give the seconds that each took."""
    seconds: list[float] = []
    async with connect(server.port) as connection:
        while not is_over():
            began = time.monotonic()
            body = {"vehicleStatusId": 3 if len(seconds) % 2 else 4}
            answer = await connection.request(
                "PATCH", f"/api/v2/vehicles/{fleet.vins[0]}/status", token=fleet.token, body=body
            )
            assert answer.status == 204, answer.body
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(0.005)
    return seconds


@pytest.mark.timeout(120)
@pytest.mark.long
async def test_an_account_is_deleted_beside_a_server_by_a_command_that_was_killed_and_run_again(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    fleet, other = await make_fleets(url, accounts=2, vehicles=DELETED)
    delete = ("accounts", "delete", fleet.name, "--yes", fleet.name)
    is_over = False
    await disable_earlier(url, fleet)
    async with serve(engine, url, tmp_path) as server:
        calling = asyncio.create_task(set_statuses(server, other, lambda: is_over))
        export = tmp_path / "export"
        with (tmp_path / "delete.log").open("wb") as log:
            program = start_program(
                *delete, "--export-to", str(export), "--database-url", url, stdout=log, stderr=log, variables={}
            )
            try:
                await await_rows_gone(select, fleet)
            finally:
                program.kill()
                program.wait(10)
        left = await count_rows(select, fleet)
        assert 0 < left < 3 * DELETED
        assert len((export / "vehicles.jsonl").read_bytes().splitlines()) == DELETED
        done = await run_command(url, *delete, "--json")
        assert done.status == 0, done.stderr
        is_over = True
        seconds = await calling
        assert len(seconds) > 10
        assert max(seconds) < WAIT_S_MAX
        assert await count_rows(select, fleet) == 0
        assert await count_rows(select, other) > 3 * DELETED - 1
        async with connect(server.port) as connection:
            assert (await send(connection, ask(fleet.token, fleet.vins[0], HOME))).status == 401
            assert (await send(connection, ask(other.token, other.vins[5], HOME))).status == 200
        assert await server.stop() == 0


async def disable_earlier(url: str, fleet: Fleet) -> None:
    """Disable an account some time ago, so that its deletion need not wait until nobody acts for it."""
    async with use_runtime(read_settings({"PADRON_DATABASE_URL": url})) as runtime:
        at = datetime.now(UTC) - QUIET_AFTER
        await runtime.store.directory.disable_account(fleet.account_id, at, runtime.operator)


async def count_rows(select: Select, fleet: Fleet) -> int:
    tables = ("vehicles", "versions", "changes")
    counts = [
        (await select(f"SELECT count(*) FROM {table} WHERE account_id = {fleet.account_id}"))[0][0]  # noqa: S608
        for table in tables
    ]
    return sum(counts)


async def await_rows_gone(select: Select, fleet: Fleet) -> None:
    async def has_begun() -> bool:
        return await count_rows(select, fleet) < 3 * DELETED

    await wait_until(has_begun, seconds_max=60)


@pytest.mark.long
async def test_a_run_is_cancelled_for_the_workers_of_every_process_and_survives_a_restart(
    engine: str, url: str, tmp_path: Path
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=40)
    operation = "/api/v2/operations/query-fines"
    declared = {"description": "x", "leaseSeconds": 60, "attempts": 1}

    async def claim(server: Server) -> list[str]:
        async with connect(server.port) as connection:
            answer = await connection.request("POST", f"{operation}/claims", token=fleet.token, body={"limit": 5})
        return [one["id"] for one in answer.document["claims"]]

    async with serve(engine, url, tmp_path) as server, connect(server.port) as connection:
        assert (await connection.request("PUT", operation, token=fleet.token, body=declared)).status == 201
        run = await connection.request("POST", f"{operation}/runs", token=fleet.token, body={"all": True})
        held = await claim(server)
        assert len(held) == 5
        run_address = f"{operation}/runs/{run.document['id']}"
        assert (await connection.request("DELETE", run_address, token=fleet.token)).status == 204
        for _ in range(6):
            assert await claim(server) == []
        server.kill()
    async with serve(engine, url, tmp_path) as server, connect(server.port) as connection:
        assert await claim(server) == []
        read = (await connection.request("GET", run_address, token=fleet.token)).document
        assert (read["state"], read["counts"]["cancelled"]) == ("cancelled", 40)
        assert (await connection.request("DELETE", operation, token=fleet.token)).status == 204
        assert (await connection.request("GET", run_address, token=fleet.token)).status == 404
