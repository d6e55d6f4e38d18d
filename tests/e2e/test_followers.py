"""The feed followed under load, through servers that are killed and stopped: each follower ends with the record."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import effort
from tests.cast import wait_until
from tests.conftest import Row, Select
from tests.e2e.client import connect
from tests.e2e.followers import Follower, Json, Mirror, list_operational
from tests.e2e.load import Call, Load
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.record import check_record
from tests.e2e.servers import Servers, run_servers

WRITERS = 16
VEHICLES = 200  # so many that a change that a mirror missed is seldom followed by another one of that vehicle

_READ_CHANGES = """
    SELECT number, vin, type, from_status, to_status, reason, request_id FROM changes
    WHERE account_id = $1 ORDER BY number
"""
_TYPES = {"vehicle.registered": "registered", "vehicle.status_changed": "statusChanged"}


class Audience:
    """All followers of one register."""

    def __init__(self, servers: Servers, tasks: asyncio.TaskGroup) -> None:
        self._servers = servers
        self._tasks = tasks
        self._ended = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self.followers: list[Follower] = []

    def add(self, *followers: Follower) -> None:
        """Let followers begin: every other one reads pages, the rest streams."""
        for follower in followers:
            use = (follower.follow_pages, follower.follow_stream)[len(self.followers) % 2]
            self._running.append(self._tasks.create_task(self._servers.stay_connected(use, self._ended)))
            self.followers.append(follower)

    async def add_mirrors(self, fleets: Sequence[Fleet]) -> None:
        """Let mirrors begin, one of each kind for each account, and wait until they have loaded the list."""
        mirrors = [Mirror(fleet) for fleet in fleets for _ in range(2)]
        self.add(*mirrors)

        async def have_begun() -> bool:
            return all(mirror.start is not None for mirror in mirrors)

        await wait_until(have_begun)

    async def leave_at(self, last_numbers: Mapping[int, int]) -> None:
        """Wait until each has seen its account's last change, and let them go."""

        async def is_done() -> bool:
            return all(one.last_number >= last_numbers[one.fleet.account_id] for one in self.followers)

        await wait_until(is_done, seconds_max=20)
        for task in self._running:
            task.cancel()


@asynccontextmanager
async def gather_audience(servers: Servers) -> AsyncIterator[Audience]:
    async with asyncio.TaskGroup() as tasks:
        yield Audience(servers, tasks)


async def make_last_changes(port: int, load: Load, fleet: Fleet) -> None:
    """Make changes that every mirror is told of: of two vehicles, each becomes or ceases to be operational."""
    operational, _ = await list_operational(port, fleet)
    async with connect(port) as connection:
        for vin in fleet.vins[:2]:
            call = load.make_call(fleet, vin)
            call.status = 4 if vin in operational else 1
            assert (await load.send(connection, call)).status == 204


async def check_followers(select: Select, followers: Sequence[Follower], operational: set[str]) -> None:
    """Hold what the followers of one account have at the end against its record and its list."""
    record = await select(_READ_CHANGES, followers[0].fleet.account_id)
    flips = [number for number, _, _, before, after, *_ in record if (before == 1) is not (after == 1)]
    for follower in followers:
        if isinstance(follower, Mirror):
            told = [change["number"] for change in follower.changes]
            assert told == flips[-len(told) :]
            assert follower.operational == operational
        else:
            assert [give_row(change) for change in follower.changes] == record


def give_row(change: Json) -> Row:
    return (
        change["number"],
        change["vin"],
        _TYPES[change["type"]],
        change.get("fromStatusId"),
        change["toStatusId"],
        change.get("reason"),
        change["requestId"],
    )


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.timeout(90)
async def test_every_follower_ends_with_the_whole_record_and_every_mirror_with_the_list(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    fleets = await make_fleets(url, accounts=2, vehicles=VEHICLES)
    load = Load(fleets)

    def make_call() -> Call:
        call = load.make_call()
        call.status = random.choice((1, call.status))  # about half of the vehicles are operational at any time
        return call

    async with run_servers(url, tmp_path, engine) as servers, gather_audience(servers) as audience:
        audience.add(*(Follower(fleet) for fleet in fleets for _ in range(2)))
        async with servers.written_by(WRITERS, load, make_call):
            for kill in effort.FOLLOWER_ENDS:
                await audience.add_mirrors(fleets)
                await load.wait_for_answers(effort.FOLLOWER_ANSWERS)
                await servers.end_oldest(kill=kill)
                await servers.start_missing()
            for _ in range(effort.LATE_MIRRORS):  # what these miss is not mended by later changes: few come after them
                await audience.add_mirrors(fleets)
                await load.wait_for_answers(10)
        await audience.add_mirrors(fleets)  # for these, nothing comes between the list and the last changes
        for fleet in fleets:
            await make_last_changes(servers.ports[0], load, fleet)
        await audience.leave_at(dict(await select("SELECT account_id, last_change FROM counters")))
        assert load.give_statuses() == {204}
        for fleet in fleets:
            operational, _ = await list_operational(servers.ports[0], fleet)
            followers = [one for one in audience.followers if one.fleet is fleet]
            await check_followers(select, followers, operational)
    await check_record(select, load.calls)
