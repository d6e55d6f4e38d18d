"""A program that the tests fork from a warm process is like one that is started, and ends with the tests."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from padron.files import child
from padron.files.ahead import open_rows_ahead
from padron.store import sqlite
from tests.cast import wait_until
from tests.postgres import Postgres
from tests.processes import list_workers
from tests.readers import ForkedReader, started_readers
from tests.starting import give_environment, run_program, start_program

END_S_MAX = 40
_find_port = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)").search

# As the warm process has it. A test that serves in this process may change it.
HANG_UP = signal.getsignal(signal.SIGHUP)
# Starts a server, says its process id, and then ends as a test's process that is killed.
ORPHAN = """
import os, signal, sys
from pathlib import Path
from tests.starting import start_program, warm_up
with Path(os.devnull).open("wb") as null:
    program = start_program("serve", "--port", "0", stdout=null, stderr=null, folder=Path(sys.argv[1]))
print(program.pid, warm_up(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sqlite.migrate(str(tmp_path / "padron.db"))
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--version"], marks=pytest.mark.long),
        ["accounts", "list", "--json"],
        pytest.param(["nothing"], marks=pytest.mark.long),
        pytest.param(["keys", "add", "--account", "x"], marks=pytest.mark.long),
    ],
    ids=" ".join,
)
def test_a_command_ends_and_prints_as_one_that_is_started(folder: Path, words: list[str]) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "padron", *words], cwd=folder, env=give_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    forked = run_program(*words, folder=folder)
    assert (forked.status, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def wait_for_port(log: Path) -> int:
    deadline = time.monotonic() + END_S_MAX
    while (found := _find_port(log.read_text("utf-8"))) is None:
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.01)
    return int(found[1])


def ask(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=END_S_MAX)
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()


def look_at(pid: int) -> dict[str, object]:
    """Give what a process has from its start, as the system shows it."""
    process, status = Path(f"/proc/{pid}"), Path(f"/proc/{pid}/status").read_text("utf-8")
    shown = dict(re.findall(r"^(Sig(?:Blk|Ign|Cgt)|Umask):\t(.*)$", status, re.MULTILINE))
    files = []
    for one in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            files.append(re.sub(r"\d", "", str(one.readlink())))
    # The database is opened as it is needed, and a client's connection ends a moment after it.
    files = sorted(one for one in files if "padron.db" not in one and not one.startswith("socket"))
    return {**shown, "files": files, "folder": (process / "cwd").readlink(), "nice": psutil.Process(pid).nice()}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="The system does not show what a process has.")
def test_a_server_has_the_signals_files_and_folder_of_one_that_is_started(folder: Path) -> None:
    words = ["serve", "--port", "0"]
    log = folder / "log"
    with log.open("wb") as stderr, Path(os.devnull).open("wb") as stdout:
        program = start_program(*words, stdout=stdout, stderr=stderr, folder=folder)
    try:
        ask(wait_for_port(log))
        forked = look_at(program.pid)
        program.send_signal(signal.SIGTERM)
        assert program.wait(END_S_MAX) == 0
    finally:
        program.kill()
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "padron", *words],
            cwd=folder, env=give_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    with process:
        try:
            ask(wait_for_port(log))
            assert look_at(process.pid) == forked
        finally:
            process.kill()


@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="The system does not show what a process has.")
async def test_one_of_several_processes_has_what_one_that_is_started_has(
    tmp_path: Path, postgres_server: Postgres
) -> None:
    url = await postgres_server.create_database()
    words = ["serve", "--port", "0", "--workers", "2", "--database-url", url]
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "padron", *words],
            cwd=tmp_path, env=give_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    with process:
        try:
            started = await look_at_workers(process.pid, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_S_MAX) == 0
        finally:
            process.kill()
    with log.open("wb") as stderr, Path(os.devnull).open("wb") as stdout:
        program = start_program(*words, stdout=stdout, stderr=stderr, folder=tmp_path)
    try:
        assert await look_at_workers(program.pid, log) == started
        program.send_signal(signal.SIGTERM)
        assert program.wait(END_S_MAX) == 0
    finally:
        program.kill()


async def look_at_workers(pid: int, log: Path) -> dict[str, object]:
    """Give what both processes of a server have, once they have the same: then both have started."""
    await asyncio.to_thread(lambda: ask(wait_for_port(log)))
    seen: list[dict[str, object]] = []

    async def are_alike() -> bool:
        seen[:] = [look_at(worker.pid) for worker in list_workers(pid)]
        has_begun = all("anon_inode:[eventpoll]" in str(one["files"]) for one in seen)
        return len(seen) == 2 and has_begun and seen[0] == seen[1]

    await wait_until(are_alike, seconds_max=END_S_MAX)
    return seen[0]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="The system does not show what a process has.")
def test_a_reader_of_files_has_what_one_that_is_started_has(folder: Path) -> None:
    path = folder / "fleet.csv"
    path.write_bytes(b"vin\n" + b"\n" * 10_000_000)  # a second of reading

    def look_at_reader() -> dict[str, object]:
        with open_rows_ahead(path) as rows:
            pid = rows._child.pid
            return {**look_at(pid), "limits": Path(f"/proc/{pid}/limits").read_text("utf-8")}

    starts_by: object = child.start_process
    assert starts_by is ForkedReader  # whatever other rooms did before
    forked = look_at_reader()
    before = signal.signal(signal.SIGHUP, HANG_UP)
    try:
        with started_readers():
            assert look_at_reader() == forked
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.long
def test_what_a_killed_process_of_the_tests_has_started_ends_with_it(folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(folder)], cwd=Path(__file__).parent.parent, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    pid, address = ended.stdout.split()
    deadline = time.monotonic() + END_S_MAX
    while psutil.pid_exists(int(pid)) or Path(address).parent.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
