"""docs/scale.md: its statements run, and its numbers are those of the program."""

import re
from pathlib import Path

import asyncpg
import pytest

from padron.config import STALENESS_S_MAX, STALENESS_S_MIN, Settings
from padron.service.operations.gate import LARGE_QUESTION
from padron.store.postgres import engine as postgres_engine
from padron.store.postgres import replica
from padron.store.postgres.cluster import nodes
from padron.store.sql.statements import load_engine

TEXT = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sql\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
READS = ("list_vehicles", "list_history", "list_changes")


@pytest.fixture
def engine() -> str:
    return "postgres"


async def test_its_statements_run(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        # In the place of the extension's view, which only a server that was started with it has.
        await connection.execute("CREATE TABLE pg_stat_statements (query text, total_exec_time double precision)")
        for name, text in load_engine("padron.store.postgres").items():
            await connection.execute("INSERT INTO pg_stat_statements VALUES ($1, $2)", text, 1 if name in READS else 0)
        assert len(BLOCKS) == 3
        for block in BLOCKS:
            for statement in filter(None, map(str.strip, re.sub("--.*", "", block).split(";"))):
                rows = await connection.fetch(statement)
                if "pg_stat_statements" in statement:
                    assert [row["percent"] for row in rows] == [100]  # it finds all that a replica would take
    finally:
        await connection.close()


def test_its_numbers_are_the_programs() -> None:
    own = sum(
        (
            postgres_engine.TOGETHER_CONNECTIONS_MAX,
            postgres_engine.WRITE_CONNECTIONS_MAX,
            postgres_engine.POINT_CONNECTIONS_MAX,
            postgres_engine.PAGE_CONNECTIONS_MAX,
        )
    )
    assert f"at most **{own}**" in TEXT
    assert replica.POINT_CONNECTIONS_MAX + replica.PAGE_CONNECTIONS_MAX + 1 == 9
    assert "up to nine connections to its replica" in TEXT
    assert f"gate, {LARGE_QUESTION} VINs or more" in TEXT
    assert f"| `{Settings().read_staleness_s:g}` |" in TEXT
    assert f"{STALENESS_S_MIN:g} to {STALENESS_S_MAX:g}" in TEXT


def test_its_connections_to_a_node_are_those_of_the_program() -> None:
    parts = {
        "for status calls": nodes.TOGETHER_CONNECTIONS_MAX,
        "for other writes": nodes.WRITE_CONNECTIONS_MAX,
        "for point reads": nodes.POINT_CONNECTIONS_MAX,
        "for pages": nodes.PAGE_CONNECTIONS_MAX,
    }
    text = " ".join(TEXT.split())
    assert (
        "each node as it needs them, at most **{}**: {} {}, {} {}, {} {} and {} {}.".format(
            sum(parts.values()), *(part for name, count in parts.items() for part in (count, name))
        )
        in text
    )
    assert f"| `max_connections` | {sum(parts.values())} for each server process, and 100 more |" in text
