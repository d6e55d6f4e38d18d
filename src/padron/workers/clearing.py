"""Deletes expired data of all accounts, from time to time."""

import logging

from padron.service.clearing import clear_register
from padron.service.runtime import Runtime
from padron.workers.base import Worker

CLEAR_EVERY_S = 600.0

_log = logging.getLogger("padron.clearing")


class ClearingWorker(Worker):
    """Deletes expired data from one process. Other processes may do the same at the same time."""

    stop_s_max = 0.0  # a later run deletes the rest

    def __init__(self, runtime: Runtime, *, every_s: float = CLEAR_EVERY_S) -> None:
        super().__init__(
            "clearing", _log, "what is over waits to be cleared away", first_s=every_s, trouble_s=every_s
        )  # fmt: skip
        self._runtime = runtime
        self._every_s = every_s

    async def _look(self) -> float:
        await clear_register(self._runtime)
        return self._every_s
