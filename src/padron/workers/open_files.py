"""Says when the process has no file left for a new connection.

The event loop reports nothing then: it accepts each further connection only to close it at once.
"""

import errno
import logging
import os
import resource
import time

from padron.workers.base import Worker

LOOK_EVERY_S = 1.0
SAY_EVERY_S = 60.0

_WANTS = {errno.EMFILE: "this process", errno.ENFILE: "the whole system"}

_log = logging.getLogger("padron.files")


class OpenFilesWorker(Worker):
    """Tries every second whether the process can open a file, and logs when it cannot: at most once a minute."""

    stop_s_max = 0.0

    def __init__(self, *, every_s: float = LOOK_EVERY_S, say_every_s: float = SAY_EVERY_S) -> None:
        super().__init__("files", _log, "nobody looks whether files are left")
        self._every_s = every_s
        self._say_every_s = say_every_s
        self._said_at_s: float | None = None
        self._was_said = False  # that no file is left, and it is not over yet

    async def _look(self) -> float:
        try:
            os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            if error.errno not in _WANTS:
                raise
            self._say(_WANTS[error.errno])
        else:
            if self._was_said:
                self._was_said = False
                _log.info("New connections are accepted again: there are files left")
        return self._every_s

    def _say(self, who: str) -> None:
        now_s = time.monotonic()
        if self._said_at_s is not None and now_s - self._said_at_s < self._say_every_s:
            return
        self._said_at_s = now_s
        self._was_said = True
        _log.error(
            "New connections are dropped, because %s has no file left (the limit of this process is %d). "
            "Raise the hard limit of open files, with LimitNOFILE in systemd or ulimit -Hn",
            who,
            resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )
