"""The processes of one server: each has a number, which its lines in the log and the port of its metrics show."""

import copy
import logging
import socket
from functools import partial

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from padron.cli.logs import build_log_config
from padron.config import LogForm
from padron.wiring import make_app

_log = logging.getLogger("padron.serve")


class NumberedProcesses(Multiprocess):
    """Starts the processes with the numbers from 1. One that takes the place of another has its number."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], form: LogForm) -> None:
        super().__init__(config, sockets)
        self._form = form

    def init_processes(self) -> None:
        """Start all processes."""
        self.processes = [self._start(number) for number in range(1, self.processes_num + 1)]

    def keep_subprocess_alive(self) -> None:
        """Replace each process that has ended or does not answer. End when one cannot even start."""
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.is_alive(timeout=self.config.timeout_worker_healthcheck):
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

    def _start(self, number: int) -> Process:
        config = copy.copy(self.config)
        config.app = partial(make_app, number)
        config.log_config = build_log_config(self._form, number)
        process = Process(config, self.sockets)
        process.start()
        return process
