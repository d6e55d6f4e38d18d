"""Reads a file in a process of its own, ahead of whoever writes its rows: two cores then share an import.

Run as a module it is that process: it takes what to read from standard input, and gives batches of parsed rows on
standard output, each after its length. It ends when nobody reads them any more.
"""

import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import fcntl
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import IO, Self

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.files.columns import ParsedRow, RefusedRow
from padron.files.parsing import open_parser
from padron.files.rows import open_rows

BATCH_ROWS = 1_000
AHEAD_BATCHES_MAX = 48  # that wait to be sent: more than the rows of one transaction, some 10 MB
WAIT_S_MAX = 5.0  # for the process to end once nobody reads
PIPE_BYTES = 1 << 20
_LENGTH_BYTES = 4
_SET_PIPE_BYTES = 1031  # F_SETPIPE_SZ of Linux; elsewhere a pipe keeps its size


class _Batch(msgspec.Struct, kw_only=True):
    """Some rows in their order. The first batch has none: it says that the header was read."""

    rows: list[ParsedRow] = []
    refused: list[RefusedRow] = []
    header: Header = Header()
    bytes_read: int = 0
    bytes_total: int = 0
    error: str | None = None  # why nothing more can be read
    is_last: bool = False


class _Order(msgspec.Struct, kw_only=True):
    """What to read, and how."""

    path: str
    options: ReadingOptions
    keep_duplicates: bool


class AheadRows:
    """The parsed rows of a file that another process reads."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._decoder = msgspec.msgpack.Decoder(_Batch)
        self._last = self._receive()

    @property
    def header(self) -> Header:
        """What the file says of its columns."""
        return self._last.header

    @property
    def bytes_read(self) -> int:
        """How far the reading has come."""
        return self._last.bytes_read

    @property
    def bytes_total(self) -> int:
        """The size of the file."""
        return self._last.bytes_total

    def __iter__(self) -> Iterator[ParsedRow | RefusedRow]:
        """Give each row once. Raises ``bad_parameters`` where nothing more can be read."""
        while not self._last.is_last:
            self._last = batch = self._receive()
            if batch.refused:
                rows: list[ParsedRow | RefusedRow] = [*batch.rows, *batch.refused]
                yield from sorted(rows, key=lambda row: row.line)
            else:
                yield from batch.rows

    def _receive(self) -> _Batch:
        length = int.from_bytes(self._read(_LENGTH_BYTES), "big")
        batch = self._decoder.decode(self._read(length))
        if batch.error is not None:
            raise PadronError(Code.BAD_PARAMETERS, batch.error)
        return batch

    def _read(self, size: int) -> bytes:
        data = self._pipe.read(size)
        if len(data) < size:
            raise PadronError(Code.BAD_PARAMETERS, "The process that reads the file ended before the file did.")
        return data


@contextmanager
def open_rows_ahead(
    path: Path, options: ReadingOptions | None = None, *, keep_duplicates: bool = False
) -> Iterator[AheadRows]:
    """Open a file as ``open_rows`` does, in a process of its own, which also parses the rows."""
    order = _Order(path=str(path), options=options or ReadingOptions(), keep_duplicates=keep_duplicates)
    command = [sys.executable, "-P", "-m", "padron.files.ahead"]  # -P: nothing from the folder where the command runs
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module
    if process.stdin is None or process.stdout is None:
        raise AssertionError  # both were asked for
    try:
        with process.stdin as asked, suppress(BrokenPipeError):  # its end is told below
            asked.write(msgspec.json.encode(order))
        with suppress(OSError):
            fcntl(process.stdout, _SET_PIPE_BYTES, PIPE_BYTES)
        yield AheadRows(process.stdout)
    finally:
        process.stdout.close()
        process.terminate()
        try:
            process.wait(WAIT_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Sender:
    """Sends batches on a thread, so that reading goes on while whoever writes the rows is busy with those before."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._places = BoundedSemaphore(AHEAD_BATCHES_MAX)
        self._is_broken = False
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    def send(self, batch: _Batch) -> None:
        """Take a batch, once there is a place for it. Raises BrokenPipeError when nobody reads any more."""
        data = msgspec.msgpack.encode(batch)
        self._places.acquire()
        if self._is_broken:
            raise BrokenPipeError
        self._waiting.put(len(data).to_bytes(_LENGTH_BYTES, "big") + data)

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            try:
                self._out.write(data)
                self._out.flush()
            except BrokenPipeError:
                self._is_broken = True
            self._places.release()


def _read_file(order: _Order, sender: _Sender) -> None:
    with (
        open_rows(Path(order.path), order.options) as rows,
        open_parser(
            keep_duplicates=order.keep_duplicates, normalize=order.options.normalize, language=rows.header.language
        ) as parser,
    ):
        sender.send(_Batch(header=rows.header, bytes_read=rows.bytes_read, bytes_total=rows.bytes_total))
        rest = iter(rows)
        while chunk := list(islice(rest, BATCH_ROWS)):
            parsed, refused = parser.parse_rows(chunk)
            sender.send(
                _Batch(
                    rows=parsed,
                    refused=refused,
                    header=rows.header,
                    bytes_read=rows.bytes_read,
                    bytes_total=rows.bytes_total,
                )
            )
        last = _Batch(header=rows.header, bytes_read=rows.bytes_total, bytes_total=rows.bytes_total, is_last=True)
        sender.send(last)


def main() -> None:
    """Read the file that standard input names."""
    gc.disable()  # rows have no cycles, and looking for some takes a tenth of the time
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to both: the other process says when to end
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order)
    with _Sender(sys.stdout.buffer) as sender:
        try:
            _read_file(order, sender)
        except PadronError as error:
            sender.send(_Batch(error=error.detail))


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # nobody reads any more
        main()
