"""Reads a file in a separate process, ahead of the code that writes its rows, with limits on everything it uses.

There are two ways to receive its rows: a command may block, and an event loop must not.
"""

import asyncio
import os
import select
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from fcntl import fcntl
from pathlib import Path

from padron.domain.file_preview import FilePreview
from padron.domain.file_reading import Header, ReadingOptions, UnreadableFileError
from padron.files.batches import LENGTH_BYTES, Batch, parse_length, unpack
from padron.files.child import Child, give_limits, word_wait
from padron.files.columns import FileRow
from padron.files.orders import ChildLimits, Order

PIPE_BYTES = 1 << 20
_SET_PIPE_BYTES = 1031  # F_SETPIPE_SZ of Linux; elsewhere a pipe keeps its size


class AheadRows(ABC):
    """The parsed rows of a file that a separate process reads."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._ready: deque[FileRow] = deque()
        self._waited_s = 0.0
        self.bytes_read = 0
        self.bytes_total = 0
        self.header = Header()  # where and how the file names its columns
        self._is_last = False
        self._error: UnreadableFileError | None = None  # why no more rows can be read

    @property
    def is_ended(self) -> bool:
        """Say whether the caller has taken every row."""
        return self._is_last and not self._ready

    async def take(self, count: int) -> list[FileRow]:
        """Give the next ``count`` rows. Give fewer at the end of the file, or when no more rows are ready yet.

        Raises ``UnreadableFileError`` at the place where no more rows can be read, after the rows before.
        """
        ready = self._ready
        while len(ready) < count and not self._is_last and self._error is None:
            try:
                batch = await self._receive()
            except UnreadableFileError as error:
                self._error = error
                break
            self._accept(batch)
            if not batch.rows and not batch.refused:
                break  # so that the caller can stop now
        if not ready and self._error is not None:
            raise self._error
        return [ready.popleft() for _ in range(min(count, len(ready)))]

    def kill(self) -> None:
        """End the other process, from any thread. A caller that waits for rows gets an error."""
        self._child.kill("The reading of the file was stopped.")

    @abstractmethod
    async def _receive(self) -> Batch: ...

    def _accept(self, batch: Batch) -> None:
        self._ready.extend(batch.list_rows())
        if batch.bytes_total:
            self.bytes_read, self.bytes_total, self.header = batch.bytes_read, batch.bytes_total, batch.header
        self._is_last = batch.is_last

    def _give_patience(self) -> float:
        """Give the seconds to wait for the next bytes."""
        limits = self._child.limits
        return min(limits.silence_s, limits.wall_s - self._waited_s)

    def _note_wait(self, seconds: float) -> None:
        """Add to the seconds of waiting. Raises ``UnreadableFileError`` when they exceed a limit."""
        self._waited_s += seconds
        limits = self._child.limits
        if seconds >= limits.silence_s:
            raise self._give_up(word_wait(limits.silence_s))
        if self._waited_s >= limits.wall_s:
            raise self._give_up(word_wait(limits.wall_s))

    def _give_up(self, why: str) -> UnreadableFileError:
        self._child.kill(why)
        return self._child.explain()


class BlockingRows(AheadRows):
    """Blocks until rows arrive. Only for commands."""

    def open(self) -> None:
        """Wait for the header. Raises ``UnreadableFileError``."""
        while not self.bytes_total and not self._is_last:
            self._accept(self._receive_now())

    def __iter__(self) -> Iterator[FileRow]:
        """Give each row once. Raises ``UnreadableFileError`` at the place where no more rows can be read."""
        while not self._is_last:
            self._accept(self._receive_now())
            yield from self._ready
            self._ready.clear()

    async def _receive(self) -> Batch:
        await asyncio.sleep(0)  # so that the loop can handle signals
        return self._receive_now()

    def _receive_now(self) -> Batch:
        return _check(unpack(self._read(parse_length(self._read(LENGTH_BYTES)))))

    def _read(self, size: int) -> bytes:
        pipe = self._child.output.fileno()
        blocks: list[bytes] = []
        while size:
            begun, patience_s = time.monotonic(), self._give_patience()
            is_readable, _, _ = select.select([pipe], [], [], patience_s)
            self._note_wait(time.monotonic() - begun if is_readable else patience_s)
            block = os.read(pipe, min(size, PIPE_BYTES))
            if not block:
                raise self._child.explain()
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)


class StreamedRows(AheadRows):
    """Waits for rows without blocking the event loop."""

    async def open(self) -> None:
        """Wait for the header. Raises ``UnreadableFileError``."""
        os.set_blocking(self._child.output.fileno(), False)
        while not self.bytes_total and not self._is_last:
            self._accept(await self._receive())

    async def receive_preview(self) -> FilePreview:
        """Wait for the preview, if that was ordered. Raises ``UnreadableFileError``."""
        os.set_blocking(self._child.output.fileno(), False)
        while (batch := await self._receive()).preview is None:
            pass
        return batch.preview

    async def _receive(self) -> Batch:
        return _check(unpack(await self._read(parse_length(await self._read(LENGTH_BYTES)))))

    async def _read(self, size: int) -> bytes:
        pipe = self._child.output.fileno()
        blocks: list[bytes] = []
        while size:
            try:
                block = os.read(pipe, min(size, PIPE_BYTES))
            except BlockingIOError:
                await self._wait(pipe)
                continue
            if not block:
                raise await asyncio.to_thread(self._child.explain)
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)

    async def _wait(self, pipe: int) -> None:
        loop = asyncio.get_running_loop()
        is_readable = asyncio.Event()
        begun, patience_s = time.monotonic(), self._give_patience()
        loop.add_reader(pipe, is_readable.set)
        try:
            async with asyncio.timeout(patience_s):
                await is_readable.wait()
        except TimeoutError:
            self._note_wait(patience_s)
        else:
            self._note_wait(time.monotonic() - begun)
        finally:
            loop.remove_reader(pipe)


def _check(batch: Batch) -> Batch:
    if batch.error is not None:
        raise UnreadableFileError(batch.error)
    return batch


@contextmanager
def open_rows_ahead(
    path: Path, options: ReadingOptions | None = None, *, keep_duplicates: bool = False
) -> Iterator[BlockingRows]:
    """Open a file as ``open_rows`` does, but in a separate process, which also parses the rows."""
    order = Order(path=str(path), options=options or ReadingOptions(), keep_duplicates=keep_duplicates)
    child = _start(order, give_limits(path, is_beside_server=False))
    try:
        rows = BlockingRows(child)
        rows.open()
        yield rows
    finally:
        child.close()


@asynccontextmanager
async def stream_rows_ahead(order: Order, limits: ChildLimits | None = None) -> AsyncIterator[StreamedRows]:
    """Begin to read a file without blocking the server's event loop. ``open`` then waits for the header."""
    child = _start(order, limits or give_limits(Path(order.path), is_beside_server=True))
    try:
        yield StreamedRows(child)
    finally:
        await asyncio.to_thread(child.close)  # the system takes some time to free its memory


def _start(order: Order, limits: ChildLimits) -> Child:
    child = Child(order, limits)
    with suppress(OSError):
        fcntl(child.output, _SET_PIPE_BYTES, PIPE_BYTES)
    return child
