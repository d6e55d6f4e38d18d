"""The store on a cluster: each account's reads and writes on its node, and the rest by way of Citus.

The rest is what crosses accounts: the directory, the people and what workers look for. And the few transactions of an
account that also write tables copied to every node, such as its removal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import asyncpg

from padron.domain.trouble import TroubleCode, TroubledError
from padron.meters import Family
from padron.store.base import WriteTransaction
from padron.store.postgres.cluster.board import ClusterBoard
from padron.store.postgres.cluster.looking import Looks
from padron.store.postgres.cluster.naming import CopiedTableError
from padron.store.postgres.cluster.nodes import Nodes
from padron.store.postgres.cluster.setup import check_register
from padron.store.postgres.cluster.shards import Shard
from padron.store.postgres.cluster.travelling import ShardConnection, Travel
from padron.store.postgres.connections import Connections
from padron.store.postgres.engine import CHECK_S_MAX, PostgresStore
from padron.store.postgres.measures import give_families
from padron.store.postgres.port import PostgresReads
from padron.store.postgres.status_calls import StatusCalls
from padron.store.postgres.transaction import PostgresTransaction
from padron.store.reader import Reader
from padron.traces import Tracer

T = TypeVar("T")

_PING = "SELECT 1"

# Citus plans each statement for its parameters, because it must know the account to know the shard.
# It keeps no connections to its nodes from one transaction to the next: it would notice only when it uses one that the
# node has restarted meanwhile, and fail.
_COORDINATOR_SETTINGS = {
    "citus.override_table_visibility": "off",
    "citus.max_cached_conns_per_worker": "0",
    "plan_cache_mode": "auto",
}


class ClusterStore(PostgresStore):
    """The store in a PostgreSQL database that Citus spreads over several nodes. Its own connections lead to Citus."""

    is_distributed = True

    def __init__(self, url: str) -> None:
        super().__init__(url, settings=_COORDINATOR_SETTINGS)
        self._nodes = Nodes(url, self._tasks.commit_s, self._together_tasks.statement_s)
        self._travel = Travel(self._points, self._nodes)
        self._looks = Looks(self._travel)
        self._is_coordinator_lost = False
        self._answers: asyncio.Task[bool] | None = None
        run = self._travel.run_together
        self._status_calls = StatusCalls(run, partial(run, is_apart=True), self.strict_accounts, confirm=_PING)
        self.use_board(ClusterBoard(self._tasks, self._points, self._travel, self._looks))

    @property
    def failing_node_count(self) -> int:
        """How many nodes do not answer, or report a trouble of their own; the coordinator is one."""
        return self._is_coordinator_lost + sum(
            node in self._looks.failing or node.troubles.trouble is not None for node in self._nodes
        )

    async def check(self) -> None:
        """Return when the coordinator is in order, or does not answer while a node does: calls with keys go on then."""
        if self._answers is None or self._answers.done():
            # At once, because a coordinator that hangs takes all the time that a check has. Nobody cancels it: that
            # would end the connections that it uses.
            self._answers = asyncio.create_task(self._find_answer(), name="padron-cluster-check")
        answers = self._answers
        try:
            await super().check()
            self._is_coordinator_lost = False
        except TroubledError as error:
            if error.trouble.code is not TroubleCode.DATABASE_UNREACHABLE or not await asyncio.shield(answers):
                raise
            self._is_coordinator_lost = True

    async def _find_answer(self) -> bool:
        """Say whether any node answers."""
        asked = [node.sources.points.fetch(_PING, (), CHECK_S_MAX) for node in self._nodes]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return any(not isinstance(answer, BaseException) for answer in answers)

    async def list_lost_nodes(self) -> list[str]:
        """Name the nodes with shards that do not answer now."""
        nodes = [*self._travel.list_shards()]
        asked = [node.sources.points.fetch(_PING, (), CHECK_S_MAX) for node in nodes]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [node.place for node, answer in zip(nodes, answers, strict=True) if isinstance(answer, BaseException)]

    def read(self, account_id: int) -> Reader:
        """Give a reader of one account."""
        return Reader(PostgresReads(self._travel.read(account_id), account_id), account_id)

    def give_lane(self, account_id: int) -> int:
        """Give the number of the shards whose batches are joined with those of the account's."""
        return self._travel.find(account_id).lane

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account on its node."""

        async def send(shard: Shard) -> T:
            async def run(connection: asyncpg.Connection) -> T:
                named = ShardConnection(connection, shard.names)
                return await self._do(PostgresTransaction(named, account_id, self.strict_accounts), work)

            return await self._travel.find_node(shard).tasks.run(run, account_id, shard.names.hold)

        try:
            return await self._travel.send(account_id, send)
        except CopiedTableError:
            return await super().write(account_id, work)

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes, as far as their nodes answer at once."""
        return await self._looks.load_last_changes(account_ids)

    def give_families(self) -> Sequence[Family]:
        """Give the figures of the connections to all nodes, and of the commits."""
        pools: dict[str, list[Connections]] = {name: [pool] for name, pool in self.pools.items()}
        for node in self._nodes:
            for name, pool in node.pools.items():
                pools[name].append(pool)
        return give_families(pools, self._tasks, self._together_tasks, None)

    def trace(self, tracer: Tracer) -> None:
        """Let a tracer record the commits."""
        super().trace(tracer)
        self._nodes.trace(tracer)

    async def prepare(self) -> None:
        """Read the register's properties, and where the shards are. Raises ``schema_mismatch``."""
        await check_register(self._ask)
        await super().prepare()
        await self._travel.read_map()

    async def close(self) -> None:
        """Finish the work under way and close."""
        if self._answers is not None:
            await self._answers
        await self._looks.close()
        await self._travel.close()
        await super().close()
