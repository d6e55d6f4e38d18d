"""Proves that the continuous backup can be restored: once a day, in a process of its own with the lowest priority."""

import asyncio
import logging
import os
import sys
from contextlib import suppress

from padron.service.backups import find_backup_state, note_backup_check
from padron.service.runtime import Runtime
from padron.workers.base import Worker

FIRST_S = 60.0
CHECK_EVERY_S = 86_400.0
WAIT_S = 10.0  # for the first base
CHECK_S_MAX = 6 * 3_600.0

_NICE = 19
_SAID_MAX = 500  # characters

_log = logging.getLogger("padron.backup")


class BackupCheckWorker(Worker):
    """Restores the newest state of the backup into a temporary file, as an operator would, and notes the result."""

    stop_s_max = 0.0  # the next server checks again

    def __init__(
        self, runtime: Runtime, folder: str, *, first_s: float = FIRST_S, every_s: float = CHECK_EVERY_S
    ) -> None:
        super().__init__("backup-check", _log, "the backup is not checked", first_s=first_s, trouble_s=every_s)
        self._runtime = runtime
        self._folder = folder
        self._every_s = every_s

    async def _look(self) -> float:
        state = find_backup_state(self._runtime)
        if state is None:
            return self._every_s
        if state.base_at is None:
            return WAIT_S
        trouble = await self._check()
        note_backup_check(self._runtime, self._runtime.clock(), trouble)
        if trouble:
            _log.error("The backup in %s could not be restored on trial: %s", self._folder, trouble)
        else:
            _log.info("The backup in %s was restored on trial and is right", self._folder)
        return self._every_s

    async def _check(self) -> str:
        """Give what is wrong with the backup, or empty text."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "padron", "restore", "--check", "--", self._folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            async with asyncio.timeout(CHECK_S_MAX):
                _, said = await process.communicate()
        except TimeoutError:
            return "it took too long"
        finally:
            if process.returncode is None:
                process.terminate()
        if process.returncode == 0:
            return ""
        words = said.decode("utf-8", "replace").strip().removeprefix("padron: ")
        return words[:_SAID_MAX] or f"the command ended with status {process.returncode}"
