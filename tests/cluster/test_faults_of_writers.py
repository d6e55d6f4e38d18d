"""Nodes that stop, hang or have no room under bulk calls and imports: what was answered is kept."""

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.cast import make_vin, wait_until
from tests.citus_nodes import Cluster, Node, run_cluster
from tests.cluster.reading import fetch
from tests.cluster.stage import ANSWER_S_MAX, Stage, give_slowest_s, give_statuses, run_stage, stretch
from tests.cluster.test_faults import GONE_S, HEEDLESS_S_MAX, check_reads, gone
from tests.conftest import Row, Select
from tests.e2e.client import Answer, Connection, connect
from tests.e2e.load import STATUSES, Call
from tests.e2e.program import Fleet
from tests.e2e.test_file_imports import upload, wait_for_end, wait_for_rows

BULK = "/api/v2/vehicles/status"
ROWS = 2_500
FIRST_ROW = 1_000  # its VIN, so that no vehicle of the fleets has it
PAUSE_S = 0.1
SMALL_DISK = "220m"  # a node with its log, and some room
BULK_S_MAX = 2 * ANSWER_S_MAX  # it reads and writes, and each may wait for the node

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def engine() -> str:
    return "postgres"


@asynccontextmanager
async def bulk_calls(stage: Stage) -> AsyncIterator[list[tuple[Fleet, float, Answer]]]:
    """Let one client of each fleet change all its vehicles again and again. Give who was answered when, and what."""
    stopping = asyncio.Event()
    answers: list[tuple[Fleet, float, Answer]] = []

    async def drive(fleet: Fleet) -> None:
        async with connect(stage.server.port) as connection:
            while not stopping.is_set():
                answer = await change_all(stage, fleet, connection, len(answers))
                answers.append((fleet, monotonic(), answer))
                await asyncio.sleep(PAUSE_S)

    async with asyncio.TaskGroup() as clients:
        for fleet in stage.fleets:
            clients.create_task(drive(fleet))
        try:
            yield answers
        finally:
            stopping.set()


async def change_all(stage: Stage, fleet: Fleet, connection: Connection, number: int) -> Answer:
    """Send a bulk call. Each of its results is noted as a call, so that the record is held against it."""
    calls = [
        Call(fleet=fleet, vin=vin, status=random.choice(STATUSES), reason=f"bulk {fleet.account_id} {number} {place}")
        for place, vin in enumerate(fleet.vins)
    ]
    stage.load.calls.extend(calls)
    vehicles = [{"vin": call.vin, "vehicleStatusId": call.status, "reason": call.reason} for call in calls]
    answer = await connection.request("POST", BULK, token=fleet.token, body={"vehicles": vehicles})
    if answer.status == 200:
        for call, result in zip(calls, answer.document["results"], strict=True):
            headers = {"etag": f'"{result["revision"]}"'}
            call.answer = Answer(status=result["status"], headers=headers, body=b"", seconds=answer.seconds)
            call.answered_s = monotonic()
    return answer


def make_file() -> bytes:
    lines = [f"{make_vin(FIRST_ROW + place)},{place % 5},{'x' * 140}" for place in range(ROWS)]
    return ("vin,doors,observations\n" + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("how", ["stops", "hangs"])
async def test_bulk_calls_and_imports_of_a_lost_node_go_on_when_it_is_back(
    how: str, cluster: Cluster, url: str, tmp_path: Path, select: Select
) -> None:
    lost, *others = cluster.workers
    async with run_stage(cluster, url, tmp_path, select) as stage, bulk_calls(stage) as answers:
        theirs, the_others = stage.list_fleets(on=[lost]), stage.list_fleets(on=others)
        ids = {fleet.account_id for fleet in theirs}
        importing = [theirs[0], the_others[0]]
        places = [await upload(stage.server, fleet, make_file()) for fleet in importing]
        await wait_for_rows(stage.server, theirs[0], places[0], 0)
        begun_s = monotonic()
        async with gone(lost, how):
            await asyncio.sleep(GONE_S)
            during = [(fleet, answer) for fleet, at_s, answer in answers if at_s > begun_s]
            done = [await wait_for_end(stage.server, the_others[0], places[1])]
        done.append(await wait_for_end(stage.server, theirs[0], places[0]))
        calm = [answer for fleet, answer in during if fleet.account_id not in ids]
        hit = [answer for fleet, answer in during if fleet.account_id in ids]
        assert {answer.status for answer in calm} == {200}
        assert max(answer.seconds for answer in calm) < stretch(HEEDLESS_S_MAX)
        assert 503 in {answer.status for answer in hit} <= {200, 503}
        assert max(answer.seconds for answer in hit) < stretch(BULK_S_MAX)
        for one in done:
            assert (one["state"], one["counts"]["read"], one["counts"]["registered"]) == ("done", ROWS, ROWS)
    for fleet in importing:
        count = "SELECT count(*) FROM vehicles WHERE account_id = $1"
        assert await select(count, fleet.account_id) == [(ROWS + len(fleet.vins),)]


@pytest.fixture
def small_disk_cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A cluster whose last node has a file system of its own, as small as that."""
    with run_cluster(pytestconfig.getoption("citus")) as cluster, small_disk(cluster.workers[-1]):
        yield cluster


@contextmanager
def small_disk(node: Node) -> Iterator[None]:
    """Put a node's data on a file system of its own until the block ends."""
    node.kill()
    data, away = node.folder / "data", node.folder / "away"
    owner, group = data.stat().st_uid, data.stat().st_gid
    data.rename(away)
    data.mkdir()
    options = f"size={SMALL_DISK},mode=0700,uid={owner},gid={group}"
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", data], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        subprocess.run(["/bin/cp", "-a", f"{away}/.", data], check=True)
        node.ensure_postgres_running()
        yield
        node.kill()
    finally:
        subprocess.run(["/bin/umount", "--lazy", data], check=True)
        shutil.rmtree(away)


@asynccontextmanager
async def filled(folder: Path) -> AsyncIterator[None]:
    """Leave no room on a file system until the block ends."""
    filler = folder / "filler"
    try:
        await asyncio.to_thread(_fill, filler)  # the clients of the load are on the event loop
        yield
    finally:
        filler.unlink()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):  # a node would find what large steps leave
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")
async def test_a_node_without_room_refuses_the_changes_of_its_accounts_alone(
    small_disk_cluster: Cluster, tmp_path: Path
) -> None:
    cluster = small_disk_cluster
    full, other = cluster.workers[-1], cluster.workers[0]
    url = await cluster.create_database()

    async def select(statement: str, *parameters: object) -> list[Row]:
        return [tuple(row) for row in await fetch(url, statement, *parameters)]

    async with run_stage(cluster, url, tmp_path, select) as stage, bulk_calls(stage):
        theirs, the_others = stage.list_fleets(on=[full]), stage.list_fleets(on=[other])
        assert theirs
        assert the_others
        async with filled(full.folder / "data"):
            await stage.wait_for(503, theirs, since_s=monotonic())
            begun_s = monotonic()
            await asyncio.sleep(GONE_S)
            await stage.wait_for_troubles("node_failing")  # a small write may succeed in between, which ends it
            check_reads(await stage.read(the_others), 200)
            check_reads(await stage.read(theirs), 200)
            calm = stage.list_calls(the_others, begun_s)
            hit = stage.list_calls(theirs, begun_s)
        assert give_statuses(calm) == {204}
        assert give_slowest_s(calm) < stretch(HEEDLESS_S_MAX)
        assert give_statuses(hit) <= {204, 503}
        assert give_slowest_s(hit) < stretch(ANSWER_S_MAX)
        await stage.go_on()

        async def is_well() -> bool:
            return await stage.find_troubles() == (200, [])

        await wait_until(is_well, seconds_max=30, every_s=0.2)
    assert full.get_pid() is not None
    await cluster.drop_database(url)
