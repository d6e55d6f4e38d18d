"""Writes a batch of status calls of several shards of one node in two round trips, as one database does.

Each shard has functions of its own for this, so that their plans are kept. One statement calls those of the shards that
a batch concerns. It commits once. A shard that cannot be written now, such as one that moves, is left out as a whole,
and the others are saved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import accumulate, chain
from typing import Any

import asyncpg

from padron.store.postgres.cluster.naming import HOLD, ShardNames, give_function
from padron.store.postgres.port import SQL
from padron.store.postgres.statuses import BRIEF_MS_MAX, SAVES, Patience

_LOAD = SQL["load_together"]
_SAVED = "SELECT account_id, last_at, base, strict_gates FROM taken"  # how the statement ends that saves
_VEHICLE = (
    "vehicle_id bigint, vin text, slot smallint, status integer, status_since timestamptz, status_by text, "
    "status_reason text, revision bigint, created_at timestamptz, updated_at timestamptz, account_id bigint, "
    "strict_gates bigint"
)
_ROW_TYPES = (  # of a change, and then of a deactivated vehicle: the parameters of the statement that saves
    "bigint", "bigint", "text", "timestamptz", "text", "text", "integer", "integer", "text", "bigint", "bigint",
    "bigint", "bigint", "bigint", "timestamptz",
)  # fmt: skip
_CHANGE_COLUMNS = 12  # of these
_SAVE_TYPES = ", ".join(f"{kind}[]" for kind in _ROW_TYPES)


@dataclass(frozen=True, kw_only=True, slots=True)
class SortedRows:
    """The rows of a batch as columns, each shard's together, and where each shard's rows begin and end, from 1."""

    columns: list[list[Any]]
    firsts: list[int]
    lasts: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedFunction:
    """A function that each shard has. Its name has a digest of its text, so that servers of two versions have theirs.

    The text has ``:name`` and ``:hold`` where the shard's go.
    """

    name: str
    text: str


@cache
def list_functions() -> dict[str, JoinedFunction]:
    """Give the functions, by the statement that each of them does for its shard."""
    load = f"""
CREATE OR REPLACE FUNCTION :name(bigint[], text[]) RETURNS TABLE ({_VEHICLE}) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY {_LOAD.rstrip().rstrip(";")};
END $$"""
    functions = {_LOAD: _make("load_together", load)}
    for patience, name in ((Patience.NONE, "save_free_statuses"), (Patience.FULL, "save_statuses")):
        functions[SAVES[patience]] = _make(name, _write_save(SAVES[patience]))
    functions[SAVES[Patience.BRIEF]] = functions[SAVES[Patience.FULL]]  # the caller bounds every wait
    return functions


def _write_save(statement: str) -> str:
    """Give the function of a statement that saves. It answers only when all is done, because an error comes late."""
    body, _, _ = statement.partition(_SAVED)
    if body == statement:
        raise ValueError(statement)
    return f"""
CREATE OR REPLACE FUNCTION :name({_SAVE_TYPES},
    OUT is_held boolean, OUT saved_accounts bigint[], OUT saved_ats timestamptz[], OUT saved_bases bigint[],
    OUT saved_strict_gates bigint[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM :hold;
    IF cardinality($1) > 0 THEN
        {body}SELECT array_agg(account_id), array_agg(last_at), array_agg(base), array_agg(strict_gates)
        INTO saved_accounts, saved_ats, saved_bases, saved_strict_gates FROM taken;
    END IF;
    is_held := true;
EXCEPTION WHEN OTHERS THEN  -- the shard's accounts are tried one by one, and then the error is told
    is_held := false;
    saved_accounts := NULL;
END $$"""  # noqa: S608 - our own statement


def _make(name: str, text: str) -> JoinedFunction:
    return JoinedFunction(name=f"{name}_{sha256(text.encode()).hexdigest()[:8]}", text=text)


def list_names() -> list[str]:
    """Give the names of the functions, without those of the shards."""
    return list(dict.fromkeys(function.name for function in list_functions().values()))


def write_functions(shard_id: int, names: ShardNames) -> Iterator[str]:
    """Give the statements that make the functions of one shard."""
    for function in {one.name: one for one in list_functions().values()}.values():
        own = names.rename_body(function.text).replace(":name", give_function(function.name, names.name("work")), 1)
        yield own.replace(":hold", f"{HOLD}({shard_id})", 1).strip()


def write_load(works: Mapping[int, str]) -> str:
    """Give the statement that reads, for the shards with these tables of work, all of one node."""
    name = list_functions()[_LOAD].name
    given = "($1::bigint[])[b.first:b.last], ($2::text[])[b.first:b.last]"
    every = "\n    UNION ALL ".join(
        f"SELECT * FROM {give_function(name, work)}({given}) WHERE b.shard = {shard_id}"  # noqa: S608 - names of the catalog
        for shard_id, work in works.items()
    )
    return f"""
SELECT h.* FROM unnest($3::bigint[], $4::integer[], $5::integer[]) AS b (shard, first, last) CROSS JOIN LATERAL (
    {every}) AS h"""  # noqa: S608 - names of the catalog


def write_save(statement: str, works: Mapping[int, str]) -> str:
    """Give the statement that saves in these shards, in the order in which they are given. No wait in it is long."""
    name = list_functions()[statement].name
    places = ["first:b.last"] * _CHANGE_COLUMNS + ["first_off:b.last_off"] * (len(_ROW_TYPES) - _CHANGE_COLUMNS)
    given = ", ".join(
        f"(${number}::{kind}[])[b.{place}]"
        for number, (kind, place) in enumerate(zip(_ROW_TYPES, places, strict=True), start=1)
    )
    every = "\n    UNION ALL ".join(
        f"SELECT * FROM {give_function(name, work)}({given}) WHERE b.shard = {shard_id} AND brief IS NOT NULL"  # noqa: S608 - names of the catalog
        for shard_id, work in works.items()
    )
    return f"""
SELECT b.shard, s.is_held, s.saved_accounts, s.saved_ats, s.saved_bases, s.saved_strict_gates
FROM set_config('lock_timeout', '{BRIEF_MS_MAX}', true) AS brief
CROSS JOIN unnest($16::bigint[], $17::integer[], $18::integer[], $19::integer[], $20::integer[])
    AS b (shard, first, last, first_off, last_off)
CROSS JOIN LATERAL (
    {every}) AS s"""  # noqa: S608 - names of the catalog


class JoinedStatements:
    """The statements for all shards of one node that can be joined."""

    def __init__(self, works: Mapping[int, str]) -> None:
        """Take the name of each shard's table of work."""
        self._works = works
        self._written: dict[str, str] = {}

    def write(self, statement: str) -> str:
        """Give what does the statement in each shard that is named in its last parameters."""
        written = self._written.get(statement)
        if written is None:
            write = write_load(self._works) if statement == _LOAD else write_save(statement, self._works)
            written = self._written[statement] = write
        return written


class JoinedConnection:
    """A connection to a node for one batch of several shards. It has what a batch uses of a connection."""

    def __init__(self, connection: asyncpg.Connection, statements: JoinedStatements, shards: Mapping[int, int]) -> None:
        """Take the number of each account's shard."""
        self._connection = connection
        self._statements = statements
        self._shards = shards
        self._places = {shard: place for place, shard in enumerate(sorted(set(shards.values())))}  # locks have an order
        self.left: frozenset[int] = frozenset()  # the accounts whose shards were not held

    async def fetch(self, statement: str, *parameters: Any) -> Sequence[Any]:  # noqa: ANN401 - as the driver says
        """Give the rows of the statement that reads, or of one that saves. Any other only makes sure of the shards."""
        if statement == _LOAD:
            asked = self._sort(zip(*parameters, strict=True), len(parameters))
            written = self._statements.write(_LOAD)
            return await self._connection.fetch(written, *asked.columns, [*self._places], asked.firsts, asked.lasts)
        if statement not in list_functions():
            statement, parameters = SAVES[Patience.NONE], ([],) * len(_ROW_TYPES)
        return await self._save(statement, parameters)

    async def _save(self, statement: str, parameters: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        made = self._sort(zip(*parameters[:_CHANGE_COLUMNS], strict=True), _CHANGE_COLUMNS)
        off = self._sort(zip(*parameters[_CHANGE_COLUMNS:], strict=True), len(_ROW_TYPES) - _CHANGE_COLUMNS)
        answers = await self._connection.fetch(
            self._statements.write(statement), *made.columns, *off.columns,
            [*self._places], made.firsts, made.lasts, off.firsts, off.lasts,
        )  # fmt: skip
        lost = {shard for shard, is_held, *_ in answers if not is_held}
        self.left = frozenset(account_id for account_id, shard in self._shards.items() if shard in lost)
        saved = (zip(*columns, strict=True) for _, _, *columns in answers if columns[0] is not None)
        return [*chain.from_iterable(saved)]

    def _sort(self, rows: Iterable[Sequence[Any]], width: int) -> SortedRows:
        """Give the rows in the order of their shards. The first value of a row is its account."""
        parts: list[list[Sequence[Any]]] = [[] for _ in self._places]
        for row in rows:
            parts[self._places[self._shards[row[0]]]].append(row)
        lasts = list(accumulate(map(len, parts)))
        columns = [list(column) for column in zip(*chain.from_iterable(parts), strict=True)]
        return SortedRows(
            columns=columns or [[] for _ in range(width)],
            firsts=[last - len(part) + 1 for last, part in zip(lasts, parts, strict=True)],
            lasts=lasts,
        )
