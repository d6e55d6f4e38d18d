"""Moves and splits of shards, as Citus makes them, between databases that look like one cluster (tests/spread.py).

Citus copies a shard while it is used, then keeps writers from it for as long as it takes to bring the copy up to date.
Here the whole copying falls into that time. A shard that was moved away is dropped later, so for a while there are rows
of before that nobody may read or write any more.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO

import asyncpg

from padron.store.postgres.cluster.hashing import hash_account

# The shards of all tables with the hash of an account, which lie together.
_LIST_SHARDS = """
    SELECT logicalrelid::text AS name, shardid AS number,
        shardminvalue::integer AS first, shardmaxvalue::integer AS last
    FROM pg_dist_shard
    WHERE $1 BETWEEN shardminvalue::integer AND shardmaxvalue::integer ORDER BY 1
"""
_LOCK = "SELECT lock_shard_metadata(7, $1)"  # 7 is ExclusiveLock
_SPLIT = """
    CREATE TABLE {0}_{2} (LIKE {0}_{1} INCLUDING ALL);
    INSERT INTO {0}_{2} SELECT * FROM {0}_{1} WHERE hashint8(account_id) BETWEEN {3} AND {4};
    INSERT INTO pg_dist_shard VALUES ('{0}', {2}, '{3}', '{4}');
    INSERT INTO pg_dist_placement VALUES ({2}, {5})
"""
_PLACE = "UPDATE pg_dist_placement SET groupid = $2 WHERE shardid = ANY ($1)"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A connection to each node of a cluster. The first node is also the coordinator."""

    nodes: Sequence[asyncpg.Connection]

    async def copy_accounts(self) -> None:
        """Bring the accounts of the first node to the others, as Citus does when it writes a copied table."""
        name = await self.nodes[0].fetchval("SELECT relname FROM pg_class WHERE relname ~ '^accounts_[0-9]+$'")
        for node in self.nodes[1:]:
            await node.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of the catalog
            await _copy(self.nodes[0], node, name)

    @asynccontextmanager
    async def moving(self, account_id: int, source: int, target: int) -> AsyncIterator[None]:
        """Move the shard of an account from one node to another one. The block runs while nobody may write to it."""
        shards = await self.nodes[source].fetch(_LIST_SHARDS, hash_account(account_id))
        numbers = [shard["number"] for shard in shards]
        names = [f"{shard['name']}_{shard['number']}" for shard in shards]
        try:
            for node in self.nodes:
                await node.execute("BEGIN")
                await node.execute(_LOCK, numbers)
            for name in names:
                await self.nodes[target].execute(f"DELETE FROM {name}")  # noqa: S608 - what a move of before has left
                await _copy(self.nodes[source], self.nodes[target], name)
            yield
        except BaseException:
            for node in self.nodes:
                await node.execute("ROLLBACK")
            raise
        for node in self.nodes:
            await node.execute(_PLACE, numbers, target + 1)
        # Citus commits on all nodes at once. On none may a writer come between.
        for place in sorted(range(len(self.nodes)), key=lambda place: place == source):
            await self.nodes[place].execute("COMMIT")

    async def move(self, account_id: int, source: int, target: int) -> None:
        """Move the shard of an account."""
        async with self.moving(account_id, source, target):
            pass

    async def drop(self, account_id: int, node: int) -> None:
        """Drop the tables of an account's shard on a node that it was moved away from."""
        shards = await self.nodes[node].fetch(_LIST_SHARDS, hash_account(account_id))
        names = ", ".join(f"{shard['name']}_{shard['number']}" for shard in shards)
        await self.nodes[node].execute(f"DROP TABLE {names} CASCADE")

    async def split(self, account_id: int, node: int) -> None:
        """Split the shard of an account into two on its node. The first one ends with this account's hash."""
        connection, hashed = self.nodes[node], hash_account(account_id)
        async with connection.transaction():
            shards = await connection.fetch(_LIST_SHARDS, hashed)
            await connection.execute(_LOCK, [shard["number"] for shard in shards])
            for name, number, first, last in shards:
                for other, begin, end in ((number + 1000, first, hashed), (number + 2000, hashed + 1, last)):
                    await connection.execute(_SPLIT.format(name, number, other, begin, end, node + 1))
                await connection.execute("DELETE FROM pg_dist_shard WHERE shardid = $1", number)
                await connection.execute("DELETE FROM pg_dist_placement WHERE shardid = $1", number)


async def _copy(source: asyncpg.Connection, target: asyncpg.Connection, table: str) -> None:
    rows = BytesIO()
    await source.copy_from_table(table, output=rows, format="binary")
    rows.seek(0)
    await target.copy_to_table(table, source=rows, format="binary")
