"""An account is removed from every table that there is, and no other account loses a row."""

import pytest

from padron.store.base import Store, WriteTransaction
from padron.store.removal import REMOVED_TABLES
from tests.cast import HUMMER, JEEP, NOON, after, registered, save
from tests.conftest import Select
from tests.database import write

pytestmark = pytest.mark.spread

# What the last transaction removes besides: the account itself, and the row that its changes are numbered by.
LAST = ["accounts", "counters"]
# PostgreSQL alone finds vehicles by a table of its own. SQLite alone needs one for lists by an instant.
MISSING = {"sqlite": {"identities"}, "postgres": {"last_change_marks", "last_changes"}}

COLUMNS = {
    "sqlite": """
        SELECT t.name, c.name, c.type FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%' AND c.dflt_value IS NULL
            AND (c."notnull" = 1 OR c.pk > 0 OR c.name = 'account_id')
            AND NOT (t.name = 'sign_ins' AND c.name = 'number')
    """,
    "postgres": """
        SELECT DISTINCT t.name, a.attname::text, format_type(a.atttypid, NULL) FROM pg_class AS c
        CROSS JOIN regexp_replace(c.relname, '_[0-9]+$', '') AS t (name)  -- a shard has a number
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT a.atthasdef
            AND (a.attnotnull OR a.attname = 'account_id') AND (t.name, a.attname) <> ('sign_ins', 'number')
    """,
}
# A value of each type, the same in each table, so that rows refer to one another.
VALUES = {
    "INTEGER": "1", "TEXT": "'x'", "BLOB": "x'00'", "bigint": "1", "integer": "1", "smallint": "1", "text": "'x'",
    "boolean": "false", "bytea": "'x'", "integer[]": "'{1}'", "timestamp with time zone": "now()", "json": "'{}'",
}  # fmt: skip
# A session is unique in the whole register, and a member is a person, who belongs to none of the accounts.
DIGEST = {"sqlite": "x'{:02x}'", "postgres": "'{}'"}
USER = {
    "sqlite": "INSERT INTO users (user_id, is_break_glass, created_at) VALUES ('x', 0, 1)",
    "postgres": "INSERT INTO users (user_id, is_break_glass, created_at) VALUES ('x', false, now())",
}
# Where a check allows only some values. The vehicle is a former one, which no counter counts.
ALLOWED = {
    ("idempotency_keys", "state"): "'open'",
    ("imports", "state"): "'done'",
    ("members", "role"): "'viewer'",
    ("planned_changes", "kind"): "'change'",
    ("planned_changes", "state"): "'pending'",
    ("selections", "state"): "'done'",
    ("selections", "source"): "'list'",
    ("selected_vehicles", "outcome"): "'changed'",
    ("selection_faults", "reason"): "'unknown'",
    ("webhook_deliveries", "state"): "'pending'",
    ("vehicles", "slot"): "-1",
    ("identities", "slot"): "-1",
}


async def find_columns(engine: str, select: Select) -> dict[str, list[tuple[str, str]]]:
    """Give the columns that a row must have, by table, of the tables that have an account."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in await select(COLUMNS[engine]):
        found.setdefault(str(table), []).append((str(column), str(kind)))
    return {table: columns for table, columns in found.items() if "account_id" in {name for name, _ in columns}}


async def count_rows(select: Select, tables: list[str], account_id: int) -> dict[str, int]:
    counts = {}
    for table in tables:
        ((count,),) = await select(f"SELECT count(*) FROM {table} WHERE account_id = {account_id}")  # noqa: S608
        counts[table] = count
    return counts


async def remove(store: Store, account_id: int, limit: int = 100) -> bool:
    async def work(transaction: WriteTransaction) -> bool:
        assert await transaction.removal.begin(NOON)
        for table in REMOVED_TABLES:
            while await transaction.removal.remove_rows(table, limit):
                pass
        return await transaction.removal.end(after(60))

    return await store.write(account_id, work)


async def test_every_table_that_has_accounts_is_named(engine: str, store: Store, select: Select) -> None:
    del store
    tables = sorted(await find_columns(engine, select))
    named = [table for table in REMOVED_TABLES if table not in MISSING[engine]]
    assert tables == sorted([*named, *LAST])


@pytest.mark.slow_callback("the test itself writes on the event loop")
async def test_nothing_of_a_removed_account_is_left_in_any_table(
    engine: str, database: str, store: Store, acme: int, beta: int, select: Select
) -> None:
    columns = await find_columns(engine, select)
    await write(engine, database, "DELETE FROM administration")  # that the accounts were added
    await write(engine, database, USER[engine])
    for table in reversed([table for table in REMOVED_TABLES if table in columns]):
        names = ", ".join(name for name, _ in columns[table])
        for account_id in (acme, beta):
            row = ", ".join(
                {"account_id": str(account_id), "token_sha256": DIGEST[engine].format(account_id)}.get(name)
                or ALLOWED.get((table, name), VALUES[kind])
                for name, kind in columns[table]
            )
            await write(engine, database, f"INSERT INTO {table} ({names}) VALUES ({row})")  # noqa: S608
    tables = list(columns)
    filled = await count_rows(select, tables, beta)
    assert set(filled.values()) == {1}
    assert await count_rows(select, tables, acme) == filled
    assert await remove(store, acme)
    assert set((await count_rows(select, tables, acme)).values()) == {0}
    assert await count_rows(select, tables, beta) == filled
    assert [account.account_id for account in await store.directory.list_accounts()] == [beta]


async def test_a_portion_has_no_more_rows_than_it_may(store: Store, acme: int, beta: int) -> None:
    for account_id in (acme, beta):
        await save(store, account_id, registered(HUMMER), registered(JEEP))

    async def take(transaction: WriteTransaction) -> list[int]:
        return [await transaction.removal.remove_rows("changes", 1) for _ in range(3)]

    assert await store.write(acme, take) == [1, 1, 0]
    assert await store.write(beta, take) == [1, 1, 0]
    for account_id in (acme, beta):
        assert await remove(store, account_id, 1)


async def test_an_account_that_still_has_a_row_stays(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER))

    async def end(transaction: WriteTransaction) -> bool:
        return await transaction.removal.end(NOON)

    assert not await store.write(acme, end)
    assert (await count_rows(select, LAST, acme)) == {"accounts": 1, "counters": 1}
    assert await remove(store, acme)


async def test_an_account_that_is_being_removed_cannot_be_enabled(store: Store, acme: int) -> None:
    async def begin(transaction: WriteTransaction) -> bool:
        return await transaction.removal.begin(after(3))

    assert await store.write(acme, begin)
    assert not await store.directory.enable_account(acme, NOON)
    (account,) = [one for one in await store.directory.list_accounts() if one.account_id == acme]
    assert (account.disabled_at, account.deleting_at) == (after(3), after(3))
    assert await remove(store, acme)
    assert not await store.write(acme, begin)


async def test_the_number_of_a_removed_account_is_never_given_again(store: Store, select: Select) -> None:
    last = await store.directory.add_account("Zorro", NOON)
    assert await remove(store, last.account_id)
    again = await store.directory.add_account("Zorro", NOON)
    assert again.account_id > last.account_id
    ((former, _, _),) = await select("SELECT former_id, created_at, deleted_at FROM former_accounts")
    assert former == last.account_id


@pytest.mark.parametrize("first", ["removal", "change"])
async def test_nobody_writes_a_change_into_an_account_that_is_gone(
    store: Store, acme: int, select: Select, first: str
) -> None:
    if first == "change":
        await save(store, acme, registered(HUMMER))
    assert await remove(store, acme)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each engine has its own
        await save(store, acme, registered(JEEP))
    assert set((await count_rows(select, ["vehicles", "versions", "changes"], acme)).values()) == {0}
