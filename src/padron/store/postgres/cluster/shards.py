"""Where each account's shard is: the map that Citus keeps in its tables, as one server process knows it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from padron.domain.errors import Code, PadronError
from padron.store.port import Row
from padron.store.postgres.cluster.hashing import hash_account
from padron.store.postgres.cluster.joining import JoinedStatements, list_names
from padron.store.postgres.cluster.naming import ShardNames, give_function

# Tables spread by account have a hash range a shard ('h'). Tables copied to every node have one shard ('n').
LIST_PLACES = r"""
    SELECT c.relname::text, p.partmethod::text, s.shardid, s.shardminvalue::integer, s.shardmaxvalue::integer,
        n.nodename, n.nodeport,
        CASE WHEN c.relname = 'work' THEN ARRAY(
            SELECT f.proname::text FROM pg_proc AS f
            WHERE f.pronamespace = c.relnamespace AND f.proname LIKE '%\_in\_work\_' || s.shardid
        ) ELSE '{}' END
    FROM pg_dist_partition AS p
    JOIN pg_class AS c ON c.oid = p.logicalrelid AND c.relnamespace = current_schema()::regnamespace
    JOIN pg_dist_shard AS s USING (logicalrelid)
    JOIN pg_dist_placement AS l USING (shardid)
    JOIN pg_dist_node AS n ON n.groupid = l.groupid AND n.noderole = 'primary' AND n.isactive
    ORDER BY s.shardminvalue::integer NULLS FIRST
"""
_HASH_MIN, _HASH_MAX = -(1 << 31), (1 << 31) - 1
_FOUND_MAX = 1 << 16
_SPREAD = "h"
_FIRST = "counters"  # with which all others lie together
_UNPREPARED = "Run `padron migrate`, which spreads the tables."


class NodeAddress(NamedTuple):
    """The host and the port at which the cluster knows a node."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A part of the accounts: where it is, and what its tables are called there."""

    shard_id: int
    node: NodeAddress
    names: ShardNames
    lane: int  # the same for shards of a node whose batches can be joined, and otherwise the shard's own number


class ShardMap:
    """The shards of the whole register, in the order of their hashes."""

    def __init__(self, firsts: Sequence[int], shards: Sequence[Shard]) -> None:
        self._firsts = firsts  # the lowest hash of each shard
        self.shards = shards
        self._found: dict[int, Shard] = {}  # by account, because each call asks several times
        lanes: dict[int, dict[int, str]] = {}
        for shard in shards:
            lanes.setdefault(shard.lane, {})[shard.shard_id] = shard.names.name("work")
        self.joined = {lane: JoinedStatements(works) for lane, works in lanes.items()}

    def find(self, account_id: int) -> Shard:
        """Give the shard of an account."""
        shard = self._found.get(account_id)
        if shard is None:
            shard = self.shards[bisect_right(self._firsts, hash_account(account_id)) - 1]
            if len(self._found) < _FOUND_MAX:
                self._found[account_id] = shard
        return shard


class _Place(NamedTuple):
    table: str
    method: str
    shard_id: int
    first: int | None
    last: int | None
    host: str
    port: int
    functions: Sequence[str]  # of the shard


def read_map(rows: Sequence[Row]) -> ShardMap:
    """Give the map of the rows of LIST_PLACES. Raises ``schema_mismatch`` when the tables are not spread as needed."""
    places = [_Place(*row) for row in rows]
    copied = {one.table: f"{one.table}_{one.shard_id}" for one in places if one.method != _SPREAD}
    ranges: dict[int, list[_Place]] = {}
    for one in places:
        if one.method == _SPREAD and one.first is not None:
            ranges.setdefault(one.first, []).append(one)
    if not ranges or "accounts" not in copied:
        raise PadronError(Code.SCHEMA_MISMATCH, f"The tables are not spread over the cluster. {_UNPREPARED}")
    firsts = sorted(ranges)
    lanes: dict[NodeAddress, int] = {}  # the first shard of each node whose batches can be joined
    shards = [_join(ranges[first], copied, lanes) for first in firsts]
    _check_whole({first: ranges[first] for first in firsts})
    return ShardMap(firsts, shards)


def _check_whole(ranges: Mapping[int, Sequence[_Place]]) -> None:
    """Check that each hash is in one range, and that all ranges have the same tables. Else a neighbour would answer.

    The ranges come by their lowest hashes, in order.
    """
    wanted = _HASH_MIN
    tables = {one.table for one in ranges[min(ranges)]}
    for first, places in ranges.items():
        if first != wanted or {one.table for one in places} != tables:
            detail = "The map of the cluster has a gap: is a node disabled, or a table missing on it?"
            raise PadronError(Code.SCHEMA_MISMATCH, detail)
        wanted = (places[0].last or 0) + 1
    if wanted != _HASH_MAX + 1:
        raise PadronError(Code.SCHEMA_MISMATCH, "The map of the cluster ends too early: is a node disabled?")


def _join(places: Sequence[_Place], copied: Mapping[str, str], lanes: dict[NodeAddress, int]) -> Shard:
    """Give the shard whose tables lie together in these places."""
    spread = {one.table: f"{one.table}_{one.shard_id}" for one in places}
    where = {(one.host, one.port, one.last) for one in places}
    if len(where) != 1 or len(spread) != len(places) or not {_FIRST, "work"} <= spread.keys():
        detail = f"The tables of a shard do not lie together, once on one node. {_UNPREPARED}"
        raise PadronError(Code.SCHEMA_MISMATCH, detail)
    shard_id = next(one.shard_id for one in places if one.table == _FIRST)
    ((host, port, _),) = where
    functions = frozenset(name for one in places for name in one.functions)
    address = NodeAddress(host, port)
    can_join = functions >= {give_function(name, spread["work"]) for name in list_names()}
    lane = lanes.setdefault(address, shard_id) if can_join else shard_id
    return Shard(shard_id, address, ShardNames(shard_id, spread, copied, functions), lane)
