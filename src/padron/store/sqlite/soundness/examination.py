"""Examines a SQLite file beside its server: its place, its settings and its pages. It only reads."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import apsw

from padron.domain.errors import PadronError
from padron.domain.finding import CheckName, Finding, advise, approve, blame
from padron.domain.quoting import quote_path
from padron.domain.searching import list_grams
from padron.store.examination import Note, Records
from padron.store.port import Row
from padron.store.sql.migrations import Migration, list_pending
from padron.store.sql.searching import match_tokens
from padron.store.sqlite.connection import add_functions, check_sqlite_version, open_connection, translate_errors
from padron.store.sqlite.migrating import check_known
from padron.store.sqlite.port import SQL, to_instant
from padron.store.sqlite.recognition import check_file
from padron.store.sqlite.soundness.background import WHOLE_BYTES_MAX, check_pages
from padron.store.sqlite.soundness.checksums import has_checksums
from padron.store.sqlite.soundness.log_check import LOST_COMMITS, has_lost_commits, keep_log

FREE_BYTES_MIN = 64_000_000  # the log alone grows to a fourth of this

_LIST_SCHEMA = (
    "SELECT name, sql FROM sqlite_schema WHERE name <> 'schema_migrations' AND substr(name, 1, 7) <> 'sqlite_' "
    "ORDER BY name"
)


class SqliteExamination:
    """One file that is being examined."""

    to_instant = staticmethod(to_instant)

    def __init__(self, path: str, migrations: Sequence[Migration]) -> None:
        self._path = path
        self._real = os.path.realpath(path)
        self._migrations = list(migrations)
        self._connection: apsw.Connection | None = None

    @property
    def records(self) -> Records:
        """What the file has, in portions."""
        return Records(self)

    async def read(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement."""
        return await asyncio.to_thread(self._read, name, parameters)

    def give_grams(self, account_id: int, vehicle_id: int, text: str) -> str:
        """Give the question to the index that finds the text."""
        del account_id, vehicle_id
        return match_tokens(list_grams(text.split()))

    async def examine_engine(self, note: Note) -> AsyncIterator[Finding]:
        """Look at the file from the outside to the inside."""
        yield approve(CheckName.VERSION, f"SQLite {apsw.sqlite_lib_version()} loses no commits.")
        try:
            check_sqlite_version(apsw.sqlite_lib_version())
            check_file(self._path, may_create=False)
            connection = self._connection = await asyncio.to_thread(open_connection, self._path, read_only=True)
            has_lost = await asyncio.to_thread(has_lost_commits, connection, self._real)
            pending = self._list_pending()
        except PadronError as error:
            yield blame(CheckName.FILE, error.detail)
            return
        if has_lost:
            keep_log(connection)
            yield blame(CheckName.FILE, LOST_COMMITS)
        else:
            yield approve(CheckName.FILE, f"The file {quote_path(self._path)} is a register.")
        for finding in (self._examine_permissions(), self._examine_disk(), self._examine_settings()):
            yield finding
        yield self._examine_schema(pending)
        if has_checksums(connection):
            yield approve(CheckName.CHECKSUMS, "Each page has a checksum, which is checked whenever it is read.")
        else:
            yield advise(
                CheckName.CHECKSUMS,
                "The pages have no checksums, so some damage is not noticed. Stop the server and run "
                "`padron register checksums`.",
            )
        yield await asyncio.to_thread(self._examine_pages, note)

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def _read(self, name: str, parameters: tuple[object, ...]) -> Sequence[Row]:
        if not SQL[name]:
            return []  # only the other engine has something to compare here
        with translate_errors():
            return self._get_connection().execute(SQL[name], parameters).fetchall()

    def _get_connection(self) -> apsw.Connection:
        if self._connection is None:
            raise AssertionError(self._path)
        return self._connection

    def _list_pending(self) -> list[Migration]:
        with translate_errors():
            ((applied,),) = self._get_connection().execute("SELECT max(number) FROM schema_migrations").fetchall()
            check_known(self._get_connection(), self._migrations, int(str(applied or 0)))
        return list_pending(self._migrations, int(str(applied or 0)))

    def _examine_permissions(self) -> Finding:
        for path in (self._real, f"{self._real}-wal", f"{self._real}-shm"):
            try:
                mode = stat.S_IMODE(Path(path).stat().st_mode)
            except FileNotFoundError:
                continue
            if mode & stat.S_IRWXO:
                return blame(
                    CheckName.PERMISSIONS,
                    f"Every user may use the file {quote_path(path)}: its mode is {mode:o}. Run chmod 600 on it.",
                )
            if mode & stat.S_IRWXG:
                return advise(
                    CheckName.PERMISSIONS,
                    f"The group may use the file {quote_path(path)}: its mode is {mode:o}. Padrón makes it with 600.",
                )
        return approve(CheckName.PERMISSIONS, "Only the owner may use the file.")

    def _examine_disk(self) -> Finding:
        folder = Path(self._real).parent
        free = shutil.disk_usage(folder).free
        size = Path(self._real).stat().st_size
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return blame(CheckName.DISK, "The disk takes no writes. Mount it again.")
        if free < FREE_BYTES_MIN:
            return blame(CheckName.DISK, f"The disk has only {free:,} bytes left. Make room on it.")
        if free < size:
            return advise(CheckName.DISK, f"The disk has {free:,} bytes left, less than a copy of the file needs.")
        return approve(CheckName.DISK, f"The disk has {free:,} bytes left, and the file has {size:,}.")

    def _examine_settings(self) -> Finding:
        mode = self._get_connection().pragma("journal_mode")
        if mode == "wal":
            return approve(CheckName.SETTINGS, "The file has a log (WAL), and each commit is synced to the disk.")
        return blame(
            CheckName.SETTINGS, f"The journal mode is {mode}, and must be wal. Start the server once: it sets it."
        )

    def _examine_schema(self, pending: Sequence[Migration]) -> Finding:
        if pending:
            return blame(
                CheckName.SCHEMA,
                f"{len(pending)} migrations are pending. Run `padron migrate`, and examine the register again.",
            )
        differing = sorted(self._list_differing())
        if differing:
            return blame(CheckName.SCHEMA, f"These parts of the schema were changed by hand: {', '.join(differing)}.")
        return approve(CheckName.SCHEMA, f"The schema is number {len(self._migrations)}, which this program needs.")

    def _list_differing(self) -> Iterator[str]:
        """Give the names of tables and indexes that the migrations make otherwise."""
        fresh = apsw.Connection(":memory:")
        try:
            fresh.create_scalar_function("sort_key", _leave_key, 1, deterministic=True)  # there are no rows to give it
            add_functions(fresh)
            for migration in self._migrations:
                fresh.execute(migration.sql)
            wanted = set(fresh.execute(_LIST_SCHEMA))
        finally:
            fresh.close()
        with translate_errors():
            found = set(self._get_connection().execute(_LIST_SCHEMA))
        yield from {str(name) for name, _ in wanted ^ found}

    def _examine_pages(self, note: Note) -> Finding:
        connection = self._get_connection()

        def note_part(part: str) -> None:
            note(f"pages of {part}" if part else "pages")

        is_large = Path(self._real).stat().st_size > WHOLE_BYTES_MAX
        faults = check_pages(connection, is_large=is_large, must_stop=lambda: False, note=note_part)
        if faults:
            return blame(CheckName.PAGES, f"The file is damaged. Restore a backup. Found: {'; '.join(faults)}")
        return approve(CheckName.PAGES, "All pages, rows and indexes fit together.")


def _leave_key(*texts: object) -> str:
    return str(texts[0])
