"""PostgreSQL stopped or frozen under the server: 503 at once, and all by itself right again when it is back."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.service.register import READY_S_MAX
from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import Answer, Connection, connect
from tests.e2e.load import Load
from tests.e2e.program import Fleet, make_fleets, run_command, run_server
from tests.e2e.record import check_record
from tests.postgres import Postgres

ANSWER_S_MAX = 2.0
SLACK_S = 0.5  # for a machine that runs other tests meanwhile
RECOVERY_S_MAX = 5


@pytest.fixture
def engine() -> str:
    return "postgres"


def list_requests(fleet: Fleet) -> list[tuple[str, str, object]]:
    vin = fleet.vins[0]
    vehicle = f"/api/v2/vehicles/{vin}"
    return [
        ("PATCH", f"{vehicle}/status", {"vehicleStatusId": 4}),
        ("PUT", vehicle, {"plate": "GONE123"}),
        ("PUT", "/api/upsert-vehicle-info", {"vehicleInfo": {"vin": vin, "plate": "GONE123"}}),
        ("GET", vehicle, None),
        ("GET", f"{vehicle}/status", None),
        ("GET", f"{vehicle}/history", None),
        ("GET", "/api/v2/vehicles", None),
        ("GET", "/api/vehicles?plate=GONE123", None),
        ("GET", "/readyz", None),
    ]


async def ask(port: int, fleet: Fleet, method: str, target: str, body: object) -> Answer:
    async with connect(port) as connection:
        return await connection.request(method, target, token=fleet.token, body=body)


async def check_all_say_503(port: int, fleet: Fleet) -> None:
    """Check each request twice at once: with the key just looked up, and with it forgotten."""
    requests = list_requests(fleet) * 2
    answers = await asyncio.gather(*(ask(port, fleet, *request) for request in requests))
    for (method, target, _), answer in zip(requests, answers, strict=True):
        is_probe = target == "/readyz"
        further = frozenset({"troubles"} if is_probe else ())
        problem = answer.check_problem(503, "serviceUnavailable", "StoreUnavailable", further=further)
        assert int(answer.headers["retry-after"]) >= 1, (method, target)
        assert answer.seconds < (READY_S_MAX if is_probe else ANSWER_S_MAX) + SLACK_S, (method, target)
        if is_probe:
            assert [trouble["code"] for trouble in problem["troubles"]] == ["database_unreachable"]
    live = await ask(port, fleet, "GET", "/livez", None)
    assert live.status == 200
    assert live.seconds < SLACK_S


async def wait_until_ready(connection: Connection) -> None:
    async def is_ready() -> bool:
        return (await connection.request("GET", "/readyz")).status == 200

    await wait_until(is_ready, seconds_max=RECOVERY_S_MAX)


@asynccontextmanager
async def gone(postgres: Postgres, how: str) -> AsyncIterator[None]:
    """Have no PostgreSQL until the block ends."""
    if how == "stopped":
        async with postgres.killed():
            yield
    else:
        with postgres.frozen():
            yield


@asynccontextmanager
async def full_at_commit(url: str) -> AsyncIterator[None]:
    """Let every statement succeed and every commit of a change fail for want of room, until the block ends."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
            CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON changes
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
        """)
        yield
        await connection.execute("DROP TRIGGER refuse ON changes")
    finally:
        await connection.close()


@pytest.mark.parametrize("how", [pytest.param("stopped", marks=pytest.mark.long), "frozen"])
async def test_without_its_database_every_call_is_503_within_two_seconds(
    how: str, url: str, tmp_path: Path, select: Select, postgres_server: Postgres
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server, AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect(server.port))
        fleet = load.make_call().fleet
        await load.touch_all(connection)
        for method, target, body in list_requests(fleet):
            if method == "GET":  # connections of every kind are open then, and the key is known
                assert (await ask(server.port, fleet, method, target, body)).status == 200, target
        async with gone(postgres_server, how):
            for _ in range(2):  # the second time no key is remembered and no connection is left
                await check_all_say_503(server.port, fleet)
        await wait_until_ready(connection)
        answers = await load.touch_all(connection)
        assert {answer.status for answer in answers} == {204}
        assert "ERROR" not in server.read_log()

        async def is_over() -> bool:
            return "The database can be used again" in server.read_log()

        await wait_until(is_over)
        # One line for all calls that were refused, and one for the end.
        told = server.read_log().splitlines()
        outage = [line for line in told if "calls are refused" in line or "be used again" in line]
        assert ["be used again" in line for line in outage] == [False, True]
        assert await server.stop() == 0
    await check_record(select, load.calls)


@pytest.mark.parametrize("how, rounds", [("stopped", 1), pytest.param("frozen", 2, marks=pytest.mark.long)])
async def test_a_database_that_goes_under_load_loses_nothing_that_was_answered(
    how: str, rounds: int, url: str, tmp_path: Path, select: Select, postgres_server: Postgres
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port):
            for _ in range(rounds):
                await load.wait_for_answers(100)
                async with gone(postgres_server, how):
                    await load.wait_for_answers(32)
                async with connect(server.port) as connection:
                    await wait_until_ready(connection)
        assert load.give_statuses() == {204, 503}
        assert load.give_slowest_share(1) < ANSWER_S_MAX + SLACK_S
        assert "ERROR" not in server.read_log()
    await check_record(select, load.calls)


async def test_a_commit_that_fails_is_503_and_nothing_of_it_stays(url: str, tmp_path: Path, select: Select) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await load.touch_all(connection)
        done = await select("SELECT * FROM changes ORDER BY account_id, number")
        answered_before = len(load.calls)
        async with full_at_commit(url), load.under_way(server.port):
            await load.wait_for_answers(100)
        assert await select("SELECT * FROM changes ORDER BY account_id, number") == done
        for call in load.calls[answered_before:]:
            assert call.answer is not None
            if call.answer.status != 204:  # a call that changes nothing commits nothing
                call.answer.check_problem(503, "serviceUnavailable", "StoreUnavailable")
                assert int(call.answer.headers["retry-after"]) >= 1
        await check_record(select, load.calls)
        assert {answer.status for answer in await load.touch_all(connection)} == {204}
    await check_record(select, load.calls)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_without_its_database_does_not_start_and_says_why_in_one_sentence(workers: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens: connections are refused
        url = f"postgresql://padron:s3cr3t@127.0.0.1:{taken.getsockname()[1]}/padron"
        outcome = await run_command(url, "serve", "--port", "0", "--workers", workers)
    assert (outcome.status, outcome.stdout) == (1, "")
    (sentence,) = outcome.stderr.splitlines()
    assert sentence.startswith(f"padron: The PostgreSQL server at 127.0.0.1 port {urlsplit(url).port} ")
    assert "refuses connections" in sentence
    assert "s3cr3t" not in sentence
