"""An upgrade of a cluster under load: a newer program migrates it, and the servers of the older one go on."""

from pathlib import Path

import pytest

from padron.store import postgres
from padron.store.postgres.engine import MIGRATIONS
from padron.store.sql.migrations import Migration, MigrationKind
from tests.citus_nodes import Cluster
from tests.cluster.reading import fetch
from tests.cluster.stage import ANSWER_S_MAX, FLEETS, give_slowest_s, give_statuses, run_stage, stretch
from tests.conftest import Select
from tests.e2e.program import run_server
from tests.e2e.test_side_by_side import check_other_calls, give_readiness

# A column of the tables that each call uses, one of a table that is copied to every node, a table and an index.
_NEWER = """
    -- expand
    ALTER TABLE vehicles ADD COLUMN newer_text text;
    ALTER TABLE changes ADD COLUMN newer_count integer NOT NULL DEFAULT 0;
    ALTER TABLE accounts ADD COLUMN newer_text text;
    CREATE TABLE newer_notes (
        account_id bigint NOT NULL REFERENCES accounts, vehicle_id bigint NOT NULL, note text,
        PRIMARY KEY (account_id, vehicle_id),
        FOREIGN KEY (account_id, vehicle_id) REFERENCES vehicles (account_id, vehicle_id)
    );
    INSERT INTO newer_notes (account_id, vehicle_id) SELECT account_id, vehicle_id FROM vehicles;
    CREATE INDEX newer_index ON vehicles (account_id, status_by);
"""
_COUNT_SHARDS = "SELECT count(*), count(DISTINCT nodeport) FROM citus_shards WHERE table_name = $1::text::regclass"
_COUNT_NOTES = "SELECT (SELECT count(*) FROM newer_notes), (SELECT count(*) FROM vehicles)"
_LIST_INDEXES = """
    SELECT result FROM run_command_on_shards('vehicles', $$
        SELECT count(*) FROM pg_index WHERE indrelid = '%s'::regclass
            AND indexrelid::regclass::text LIKE 'newer_index%%' AND indisvalid $$)
"""
SHARDS = 4

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def engine() -> str:
    return "postgres"


async def test_servers_of_an_older_program_go_on_while_a_cluster_is_migrated(
    cluster: Cluster, url: str, tmp_path: Path, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Migration(number=len(MIGRATIONS) + 1, name="newer", kind=MigrationKind.EXPAND, sql=_NEWER)
    async with run_stage(cluster, url, tmp_path, select) as stage:
        with monkeypatch.context() as program:
            program.setattr("padron.store.postgres.engine.MIGRATIONS", [*MIGRATIONS, newer])
            assert await postgres.migrate(url) == [newer]
        await stage.go_on()
        assert {answer.status for answer in await stage.read(stage.fleets)} == {200}
        assert await give_readiness(stage.server.port) == 200
        assert give_statuses(stage.load.calls) == {204}
        assert give_slowest_s(stage.load.calls) < stretch(ANSWER_S_MAX)
    assert [tuple(row) for row in await fetch(url, _COUNT_SHARDS, "newer_notes")] == [(SHARDS, len(cluster.workers))]
    vehicles = FLEETS * len(stage.fleets[0].vins)
    assert [tuple(row) for row in await fetch(url, _COUNT_NOTES)] == [(vehicles, vehicles)]
    assert [tuple(row) for row in await fetch(url, _LIST_INDEXES)] == [("1",)] * SHARDS
    async with run_server(url, tmp_path) as another:  # of the older program, too
        await check_other_calls(another.port, stage.fleets[0])
