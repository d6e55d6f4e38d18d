"""The figures of a PostgreSQL database as one server process sees it: connections, commits and the replica."""

from collections.abc import Mapping, Sequence

from padron.meters import Family, give_counters, give_gauge, give_gauges, give_histograms
from padron.store.postgres.connections import Connections
from padron.store.postgres.replica import Replica
from padron.store.postgres.writes import WriteTasks


def give_families(
    pools: Mapping[str, Sequence[Connections]], tasks: WriteTasks, together: WriteTasks, replica: Replica | None
) -> Sequence[Family]:
    """Give the figures of the connections, the commits and, if there is one, the replica.

    A pool of a cluster has parts, one for each node.
    """
    every = dict(pools)
    if replica is not None:
        every |= {"replica_points": [replica.points], "replica_pages": [replica.pages]}
    return (
        give_histograms(
            "padron_commit_duration_seconds",
            "How long a commit took until it was on the disk. The one statement of a batch of status calls also reads "
            "and commits.",
            "kind",
            {"transaction": tasks.commit_s, "statement": tasks.statement_s, "batch": together.statement_s},
        ),
        give_gauges(
            "padron_pool_connections_used", "Connections in use, by pool.", "pool",
            {name: sum(pool.used_count for pool in parts) for name, parts in every.items()},
        ),
        give_gauges(
            "padron_pool_connections_max", "The size of each pool.", "pool",
            {name: sum(pool.size_max for pool in parts) for name, parts in every.items()},
        ),
        give_gauges(
            "padron_pool_waiting", "Statements that wait for a connection, by pool.", "pool",
            {name: sum(pool.waiting_count for pool in parts) for name, parts in every.items()},
        ),
        give_counters(
            "padron_pool_connects_failed_total", "Connections that could not be made, by pool.", "pool",
            {name: sum(pool.failed_count for pool in parts) for name, parts in every.items()},
        ),
        *(() if replica is None else _give_replica(replica)),
    )  # fmt: skip


def _give_replica(replica: Replica) -> Sequence[Family]:
    return (
        give_gauge("padron_replica_fresh", "1 while the replica serves reads.", replica.is_fresh),
        give_gauge(
            "padron_replica_behind_seconds", "How far the replica may be behind, at the most.", replica.behind_s
        ),
    )
