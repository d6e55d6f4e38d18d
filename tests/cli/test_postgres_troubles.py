"""A PostgreSQL that cannot be used: each time one sentence that names it, and the command that helps."""

import asyncio
import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.cli.app import run
from tests.cli.conftest import Cli, check_sentence
from tests.postgres import Postgres
from tests.starting import run_program

ROLES = ("guarded", "fenced", "peered", "plain", "mute")
_HBA = "local all guarded scram-sha-256\nlocal all fenced reject\nlocal all peered peer\n"


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def server(postgres_server: Postgres) -> Iterator[Postgres]:
    """The tests' PostgreSQL with roles that are let in in different ways."""

    async def prepare() -> None:
        path = Path(str(await ask(postgres_server.give_url("postgres"), "SHOW hba_file")))
        before.append((path, path.read_text("utf-8")))
        path.write_text(_HBA + before[0][1], "utf-8")
        for role in ROLES:
            await postgres_server.execute(
                f"CREATE ROLE {role} {'NOLOGIN' if role == 'mute' else 'LOGIN'} PASSWORD 's3cret'"
            )
        await postgres_server.execute("SELECT pg_reload_conf()")

    async def restore() -> None:
        path, text = before[0]
        path.write_text(text, "utf-8")
        for role in ROLES:
            await postgres_server.execute(f"DROP OWNED BY {role}")
            await postgres_server.execute(f"DROP ROLE {role}")
        await postgres_server.execute("SELECT pg_reload_conf()")

    before: list[tuple[Path, str]] = []
    asyncio.run(prepare())
    yield postgres_server
    asyncio.run(restore())


@pytest.fixture
def folder(server: Postgres) -> str:
    """Where the server's socket is."""
    return server.give_url("x").partition("host=")[2]


def tell(cli: Cli, url: str, *said: str, words: tuple[str, ...] = ("accounts", "list")) -> str:
    """Expect one sentence with these parts, and never the password. Give the sentence."""
    answer = cli(*words, "--database-url", url)
    check_sentence(answer, 1, said[0])
    for part in said:
        assert part in answer.err
    assert "s3cret" not in answer.err
    assert "SQLSTATE" not in answer.err
    return answer.err.strip()


def test_a_database_that_is_not_there_is_made_by_the_command_that_is_named(
    cli: Cli, server: Postgres, folder: str
) -> None:
    url = f"postgresql:///flota?host={folder}&user=postgres"
    said = tell(
        cli, url, "has no database 'flota', which the user 'postgres' asked for. Make it with: createdb", folder
    )
    tell(cli, url, "has no database 'flota'", words=("migrate",))
    run_named(server, said)
    assert cli("migrate", "--database-url", url).status == 0
    asyncio.run(server.execute("DROP DATABASE flota"))


def run_named(server: Postgres, said: str) -> None:
    """Run the command that a sentence ends with, as an administrator would."""
    program, *arguments = shlex.split(said.partition("with: ")[2])
    subprocess.run([server.bin_folder / program, "-U", "postgres", *arguments], check=True, capture_output=True)


def test_a_role_that_is_not_there_is_told(cli: Cli, folder: str) -> None:
    url = f"postgresql:///postgres?host={folder}&user=nadie"
    tell(cli, url, "has no user 'nadie', for the database 'postgres'. Make it with: createuser", "--pwprompt nadie")


def test_a_password_that_is_wrong_or_missing_is_told(cli: Cli, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    url = f"postgresql://guarded:s3cret-no@/postgres?host={folder}"
    tell(cli, url, "refused the password of the user 'guarded' for the database 'postgres'", "as in %40")
    url = f"postgresql://guarded@/postgres?host={folder}"
    tell(cli, url, "wants a password of the user 'guarded' for the database 'postgres'", "PGPASSWORD")


def test_a_password_of_odd_characters_works_percent_encoded(cli: Cli, server: Postgres, folder: str) -> None:
    asyncio.run(server.execute("ALTER ROLE guarded PASSWORD 'a@b:c/d%e?f#g[h'"))
    try:
        url = f"postgresql://guarded:a%40b%3Ac%2Fd%25e%3Ff%23g%5Bh@/postgres?host={folder}"
        assert "schema is number 0" in cli("accounts", "list", "--database-url", url).err
        raw = f"postgresql://guarded:a@b:c/d%e?f#g[h@/postgres?host={folder}"
        check_sentence(cli("accounts", "list", "--database-url", raw), 2, "percent-encoded: @ as %40")
    finally:
        asyncio.run(server.execute("ALTER ROLE guarded PASSWORD 's3cret'"))


@pytest.mark.parametrize(
    "role, said",
    [("fenced", "Add a line for them to its pg_hba.conf"), ("peered", "lets in only the system user of the same name"),
     ("mute", "has the role 'mute', which may not log in")],
)  # fmt: skip
def test_a_role_that_is_not_let_in_is_told(cli: Cli, folder: str, role: str, said: str) -> None:
    tell(cli, f"postgresql://{role}@/postgres?host={folder}", said, f"'{role}'", "'postgres'", folder)


def test_a_schema_in_which_no_table_may_be_made_is_opened_by_the_command_that_is_named(
    cli: Cli, server: Postgres
) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    plain = url.replace("//postgres:@", "//plain@")
    assert plain != url
    said = tell(cli, plain, "does not let the user 'plain' make tables in the schema public", words=("migrate",))
    assert "GRANT USAGE, CREATE ON SCHEMA public TO plain" in said
    run_named(server, said)
    assert cli("migrate", "--database-url", plain).status == 0
    asyncio.run(server.drop_database(url))


def test_a_schema_that_may_not_even_be_used_is_told(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    asyncio.run(ask(url, "REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    plain = url.replace("//postgres:@", "//plain@")
    run_named(server, tell(cli, plain, "make tables in the schema public", words=("migrate",)))
    assert cli("migrate", "--database-url", plain).status == 0
    asyncio.run(server.drop_database(url))


def test_tables_that_belong_to_another_role_are_told(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database())
    plain = url.replace("//postgres:@", "//plain@")
    said = tell(cli, plain, "does not let the user 'plain' use the tables", "which belong to another user")
    run_named(server, said)
    assert cli("accounts", "list", "--database-url", plain).status == 0
    asyncio.run(server.drop_database(url))


def test_a_database_that_may_not_be_connected_to_is_told(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database())
    asyncio.run(ask(url, f"REVOKE CONNECT ON DATABASE {urlsplit(url).path[1:]} FROM PUBLIC"))
    run_named(
        server, tell(cli, url.replace("//postgres:@", "//plain@"), "does not let the user 'plain' into the database")
    )
    tell(cli, url.replace("//postgres:@", "//plain@"), "use the tables")
    asyncio.run(server.drop_database(url))


def test_another_programs_database_is_told_and_left_as_it_is(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    asyncio.run(ask(url, "CREATE TABLE schema_migrations (version text)"))
    for words in (("accounts", "list"), ("migrate",)):
        tell(cli, url, "that is not Padrón's: the database belongs to another program", "createdb", words=words)
    assert asyncio.run(ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 1
    asyncio.run(server.drop_database(url))


def test_a_setting_that_the_server_does_not_know_is_told(cli: Cli, server: Postgres) -> None:
    tell(
        cli, server.give_url("postgres") + "&sslmod=require", "does not know a setting of the database URL: '", "sslmod"
    )


def test_a_server_that_is_not_there_is_told(cli: Cli, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    named = "(user 'u', database 'db')"
    tell(cli, f"postgresql://u:s3cret@127.0.0.1:{port}/db", f"at 127.0.0.1 port {port} {named} refuses connections")
    tell(
        cli, "postgresql://u:s3cret@no-such-host.invalid/db", f"no-such-host.invalid port 5432 {named} cannot be found"
    )
    tell(cli, f"postgresql://u@/db?host={tmp_path}", f"at {tmp_path} port 5432 {named} has no socket in this folder")
    tell(
        cli,
        f"postgresql://u@127.0.0.1:{port},127.0.0.1:{port}/db",
        f"127.0.0.1 port {port} (and none of 2) {named} refuses",
    )


def test_a_server_that_says_nothing_or_something_else_is_told(cli: Cli) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        tell(cli, f"postgresql://u:s3cret@127.0.0.1:{port}/db?sslmode=disable", "does not answer within 1.8 seconds")


def test_a_server_that_takes_no_encryption_is_told(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(b"N")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        tell(cli, f"postgresql://u@127.0.0.1:{port}/db?sslmode=require", "takes no encrypted connections")


def test_the_first_host_that_answers_is_used_whatever_the_others_do(cli: Cli, server: Postgres, folder: str) -> None:
    url = asyncio.run(server.create_database())
    name = urlsplit(url).path[1:]
    encoded = folder.replace("/", "%2F")
    with socket.socket() as mute:  # takes connections and never answers
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        several = f"postgresql://postgres@127.0.0.1:{port},127.0.0.1:1,{encoded}/{name}?sslmode=disable"
        assert cli("accounts", "list", "--database-url", several).status == 0
    asyncio.run(server.drop_database(url))


def test_without_a_schema_the_command_that_makes_it_is_named(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    tell(cli, url, "`padron migrate`")
    assert run(["migrate", "--database-url", url]) == 0
    asyncio.run(server.drop_database(url))


def test_a_wrong_mode_of_tls_and_a_missing_file_of_it_are_told(cli: Cli, server: Postgres) -> None:
    url = server.give_url("postgres")
    answer = cli("accounts", "list", "--database-url", f"{url}&sslmode=requires")
    check_sentence(answer, 2, "has a wrong sslmode: use disable, allow, prefer, require, verify-ca or verify-full.")
    tell(cli, f"{url}&sslmode=verify-full&sslrootcert=/no/such/ca.pem", "a file is missing. Check sslrootcert")


@pytest.mark.parametrize(
    "spoil, heal, said",
    [
        ("ALTER ROLE plain CONNECTION LIMIT 0", "ALTER ROLE plain CONNECTION LIMIT -1", "no connection left for"),
        (
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            "ALTER DATABASE {name} ALLOW_CONNECTIONS true",
            "does not take connections to the database",
        ),
    ],
)
def test_a_limit_that_an_administrator_set_is_told(
    cli: Cli, server: Postgres, spoil: str, heal: str, said: str
) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    name = urlsplit(url).path[1:]
    asyncio.run(server.execute(spoil.format(name=name)))
    try:
        tell(cli, url.replace("//postgres:@", "//plain@"), said, f"'{name}'")
    finally:
        asyncio.run(server.execute(heal.format(name=name)))
    asyncio.run(server.drop_database(url))


def test_a_database_that_may_only_be_read_is_told(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    name = urlsplit(url).path[1:]
    asyncio.run(server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    tell(cli, url, "is a standby, or default_transaction_read_only is on", f"'{name}'", words=("migrate",))
    asyncio.run(server.drop_database(url))


def test_trouble_in_the_middle_of_a_command_is_told_like_trouble_at_its_begin(cli: Cli, server: Postgres) -> None:
    url = asyncio.run(server.create_database(migrated=False))
    assert cli("migrate", "--database-url", url).status == 0
    plain = url.replace("//postgres:@", "//plain@")
    asyncio.run(ask(url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain"))
    add = ("accounts", "add", "Acme")
    run_named(server, tell(cli, plain, "does not let the user 'plain' use the tables", words=add))
    assert cli(*add, "--database-url", plain).status == 0

    async def add_while_locked() -> None:
        holder = await asyncpg.connect(url)
        await holder.execute("BEGIN; LOCK TABLE accounts")
        await asyncio.to_thread(
            tell,
            cli,
            plain,
            "has another session that holds what this command needs",
            words=("accounts", "add", "Beta"),
        )
        await holder.close()

    asyncio.run(add_while_locked())
    asyncio.run(ask(url, "DROP TABLE accounts CASCADE"))
    tell(cli, plain, "without one of Padrón's tables")
    asyncio.run(server.drop_database(url))


def test_a_password_from_the_environment_or_from_a_file_works_without_one_in_the_url(
    folder: str, tmp_path: Path
) -> None:
    file = tmp_path / "passwords"
    url = f"postgresql://guarded@/postgres?host={folder}"

    def say(text: str, mode: int = 0o600, **variables: str) -> str:
        file.write_text(text, "utf-8")
        file.chmod(mode)
        outcome = run_program("accounts", "list", "--database-url", url, variables=variables)
        assert outcome.status == 1
        assert "s3cret" not in outcome.stderr
        assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
        return outcome.stderr

    right = "*:*:*:guarded:s3cret\n"
    is_in = "schema is number 0"  # which only somebody who was let in can see
    assert is_in in say("", PGPASSWORD="s3cret")
    assert is_in in say(right, PGPASSFILE=str(file))
    assert "refused the password" in say("", PGPASSWORD="other")
    assert "has no line for them, or a wrong password" in say("*:*:*:guarded:other\n", PGPASSFILE=str(file))
    assert "has no line for them, or a wrong password" in say("*:*:*:somebody:s3cret\n", PGPASSFILE=str(file))
    assert f"Run: chmod 600 '{file}'" in say(right, 0o644, PGPASSFILE=str(file))
    assert "cannot be read" in say("", PGPASSFILE=str(tmp_path / "nowhere"))
    assert "Set PGPASSWORD, or name a password file" in say("", HOME=str(tmp_path))


def test_a_line_for_others_than_those_who_encrypt_is_named(cli: Cli, folder: str) -> None:
    tell(cli, f"postgresql://fenced@/postgres?host={folder}", "begins with hostssl, add sslmode=require")
