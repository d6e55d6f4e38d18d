"""Nodes of a cluster that stop or hang under load: the accounts on the others go on, and nothing answered is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.citus_nodes import Cluster, Node
from tests.cluster.stage import ANSWER_S_MAX, give_slowest_s, give_statuses, run_stage, stretch
from tests.conftest import Select
from tests.e2e.client import Answer

GONE_S = 6.0  # longer than a key is believed, and than a call waits: all that a process can keep is used up by then
HEEDLESS_S_MAX = 1.0

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def engine() -> str:
    return "postgres"


@asynccontextmanager
async def gone(node: Node, how: str) -> AsyncIterator[None]:
    """Do without a node until the block ends."""
    if how == "hangs":
        with node.frozen():
            yield
        return
    await asyncio.to_thread(node.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(node.ensure_postgres_running)


def check_reads(answers: Sequence[Answer], status: int) -> None:
    assert {answer.status for answer in answers} == {status}
    assert max(answer.seconds for answer in answers) < stretch(ANSWER_S_MAX)


@pytest.mark.parametrize("how", ["stops", "hangs"])
async def test_without_a_worker_its_accounts_are_refused_and_the_others_do_not_notice(
    how: str, cluster: Cluster, url: str, tmp_path: Path, select: Select
) -> None:
    lost, *others = cluster.workers
    async with run_stage(cluster, url, tmp_path, select) as stage:
        theirs, the_others = stage.list_fleets(on=[lost]), stage.list_fleets(on=others)
        assert theirs
        assert the_others
        begun_s = time.monotonic()
        async with gone(lost, how):
            await asyncio.sleep(GONE_S)
            await stage.wait_for(503, theirs, since_s=begun_s)
            await stage.wait_for(204, the_others, since_s=begun_s)
            await stage.wait_for_troubles("node_failing")
            check_reads(await stage.read(the_others), 200)
            check_reads(await stage.read(theirs), 503)
            calm = stage.list_calls(the_others, begun_s)
        hit = stage.list_calls(theirs, begun_s)
        await stage.wait_for(204, theirs, since_s=time.monotonic())
        await stage.wait_for_troubles()
        assert give_statuses(calm) == {204}
        assert give_slowest_s(calm) < stretch(HEEDLESS_S_MAX)
        assert give_statuses(hit) <= {204, 503}
        assert give_slowest_s(hit) < stretch(ANSWER_S_MAX)


@pytest.mark.parametrize("how", ["stops", "hangs"])
async def test_without_the_coordinator_status_calls_go_on(
    how: str, cluster: Cluster, url: str, tmp_path: Path, select: Select
) -> None:
    async with run_stage(cluster, url, tmp_path, select) as stage:
        begun_s = time.monotonic()
        async with gone(cluster.coordinator, how):
            await asyncio.sleep(GONE_S)
            await stage.wait_for_troubles("node_failing")
            check_reads(await stage.read(stage.fleets), 200)
            calls = stage.list_calls(stage.fleets, begun_s)
        await stage.wait_for(204, stage.fleets, since_s=begun_s)
        await stage.wait_for_troubles()
        assert give_statuses(calls) == {204}
        assert give_slowest_s(calls) < stretch(ANSWER_S_MAX)
