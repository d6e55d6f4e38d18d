"""Watches the register for trouble that no call would notice, and checks the whole database once a day."""

import asyncio
import logging
from contextlib import suppress
from math import inf

from padron.service.register import examine_register, watch_register
from padron.service.runtime import Runtime
from padron.workers.base import Worker

WATCH_EVERY_S = 0.5  # a file that was removed is noticed within a second
EXAMINE_EVERY_S = 86_400.0
REPEAT_S = 600.0  # after a check that could not come to its end
FIRST_S_MAX = 1.0  # a server begins to serve after this time even if the first check goes on, as it does for long files

_log = logging.getLogger("padron.soundness")


class SoundnessWorker(Worker):
    """Looks twice a second, and checks the whole database at the start and once a day."""

    stop_s_max = 0.0

    def __init__(
        self, runtime: Runtime, *, every_s: float = WATCH_EVERY_S, examine_every_s: float = EXAMINE_EVERY_S
    ) -> None:
        super().__init__("soundness", _log, "the register is not in order", trouble_s=every_s)
        self._runtime = runtime
        self._every_s = every_s
        self._examine_every_s = examine_every_s
        self._examine_at_s = inf
        self._has_examined = asyncio.Event()

    def start(self) -> None:
        """Begin to look, and begin the first check."""
        self._begin(self._examine(), "examination")
        super().start()

    async def wait_for_first(self) -> None:
        """Return when the first check has ended, or takes long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S_MAX):
                await self._has_examined.wait()

    async def _look(self) -> float:
        if asyncio.get_running_loop().time() >= self._examine_at_s:
            self._begin(self._examine(), "examination")
        await watch_register(self._runtime)
        return self._every_s

    async def _examine(self) -> None:
        self._examine_at_s = inf
        is_complete = await examine_register(self._runtime)
        self._has_examined.set()
        pause_s = self._examine_every_s if is_complete else min(REPEAT_S, self._examine_every_s)
        self._examine_at_s = asyncio.get_running_loop().time() + pause_s
