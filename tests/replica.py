"""A real streaming replica for the tests: a base backup of the tests' own PostgreSQL, which then follows it."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil

from tests.cast import wait_until
from tests.memory import find_memory_folder
from tests.postgres import Postgres, freeze

START_S_MAX = 60.0


class ReplicaServer:
    """A running replica of the tests' server: it can be held, let go, killed, frozen and started again."""

    def __init__(self, primary: Postgres, folder: Path) -> None:
        self._primary = primary
        self._folder = folder
        self._sockets = folder / "sockets"

    def give_url(self, primary_url: str) -> str:
        """Give the URL of the same database on the replica."""
        return urlsplit(primary_url)._replace(query=f"host={self._sockets}").geturl()

    @property
    def is_running(self) -> bool:
        return bool(self._list_processes())

    async def hold(self) -> None:
        """Let it replay nothing more: what it shows stays as it is."""
        await self.execute("SELECT pg_wal_replay_pause()")

        async def is_paused() -> bool:
            return await self.execute("SELECT pg_get_wal_replay_pause_state()") == "paused"

        await wait_until(is_paused)

    async def let_go(self) -> None:
        await self.execute("SELECT pg_wal_replay_resume()")

    async def catch_up(self) -> None:
        """Wait until it shows all that is committed now."""
        connection = await asyncpg.connect(self._primary.give_url("postgres"))
        try:
            position = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint")
        finally:
            await connection.close()

        async def is_there() -> bool:
            statement = f"SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') >= {position}"
            return await self.execute(statement) is True

        await wait_until(is_there)

    async def make_restart_short(self) -> None:
        """Let a later start replay from here on only."""
        await self._primary.execute("CHECKPOINT")
        await self.catch_up()
        await self.execute("CHECKPOINT")

    async def execute(self, statement: str) -> object:
        """Run a statement on the replica and give its first value."""
        connection = await asyncpg.connect(self.give_url(self._primary.give_url("postgres")))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    def start(self) -> None:
        options = f'-h "" -k {self._sockets}'
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._folder / "log"), "-D", str(self.data), "start")

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def kill(self) -> None:
        """End it at once, without a checkpoint."""
        processes = self._list_processes()
        if processes:
            os.kill(processes[0].pid, signal.SIGQUIT)
            _, alive = psutil.wait_procs(processes, 10)
            assert not alive

    def frozen(self) -> AbstractContextManager[None]:
        """Stop all its processes where they are: connections stay open and nobody answers."""
        return freeze(self._list_processes())

    def copy(self) -> None:
        """Make the replica's files from the running primary."""
        self._sockets.mkdir()
        self._sockets.chmod(0o777)
        socket_folder = parse_qs(urlsplit(self._primary.give_url("postgres")).query)["host"][0]
        source = ["-h", socket_folder, "-U", "postgres", "-D", str(self.data)]
        self._run("pg_basebackup", *source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    @property
    def data(self) -> Path:
        return self._folder / "data"

    def _list_processes(self) -> list[psutil.Process]:
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            pid = int((self.data / "postmaster.pid").read_text("utf-8").split()[0])
            postmaster = psutil.Process(pid)
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def _run(self, program: str, *arguments: str) -> None:
        # To a file: pg_ctl leaves its pipes to the server, and a read of them would not end before that does.
        with (self._folder / "output").open("ab") as output:
            command = [str(self._primary.bin_folder / program), *arguments]
            user = self._primary.system_user
            subprocess.run(command, check=True, stdout=output, stderr=output, timeout=START_S_MAX, user=user)


@contextmanager
def run_replica(primary: Postgres) -> Iterator[ReplicaServer]:
    """Run a replica of the primary in a folder of its own."""
    with TemporaryDirectory(prefix="padron-replica-", dir=find_memory_folder()) as name:
        folder = Path(name)
        user = primary.system_user
        if user is not None:  # PostgreSQL refuses to run as root
            shutil.chown(folder, pwd.getpwnam(user).pw_uid)
            folder.chmod(0o755)
        replica = ReplicaServer(primary, folder)
        replica.copy()
        replica.start()
        try:
            yield replica
        finally:
            replica.kill()
