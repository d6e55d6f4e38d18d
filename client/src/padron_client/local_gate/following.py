"""Following the feed: a stream of events, or long polls where a proxy cuts streams or keeps them back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2

from padron_client.local_gate.answers import NEVER
from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.errors import BadAnswerError, CopyLostError, LocalGateError, ServerRefusedError
from padron_client.local_gate.keeping import Keeper
from padron_client.local_gate.loading import load_set
from padron_client.local_gate.wire import Change, Page, Wire

CALL_S_MAX = 5.0
POLL_S = 20
POLLING_S = 60.0  # before a stream is tried again
LATE_S_MAX = 0.25  # that a stream may be behind a proof
LATE_MAX = 2  # times in a row, then the stream is not worth keeping
SHORT_STREAM_S = 5.0
SHORT_STREAMS_MAX = 3
LOADS_APART_S = 60.0  # more often, the server is spared
BEHIND_MAX = 50_000  # changes: loading the set is quicker than following more of them

T = TypeVar("T")

Failure = (httpx2.HTTPError, httpx2.InvalidURL, LocalGateError, OSError, TimeoutError, asyncio.TimeoutError)


class Pause:
    """Grows with each failure in a row, at random, so that a thousand gates do not come back at one instant."""

    def __init__(self, first_s: float = 0.1, last_s: float = 2.0) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._next_s = first_s

    def reset(self) -> None:
        """Begin with short pauses again."""
        self._next_s = self._first_s

    async def sleep(self, error: BaseException) -> None:
        """Sleep, and at least as long as the server asks for."""
        asked_s = error.retry_after if isinstance(error, ServerRefusedError) else None
        await asyncio.sleep(max(self._next_s * random.uniform(0.5, 1.0), min(asked_s or 0.0, 30.0)))  # noqa: S311
        self._next_s = min(self._next_s * 2, self._last_s)


class Follower:
    """Loads the copy and keeps it current."""

    def __init__(self, keeper: Keeper, wire: Wire, clocks: Clocks, note: Callable[[BaseException], None]) -> None:
        self.mode = "starting"
        self._keeper = keeper
        self._wire = wire
        self._clocks = clocks
        self._note = note
        self._stream: asyncio.Task[None] | None = None
        self._late_count = 0
        self._short_count = 0
        self._poll_until = 0.0
        self._loaded_at = NEVER
        self._between_loads = Pause(0.5, 30.0)

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = Pause()
        while True:
            try:
                if not self._keeper.loaded.is_set() or await self._is_far_behind():
                    await self._load()
                await self._follow(pause)
            except Failure as error:  # noqa: PERF203 - each round may fail by itself
                self._note(error)
                if isinstance(error, CopyLostError) or is_gone(error):
                    self._keeper.lose()
                self.mode = "waiting"
                await pause.sleep(error)

    async def chase(self) -> None:
        """Read what a proof says exists when the stream does not bring it. Runs until cancelled."""
        keeper = self._keeper
        pause = Pause()
        while True:
            await keeper.unproven.wait()
            waiting = keeper.list_unproven()[:1]
            await asyncio.sleep(LATE_S_MAX)
            if not waiting or waiting[0] not in keeper.list_unproven():
                continue
            try:
                await self._catch_up()
                pause.reset()
            except Failure as error:
                self._note(error)
                if isinstance(error, CopyLostError) or is_gone(error):
                    keeper.lose()
                await pause.sleep(error)

    async def _catch_up(self) -> None:
        """Read the feed up to the latest proof. The server compares the cursors of both with its record."""
        keeper = self._keeper
        proof = keeper.list_unproven()[-1]
        has_changes = False
        while True:
            after = keeper.copy.cursor
            page = await total(self._wire.read_page(after, CALL_S_MAX, seen=proof.cursor), CALL_S_MAX)
            if not keeper.loaded.is_set():
                return
            has_changes |= apply_page(keeper, page)
            if keeper.copy.number >= proof.number:
                break
            if not page.more:
                raise BadAnswerError("The feed lacks a change that the server says exists.")
        keeper.accept(proof)
        if not keeper.list_unproven():
            keeper.unproven.clear()
        if has_changes:
            self._late_count += 1
            if self._late_count >= LATE_MAX and self._stream is not None and self.mode == "stream":
                self._poll_until = self._clocks.steady() + POLLING_S
                self._stream.cancel()

    async def _is_far_behind(self) -> bool:
        head = await total(self._wire.read_head(CALL_S_MAX), CALL_S_MAX)
        return head.number - self._keeper.copy.number > BEHIND_MAX

    async def _load(self) -> None:
        self.mode = "loading"
        if self._clocks.steady() - self._loaded_at < LOADS_APART_S:
            await self._between_loads.sleep(CopyLostError())
        else:
            self._between_loads.reset()
        self._loaded_at = asked_at = self._clocks.steady()
        loaded = await load_set(self._wire, self._keeper.of)
        self._keeper.install(loaded.vins, loaded.number, loaded.cursor, asked_at)

    async def _follow(self, pause: Pause) -> None:
        """Follow until something fails or the copy is lost."""
        while self._keeper.loaded.is_set():
            if self._clocks.steady() < self._poll_until:
                await self._until_lost(self._poll(pause))
                continue
            self.mode = "stream"
            began_at = self._clocks.steady()
            self._late_count = 0
            try:
                await self._until_lost(self._read_stream(pause))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                raise
            except httpx2.HTTPError as error:
                self._note(error)  # a cut stream is ordinary: the next one tells whether the server is there
            if self._clocks.steady() - began_at >= SHORT_STREAM_S:
                self._short_count = 0
                continue
            self._short_count += 1
            if self._short_count >= SHORT_STREAMS_MAX:
                self._short_count = 0
                self._poll_until = self._clocks.steady() + POLLING_S
            else:
                await asyncio.sleep(0.05 * self._short_count)

    async def _read_stream(self, pause: Pause) -> None:
        async with self._wire.follow(self._keeper.copy.cursor) as parts:
            async for events in parts:
                pause.reset()
                if events and self._keeper.apply([(event.change, event.cursor) for event in events]):
                    self._late_count = 0

    async def _poll(self, pause: Pause) -> None:
        self.mode = "poll"
        after = self._keeper.copy.cursor
        page = await total(self._wire.read_page(after, CALL_S_MAX, wait_s=POLL_S), CALL_S_MAX + POLL_S)
        pause.reset()
        if self._keeper.loaded.is_set():
            apply_page(self._keeper, page)

    async def _until_lost(self, work: Awaitable[None]) -> None:
        """Do the work, unless somebody else loses the copy or the stream is given up meanwhile."""
        self._stream = asyncio.ensure_future(work)
        lost = asyncio.ensure_future(self._keeper.reload.wait())
        try:
            await asyncio.wait({self._stream, lost}, return_when=asyncio.FIRST_COMPLETED)
            if self._stream.done() and not self._stream.cancelled():
                self._stream.result()
        finally:
            await _end(self._stream)
            await _end(lost)
            self._stream = None


def apply_page(keeper: Keeper, page: Page) -> bool:
    """Apply a page, whose cursor belongs to its last change. Say whether anything was new."""
    last = len(page.changes) - 1
    changes: list[tuple[Change, str | None]] = [
        (change, page.next_cursor if place == last else None) for place, change in enumerate(page.changes)
    ]
    return keeper.apply(changes)


def is_gone(error: BaseException) -> bool:
    """Say whether the server refused a cursor because it belongs to a lost life of the register."""
    return isinstance(error, ServerRefusedError) and error.status == HTTPStatus.GONE


async def total(call: Awaitable[T], seconds: float) -> T:
    """Bound a call as a whole. The client's own timeouts count each read, so a trickle would last for ever."""
    return await asyncio.wait_for(call, seconds)


async def _end(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
