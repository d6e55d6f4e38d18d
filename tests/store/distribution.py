"""What a distributed engine would have to do for a statement, read from PostgreSQL's own plan of it.

PostgreSQL is the parser here, and its planner also sees what follows: ``v.account_id = h.account_id`` and
``h.account_id = $1`` fix both tables, as they do for Citus.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg

from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.store.postgres.port import DIALECT
from padron.store.postgres.statuses import SAVES
from padron.store.sql.listing import build_list, build_sums
from padron.store.sql.searching import Proposal, build_count, build_sift, build_walk, look_by_blocks, propose_by_blocks
from padron.store.sql.statements import list_files, load_statements

PACKAGE = "padron.store.postgres"

_match_account = re.compile(r"\((?:\w+\.)?account_id = (\$\d+)\)").fullmatch
# Of each kind of order one: by texts, by a number, by the status, by times, by registration.
_SORTS = ("vin", "plate", "brandName", "doors", "vehicleStatusId", "statusSince", "createdAt", "updatedAt")
_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")

Node = dict[str, Any]


@dataclass
class Reach:
    """Which account's rows each table is asked for, by parameter; None where that does not hold to one."""

    tables: dict[str, set[str | None]] = field(default_factory=dict)
    modifies_within: bool = False  # changes rows in a CTE
    locks_within: bool = False  # locks rows in a part of a statement that changes some

    @property
    def is_one_account(self) -> bool:
        """Say whether all of it is one account's: the same parameter for every table."""
        named = set().union(*self.tables.values())
        return len(named) == 1 and None not in named

    def add(self, table: str, account: str | None) -> None:
        self.tables.setdefault(table, set()).add(account)


def list_statements() -> dict[str, str]:
    """Give every statement of every file, by file and name; each one that is put together in all its forms."""
    statements: dict[str, str] = {}
    for file_name in list_files(PACKAGE):
        file = Path(file_name).name
        for name, text in load_statements(PACKAGE, file_name).items():
            if ":where" in text or ":page" in text or ":grams" in text:
                statements |= {f"{file} {name} {form}": filled for form, filled in _fill(text)}
            elif ":skip" in text:
                statements |= {f"{file} {name} {patience.value}": save for patience, save in SAVES.items()}
            elif text:  # a name may be the other engine's alone
                statements[f"{file} {name}"] = text
    return statements


def _fill_grams(template: str) -> Iterator[tuple[str, str]]:
    """Give the proposal both ways, or the short look at the index."""
    if ":needed" in template:
        yield "of grams", look_by_blocks(template, 1, [1, 2], 100).text
        return
    for descending in (False, True):
        proposal = Proposal(
            account_id=1, words=["abcd"], grams=[1, 2], after=0, before=9, descending=descending, limit=5
        )
        yield f"descending {descending}", propose_by_blocks(template, proposal, DIALECT).text


def _fill(template: str) -> Iterator[tuple[str, str]]:
    """Give the list sorted by each field, and of former versions, now or then; or the sum, of all and of some."""
    if ":grams" in template:
        yield from _fill_grams(template)
        return
    if ":page" not in template:
        given = [1] * max(int(number) for number in re.findall(r"\$(\d+)", template))
        every: list[dict[str, str | int]] = [{}, {"plate": "x", "vin": "x", "doors": 4}]
        for filters in every:
            yield f"of {len(filters)} filters", build_sums(template, given, filters, DIALECT).text
        return
    up_to = 1 if "JOIN changes" in template else None
    queries = [
        VehicleQuery(filters={"plate": "x", "vin": "x"}, sort=sort, operational=True, up_to=up_to) for sort in _SORTS
    ]
    queries += [VehicleQuery(filters={}, status=status, up_to=up_to) for status in (None, *VehicleStatus)]
    if ":words" in template:
        is_count = "count(*)" in template
        for query in queries:
            sought = replace(query, words=("x", "y"))
            if is_count:
                yield f"by {query.sort}, {query.status}", build_count(template, 1, sought, DIALECT).text
                continue
            yield f"by {query.sort}, status {query.status}", build_sift(template, 1, sought, 5, 1, DIALECT).text
        return
    if up_to is None:
        queries += [replace(query, among=[1, 2], words=("x",)) for query in queries if query.status is None]
    for query in queries:
        yield f"by {query.sort}, status {query.status}", build_list(template, 1, query, DIALECT).text
        if query.among is not None and query.sort is not None:
            yield f"along {query.sort}", build_walk(template, 1, query, 9, DIALECT).text


async def plan(connection: asyncpg.Connection, statement: str) -> list[tuple[Node, tuple[Node, ...]]]:
    """Give each part of a statement's plan, and the parts above it.

    The connection must plan without looking at values.
    """
    await connection.execute(f"DEALLOCATE ALL; PREPARE asked AS {statement}")
    count = await connection.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements")
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    text = await connection.fetchval(f"EXPLAIN (VERBOSE, COSTS off, FORMAT json) EXECUTE asked{values}")
    return list(_walk(json.loads(text)[0]["Plan"]))


async def find_reach(connection: asyncpg.Connection, statement: str) -> Reach:
    """Give how far a statement reaches."""
    reach = Reach()
    for node, above in await plan(connection, statement):
        is_change = node["Node Type"] == "ModifyTable"
        within = any(other["Node Type"] == "ModifyTable" for other in above)
        reach.modifies_within |= is_change and bool(above)
        reach.locks_within |= node["Node Type"] == "LockRows" and within
        if is_change and node["Operation"] == "Insert":
            reach.add(node["Relation Name"], _find_inserted(node))
        elif not is_change and "Relation Name" in node:
            reach.add(node["Relation Name"], _find_asked(node))
    return reach


def _walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    yield node, above
    for child in node.get("Plans", ()):
        yield from _walk(child, (*above, node))


def _find_inserted(node: Node) -> str | None:
    """Give the parameter that the first column of new rows holds: everywhere that is ``account_id``.

    It may also come from rows that are held to a parameter.
    """
    (source,) = (child for child in node["Plans"] if child["Parent Relationship"] == "Outer")
    first = str(source["Output"][0])
    if re.fullmatch(r"\$\d+", first):
        return first
    asked = {_find_asked(part) for part, _ in _walk(source) if first == f"{part.get('Alias')}.account_id"}
    return asked.pop() if len(asked) == 1 else None


def _find_asked(node: Node) -> str | None:
    """Give the parameter that ``account_id`` must equal in a scan, by the plan's own conditions."""
    parts = [node]
    if node["Node Type"] == "Bitmap Heap Scan":
        parts += [part for part, _ in _walk(node)]
    demands = [demand for part in parts for key in _CONDITIONS for demand in split_demands(str(part.get(key, "")))]
    found = {match[1] for match in map(_match_account, demands) if match is not None}
    return found.pop() if len(found) == 1 else None


def split_demands(condition: str) -> list[str]:
    """Give the parts of a condition that must all hold, each in its brackets: ``((a = $1) AND (b OR c))`` has two."""
    inner = condition[1:-1] if condition.startswith("((") else condition
    parts, depth, begin = [], 0, 0
    for place, sign in enumerate(inner):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign == ")":
            parts.append(inner[begin : place + 1])
            between = inner[place + 1 :]
            if between and not between.startswith(" AND "):
                return []
            begin = place + 1 + len(" AND ")
    return parts
