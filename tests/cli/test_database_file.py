"""Which SQLite file a command takes: a register, or a new one where the command begins one; nothing else."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite.recognition import APPLICATION_ID
from tests.cli.conftest import Cli, check_sentence
from tests.tables import each_row

NOBODY = 65_534
READS = [
    ["accounts", "list"], ["keys", "list", "--account", "Acme"], ["keys", "revoke", "1"],
    ["keys", "add", "--account", "Acme", "--name", "k", "--scope", "vehicles:read"],
    ["vehicles", "status", "4", "3LNHL2GC1BR262548", "--account", "Acme"],
    ["vehicles", "export", "--account", "Acme"], ["vehicles", "history", "3LNHL2GC1BR262548", "--account", "Acme"],
    ["duplicates", "list", "--account", "Acme"], ["planned", "list", "--account", "Acme"],
    ["report", "time-in-status", "--account", "Acme", "--from", "2026-01-01", "--to", "2026-02-01"],
]  # fmt: skip


def run_sql(path: str | Path, *statements: str) -> None:
    with closing(apsw.Connection(str(path))) as file:
        for statement in statements:
            file.execute(statement).fetchall()


def read_sql(path: str | Path, statement: str) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as file:
        return list(file.execute(statement))


@each_row("words", READS)
def test_a_command_that_begins_no_register_makes_no_file(cli: Cli, words: list[str], tmp_path: Path) -> None:
    check_sentence(cli(*words, "--database-url", "sqlite:///padrom.db"), 1, "There is no database file 'padrom.db' in")
    assert str(tmp_path) in cli(*words).err
    assert list(tmp_path.iterdir()) == []


def test_an_import_makes_no_file_either(cli: Cli, tmp_path: Path) -> None:
    Path("fleet.csv").write_text("vin\n3LNHL2GC1BR262548\n")
    check_sentence(
        cli("vehicles", "import", "fleet.csv", "--account", "Acme"), 1, "There is no database file 'padron.db'"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "fleet.csv"]


@pytest.mark.parametrize("words", [["accounts", "add", "Acme"], ["migrate"]], ids=" ".join)
def test_a_new_register_is_its_owners_alone(cli: Cli, words: list[str]) -> None:
    before = os.umask(0)
    try:
        assert cli(*words).status == 0
        with closing(apsw.Connection("padron.db")) as file:  # what SQLite keeps beside it is there while it is open
            file.execute("CREATE TABLE t (a); DROP TABLE t")
            modes = {path.name: path.stat().st_mode & 0o777 for path in Path().iterdir()}
    finally:
        os.umask(before)
    assert modes == {"padron.db": 0o600, "padron.db-wal": 0o600, "padron.db-shm": 0o600}
    assert read_sql("padron.db", "PRAGMA application_id") == [(APPLICATION_ID,)]


def test_a_register_from_before_the_mark_gets_it_silently(cli: Cli) -> None:
    cli("accounts", "add", "Acme")
    run_sql("padron.db", "PRAGMA application_id = 0")
    answer = cli("accounts", "list", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [one["name"] for one in answer.document["accounts"]] == ["Acme"]
    assert read_sql("padron.db", "PRAGMA application_id") == [(APPLICATION_ID,)]


RAILS = (
    "CREATE TABLE schema_migrations (version TEXT)", "CREATE TABLE accounts (id INTEGER)",
    "CREATE TABLE vehicles (id INTEGER)", "INSERT INTO schema_migrations VALUES ('20260101')",
)  # fmt: skip
ALIKE = (
    "CREATE TABLE schema_migrations (number INTEGER, name TEXT)", "CREATE TABLE accounts (id INTEGER)",
    "CREATE TABLE vehicles (id INTEGER)", "INSERT INTO schema_migrations VALUES (1, 'init')",
)  # fmt: skip


OTHERS: list[tuple[tuple[str, ...], str]] = [
    (("CREATE TABLE notes (body TEXT)", "INSERT INTO notes VALUES ('mine')"), "the table 'notes'"),
    (("CREATE TABLE accounts (id INTEGER)",), "the table 'accounts'"),
    (RAILS, "the table 'accounts'"),
    (ALIKE, "the table 'accounts'"),
    (("PRAGMA application_id = 252006675", "CREATE TABLE vars (a)"), "the table 'vars'"),
    (("PRAGMA application_id = 7",), "its application id is 7"),
    (("PRAGMA journal_mode = WAL", "CREATE TABLE año (a)"), "the table 'año'"),
    (("CREATE TABLE 'sqliteo' (a)",), "the table 'sqliteo'"),
]
BEGINNINGS = [["accounts", "list"], ["accounts", "add", "Acme"], ["migrate"], ["migrate", "--dry-run"], ["serve"]]


@pytest.mark.parametrize(
    "statements, proof, words",
    [  # each file, and each command
        pytest.param(*other, words, marks=() if words is BEGINNINGS[0] or other is OTHERS[0] else pytest.mark.long)
        for other in OTHERS
        for words in BEGINNINGS
    ],
)
def test_another_programs_file_is_refused_and_left_as_it_is(
    cli: Cli, statements: tuple[str, ...], proof: str, words: list[str]
) -> None:
    run_sql("padron.db", *statements)
    before = Path("padron.db").read_bytes()
    check_sentence(
        cli(*words),
        1,
        f"The SQLite file 'padron.db' belongs to another program: it has {proof}".replace("it has its", "its"),
    )
    assert Path("padron.db").read_bytes() == before
    assert list(Path().iterdir()) == [Path("padron.db")]


def test_another_programs_tables_that_are_only_in_its_log_are_seen_too(cli: Cli) -> None:
    with closing(apsw.Connection("padron.db")) as file:
        file.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE notes (a)").fetchall()
        check_sentence(cli("accounts", "add", "Acme"), 1, "belongs to another program")
        assert list(file.execute("SELECT name FROM sqlite_schema")) == [("notes",)]


def test_an_empty_file_becomes_a_register_only_where_one_is_begun(cli: Cli) -> None:
    Path("padron.db").touch()
    check_sentence(cli("accounts", "list"), 1, "'padron.db' is empty")
    assert cli("accounts", "add", "Acme").status == 0


def test_what_is_no_file_is_a_sentence(cli: Cli) -> None:
    Path("folder").mkdir()
    Path("dangling").symlink_to("nothing/there.db")
    os.mkfifo("pipe")
    Path("padron.db").write_bytes(b"This is no database. " * 100)
    Path("short.db").write_bytes(b"SQL")
    Path("cipher.db").write_bytes(os.urandom(8_192))
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind("socket")
        for path, said in {
            "folder": "is a folder",
            "dangling": "is a link to 'nothing/there.db', which does not exist",
            "pipe": "is not a regular file",
            "socket": "is not a regular file",
            "padron.db": "is not a SQLite database, or it is encrypted",
            "short.db": "is not a SQLite database, or it is encrypted",
            "cipher.db": "is not a SQLite database, or it is encrypted",
            "padron.db/x.db": "cannot be used: Not a directory",
            "missing/padron.db": "The folder 'missing' of the database file does not exist. Make it",
            "tmp/padron.db": "An absolute path takes four slashes: sqlite:////tmp/padron.db",
            "x" * 300: "File name too long",
        }.items():
            for words in (["accounts", "list"], ["accounts", "add", "Acme"], ["migrate"], ["serve", "--port", "0"]):
                check_sentence(cli(*words, "--database-url", f"sqlite:///{path}"), 1, said)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_of_which_a_part_is_missing_is_told_by_its_length(cli: Cli, kept: float) -> None:
    cli("accounts", "add", "Acme")
    whole = Path("padron.db").read_bytes()
    Path("padron.db").write_bytes(whole[: int(len(whole) * kept)])
    check_sentence(cli("accounts", "list"), 1, f"is damaged: it has {int(len(whole) * kept):,} bytes of {len(whole):,}")


def test_a_file_whose_last_pages_are_still_in_the_log_is_whole(cli: Cli) -> None:
    """As a crash leaves it that came while the log was copied: the first page knows already of pages to come."""
    cli("accounts", "add", "Acme")
    begin = Path("padron.db").stat().st_size
    with closing(apsw.Connection("padron.db")) as file:
        file.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
        file.execute("CREATE TABLE big (a); INSERT INTO big VALUES (zeroblob(99999))").fetchall()
        log = Path("padron.db-wal").read_bytes()
    whole = Path("padron.db").read_bytes()
    assert len(whole) > begin
    Path("padron.db").write_bytes(whole[:begin])
    check_sentence(cli("accounts", "list"), 1, "is damaged: it has")
    Path("padron.db-wal").write_bytes(log)
    answer = cli("accounts", "list", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert read_sql("padron.db", "SELECT length(a) FROM big") == [(99_999,)]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter, which those of pytest are not."""
    with TemporaryDirectory(prefix="padron-file-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


Unprivileged = Callable[..., str]


@pytest.fixture
def unprivileged(cli: Cli, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Unprivileged:
    """Runs a command as a user whom permissions bind, which they do not root, and gives what it says."""
    cli("accounts", "add", "Warm")  # whoever is not root may not read the program's files: they are loaded now
    cli("accounts", "list")
    cli("migrate")
    monkeypatch.chdir(open_folder)

    def run(*words: str) -> str:
        if os.geteuid() != 0:
            return cli(*words).err
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            return cli(*words).err
        finally:
            os.seteuid(0)
            os.setegid(0)

    return run


Spoil = Callable[[Path], None]


def forbid(name: str, mode: int) -> Spoil:
    return lambda folder: (folder / name).chmod(mode)


@pytest.mark.parametrize(
    "spoil, said",
    [
        (forbid("padron.db", 0o000), "'padron.db' may not be read by this user"),
        (forbid("padron.db", 0o444), "'padron.db' may not be written by this user"),
        (forbid(".", 0o555), "because SQLite keeps further files beside the database"),
        (forbid("padron.db-wal", 0o444), "padron.db-wal' belongs to the database and may not be written"),
    ],
)
def test_a_file_that_the_user_may_not_use_is_a_sentence(
    unprivileged: Unprivileged, open_folder: Path, spoil: Spoil, said: str
) -> None:
    assert unprivileged("migrate") == ""
    (open_folder / "padron.db-wal").touch()
    if os.geteuid() == 0:
        os.chown(open_folder / "padron.db-wal", NOBODY, NOBODY)
    spoil(open_folder)
    try:
        assert said in unprivileged("accounts", "list")
    finally:
        open_folder.chmod(0o777)


def test_a_folder_that_takes_no_file_is_a_sentence(unprivileged: Unprivileged, open_folder: Path) -> None:
    open_folder.chmod(0o555)
    try:
        assert "This user may not write to the folder" in unprivileged("accounts", "add", "Acme")
    finally:
        open_folder.chmod(0o777)


async def test_looking_at_a_file_takes_no_lock_from_those_that_have_it_open(tmp_path: Path) -> None:
    """Closing a descriptor of a file would drop all locks that SQLite has on it in this process."""
    path = str(tmp_path / "padron.db")
    store = await sqlite.open_store(path)
    before = _list_locks(path)
    sqlite.check_file(path, may_create=False)
    sqlite.create_file(path)
    assert _list_locks(path) == before != []
    await store.close()


def _list_locks(path: str) -> list[list[str]]:
    inode = f":{Path(path).stat().st_ino}"
    lines = Path("/proc/locks").read_text().splitlines()
    return sorted(line.split()[1:] for line in lines if line.split()[5].endswith(inode))
