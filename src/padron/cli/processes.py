"""The processes of one server: each has a number, which its lines in the log and the port of its metrics show."""

import copy
import logging
import socket
import time

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from padron.cli.logs import build_log_config
from padron.config import LogForm
from padron.numbered_app import NumberedApp

START_S_MAX = 60.0  # for a new process to answer
STARTING_PING_S = 0.1

_log = logging.getLogger("padron.serve")


class NumberedProcesses(Multiprocess):
    """Starts the processes with the numbers from 1. One that takes the place of another has its number."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], form: LogForm) -> None:
        super().__init__(config, sockets)
        self._form = form
        self._starting: dict[int | None, float] = {}  # processes that have not answered yet, and since when

    def init_processes(self) -> None:
        """Start all processes."""
        self.processes = [self._start(number) for number in range(1, self.processes_num + 1)]

    def keep_subprocess_alive(self) -> None:
        """Replace each process that has ended or does not answer. End when one cannot even start."""
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set() or self._is_well(process):
                continue
            process.kill()  # it may hang
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                _log.error("Process %d could not start, so the server ends", place + 1)
                self.should_exit.set()
                return
            if self.should_exit.is_set():
                return
            _log.warning(
                "Process %d (%s) has ended with status %s and is replaced", place + 1, process.pid, process.exitcode
            )
            self.processes[place] = self._start(place + 1)

    def _is_well(self, process: Process) -> bool:
        """Say whether a process answers. One that has just been started may take its time on a busy machine.

        Otherwise it would be killed before it is ready, and so would the one in its place. The parent waits for it
        only briefly, because it must hear a signal meanwhile.
        """
        started_s = self._starting.get(process.pid)
        if started_s is None:
            return process.is_alive(timeout=self.config.timeout_worker_healthcheck)
        if process.is_alive(timeout=STARTING_PING_S):
            del self._starting[process.pid]
            return True
        is_patient = time.monotonic() < started_s + START_S_MAX and process.process.is_alive()
        if not is_patient:
            del self._starting[process.pid]
        return is_patient

    def _start(self, number: int) -> Process:
        config = copy.copy(self.config)
        config.app = NumberedApp(number=number)
        config.log_config = build_log_config(self._form, number)
        process = Process(config, self.sockets)
        process.start()
        self._starting[process.pid] = time.monotonic()
        return process
