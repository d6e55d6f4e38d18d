"""What happens to the servers of the trial: they are killed and stopped, the disk is full, PostgreSQL crashes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

from padron.cli.serve import GRACE_S
from tests import effort
from tests.cast import wait_until
from tests.e2e.client import connect
from tests.e2e.program import STOP_S_MAX
from tests.e2e.trial.copies import Copies
from tests.e2e.trial.stage import Span, Stage

FULL_S = effort.TRIAL_FULL_S
NOTICED_S_MAX = 15.0
READY_S_MAX = 30.0
STOPPED = "stop by SIGTERM"

Crash = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(kw_only=True)
class Ends:
    """Ends servers in every way."""

    stage: Stage
    copies: Copies
    crash: Crash | None  # of PostgreSQL

    @property
    def kinds(self) -> Sequence[str]:
        kinds = ["kill", "stop"]
        if self.stage.backup_to is not None:
            kinds += ["kill and restore"]
        if self.stage.disk is not None:
            kinds += ["full", "kill while full"]
        if self.crash is not None:
            kinds += ["crash"]
        return kinds

    async def let_happen(self, kind: str) -> None:
        self.stage.figures.counts[kind] += 1
        match kind:
            case "kill":
                await self.stage.wait_for_work()
                await self._end(kill=True)
            case "kill and restore":
                await self.stage.wait_for_work()
                self._kill()
                await self.copies.restore_folder()
                await self._start()
            case "stop":
                await self._end(kill=False)
            case "full":
                async with self._full():
                    pass
                await self._wait_until_ready("ready again after a full disk")
            case "kill while full":
                async with self._full():
                    self._kill()
                await self._start()
            case _:
                assert self.crash is not None
                with self.stage.in_trouble("crash"):
                    async with self.crash():
                        await asyncio.sleep(self.stage.dice.uniform(0, 1))
                    await self._wait_until_ready("ready again after PostgreSQL")

    def _kill(self) -> None:
        self.stage.servers.kill_oldest()
        self.stage.look_at_chains()
        self.stage.end_chain(time.monotonic())

    async def _end(self, *, kill: bool) -> None:
        began_s = time.monotonic()
        if kill:
            self._kill()
        else:
            await self.stage.servers.end_oldest(kill=False, seconds_max=3 * STOP_S_MAX)
            ended_s = time.monotonic()
            self.stage.figures.time(STOPPED, ended_s - began_s)
            if ended_s - began_s > GRACE_S:  # what still ran then was broken off with 503
                self.stage.spans.append(Span(kind=STOPPED, began_s=began_s + GRACE_S, ended_s=ended_s))
            self.stage.look_at_chains()
            self.stage.end_chain(time.monotonic())
        await self._start()

    async def _start(self) -> None:
        began_s = time.monotonic()
        await self.stage.servers.start_missing()
        self.stage.figures.time("start until ready", time.monotonic() - began_s)

    @asynccontextmanager
    async def _full(self) -> AsyncIterator[None]:
        """Let the disk be full for a while, once a writer has noticed it."""
        assert self.stage.disk is not None
        server = self.stage.servers.running[0]
        with self.stage.in_trouble("full"), self.stage.disk.full(server):
            began_s = time.monotonic()
            try:
                await wait_until(self._is_told, seconds_max=NOTICED_S_MAX)
                self.stage.figures.time("full disk told by /readyz", time.monotonic() - began_s)
            except TimeoutError:
                self.stage.figures.counts["full without a refusal"] += 1
            await asyncio.sleep(self.stage.dice.uniform(*FULL_S))
            yield

    async def _is_told(self) -> bool:
        return not await self._is_ready(self.stage.servers.ports[0])

    async def _are_ready(self) -> bool:
        return all([await self._is_ready(port) for port in self.stage.servers.ports])

    async def _wait_until_ready(self, what: str) -> None:
        began_s = time.monotonic()
        await wait_until(self._are_ready, seconds_max=READY_S_MAX)
        self.stage.figures.time(what, time.monotonic() - began_s)

    async def _is_ready(self, port: int) -> bool:
        with suppress(OSError, EOFError):
            async with connect(port) as connection:
                answer = await connection.request("GET", "/readyz")
                self.stage.figures.time("/readyz", answer.seconds)
                if answer.status != 200:
                    codes = [trouble["code"] for trouble in answer.document["troubles"]]
                    self.stage.figures.notes[f"/readyz: {codes}"] += 1
                return answer.status == 200
        return False
