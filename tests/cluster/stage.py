"""A server on a cluster under load, and what its clients were told of the accounts on each node."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cast import wait_until
from tests.citus_nodes import Cluster, Node
from tests.cluster.reading import check_nothing_is_prepared, find_ports
from tests.conftest import Select
from tests.e2e.client import Answer, connect
from tests.e2e.load import BESIDE_S, Call, Load
from tests.e2e.program import Fleet, Server, make_fleets, run_server
from tests.e2e.record import check_record
from tests.e2e.servers import check_log

FLEETS = 8
READS = (
    "/api/v2/vehicles/{vin}",
    "/api/v2/vehicles/{vin}/status",
    "/api/v2/vehicles/{vin}/history",
    "/api/v2/vehicles",
    "/api/v2/vehicles?plate=GONE123",
    "/api/v2/changes",
)
ANSWER_S_MAX = 2.0
SLACK_S_MIN = 0.5  # on a machine that runs other tests meanwhile
BACK_S_MAX = 30.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A server, its clients, and the port of the node that has each account."""

    cluster: Cluster
    url: str
    server: Server
    load: Load
    fleets: Sequence[Fleet]
    ports: dict[int, int]

    def list_fleets(self, *, on: Iterable[Node]) -> list[Fleet]:
        """Give the fleets that these nodes had when the load began."""
        ports = {node.port for node in on}
        return [fleet for fleet in self.fleets if self.ports[fleet.account_id] in ports]

    def list_calls(self, fleets: Iterable[Fleet], since_s: float = 0.0) -> list[Call]:
        """Give the fleets' calls that were answered since an instant of this process' clock."""
        ids = {fleet.account_id for fleet in fleets}
        return [call for call in self.load.calls if call.fleet.account_id in ids and call.answered_s > since_s]

    async def wait_for(self, status: int, fleets: Sequence[Fleet], *, since_s: float) -> None:
        """Return when each of these fleets was answered so since an instant."""

        async def is_there() -> bool:
            calls = self.list_calls(fleets, since_s)
            answered = {call.fleet.account_id for call in calls if call.answer and call.answer.status == status}
            return answered == {fleet.account_id for fleet in fleets}

        await wait_until(is_there, seconds_max=BACK_S_MAX, every_s=0.05)

    async def read(self, fleets: Iterable[Fleet]) -> list[Answer]:
        """Ask all that there is to read of a vehicle, of each fleet and all at once."""

        async def ask(fleet: Fleet, target: str) -> Answer:
            async with connect(self.server.port) as connection:
                return await connection.request("GET", target.format(vin=fleet.vins[0]), token=fleet.token)

        return await asyncio.gather(*(ask(fleet, target) for fleet in fleets for target in READS))

    async def find_troubles(self) -> tuple[int, list[str]]:
        """Give the status of the server's readiness, and the troubles that it names."""
        async with connect(self.server.port) as connection:
            answer = await connection.request("GET", "/readyz")
        troubles = answer.document.get("warnings" if answer.status == 200 else "troubles", [])
        return answer.status, [trouble["code"] for trouble in troubles]

    async def wait_for_troubles(self, *troubles: str) -> None:
        """Return when the server is ready and names just these troubles."""

        async def is_told() -> bool:
            return await self.find_troubles() == (200, [*troubles])

        await wait_until(is_told, seconds_max=BACK_S_MAX, every_s=0.1)

    async def go_on(self) -> None:
        """Return when each fleet's calls succeed."""
        await self.wait_for(204, self.fleets, since_s=time.monotonic())


@asynccontextmanager
async def run_stage(cluster: Cluster, url: str, folder: Path, select: Select) -> AsyncIterator[Stage]:
    """Give a server under load. At the end all accounts work, and the record holds what was answered."""
    await cluster.leave_alone(url)  # the nodes' connections to each other may be of before a restart
    fleets = await make_fleets(url, accounts=FLEETS)
    load = Load(fleets)
    async with run_server(url, folder) as server:
        stage = Stage(
            cluster=cluster, url=url, server=server, load=load, fleets=fleets, ports=await find_ports(url)
        )  # fmt: skip
        async with load.under_way(server.port, pause_s=BESIDE_S):
            await stage.go_on()
            yield stage
            await stage.go_on()
        assert await server.stop() == 0
        check_log(server.read_log())
    await check_record(select, load.calls)
    await check_nothing_is_prepared(cluster)


def stretch(seconds: float) -> float:
    """Give a limit for answers with the time that the machine itself may take, which grows with its load."""
    return seconds + SLACK_S_MIN * max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1)))


def give_statuses(calls: Iterable[Call]) -> set[int]:
    return {call.answer.status for call in calls if call.answer is not None}


def give_slowest_s(calls: Iterable[Call]) -> float:
    return max(call.answer.seconds for call in calls if call.answer is not None)
