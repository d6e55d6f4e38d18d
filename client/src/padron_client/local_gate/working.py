"""The thread of a local gate. It does everything that waits: a check never does."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from padron_client.local_gate.answers import NEVER, Copy
from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.errors import SnapshotUnusableError
from padron_client.local_gate.following import Follower
from padron_client.local_gate.keeping import Keeper
from padron_client.local_gate.proving import LeaseHolder, Prober
from padron_client.local_gate.snapshots import mark_source, read_snapshot, write_snapshot
from padron_client.local_gate.wire import Wire

T = TypeVar("T")

_CANCEL_AGAIN_S = 0.05


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate was made with. It has no ``repr`` that shows the key, because the key is behind a function."""

    url: str
    give_key: Callable[[], str]
    of: Literal["operable", "refused"]
    max_age: float
    probe_every: float
    strict: bool
    lease_seconds: float
    name: str | None
    snapshot: Path | None
    snapshot_every: float
    http: Mapping[str, Any]


class _DaemonExecutor(ThreadPoolExecutor):
    """Does each call in a daemon thread: a look-up of a name, or a disk, that hangs must not hold up the exit."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - anybody's call
        future = Future[T]()
        future.set_running_or_notify_cancel()  # from now on it cannot be cancelled, as the call cannot

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                future.set_exception(error)

        threading.Thread(target=run, name="padron-local-gate-call", daemon=True).start()
        return future


class _Loop(asyncio.SelectorEventLoop):
    """Knows its connections, because the HTTP client loses one that is cancelled in the moment when it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.set_default_executor(_DaemonExecutor())
        self._opened: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - asyncio's own
        transport, protocol = await super().create_connection(*args, **kwargs)
        self._opened.add(transport)
        return transport, protocol

    async def close_all(self) -> None:
        """Close what is still open."""
        for transport in list(self._opened):
            transport.close()
        await asyncio.sleep(0)  # they close in the next round
        await asyncio.sleep(0)


class Worker:
    """A thread with an event loop of its own, from its start to its end."""

    def __init__(self, settings: Settings, clocks: Clocks, show: Callable[[Copy], None]) -> None:
        self._settings = settings
        self._clocks = clocks
        self._loop = _Loop()
        self._stop = asyncio.Event()
        self._has_wire = asyncio.Event()
        self.ready: Future[None] = Future()  # done once a check can answer from the server's state
        self.last_error: str | None = None
        self.keeper = Keeper(of=settings.of, max_age=settings.max_age, strict=settings.strict, show=show)
        self._wire: Wire | None = None
        self._follower: Follower | None = None
        self._thread = threading.Thread(target=self._run, name="padron-local-gate", daemon=True)

    def start(self) -> None:
        """Start the thread and return at once."""
        self._thread.start()

    @property
    def mode(self) -> str:
        """What the thread is doing."""
        if self._loop.is_closed():
            return "closed"
        return "starting" if self._follower is None else self._follower.mode

    def close(self, timeout_s: float) -> None:
        """End the thread, and wait for that so long at most."""
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def submit(self, make: Callable[[Wire], Coroutine[Any, Any, T]]) -> Future[T]:
        """Do something with the gate's connections, in its thread. Raises ``RuntimeError`` when that has ended."""
        if self._loop.is_closed():
            raise RuntimeError("The local gate is closed.")
        return asyncio.run_coroutine_threadsafe(self._do(make), self._loop)

    async def _do(self, make: Callable[[Wire], Coroutine[Any, Any, T]]) -> T:
        await self._has_wire.wait()
        assert self._wire is not None  # noqa: S101 - the event says so
        return await make(self._wire)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work())
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the copy becomes stale
            self._note(error)
        finally:
            self._loop.close()

    async def _work(self) -> None:
        settings, keeper = self._settings, self.keeper
        # It reads the system's certificates, which takes a moment, so it is made here and not by the caller.
        wire = self._wire = Wire(settings.url, settings.give_key, settings.http)
        follower = self._follower = Follower(keeper, wire, self._clocks, self._note)
        self._has_wire.set()
        holder: LeaseHolder | None = None
        if settings.strict:
            holder = LeaseHolder(keeper, wire, self._clocks, settings.lease_seconds, settings.name, self._note)
        prober = Prober(keeper, wire, self._clocks, settings.probe_every, self._note)
        works = [follower.chase(), self._tell_ready(), (holder or prober).run(), self._keep_snapshot(follower)]
        tasks = [asyncio.ensure_future(work) for work in works]
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        await self._end([stopped, *tasks])
        await self._end(asyncio.all_tasks() - {asyncio.current_task()})  # questions that somebody waits for
        if holder is not None:
            await holder.end()
        if self._stop.is_set():
            self._prepare_snapshot()()  # at once: at the exit of the interpreter no thread can be started
        with suppress(Exception):
            await wire.close()
        await self._loop.close_all()

    async def _end(self, tasks: Collection[asyncio.Future[Any]]) -> None:
        """Cancel tasks until they have ended: ``wait_for`` of Python before 3.12 may swallow a cancellation."""
        pending = set(tasks)
        while pending:
            for task in pending:
                task.cancel()
            done, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
            for task in done:
                if not task.cancelled() and (error := task.exception()) is not None:
                    self._note(error)

    async def _tell_ready(self) -> None:
        await self.keeper.fresh.wait()
        self.ready.set_result(None)
        await asyncio.Event().wait()

    async def _keep_snapshot(self, follower: Follower) -> None:
        """Begin with the snapshot, then follow, and write the file now and then."""
        if self._settings.snapshot is not None:
            self._load_snapshot(self._settings.snapshot)
        follow = asyncio.ensure_future(follower.run())
        try:
            while self._settings.snapshot is not None:
                await asyncio.wait([follow], timeout=self._settings.snapshot_every)
                if follow.done():
                    break
                # In a thread of its own: a slow disk must not hold up the lease.
                await asyncio.get_running_loop().run_in_executor(None, self._prepare_snapshot())
            await follow
        finally:
            follow.cancel()

    def _load_snapshot(self, path: Path) -> None:
        settings = self._settings
        if not path.exists():
            return
        source = mark_source(settings.url, settings.give_key())
        try:
            loaded, proven_at = read_snapshot(path, source, settings.of, self._clocks)
        except SnapshotUnusableError as error:
            self._note(error)
            return
        self.keeper.install(loaded.vins, loaded.number, loaded.cursor, proven_at, from_snapshot=True)

    def _prepare_snapshot(self) -> Callable[[], None]:
        """Give what writes the file. The state that it writes is the present one, between two changes."""
        settings, keeper = self._settings, self.keeper
        copy = keeper.copy
        if settings.snapshot is None or keeper.is_lost or copy.source != "server" or copy.proven_at == NEVER:
            return lambda: None
        source = mark_source(settings.url, settings.give_key())
        return partial(self._write_snapshot, settings.snapshot, copy, list(copy.buckets), source)

    def _write_snapshot(self, path: Path, copy: Copy, buckets: list[str], source: str) -> None:
        try:
            write_snapshot(path, copy, buckets, source, self._clocks)
        except OSError as error:
            self._note(error)

    def _note(self, error: BaseException) -> None:
        """Keep what went wrong for ``state()``. No error of these has a header or a key in it."""
        self.last_error = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
