"""The schema and every statement keep to what a distributed engine allows that spreads rows by account.

Checked as far as plain PostgreSQL can, for whatever tables and files of statements there are.
"""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from padron.domain.status import VehicleStatus
from padron.store.postgres import open_store, statuses
from padron.store.postgres.cluster.tables import REFERENCE_TABLES
from padron.store.postgres.statuses import Patience
from tests.cast import NOON, after, get_one, make_vin, registered, save, status_changed
from tests.conftest import Select
from tests.postgres import Postgres
from tests.store.distribution import Reach, find_reach, list_statements

# Copied to every node, so that any row may refer to them, and unique beyond an account.
COPIED = REFERENCE_TABLES
# People belong to the server. Their statements reach only what is copied to every node.
OF_PEOPLE = ("people.sql ", "sessions.sql ", "openid.sql ", "passkeys.sql ", "views.sql ")

# Statements that name the account for each table but ``users``, which they reach through the account's own people.
THROUGH_PEOPLE = {
    "actors.sql find_actors": {"api_keys": {"$1"}, "known_people": {"$1"}, "users": {None}},
    "administration.sql find_active_role": {"members": {"$1"}, "users": {None}},
}

# Statements that are not one account's, and why that is no request's doing.
OF_THE_SERVER = {
    "insert_account": "the directory: the command that adds an account",
    "list_accounts": "the directory: commands only",
    "find_account": "the directory: commands only",
    "load_last_changes": "the watch of a server process asks for all accounts that somebody waits for",
    "has_endpoints": "a worker of webhooks asks whether there is anything to watch",
    "list_ready": "a worker of webhooks looks for work, in all accounts",
    "count_marks": "a server that starts, and commands, look which keys the secrets need",
    "list_other_marks": "the command that encrypts all secrets with another key",
    "renew_leases": "a worker's sign of life, for all that it holds",
    "list_waiting_imports": "a server looks for uploaded files to import, in all accounts",
    "list_waiting_selections": "a server looks for confirmed selections to apply, in all accounts",
    "find_next_instant": "a server looks when the next planned change is due, in all accounts",
    "list_due_accounts": "a server looks whose planned changes are due",
    "find_epoch": "the register itself: read when a server starts",
    "renew_epoch": "the register itself: the command after a backup was restored",
    "try_to_write": "the register itself: a server finds out whether the database takes writes again",
    "examine_orphans": "the command that examines an account looks for its members' people, who are on every node",
    "examine_next_account": "the command that examines the register goes from account to account",
    "list_usable_secrets": "a server lists the keys that it must not refuse while it is flooded with invalid ones",
    "survey_imports": "the metrics: a server counts the imports under way, in all accounts",
    "survey_selections": "the metrics: a server counts the selections under way, in all accounts",
    "survey_plans": "the metrics: a server counts the pending plans of all accounts",
    "survey_endpoints": "the metrics: a server looks how far the endpoints of all accounts are",
    "survey_deliveries": "the metrics: a server counts the deliveries that wait, in all accounts",
    "rename_account": "the directory: the command that renames an account",
    "find_enabled_api_keys": "a server renews the keys in use; one that cannot be renewed is looked up by itself",
}
# Several accounts' calls together: not sent to an engine that spreads accounts.
TOGETHER = {"load_together", "save_statuses"}
# Indexes that are not unique may begin otherwise: each node has its own.
OF_ALL_ACCOUNTS = {"planned_changes_next", "search_texts_by_gram"}

# Statements that an engine which routes may refuse: those in one are sent in plain parts where the engine is one.
IN_ONE = {"save_statuses"}
# Lock rows in a part of a change, of tables that lie together; Citus refuses that only for tables copied everywhere.
LOCKING = {"withdraw_work", "delete_expired_keys", "renew_gate_leases"}

QUEUE = """
    INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
    SELECT $1, 1, number, 'poll', 'queued', 0 FROM generate_series(1, 3) AS number
"""
WRITTEN = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in ("vehicles", "changes", "counters", "work")]  # noqa: S608

_find_named = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)").findall

# The check, checked: whether each of these is one account's.
SAMPLES = {
    "SELECT 1 FROM vehicles WHERE account_id = $1 AND vin = $2": True,
    "SELECT 1 FROM vehicles WHERE vin = $1": False,
    "SELECT 1 FROM vehicles WHERE account_id > $1": False,
    "SELECT 1 FROM vehicles WHERE account_id = ANY ($1::bigint[])": False,
    "SELECT 1 FROM vehicles WHERE account_id = 7": False,
    "SELECT 1 FROM vehicles WHERE account_id = $1 OR vin = $2": False,
    "SELECT 1 FROM vehicles AS h JOIN changes AS c ON c.vehicle_id = h.vehicle_id WHERE h.account_id = $1": False,
    "SELECT 1 FROM vehicles AS h JOIN changes AS c USING (account_id, vehicle_id) WHERE account_id = $1": True,
    "SELECT 1 FROM work AS w JOIN runs AS r USING (run_id) WHERE w.account_id = $1 AND r.account_id = $2": False,
    "SELECT 1 FROM vehicles WHERE account_id = $1 AND vehicle_id IN (SELECT vehicle_id FROM versions)": False,
    "SELECT 1 FROM counters WHERE account_id = $1 OR last_change = $2": False,
    "SELECT 1 FROM counters WHERE (account_id = $1 AND last_change = 2) OR last_change = $2": False,
    "SELECT 1 FROM counters WHERE (last_change = $2 OR last_change = 2) AND account_id = $1": True,
    "SELECT 1 FROM counters WHERE NOT (account_id = $1)": False,
    "INSERT INTO counters (account_id, last_change) VALUES ($1, $2)": True,
    "INSERT INTO counters (last_change, account_id) SELECT last_change, account_id + 1 FROM counters": False,
    "DELETE FROM counters WHERE last_change = $1": False,
    "UPDATE counters SET last_change = $2 WHERE account_id = $1": True,
    "WITH a AS (DELETE FROM work WHERE vehicle_id = $2) SELECT 1 FROM counters WHERE account_id = $1": False,
}
FAULTS = [
    "CREATE UNIQUE INDEX fault ON vehicles (vin)",
    "CREATE INDEX fault ON changes (request_id)",
    "CREATE UNIQUE INDEX fault ON vehicles (lower(vin), account_id)",
    "CREATE TABLE fault (account_id bigint, made_at timestamptz)",
    "CREATE TABLE fault (fault_id bigint PRIMARY KEY, account_id bigint)",
    (  # unique by account as it must be, but a reference in another order
        "CREATE UNIQUE INDEX others ON vehicles (account_id, vehicle_id, slot);"
        "CREATE TABLE fault (account_id bigint, run bigint, slot smallint, PRIMARY KEY (account_id, run), "
        "CONSTRAINT odd FOREIGN KEY (run, account_id, slot) REFERENCES vehicles (account_id, vehicle_id, slot))"
    ),
]


pytestmark = pytest.mark.plain_postgres("PostgreSQL's own planner says what a cluster would have to do")


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def planner(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that plans without looking at values, as the program's do."""
    connection = await connect_planner(database)
    yield connection
    await connection.close()


async def connect_planner(url: str) -> asyncpg.Connection:
    settings = {"plan_cache_mode": "force_generic_plan"}
    return await asyncpg.connect(url, statement_cache_size=0, server_settings=settings)


@pytest.fixture(scope="module")
async def reaches(postgres_server: Postgres) -> dict[str, Reach]:
    """How far each statement reaches, found out once for all tests."""
    url = await postgres_server.create_database()
    connection = await connect_planner(url)
    found = {name: await find_reach(connection, text) for name, text in list_statements().items()}
    await connection.close()
    await postgres_server.drop_database(url)
    return found


def give_name(statement: str) -> str:
    return statement.split()[1]


def test_every_statement_of_a_request_names_one_account(reaches: dict[str, Reach]) -> None:
    assert len(reaches) > 100
    wrong = {
        name: reach.tables
        for name, reach in reaches.items()
        if not reach.is_one_account and give_name(name) not in {*OF_THE_SERVER, *TOGETHER}
        if reach.tables != THROUGH_PEOPLE.get(name)
        if not (name.startswith(OF_PEOPLE) and set(reach.tables) <= COPIED | {"api_keys"})
    }
    assert wrong == {}, "these reach beyond one account: name it for each table, or say in OF_THE_SERVER why not"
    listed = {
        give_name(name)
        for name, reach in reaches.items()
        if not reach.is_one_account and not name.startswith(OF_PEOPLE) and name not in THROUGH_PEOPLE
    }
    assert listed == {*OF_THE_SERVER, *TOGETHER}, "these are listed, but are one account's or gone"


async def test_every_table_that_a_statement_names_is_in_its_plan(
    planner: asyncpg.Connection, reaches: dict[str, Reach]
) -> None:
    """Otherwise the planner would have left a table out, and what it is asked for would go unseen."""
    tables = {name for (name,) in await planner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    for name, text in list_statements().items():
        named = tables & set(_find_named(text))
        assert named <= set(reaches[name].tables), name
        assert named, name


async def test_no_statement_moves_a_row_to_another_account(planner: asyncpg.Connection) -> None:
    """A role that may write every column but account_id may prepare and plan all of them: PostgreSQL checks that.

    A session, which is copied to every node, is in the account that its person chose last.
    """
    await planner.execute("DROP ROLE IF EXISTS keeps_accounts")
    await planner.execute("CREATE ROLE keeps_accounts")
    columns = """
        SELECT c.relname, string_agg(quote_ident(a.attname), ', ') FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
            AND (a.attname <> 'account_id' OR c.relname = 'sessions') GROUP BY 1
    """
    try:
        for table, names in await planner.fetch(columns):
            await planner.execute(f"GRANT SELECT, INSERT, DELETE, UPDATE ({names}) ON {table} TO keeps_accounts")
        await planner.execute("SET ROLE keeps_accounts")
        for text in list_statements().values():
            if "UPDATE" in text:
                await find_reach(planner, text)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await find_reach(planner, "UPDATE vehicles SET account_id = $1 WHERE account_id = $1")
    finally:
        await planner.execute("RESET ROLE")
        await planner.execute("DROP OWNED BY keeps_accounts")
        await planner.execute("DROP ROLE keeps_accounts")


def test_no_statement_changes_several_tables_or_locks_within_a_change(reaches: dict[str, Reach]) -> None:
    assert {give_name(name) for name, reach in reaches.items() if reach.modifies_within} == IN_ONE
    assert {give_name(name) for name, reach in reaches.items() if reach.locks_within} == LOCKING
    for name, reach in reaches.items():
        if reach.locks_within:
            assert not COPIED & set(reach.tables), name


async def test_the_check_itself(planner: asyncpg.Connection) -> None:
    assert {text: (await find_reach(planner, text)).is_one_account for text in SAMPLES} == SAMPLES


async def list_broken_rules(connection: asyncpg.Connection) -> list[str]:
    """Give the keys, unique indexes and references that a table spread by account could not have."""
    indexes = """
        SELECT i.indexrelid::regclass::text, a.attname FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace
        LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE c.relname <> ALL ($1) AND (i.indisunique OR i.indexrelid::regclass::text <> ALL ($2))
    """
    references = """
        SELECT r.conname, r.confrelid::regclass::text, a.attname, b.attname FROM pg_constraint AS r
        JOIN pg_attribute AS a ON a.attrelid = r.conrelid AND a.attnum = r.conkey[1]
        JOIN pg_attribute AS b ON b.attrelid = r.confrelid AND b.attnum = r.confkey[1]
        WHERE r.contype = 'f' AND r.connamespace = 'public'::regnamespace
            AND NOT (r.conrelid::regclass::text = ANY ($1) AND r.confrelid::regclass::text = ANY ($1))
    """
    keyless = """
        SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
            AND NOT EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
    """
    broken = [
        str(name)
        for name, column in await connection.fetch(indexes, list(COPIED), list(OF_ALL_ACCOUNTS))
        if column != "account_id"
    ]
    for name, _, own, other in await connection.fetch(references, list(COPIED)):
        if (own, other) != ("account_id", "account_id"):
            broken.append(str(name))
    return broken + [str(name) for (name,) in await connection.fetch(keyless)]


async def test_every_key_index_and_reference_begins_with_the_account(planner: asyncpg.Connection) -> None:
    assert await list_broken_rules(planner) == []
    first = """
        SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = 1
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    """
    columns = dict(map(tuple, await planner.fetch(first)))
    assert {table for table, column in columns.items() if column != "account_id"} == {
        "schema_migrations", "register", "former_accounts", "users", "sessions", "invitations", "sign_ins",
        "user_identities", "pending_sign_ins", "passkeys", "passkey_challenges",
    }  # fmt: skip


async def test_a_rule_that_is_broken_shows(planner: asyncpg.Connection) -> None:
    for fault in FAULTS:
        transaction = planner.transaction()
        await transaction.start()
        await planner.execute(fault)
        assert len(await list_broken_rules(planner)) == 1, fault
        await transaction.rollback()
    assert await list_broken_rules(planner) == []


async def test_plain_statements_write_the_same_rows_as_the_one_statement(
    postgres_server: Postgres, database: str, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status changes on a distributed engine, where nothing goes in one statement, and on plain PostgreSQL."""
    other = await postgres_server.create_database()
    written: list[list[list[asyncpg.Record]]] = []
    for url, is_distributed in ((database, False), (other, True)):
        store = await open_store(url)
        assert store.is_distributed is False
        store.is_distributed = is_distributed
        if is_distributed:
            monkeypatch.setitem(statuses.SAVES, Patience.FULL, "not to be sent")
        account = (await store.directory.add_account("Acme", NOON)).account_id
        await save(store, account, *(registered(make_vin(number)) for number in range(3)))
        connection = await asyncpg.connect(url)
        await connection.execute(QUEUE, account)
        one, two = [await get_one(store, account, make_vin(number)) for number in range(2)]
        stolen = status_changed(one, at=after(1), reason="seen in Puebla")
        await save(store, account, stolen, status_changed(two, VehicleStatus.SOLD, at=after(1)))
        impounded = status_changed(stolen.vehicle, VehicleStatus.IMPOUNDED, at=after(2))
        await save(store, account, impounded, status_changed(impounded.vehicle, VehicleStatus.ACTIVE, at=after(3)))
        await store.close()
        written.append([await connection.fetch(statement) for statement in WRITTEN])
        await connection.close()
    await postgres_server.drop_database(other)
    assert written[0] == written[1]
    states = await select("SELECT vehicle_id, state FROM work ORDER BY vehicle_id")
    assert states == [(1, "withdrawn"), (2, "withdrawn"), (3, "queued")]
