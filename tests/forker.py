"""The warm process: it has imported the program, and forks itself whenever a test starts the program (``starting.py``).

A fork must not differ from a ``python -m padron`` that was started, but that it is quick: see ``_become``.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests.forked_workers import fork_workers

# What the program imports only once it runs.
_LATE = (
    "encodings.idna", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl", "uvloop",
    "PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.PpmImagePlugin",
    "PIL.WebPImagePlugin", "zxingcpp",
)  # fmt: skip
PROGRAM = "padron"
_STREAMS = 4  # at most: the fourth one is systemd's socket
_NOT_WRITTEN = 120  # the exit status when the last of what was printed could not be written
_BLOCK_BYTES = 1 << 16
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """What to run: the program, or its reader of files. Then its words, folder, environment and open files.

    The files are the standard streams, and systemd's socket if there is one.
    """

    module: str
    words: list[str]
    folder: str
    environment: dict[str, str]
    periods: dict[str, float]
    streams: list[int]


class _Forker:
    """Forks a process for each order, and tells who has ordered it how it ended."""

    def __init__(self, listener: socket.socket, life: int) -> None:
        self._listener = listener
        self._life = life
        self._waiting: dict[int, socket.socket] = {}  # who waits for the end of which process
        self._heard, self._hearing = os.pipe()
        os.set_blocking(self._hearing, False)
        self._selector = selectors.DefaultSelector()
        for file in (listener, life, self._heard):
            self._selector.register(file, selectors.EVENT_READ)

    def run(self) -> _Order:
        """Give an order, in the process that was forked for it. The warm process itself ends in here."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._hearing)
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._life:
                    self._end()
                elif key.fd == self._heard:
                    os.read(self._heard, 1_024)
                    self._tell_ends()
                elif (order := self._take_order()) is not None:
                    return order

    def _take_order(self) -> _Order | None:
        connection, _ = self._listener.accept()
        order = _receive_order(connection)
        _check_threads()
        if not (pid := os.fork()):
            self._forget(connection)
            return order
        for stream in order.streams:
            os.close(stream)
        self._waiting[pid] = connection
        _tell(connection, pid)
        return None

    def _forget(self, connection: socket.socket) -> None:
        """Close what a process that was started does not have."""
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for file in (self._listener, connection, *self._waiting.values()):
            file.close()
        for number in (self._life, self._heard, self._hearing):
            os.close(number)

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                with self._waiting.pop(pid) as connection:
                    _tell(connection, os.waitstatus_to_exitcode(status))

    def _end(self) -> NoReturn:
        for pid in self._waiting:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(Path(self._listener.getsockname()).parent)
        os._exit(0)


def _receive_order(connection: socket.socket) -> _Order:
    data, streams, _, _ = socket.recv_fds(connection, _BLOCK_BYTES, _STREAMS)
    while block := connection.recv(_BLOCK_BYTES):
        data += block
    return _Order(**json.loads(data), streams=streams)


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody listens any more
        connection.sendall(f"{number}\n".encode())


def _check_threads() -> None:
    """Only the thread that forks lives on in the fork, and whatever another one holds would be held for ever."""
    assert threading.active_count() == 1
    assert not _THREADS.is_dir() or len([*_THREADS.iterdir()]) == 1


def _become(order: _Order) -> None:
    """Make this process one that was started: with its own streams, folder, environment, signals and path."""
    for number, stream in enumerate(order.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    if len(order.streams) == _STREAMS:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
    for name, seconds in order.periods.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(sys.modules[module], constant), name
        setattr(sys.modules[module], constant, seconds)
    time.tzset()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.module == PROGRAM:
        sys.path[0] = order.folder
        fork_workers()
    else:  # the reader of files is started so that it imports nothing from there
        del sys.path[0]
    sys.argv[1:] = order.words
    gc.enable()


def _end_now(code: object) -> NoReturn:
    """End as Python does, but leave the memory to the system.

    Python would take each module apart, and so write to nearly all pages that are shared with the warm process. That
    costs more than many a command.
    """
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
    except OSError:
        code = _NOT_WRITTEN
    os._exit((code or 0) & 0xFF)


def _import_all() -> None:
    import padron  # noqa: PLC0415 - only now, when no garbage is looked for

    for module in pkgutil.walk_packages(padron.__path__, "padron."):
        if module.name not in {"padron.__main__", "padron.files.picture_reader", "padron.files.reader"}:
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    sys.modules["padron.delivery.sender"].trust_system()  # what it reads from the system is the same for all


def main() -> None:
    """Fork for those who order it, until standard input ends: then the test's process has no more use for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test's process
    gc.disable()
    _import_all()
    gc.freeze()  # the collector writes to what it looks at, and what is written is no longer shared
    order = _Forker(socket.socket(fileno=int(sys.argv[1])), os.dup(0)).run()
    _become(order)
    try:
        runpy.run_module(order.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        _end_now(end.code)
    _end_now(0)


if __name__ == "__main__":
    main()
