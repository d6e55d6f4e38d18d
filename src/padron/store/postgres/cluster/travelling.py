"""How an account's statements travel to its node: found by the map, written for its shard, and sent again after a move.

A statement that reads, a transaction and a batch all begin by holding the shard. This raises MOVED_STATE on a node that
does not have the shard any more. Then the process reads the map again, and sends the same to the new node. Nothing was
written before, so nothing is written twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.store.postgres.cluster.joining import JoinedConnection
from padron.store.postgres.cluster.naming import MOVED_STATE, ShardNames
from padron.store.postgres.cluster.nodes import Node, Nodes
from padron.store.postgres.cluster.shards import LIST_PLACES, Shard, ShardMap, read_map
from padron.store.postgres.port import Source, Sources
from padron.store.postgres.status_calls import BatchWork

T = TypeVar("T")

MAP_S_MAX = 15.0
TRIES_MAX = 3  # of a statement whose shard moves away each time
REREAD_AFTER_S = 0.5  # after nodes that do not answer, the map is not read more often than this

_GONE_STATE = "42P01"  # the shard's table does not exist on the node, long after a move
_log = logging.getLogger("padron.cluster")


class AccountsPartedError(Exception):
    """The accounts of a batch are in different shards now."""


def is_moved(error: asyncpg.PostgresError) -> bool:
    """Say whether a node refused a statement because it does not have the shard."""
    return error.sqlstate in {MOVED_STATE, _GONE_STATE}


class ShardConnection:
    """A connection to a node, for the statements of one shard. It has what a transaction uses of a connection.

    The transaction holds the shard. Without a transaction (``is_alone``) each statement does.
    """

    def __init__(self, connection: asyncpg.Connection, names: ShardNames, *, is_alone: bool = False) -> None:
        self._connection = connection
        self._names = names
        self._write = names.write_alone if is_alone else names.write

    async def fetch(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        """Give the rows of a statement."""
        return await self._connection.fetch(self._write(statement), *parameters)

    async def fetchval(self, statement: str, *parameters: object) -> Any:  # noqa: ANN401 - as the driver says
        """Give the first value of the first row."""
        return await self._connection.fetchval(self._names.write(statement), *parameters)

    async def execute(self, statement: str, *parameters: object) -> str:
        """Run a statement."""
        return await self._connection.execute(self._names.write(statement), *parameters)

    async def executemany(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row."""
        await self._connection.executemany(self._names.write(statement), rows)

    async def copy_records_to_table(self, table: str, *, records: Iterable[Any], columns: Sequence[str]) -> str:
        """Insert rows by COPY. The node has the table, so one transaction of one node has them all."""
        return await self._connection.copy_records_to_table(self._names.name(table), records=records, columns=columns)


class Travel:
    """The map of one process, and the way to each node."""

    def __init__(self, coordinator: Source, nodes: Nodes) -> None:
        self._coordinator = coordinator
        self.nodes = nodes
        self._map: ShardMap | None = None
        self._read_at_s = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def find(self, account_id: int) -> Shard:
        """Give the shard of an account."""
        return self.map.find(account_id)

    def find_node(self, shard: Shard) -> Node:
        """Give the connections to a shard's node."""
        return self.nodes.find(shard.node)

    def list_shards(self) -> dict[Node, list[Shard]]:
        """Give the shards of each node."""
        found: dict[Node, list[Shard]] = {}
        for shard in self.map.shards:
            found.setdefault(self.find_node(shard), []).append(shard)
        return found

    @property
    def map(self) -> ShardMap:
        """The map, as it was read last."""
        if self._map is None:
            raise AssertionError("the map is read when the store is prepared")
        return self._map

    async def refresh(self) -> None:
        """Read the map again if it is old, so that looks reach new shards. Calls find out by themselves."""
        if monotonic() > self._read_at_s + MAP_S_MAX:
            self._read_at_s = monotonic()
            await self.read_map()

    async def read_map(self) -> None:
        """Read where the shards are. Any node knows it, so this goes on without the coordinator."""
        error: PadronError | None = None
        for source in (self._coordinator, *(node.sources.points for node in self.nodes)):
            try:
                rows = await source.fetch(LIST_PLACES, ())
            except PadronError as fault:
                error = fault
                continue
            self._map, self._read_at_s = read_map(rows), monotonic()
            self.nodes.keep({shard.node for shard in self._map.shards})
            return
        raise error or AssertionError

    async def send(self, account_id: int, work: Callable[[Shard], Awaitable[T]]) -> T:
        """Do what reads or writes in the account's shard, again after the shard was moved.

        Raises ``store_unavailable`` when the shard is still nowhere to be found.
        """
        for _ in range(TRIES_MAX):
            shard = self.find(account_id)
            try:
                return await work(shard)
            except asyncpg.PostgresError as error:
                if not is_moved(error):
                    raise
            except PadronError as error:
                if error.code is Code.STORE_UNAVAILABLE:
                    self._look_for_another()
                raise
            await self.read_map()
        raise PadronError(Code.STORE_UNAVAILABLE, "The account is being moved to another node. Try again shortly.")

    def read(self, account_id: int) -> Sources:
        """Give the sources of an account's reads."""
        return Sources(
            points=_ShardSource(self, account_id, is_page=False),
            pages=_ShardSource(self, account_id, is_page=True),
            held=_HeldShard(self, account_id),
        )

    async def run_together(
        self, work: BatchWork, account_ids: Sequence[int], *, is_apart: bool = False
    ) -> frozenset[int]:
        """Run work that writes with only one statement in the shards of these accounts. Give the accounts it saved.

        Raises AccountsPartedError when their shards cannot be joined, as after a split.
        """
        if any(self.find(account_id) is not self.find(account_ids[0]) for account_id in account_ids):
            return await self._run_joined(work, account_ids)

        async def run(shard: Shard) -> frozenset[int]:
            if any(self.find(account_id) is not shard for account_id in account_ids):
                raise AccountsPartedError
            node = self.find_node(shard)
            tasks = node.tasks if is_apart else node.together_tasks
            return await tasks.run_alone(
                lambda connection: work(ShardConnection(connection, shard.names, is_alone=True))
            )

        return await self.send(account_ids[0], run)

    async def _run_joined(self, work: BatchWork, account_ids: Sequence[int]) -> frozenset[int]:
        """Run the work in several shards of one node. Leave out the accounts of those that cannot be written now."""
        shards = {account_id: self.find(account_id) for account_id in account_ids}
        lane, *others = {shard.lane for shard in shards.values()}
        if others:
            raise AccountsPartedError
        statements = self.map.joined[lane]

        async def run(connection: asyncpg.Connection) -> frozenset[int]:
            numbers = {account_id: shard.shard_id for account_id, shard in shards.items()}
            joined = JoinedConnection(connection, statements, numbers)
            return await work(joined) - joined.left

        try:
            return await self.find_node(shards[account_ids[0]]).together_tasks.run_alone(run)
        except asyncpg.PostgresError as error:
            if not is_moved(error):
                raise
            await self.read_map()
            return frozenset()
        except PadronError as error:
            if error.code is Code.STORE_UNAVAILABLE:
                self._look_for_another()
            raise

    async def close(self) -> None:
        """End a look at the map, and close the connections to all nodes."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self.nodes.close()

    def _look_for_another(self) -> None:
        """After a node did not answer, find out whether another one has taken its place. The call does not wait."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_after_failure(), name="padron-cluster-map")

    async def _read_after_failure(self) -> None:
        try:
            await self.read_map()
        except (PadronError, asyncpg.PostgresError) as error:
            _log.warning("the map of the cluster cannot be read: %s", error)
        await asyncio.sleep(REREAD_AFTER_S)  # so that many failed calls read it once


@dataclass(frozen=True, slots=True)
class _ShardSource:
    """Reads of one account (``Source``)."""

    travel: Travel
    account_id: int
    is_page: bool

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement. Raises ``store_unavailable``."""

        async def ask(shard: Shard) -> list[asyncpg.Record]:
            sources = self.travel.find_node(shard).sources
            source = sources.pages if self.is_page else sources.points
            return await source.fetch(shard.names.write_read(statement), parameters, answer_s_max)

        return await self.travel.send(self.account_id, ask)


@dataclass(frozen=True, slots=True)
class _HeldShard:
    """Reads of one account as of one instant (``HeldSource``)."""

    travel: Travel
    account_id: int

    @asynccontextmanager
    async def hold_instant(self) -> AsyncIterator[ShardConnection]:
        """Give a connection to the shard's node. Its transaction holds the shard."""
        async with AsyncExitStack() as stack:

            async def begin(shard: Shard) -> ShardConnection:
                held = self.travel.find_node(shard).sets.hold_instant(shard.names.hold)
                return ShardConnection(await stack.enter_async_context(held), shard.names)

            yield await self.travel.send(self.account_id, begin)
