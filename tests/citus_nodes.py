"""A Citus cluster for the tests, of the installation that whoever runs them names: a coordinator and its workers.

Each node is a PostgreSQL of its own in a folder of its own, on loopback, and ours to kill.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import psutil

from padron.store.postgres import migrate
from tests import node_guard
from tests.memory import find_memory_folder
from tests.node_guard import END_S_MAX, find_postmaster
from tests.postgres import SETTINGS, TEMPLATE, Postgres, execute, freeze, list_processes

HOST = "127.0.0.1"
WORKERS = 2
START_S_MAX = 60.0

_BARE_TEMPLATE = "template_citus"
# An account is on one of a few shards, so that two accounts are often on one node and often on two. The maintenance
# daemons look for what a killed node left every other second, and leave the deadlocks to PostgreSQL for a second.
_NODE_SETTINGS = SETTINGS | {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_preload_libraries": "citus",
    "max_connections": "400",
    "max_prepared_transactions": "400",
    "max_worker_processes": "100",
    "wal_level": "logical",  # to move a shard while it is written
    "citus.node_conninfo": "sslmode=disable",
    "citus.local_hostname": HOST,
    "citus.enable_statistics_collection": "off",
    "citus.shard_count": "4",
    "citus.enable_unsafe_triggers": "on",  # by which tests let the database refuse a row
    "citus.recover_2pc_interval": "2s",
    "citus.distributed_deadlock_detection_factor": "20",
}
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"


class Node:
    """One PostgreSQL of a cluster, which can be started, killed and frozen."""

    def __init__(self, bin_path: Path, folder: Path, port: int) -> None:
        self.bin_path = bin_path
        # PostgreSQL refuses to run as root. The one who installed it has most likely made this user.
        self.system_user = "postgres" if os.geteuid() == 0 else None
        self.port = port
        self.folder = folder

    def make(self) -> None:
        """Make the node's files."""
        self.folder.mkdir()
        if self.system_user is not None:
            shutil.chown(self.folder, pwd.getpwnam(self.system_user).pw_uid)
        self._run(
            "initdb", "--auth=trust", "--data-checksums", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres"
        )
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in _NODE_SETTINGS.items())
            settings.write(f"port = {self.port}\n")

    def get_uri(self) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def get_pid(self) -> int | None:
        """Give the first process; None when it does not run."""
        postmaster = find_postmaster(self._data / "postmaster.pid")
        return None if postmaster is None else postmaster.pid

    def ensure_postgres_running(self) -> None:
        if self.get_pid() is None:
            self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "start")

    def kill(self) -> None:
        """End it at once, without a checkpoint."""
        if (pid := self.get_pid()) is not None:
            processes = list_processes(self)
            os.kill(pid, signal.SIGQUIT)
            _, alive = psutil.wait_procs(processes, END_S_MAX)
            assert not alive

    def frozen(self) -> AbstractContextManager[None]:
        """Stop all its processes where they are: connections stay open and nobody answers."""
        return freeze(list_processes(self))

    def read_log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        # To a file: pg_ctl leaves its pipes to the server, and a read of them would not end before that does.
        output = self.folder / "output"
        with output.open("ab") as file:
            command = [str(self.bin_path / program), "-D", str(self._data), *arguments]
            done = subprocess.run(
                command, check=False, stdout=file, stderr=file, cwd=self.folder, timeout=START_S_MAX,
                user=self.system_user,
            )  # fmt: skip
        assert done.returncode == 0, output.read_text("utf-8")


class Cluster(Postgres):
    """A running cluster and the databases made on it: the tests use it as they use a PostgreSQL."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__(*nodes)
        self.coordinator, *self.workers = nodes
        self._has_bare_template = False

    @property
    def nodes(self) -> list[Node]:
        return [self.coordinator, *self.workers]

    async def _make_template(self) -> None:
        await self._make_bare_template()
        await self.execute_everywhere(f"CREATE DATABASE {TEMPLATE} TEMPLATE {_BARE_TEMPLATE} STRATEGY file_copy")
        await migrate(self.give_url(TEMPLATE))
        await self._seal(TEMPLATE)

    async def _create_empty(self) -> str:
        await self._make_bare_template()
        return await self._clone(_BARE_TEMPLATE)

    async def _make_bare_template(self) -> None:
        """Make a database that has the extension and knows the nodes. A copy of it on each node is the same again."""
        if self._has_bare_template:
            return
        self._has_bare_template = True
        await self.execute_everywhere(f"CREATE DATABASE {_BARE_TEMPLATE}")
        url = self.give_url(_BARE_TEMPLATE)
        for one in self.list_urls(url):
            await execute(one, "CREATE EXTENSION citus")
        await execute(url, f"SELECT citus_set_coordinator_host('{HOST}', {self.coordinator.port})")
        for worker in self.workers:
            await execute(url, f"SELECT citus_add_node('{HOST}', {worker.port})")
        if not self.workers:  # one node alone keeps the shards itself
            await execute(
                url, f"SELECT citus_set_node_property('{HOST}', {self.coordinator.port}, 'shouldhaveshards', true)"
            )
        await self._seal(_BARE_TEMPLATE)

    async def copy_database(self, url: str) -> str:
        """Give the URL of a copy. Nobody may use the database meanwhile."""
        await self.leave_alone(url)
        name = urlsplit(url).path[1:]
        await self._seal(name)
        try:
            return await self._clone(name)
        finally:
            await self.execute_everywhere(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    async def _seal(self, name: str) -> None:
        """Let nobody into a template, not even Citus' daemon: a database that is in use cannot be copied."""
        await self.execute_everywhere(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await self.execute_everywhere(_END_SESSIONS.format(name=name))


@contextmanager
def run_cluster(pg_config: str, workers: int = WORKERS) -> Iterator[Cluster]:
    """Run a cluster. At the end nothing of it is left, whatever happened to it or to the tests."""
    bin_path = Path(subprocess.run([pg_config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
    with _guarded_folder() as folder:
        nodes = [Node(bin_path, folder / f"node-{port}", port) for port in _find_ports(1 + workers)]
        with ThreadPoolExecutor() as threads:
            list(threads.map(_start, nodes))
        cluster = Cluster(nodes)
        try:
            yield cluster
        finally:
            cluster.close()


@contextmanager
def _guarded_folder() -> Iterator[Path]:
    """Give a folder for nodes. At the end, or when this process ends, a guard ends the nodes and removes it."""
    folder = Path(mkdtemp(prefix="padron-citus-", dir=find_memory_folder()))
    folder.chmod(0o755)  # for the user that the nodes run as
    command = [sys.executable, "-P", node_guard.__file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield folder


def _find_ports(number: int) -> list[int]:
    """Give ports that nobody listens on, below those that the system gives to clients: a node comes back to its own."""
    found: set[int] = set()
    while len(found) < number:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one, suppress(OSError):
            one.bind((HOST, port))
            found.add(port)
    return [*found]


def _start(node: Node) -> None:
    node.make()
    node.ensure_postgres_running()
