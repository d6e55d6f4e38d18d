"""The program of the process that parses a file. It reads its order on standard input and sends batches of rows."""

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import IO, Self

import msgspec

from padron.domain.errors import PadronError
from padron.files.batches import Batch, pack
from padron.files.columns import FileRow, FileRows, ImportRow
from padron.files.correcting import correct_rows
from padron.files.orders import EXIT_MEMORY, Instruction, Order, accept_limits, word_memory
from padron.files.parsing import open_parser
from padron.files.rows import open_rows

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 1 << 20  # of the cells of a batch; its last row may exceed this
AHEAD_BATCHES_MAX = 48  # batches that wait to be sent: about 10 MB, more than the rows of one transaction
BEAT_S = 1.0  # after this time without a batch, one without rows reports the progress


class _Sender:
    """Sends batches on a thread, so that reading continues while the receiver is busy with earlier rows."""

    def __init__(self, out: IO[bytes]) -> None:
        self.rows: FileRows | None = None  # the rows that are being read
        self._out = out
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._places = BoundedSemaphore(AHEAD_BATCHES_MAX)
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    def send(self, batch: Batch) -> None:
        """Queue a batch. Waits while the queue is full."""
        data = pack(batch)
        self._places.acquire()
        self._waiting.put(data)

    def _run(self) -> None:
        while True:
            try:
                data = self._waiting.get(timeout=BEAT_S)
            except Empty:
                self._write(pack(self._give_beat()))
                continue
            if data is None:
                return
            self._write(data)
            self._places.release()

    def _give_beat(self) -> Batch:
        return Batch() if self.rows is None else _give_state(self.rows)

    def _write(self, data: bytes) -> None:
        try:
            self._out.write(data)
            self._out.flush()
        except OSError:
            os._exit(0)  # the receiver is gone, so the work of the other thread is useless


def _read_file(order: Order, sender: _Sender) -> None:
    with (
        open_rows(Path(order.path), order.options, is_path_told=order.is_path_told) as rows,
        open_parser(
            keep_duplicates=order.keep_duplicates, normalize=order.options.normalize, language=rows.header.language
        ) as parser,
    ):
        sender.send(_give_state(rows))
        sender.rows = rows
        given = correct_rows(rows, order.options.corrections) if order.options.corrections else rows
        for chunk in _cut(given):
            batch, parsed = _give_state(rows), parser.parse_rows(chunk)
            batch.rows, batch.refused = parsed.rows, parsed.refused
            sender.send(batch)
        sender.rows = None
        last = _give_state(rows)
        last.bytes_read, last.is_last = rows.bytes_total, True
        sender.send(last)


def _preview_file(order: Order, sender: _Sender) -> None:
    from padron.files.previews import preview_file  # noqa: PLC0415 - an import starts faster without it

    preview = preview_file(Path(order.path), order.options, is_path_told=order.is_path_told)
    sender.send(Batch(preview=preview, is_last=True))


def _give_state(rows: FileRows) -> Batch:
    """Give a batch without rows, with the progress of the reading and the header."""
    return Batch(header=rows.header, bytes_read=rows.bytes_read, bytes_total=rows.bytes_total)


def _cut(rows: Iterable[FileRow]) -> Iterator[list[FileRow]]:
    """Give the rows in batches. The error that stops the reading is raised after the rows before it."""
    cut: list[FileRow] = []
    length = 0
    try:
        for row in rows:
            cut.append(row)
            if isinstance(row, ImportRow):
                length += sum(map(len, row.cells.values()))
            if len(cut) >= BATCH_ROWS or length >= BATCH_CHARACTERS:
                yield cut
                cut, length = [], 0
    except PadronError:
        if cut:
            yield cut
        raise
    if cut:
        yield cut


def main() -> None:
    """Read the file that standard input names."""
    gc.disable()  # rows have no reference cycles, and the search for cycles takes a tenth of the time
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Instruction)
    with _Sender(sys.stdout.buffer) as sender:
        accept_limits(told.limits)  # after the thread starts, because its stack must not count for the file
        try:
            error = None
            (_preview_file if told.order.is_preview else _read_file)(told.order, sender)
        except PadronError as refused:
            error = refused.detail
        except MemoryError:
            error = word_memory(told.limits)
        if error is not None:
            sender.send(Batch(error=error))


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os._exit(EXIT_MEMORY)
    with suppress(OSError):
        sys.stdout.close()
