"""The program as systemd starts it: with a socket that is open already, and with somebody who hears what it says.

It is forked, as in other tests. One that is started has to be told its own process id, so a few lines set it and become
the program.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil

from tests.cast import wait_until
from tests.processes import list_workers
from tests.starting import Program, give_environment, start_program

_BACKLOG = 512
_BECOME = """
import os, sys
if int(sys.argv[1]) >= 0:
    os.dup2(int(sys.argv[1]), 3)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "padron", *sys.argv[2:]])
"""
STOP_S_MAX = 15


class Hearer:
    """The other end of the notifications."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(0)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Give every line so far."""
        with suppress(BlockingIOError):
            while True:
                self.heard += self._socket.recv(4_096).decode().splitlines()
        return self.heard

    def forget(self) -> None:
        self.listen()
        self.heard.clear()

    async def wait_for(self, line: str, seconds_max: float = 20) -> None:
        async def is_heard() -> bool:
            return line in self.listen()

        await wait_until(is_heard, seconds_max=seconds_max)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def hear(folder: Path) -> Iterator[Hearer]:
    hearer = Hearer(str(folder / "notify"))
    try:
        yield hearer
    finally:
        hearer.close()


@contextmanager
def open_socket() -> Iterator[socket.socket]:
    """Give a listening socket, as a socket unit makes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        yield listener


class Unit:
    """A started ``padron serve``."""

    def __init__(self, process: subprocess.Popen[bytes] | Program, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def children(self) -> list[psutil.Process]:
        """The serving processes of several, and not the one that only tracks resources."""
        return list_workers(self.process.pid)

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, STOP_S_MAX)

    async def wait_for_log(self, text: str, seconds_max: float = 20) -> None:
        async def is_said() -> bool:
            return text in self.log

        await wait_until(is_said, seconds_max=seconds_max)

    def end(self) -> None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.kill()
        self.process.wait(STOP_S_MAX)


@asynccontextmanager
async def run_unit(
    url: str,
    log: Path,
    *options: str,
    listener: socket.socket | None = None,
    variables: Mapping[str, str] | None = None,
    periods: Mapping[str, float] | None = None,
    is_forked: bool = True,
) -> AsyncIterator[Unit]:
    """Give a server that was started, and at the end it is gone. One that is not forked has its usual periods."""
    words = ("serve", "--database-url", url, "--port", "0", *options)
    process: subprocess.Popen[bytes] | Program
    with log.open("ab") as stderr, Path(os.devnull).open("wb") as stdout:
        if is_forked:
            process = start_program(
                *words, stdout=stdout, stderr=stderr, variables=variables, listener=listener, periods=periods
            )
        else:
            number = -1 if listener is None else listener.fileno()
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BECOME, str(number), *words],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**give_environment(), **(variables or {})},
                pass_fds=() if listener is None else (number,),
            )
    unit = Unit(process, log)
    try:
        yield unit
    finally:
        unit.end()


def is_alive(pid: int) -> bool:
    """Say whether a process runs. A zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def is_open(port: int) -> bool:
    """Say whether a port takes connections."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
