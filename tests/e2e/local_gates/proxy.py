"""A proxy between gates and servers that does what bad proxies do: cuts, stalls, and keeps streams back."""

import asyncio
from contextlib import suppress

from tests.listening import end_listening

_LOOK_S = 0.01
_CHUNK_BYTES = 65_536


class BadProxy:
    """Forwards connections to ``target``, which may change when a server starts again on another port."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.is_stalled = False
        self.keeps_streams = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            await end_listening(self._server)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(upstream)
            self._writers.update(writers)
            pumps = [
                asyncio.ensure_future(self._pump(reader, upstream)),
                asyncio.ensure_future(self._pump(upstream_reader, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for one in writers:
                self._writers.discard(one)
                one.close()
                with suppress(OSError, asyncio.CancelledError):
                    await one.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_stream = False
        while part := await reader.read(_CHUNK_BYTES):
            is_stream = is_stream or (b"text/event-stream" in part and part.startswith(b"HTTP/"))
            while self.is_stalled or (self.keeps_streams and is_stream):  # noqa: ASYNC110 - a test sets it at any time
                await asyncio.sleep(_LOOK_S)
            writer.write(part)
            await writer.drain()
