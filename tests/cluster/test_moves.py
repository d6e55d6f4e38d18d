"""Shards that Citus moves while their accounts are used: calls wait or are refused, and nothing is lost or doubled."""

from collections import Counter
from pathlib import Path

import pytest

from tests.citus_nodes import HOST, Cluster
from tests.cluster.reading import fetch, find_shards
from tests.cluster.stage import ANSWER_S_MAX, give_slowest_s, give_statuses, run_stage, stretch
from tests.conftest import Select

_MOVE = "SELECT citus_move_shard_placement($1, $2, $3, $2, $4, $5::citus.shard_transfer_mode)"
_REBALANCE = "SELECT citus_rebalance_start()"
_WAIT = "SELECT citus_rebalance_wait()"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def engine() -> str:
    return "postgres"


async def move(url: str, shard_id: int, before: int, after: int, mode: str) -> None:
    await fetch(url, _MOVE, shard_id, HOST, before, after, mode)


@pytest.mark.parametrize("mode", ["block_writes", "force_logical"])
async def test_shards_are_moved_under_load(
    mode: str, cluster: Cluster, url: str, tmp_path: Path, select: Select
) -> None:
    first, second = (worker.port for worker in cluster.workers)
    async with run_stage(cluster, url, tmp_path, select) as stage:
        shards = await find_shards(url)
        for shard_id, port in shards.items():
            await move(url, shard_id, port, second if port == first else first, mode)
            await stage.go_on()
        assert all(port != shards[shard_id] for shard_id, port in (await find_shards(url)).items())
        assert give_statuses(stage.load.calls) <= {204, 503}
        assert give_slowest_s(stage.load.calls) < stretch(ANSWER_S_MAX)


async def test_a_cluster_is_rebalanced_under_load(cluster: Cluster, url: str, tmp_path: Path, select: Select) -> None:
    first, second = (worker.port for worker in cluster.workers)
    for shard_id, port in (await find_shards(url)).items():
        if port == second:
            await move(url, shard_id, second, first, "block_writes")
    async with run_stage(cluster, url, tmp_path, select) as stage:
        assert {*stage.ports.values()} == {first}
        await fetch(url, _REBALANCE)
        await fetch(url, _WAIT)
        assert Counter((await find_shards(url)).values()) == {first: 2, second: 2}
        assert give_statuses(stage.load.calls) <= {204, 503}
        assert give_slowest_s(stage.load.calls) < stretch(ANSWER_S_MAX)
