"""What a server looks for in all accounts: it asks each node by itself, and waits for none that hangs.

A look is a hint: what it finds is looked at again where it is used, by a statement that holds its shard.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.store.postgres.cluster.naming import write_for_all
from padron.store.postgres.cluster.nodes import Node
from padron.store.postgres.cluster.shards import Shard
from padron.store.postgres.cluster.travelling import Travel, is_moved
from padron.store.postgres.port import SQL

WAIT_S_MAX = 1.0  # for the slowest node

T = TypeVar("T")
Rows = list[asyncpg.Record]

_replace_parameter = re.compile(r"\$1\b").sub
_log = logging.getLogger("padron.cluster")


class Looks:
    """The looks of one process, and the nodes that did not answer the last ones."""

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self._late: dict[Node, asyncio.Task[Rows]] = {}  # looks that nobody waits for any more, one for each node
        self.failing: set[Node] = set()  # those that did not answer the last look

    async def ask(self, name: str, parameters: tuple[object, ...]) -> list[Rows]:
        """Ask a statement of every node, and give the rows of each that has answered. Raises ``store_unavailable``."""
        await self._travel.refresh()
        shards_of = self._travel.list_shards()
        self.failing &= shards_of.keys()  # nodes that left the cluster

        def look(node: Node, shards: Sequence[Shard]) -> Awaitable[Rows]:
            return node.sources.points.fetch(write_for_all(SQL[name], [shard.names for shard in shards]), parameters)

        return await self._gather(shards_of, look)

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes, as far as their nodes have answered."""
        asked: dict[Node, dict[Shard, list[int]]] = {}
        for account_id in account_ids:
            shard = self._travel.find(account_id)
            asked.setdefault(self._travel.find_node(shard), {}).setdefault(shard, []).append(account_id)

        def look(node: Node, accounts: Mapping[Shard, list[int]]) -> Awaitable[Rows]:
            parts = [
                _replace_parameter(f"${place}", shard.names.write_read(SQL["load_last_changes"]))
                for place, shard in enumerate(accounts, start=1)
            ]
            return node.sources.points.fetch("\nUNION ALL\n".join(parts), tuple(accounts.values()))

        found = await self._gather(asked, look)
        return {account_id: number for rows in found for account_id, number in rows}

    async def close(self) -> None:
        """End the looks under way."""
        for task in [*self._late.values()]:
            task.cancel()
            with suppress(asyncio.CancelledError, PadronError, asyncpg.PostgresError):
                await task

    async def _gather(self, asked: Mapping[Node, T], look: Callable[[Node, T], Awaitable[Rows]]) -> list[Rows]:
        """Look at each node, and give what is there in time. Only the first look waits for a node that hangs.

        Raises ``store_unavailable`` when no node answers.
        """
        tasks = {
            node: asyncio.create_task(self._look(look(node, part)), name="padron-cluster-look")
            for node, part in asked.items()
            if node not in self._late  # it is asked again when it has answered, or was given up
        }
        trusted = [task for node, task in tasks.items() if node not in self.failing]
        if tasks:
            await asyncio.wait(trusted or tasks.values(), timeout=WAIT_S_MAX)
        found = [rows for node, task in tasks.items() if (rows := self._take(node, task)) is not None]
        if asked and not found:
            raise PadronError(Code.STORE_UNAVAILABLE, "No node of the cluster answers.")
        return found

    def _take(self, node: Node, task: asyncio.Task[Rows]) -> Rows | None:
        """Give what a node found; None if it has not answered, or only with an error."""
        error: BaseException | str | None = "It does not answer in time."
        if not task.done():
            self._late[node] = task
            task.add_done_callback(partial(self._forget, node))
        elif (error := task.exception()) is None:
            self.failing.discard(node)
            return task.result()
        if node not in self.failing:
            self.failing.add(node)
            _log.warning("work for the accounts of the node %s waits: %s", node.place, error)
        return None

    def _forget(self, node: Node, task: asyncio.Task[Rows]) -> None:
        """Ask a node again from now on, after a late answer."""
        self._late.pop(node, None)
        if not task.cancelled() and task.exception() is None:
            self.failing.discard(node)

    async def _look(self, asking: Awaitable[Rows]) -> Rows:
        try:
            return await asking
        except asyncpg.PostgresError as error:
            if not is_moved(error):
                raise
            await self._travel.read_map()
            return []  # the next look goes where the shards are now
