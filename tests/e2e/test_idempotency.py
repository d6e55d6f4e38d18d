"""Requests sent again under their Idempotency-Key, to several servers, and through kills: each is done once."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import apsw
import asyncpg
import pytest

from tests import effort
from tests.conftest import Select
from tests.e2e.client import Answer, connect
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.servers import run_servers

pytestmark = pytest.mark.long("postgres")

BULK = "/api/v2/vehicles/status"
_COUNT = "SELECT reason, count(*) FROM changes WHERE type = 'statusChanged' GROUP BY reason"


async def send(port: int, fleet: Fleet, key: str) -> Answer:
    """Change all of the fleet's vehicles, so that it can be told later how often that was done."""
    status = 3 + int(key) % 2
    body = {"vehicles": [{"vin": vin, "vehicleStatusId": status, "reason": key} for vin in fleet.vins], "mode": "all"}
    async with connect(port) as connection:
        return await connection.request("POST", BULK, token=fleet.token, body=body, key=key)


async def end_leases(engine: str, database: str) -> None:
    """Let a minute pass, for the leases."""
    if engine == "sqlite":
        file = apsw.Connection(database)
        file.set_busy_timeout(5_000)
        file.execute("UPDATE idempotency_keys SET lease_until = 0 WHERE state <> 'answered'")
        file.close()
        return
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE idempotency_keys SET lease_until = '2000-01-01' WHERE state <> 'answered'")
    await connection.close()


@pytest.mark.campaign
async def test_the_same_key_at_once_on_all_servers_is_done_once(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=4)
    async with run_servers(url, tmp_path, engine) as servers:
        for turn in range(effort.SAME_KEY_TURNS):
            answers = await asyncio.gather(*(send(port, fleet, str(turn)) for port in servers.ports * 6))
            done = [answer for answer in answers if answer.status == 200]
            assert {answer.status for answer in answers} <= {200, 409}
            assert len({answer.body for answer in done}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    counted: dict[str, int] = dict(await select(_COUNT))
    assert counted == {str(turn): len(fleet.vins) for turn in range(effort.SAME_KEY_TURNS)}


@pytest.mark.campaign
@pytest.mark.usefixtures("disk_folder")
@pytest.mark.timeout(120)
async def test_a_request_sent_again_after_a_kill_is_done_once_and_given_its_answer(
    engine: str, url: str, database: str, tmp_path: Path, select: Select
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=4)
    sent: list[str] = []
    answered: dict[str, bytes] = {}

    async def drive(port: int) -> None:
        with suppress(OSError, EOFError):
            while True:
                key = str(len(sent))
                sent.append(key)
                answer = await send(port, fleet, key)
                assert answer.status == 200, answer.body
                answered[key] = answer.body

    async with run_servers(url, tmp_path, engine) as servers:
        for _ in range(effort.RESENT_KILLS[engine]):
            clients = [asyncio.create_task(drive(servers.ports[0])) for _ in range(8)]
            aim = len(answered) + random.randint(5, 40)
            while len(answered) < aim:  # noqa: ASYNC110 - the servers have no event for us
                await asyncio.sleep(0.001)
            await servers.end_oldest(kill=True)
            await asyncio.gather(*clients)
            await servers.start_missing()
            present: dict[str, int] = dict(await select(_COUNT))
            for key in {*sent} - {*answered}:
                early = await send(servers.ports[-1], fleet, key)
                # Committed with its answer, or not begun, or not committed: in the last case it is held for a minute.
                assert early.status == 200 or (early.status == 409 and key not in present), early.body
            await end_leases(engine, database)
            for key in {*sent} - {*answered}:
                late = await send(servers.ports[-1], fleet, key)
                assert late.status == 200, late.body
                answered[key] = late.body
        for key in sent:
            again = await send(random.choice(servers.ports), fleet, key)
            assert (again.status, again.body) == (200, answered[key])
            assert again.headers["idempotency-replayed"] == "true"
    changed: dict[str, int] = dict(await select(_COUNT))
    assert {*changed.values()} == {len(fleet.vins)}
    assert {*changed} <= {*sent}
