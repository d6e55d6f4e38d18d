"""The parent of several serving processes: starts them, says what ended one, and starts another in its place.

No process outlives its parent, not even one that was killed. The processes hold the reading end of a pipe whose
other end only the parent has, so its end is the end of the pipe.
"""

import copy
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from padron.cli import reloading
from padron.cli.certificates import CertificateFiles
from padron.cli.lingering import LingeringServer
from padron.cli.logs import build_log_config
from padron.cli.notifying import Notifier
from padron.cli.watching import Watch, end_hung_process
from padron.config import LogForm
from padron.numbered_app import NumberedApp
from padron.pulse import PULSE

STEADY_S = 30.0  # a process that lived for less did not work, and the next one waits
PAUSE_S_MIN = 0.5  # before the process after the first that did not work; then twice as long each time
PAUSE_S_MAX = 30.0
PING_S_MAX = 1.0  # for a process to answer, before the parent looks after the next one
SILENT_S_MAX = 30.0  # then it is killed; on a busy machine one that works may take seconds to answer
END_S_MAX = 12.0  # for a process to end after the signal; it takes less than ten seconds unless it hangs

_log = logging.getLogger("padron.serve")


class ServingProcess(Process):
    """One of several processes. It follows its parent into the end."""

    def __init__(
        self,
        number: int,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        life: "Connection[None, None]",
        short_lives: int,
    ) -> None:
        """``life`` ends with the parent. ``short_lives`` counts the processes before this one that did not work."""
        self.number = number
        self._life = life
        self.short_lives = short_lives
        self.began_s = time.monotonic()
        self.answered_at_s = self.began_s
        self.was_ready = False
        super().__init__(config, sockets)

    @property
    def server(self) -> LingeringServer:
        """Give the web server, which is made in the new process."""
        if self._server is None:
            self._server = LingeringServer(self.config)
        return cast("LingeringServer", self._server)

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, in the new process."""
        threading.Thread(target=self._follow_parent, name="padron-parent", daemon=True).start()
        Watch(PULSE, on_fresh=lambda: None, on_hung=end_hung_process).start()
        super().target(sockets)

    def _follow_parent(self) -> NoReturn:
        self._life.poll(None)  # nothing is ever sent
        _log.warning("The parent process has ended, so this process ends too")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(END_S_MAX)
        os._exit(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Absence:
    """A process that must still be started."""

    number: int
    due_s: float
    short_lives: int


class Parent(Multiprocess):
    """Remembers the signal that ended it, and takes no connections afterwards. Its processes outlive SIGHUP.

    Each process has a number from 1 on, which its lines in the log and the port of its metrics show. One that takes
    the place of another has its number.
    """

    ended_by: signal.Signals | None = None

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        form: LogForm,
        files: CertificateFiles | None,
        notifier: Notifier,
        *,
        reads_more: bool = False,
    ) -> None:
        """``reads_more`` says that the processes read something else again at SIGHUP than the certificate."""
        super().__init__(config, [listener])
        self._reads_more = reads_more
        self._form = form
        self.processes: list[ServingProcess] = []  # type: ignore[assignment]  # of our own kind
        self._files = files
        self._notifier = notifier
        self._life, self._own_life = Pipe(duplex=False)
        self._absences: list[_Absence] = []
        self._is_ready = False
        self._unaware: set[int | None] = set()  # the processes that must still read their files again

    def init_processes(self) -> None:
        """Start all processes."""
        for number in range(1, self.processes_num + 1):
            self._start(number, 0)

    def keep_subprocess_alive(self) -> None:
        """Look after the processes. uvicorn calls this twice a second."""
        for process in [*self.processes]:
            self._notifier.feed()
            if self.should_exit.is_set():
                return
            if not process.process.is_alive() or not _is_heard(process):
                self._replace(process)
            elif not process.was_ready:
                self._greet(process)
        self._start_due()
        self._pass_hangup()

    def join_all(self) -> None:
        """Wait for the processes to end. A process that hangs is killed."""
        until_s = time.monotonic() + END_S_MAX
        for process in self.processes:
            process.process.join(max(until_s - time.monotonic(), 0.0))
            if process.exitcode is None:
                _log.error(
                    "Process %d (%s) did not end within %d seconds and is killed",
                    process.number, process.pid, END_S_MAX,
                )  # fmt: skip
                process.process.kill()
                process.process.join()

    def handle_hup(self) -> None:
        """Let the processes read their files again, instead of starting others in their place.

        A new process would take over a request only after the end of the old one, and streams would break.
        """
        if self._files is None and not self._reads_more:
            reloading.say_nothing_to_reload()
        elif self._files is None or reloading.check_files(self._files) or self._reads_more:
            self._unaware = {process.pid for process in self.processes}

    def handle_int(self) -> None:
        """Begin to end, after Ctrl-C."""
        self._end(signal.SIGINT)
        super().handle_int()

    def handle_term(self) -> None:
        """Begin to end, after SIGTERM."""
        self._end(signal.SIGTERM)
        super().handle_term()

    def handle_ttin(self) -> None:
        """Keep the number of processes, which is a setting."""

    def handle_ttou(self) -> None:
        """Keep the number of processes, which is a setting."""

    def _end(self, by: signal.Signals) -> None:
        self._notifier.say_stopping()
        self.ended_by = by
        for listener in self.sockets:
            listener.close()  # otherwise clients could still connect, and would wait for processes that are ending

    def _start(self, number: int, short_lives: int) -> None:
        config = copy.copy(self.config)
        config.app = NumberedApp(number=number)
        config.log_config = build_log_config(self._form, number)
        process = ServingProcess(number, config, self.sockets, self._life, short_lives)
        process.start()
        self.processes.append(process)

    def _greet(self, process: ServingProcess) -> None:
        """Note that a new process serves, once it does. The first one is systemd's sign that the server does."""
        if not process.is_ready(timeout=PING_S_MAX):
            return
        process.was_ready = True
        if not self._is_ready:
            self._is_ready = True
            self._notifier.say_ready()

    def _replace(self, process: ServingProcess) -> None:
        """Say what ended a process, and plan the next one: the sooner, the longer this one has worked."""
        was_silent = process.exitcode is None
        process.kill()
        process.process.join()
        self.processes.remove(process)
        lived_s = time.monotonic() - process.began_s
        why = "gave no sign of life and was killed" if was_silent else describe_end(process.exitcode)
        if process.exitcode == STARTUP_FAILURE and not self._is_ready:
            # No process has ever served, so the next one would fail in the same way.
            _log.error(
                "Process %d (%s) %s. No process could start, so the server ends", process.number, process.pid, why
            )
            self.should_exit.set()
            return
        short_lives = 0 if lived_s >= STEADY_S else process.short_lives + 1
        pause_s = give_pause(short_lives)
        self._absences.append(
            _Absence(number=process.number, due_s=time.monotonic() + pause_s, short_lives=short_lives)
        )
        _log.error(
            "Process %d (%s) %s after %.1f seconds. Another one starts %s",
            process.number, process.pid, why, lived_s, f"in {pause_s:g} seconds" if pause_s else "now",
        )  # fmt: skip

    def _start_due(self) -> None:
        now_s = time.monotonic()
        due = [absence for absence in self._absences if absence.due_s <= now_s]
        self._absences = [absence for absence in self._absences if absence.due_s > now_s]
        for absence in due:
            self._start(absence.number, absence.short_lives)

    def _pass_hangup(self) -> None:
        for process in self.processes if self._unaware else ():
            # A process that is still starting may have read the old certificate and cannot hear the signal yet.
            if process.pid in self._unaware and process.is_ready() and process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)
                self._unaware.discard(process.pid)
        self._unaware &= {process.pid for process in self.processes}


def _is_heard(process: ServingProcess) -> bool:
    """Ask a process for a sign of life, and say whether it gave one lately."""
    if process.ping(timeout=PING_S_MAX):
        process.answered_at_s = time.monotonic()
    return time.monotonic() - process.answered_at_s < SILENT_S_MAX


def describe_end(exit_status: int | None) -> str:
    """Say how a process ended: by which signal, or with which exit status."""
    if exit_status is None or exit_status >= 0:
        return f"ended with exit status {exit_status}"
    try:
        return f"was ended by {signal.Signals(-exit_status).name}"
    except ValueError:
        return f"was ended by signal {-exit_status}"


def give_pause(short_lives: int) -> float:
    """Give the seconds before the next process after so many in a row that did not work."""
    return min(PAUSE_S_MIN * 2.0 ** (short_lives - 1), PAUSE_S_MAX) if short_lives else 0.0


def run_parent(parent: Parent, announce: Callable[[], None]) -> int:
    """Serve with several processes until a signal ends them, and give the exit status."""
    announce()
    parent.run()
    if parent.ended_by is signal.SIGINT:
        raise KeyboardInterrupt
    return 0 if parent.ended_by is signal.SIGTERM else 1
