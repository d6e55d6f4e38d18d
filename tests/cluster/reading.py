"""What the tests ask a cluster about itself."""

import asyncpg

from tests.cast import wait_until
from tests.citus_nodes import Cluster

_FIND_PORTS = """
    SELECT a.account_id, n.nodeport FROM accounts AS a
    JOIN pg_dist_placement AS p ON p.shardid = get_shard_id_for_distribution_column('counters', a.account_id)
    JOIN pg_dist_node AS n USING (groupid)
"""
_LIST_SHARDS = """
    SELECT s.shardid, n.nodeport FROM pg_dist_shard AS s JOIN pg_dist_placement AS p USING (shardid)
    JOIN pg_dist_node AS n USING (groupid) WHERE s.logicalrelid = 'counters'::regclass ORDER BY s.shardid
"""
_COUNT_PREPARED = "SELECT count(*) FROM pg_prepared_xacts"


async def fetch(url: str, statement: str, *parameters: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *parameters)
    finally:
        await connection.close()


async def find_ports(url: str) -> dict[int, int]:
    """Give the port of the node that has each account."""
    return dict(map(tuple, await fetch(url, _FIND_PORTS)))


async def find_shards(url: str) -> dict[int, int]:
    """Give the port of the node that has each shard of the accounts."""
    return dict(map(tuple, await fetch(url, _LIST_SHARDS)))


async def check_nothing_is_prepared(cluster: Cluster, *, seconds_max: float = 30) -> None:
    """Check that each transaction of several nodes comes to an end on each of them."""

    async def is_done() -> bool:
        urls = cluster.list_urls(cluster.give_url("postgres"))
        return not any([(await fetch(url, _COUNT_PREPARED))[0][0] for url in urls])

    await wait_until(is_done, seconds_max=seconds_max, every_s=0.2)
