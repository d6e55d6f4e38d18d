"""The look at several accounts' last changes: one statement for each node, which waits for no other node."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import asyncpg

from padron.domain.errors import PadronError
from padron.store.postgres.cluster.nodes import Node
from padron.store.postgres.cluster.shards import Shard
from padron.store.postgres.cluster.travelling import Travel, is_moved
from padron.store.postgres.port import SQL

WAIT_S_MAX = 0.2  # for the slowest node; what comes later is given at the next look

_replace_parameter = re.compile(r"\$1\b").sub


class Looks:
    """The looks of one process that are under way, by node."""

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self._tasks: dict[Node, asyncio.Task[dict[int, int]]] = {}

    async def load(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers that the nodes gave by now. Raises ``store_unavailable`` when no node answers."""
        asked: dict[Node, dict[Shard, list[int]]] = {}
        for account_id in account_ids:
            shard = self._travel.find(account_id)
            asked.setdefault(self._travel.find_node(shard), {}).setdefault(shard, []).append(account_id)
        for node, accounts in asked.items():
            if node not in self._tasks:
                self._tasks[node] = asyncio.create_task(self._look(node, accounts), name="padron-cluster-look")
        if not self._tasks:
            return {}
        done, _ = await asyncio.wait(self._tasks.values(), timeout=WAIT_S_MAX)
        self._tasks = {node: task for node, task in self._tasks.items() if task not in done}
        errors = [error for task in done if (error := task.exception()) is not None]
        if errors and len(errors) == len(done) and not self._tasks:
            raise errors[0]
        return {key: number for task in done if task.exception() is None for key, number in task.result().items()}

    async def close(self) -> None:
        """End the looks under way."""
        for task in self._tasks.values():
            task.cancel()
            with suppress(asyncio.CancelledError, PadronError, asyncpg.PostgresError):
                await task

    async def _look(self, node: Node, accounts: Mapping[Shard, list[int]]) -> dict[int, int]:
        parts = [
            _replace_parameter(f"${place}", shard.names.write_read(SQL["load_last_changes"]))
            for place, shard in enumerate(accounts, start=1)
        ]
        try:
            rows = await node.sources.points.fetch("\nUNION ALL\n".join(parts), tuple(accounts.values()))
        except asyncpg.PostgresError as error:
            if not is_moved(error):
                raise
            await self._travel.read_map()
            return {}  # the next look goes where the shards are now
        return dict(map(tuple, rows))
