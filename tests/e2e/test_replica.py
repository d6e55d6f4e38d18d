"""The program with a replica that comes and goes under load: no call fails, and nobody misses what he changed."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.cast import wait_until
from tests.e2e.client import Answer, Connection, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server
from tests.replica import ReplicaServer

LIST = "/api/v2/vehicles"
OWNERS = 6


@pytest.fixture
def engine() -> str:
    return "postgres"


class Traffic:
    """Owners who change a vehicle, and then look for their change in the list, naming it."""

    def __init__(self, port: int, fleet: Fleet) -> None:
        self.port = port
        self.fleet = fleet
        self.is_over = False
        self.rounds = 0

    async def own(self, vin: str) -> None:
        async with connect(self.port) as connection:
            status = 1
            while not self.is_over:
                status = 3 if status == 1 else 1
                body = {"vehicleStatusId": status}
                changed = await self.call(connection, "PATCH", f"{LIST}/{vin}/status", body)
                seen = changed.headers["x-request-id"]
                listed = (await self.call(connection, "GET", f"{LIST}?vin={vin}", seen=seen)).document["vehicles"]
                assert [vehicle["vehicleStatusId"] for vehicle in listed] == [status]
                history = await self.call(connection, "GET", f"{LIST}/{vin}/history?limit=1", seen=seen)
                assert history.document["history"][0]["requestId"] == seen
                for target in (LIST, f"{LIST}?operational=true", "/api/v2/changes?limit=1", "/api/v2/gate/refusals"):
                    await self.call(connection, "GET", target)
                self.rounds += 1

    async def call(
        self, connection: Connection, method: str, target: str, body: object = None, *, seen: str | None = None
    ) -> Answer:
        answer = await connection.request(method, target, token=self.fleet.token, body=body, seen=seen)
        assert answer.status in {200, 204}, (method, target, answer.status, answer.body)
        return answer

    async def go_on(self, rounds: int = 30) -> None:
        """Return when so many more rounds are done."""
        aim = self.rounds + rounds

        async def is_done() -> bool:
            return self.rounds >= aim

        await wait_until(is_done, seconds_max=30)


async def wait_for_replica(server: Server, state: str) -> None:
    async def is_so() -> bool:
        async with connect(server.port) as connection:
            answer = await connection.request("GET", "/readyz")
        assert answer.status == 200
        document = json.loads(answer.body)
        codes = [warning["code"] for warning in document.get("warnings", [])]
        assert codes == (["replica_behind"] if document["replica"] == "behind" else [])
        return bool(document["replica"] == state)

    await wait_until(is_so, seconds_max=20)


@pytest.mark.timeout(120)
@pytest.mark.long
async def test_a_replica_may_come_and_go_under_load(url: str, tmp_path: Path, replica: ReplicaServer) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=OWNERS)
    await replica.catch_up()
    async with run_server(url, tmp_path, read_url=replica.give_url(url)) as server:
        await wait_for_replica(server, "fresh")
        traffic = Traffic(server.port, fleet)
        async with asyncio.TaskGroup() as tasks:
            for vin in fleet.vins:
                tasks.create_task(traffic.own(vin))
            await traffic.go_on()
            await replica.make_restart_short()
            await asyncio.to_thread(replica.kill)
            await wait_for_replica(server, "behind")
            await traffic.go_on()
            await asyncio.to_thread(replica.start)
            await wait_for_replica(server, "fresh")
            await traffic.go_on()
            await replica.hold()
            await traffic.go_on()
            await wait_for_replica(server, "behind")
            await replica.let_go()
            await wait_for_replica(server, "fresh")
            traffic.is_over = True
        log = server.read_log()
        assert "the replica is not used, reads go to the primary" in log
        assert "the replica is fresh" in log
        assert "ERROR" not in log, log


async def test_a_bound_that_cannot_be_kept_is_refused(url: str) -> None:
    refused = await run_command(url, "serve", "--read-staleness-s", "0")
    assert refused.status == 2
    assert "--read-staleness-s is '0': use seconds from 0.2 to 300" in refused.stderr
