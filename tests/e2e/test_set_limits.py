"""Limits as an operator sets them: the real server holds to them, with several processes too, and so do commands."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cast import make_vin
from tests.e2e.client import Answer, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server

LIMITS = "vehicles=10,keys=2,key_requests_per_s=5,key_burst=60,failed_keys_per_minute=1,failed_keys_burst=5"
UNKNOWN = "padron_1kAAAAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB{number:06}"


async def put(server: Server, fleet: Fleet, number: int) -> Answer:
    async with connect(server.port) as connection:
        return await connection.request(
            "PUT", f"/api/v2/vehicles/{make_vin(number)}", token=fleet.token, body={"doors": 4}
        )


async def flood(server: Server, method: str, target: str, *, token: str, body: object) -> list[Answer]:
    """Send a request 240 times, over ten connections."""

    async def send() -> list[Answer]:
        async with connect(server.port) as connection:
            return [await connection.request(method, target, token=token, body=body) for _ in range(24)]

    return [answer for answers in await asyncio.gather(*(send() for _ in range(10))) for answer in answers]


async def ask(server: Server, token: str) -> Answer:
    async with connect(server.port) as connection:
        return await connection.request("GET", "/api/v2/vehicles?limit=1", token=token)


@pytest.mark.long("postgres")
async def test_a_server_holds_to_the_limits_that_it_was_given(url: str, engine: str, tmp_path: Path) -> None:
    one, two = await make_fleets(url, accounts=2, vehicles=6)
    workers = 2 if engine == "postgres" else 1
    async with run_server(url, tmp_path, workers=workers, limits=LIMITS) as server:
        put_at_once = await asyncio.gather(*(put(server, one, number) for number in range(25)))
        assert Counter(answer.status for answer in put_at_once) == {200: 6, 201: 4, 409: 15}
        for answer in put_at_once:
            if answer.status == 409:
                answer.check_problem(409, "conflict", "VehicleLimitReached")
        assert (await ask(server, two.token)).status == 200

        status = f"/api/v2/vehicles/{one.vins[0]}/status"
        for method, target, body in (
            ("PATCH", status, {"vehicleStatusId": 4}),
            ("GET", status, None),
            ("GET", "/api/v2/vehicles", None),
            ("GET", f"/api/v2/gate/{one.vins[0]}", None),
        ):
            began_s = time.monotonic()
            answers = await flood(server, method, target, token=one.token, body=body)
            refused = [answer for answer in answers if answer.status == 429]
            tokens_max = workers * (60 + 5 * (time.monotonic() - began_s))
            assert len(refused) >= max(len(answers) - tokens_max, 1), (method, target)
            refused[0].check_problem(429, "tooManyRequests", "RateExceeded")
            assert refused[0].headers["ratelimit-policy"] == '"key";q=60;w=12'
            assert refused[0].headers["ratelimit"] == '"key";r=0;t=1'
            assert refused[0].headers["retry-after"] == "1"
        assert (await ask(server, two.token)).status == 200
        await asyncio.sleep(1)  # as Retry-After says
        assert (await ask(server, one.token)).status == 200

        # At once, because the server takes its time before it refuses one that guesses keys.
        tried = await asyncio.gather(*(ask(server, UNKNOWN.format(number=number)) for number in range(40)))
        statuses = Counter(answer.status for answer in tried)
        assert {*statuses} == {401, 429}
        assert 5 <= statuses[401] <= 5 * workers
        assert (await ask(server, two.token)).status == 200


@pytest.mark.long("postgres")
async def test_commands_hold_to_the_limits_of_their_environment(url: str, tmp_path: Path) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=6)
    add = ("keys", "add", "--account", fleet.name, "--name", "further", "--scope", "vehicles:read")
    assert (await run_command(url, *add, limits=LIMITS)).status == 0
    refused = await run_command(url, *add, limits=LIMITS)
    assert (refused.status, refused.stdout) == (1, "")
    assert "already has 2 API keys, the maximum" in refused.stderr
    rows = [f"{make_vin(number)},4" for number in range(4, 14)]
    (tmp_path / "fleet.csv").write_text("\n".join(["vin,doors", *rows]), "utf-8")
    command = ("vehicles", "import", str(tmp_path / "fleet.csv"), "--account", fleet.name, "--json")
    done = await run_command(url, *command, limits=LIMITS)
    assert done.status == 1
    counts = json.loads(done.stdout)
    assert (counts["registered"], counts["updated"], counts["refused"]) == (4, 2, 4)
    unknown = await run_command(url, *add, limits="vehicels=3")
    assert (unknown.status, "Did you mean vehicles?" in unknown.stderr) == (2, True)
