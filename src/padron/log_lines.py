"""Writes the lines of the log from a thread, so that a full pipe or a slow disk holds up no request.

Lines that find the queue full are dropped and counted. As soon as there is room, one line says how many were lost.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from padron.meters import Family, give_counter

LINES_MAX = 10_000  # that wait to be written
LINE_CHARACTERS_MAX = 20_000
WAITING_CHARACTERS_MAX = 8_000_000
# A pipe takes so many bytes as a whole. More at once could mix with the lines of another process.
BLOCK_BYTES = 4_096
GATHER_S = 0.1  # lines that come together are written together; each time interrupts what the process does
CLOSE_S_MAX = 1.0

_STDERR = 2


class LineWriter:
    """Writes lines to an open file from a thread of its own, which starts with the first line."""

    def __init__(self, file_number: int, word_dropped: Callable[[int], str]) -> None:
        """``word_dropped`` gives the line that says how many lines were dropped."""
        self._file_number = file_number
        self._word_dropped = word_dropped
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._waiting_characters = 0
        self._untold_count = 0
        self.written_count = 0
        self.dropped_count = 0
        self._has_lines = threading.Event()
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Let a line be written soon. This never waits for the file."""
        data = line[:LINE_CHARACTERS_MAX].encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if len(self._lines) >= LINES_MAX or self._waiting_characters + len(data) > WAITING_CHARACTERS_MAX:
                self.dropped_count += 1
                self._untold_count += 1
                return
            self._lines.append(data)
            self._waiting_characters += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="padron-log", daemon=True)
                self._thread.start()
        self._has_lines.set()

    def close(self) -> None:
        """Write what waits. Give up after a second, because nobody may be reading."""
        self._is_closing.set()
        self._has_lines.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        while not (self._is_closing.is_set() and not self._lines):
            self._has_lines.wait()
            self._has_lines.clear()
            self._is_closing.wait(GATHER_S)
            while block := self._take():
                self._write(block)

    def _take(self) -> bytes:
        """Give the next lines, up to the size of a block."""
        with self._lock:
            block: list[bytes] = []
            size = 0
            while self._lines and (not block or size + len(self._lines[0]) <= BLOCK_BYTES):
                line = self._lines.popleft()
                block.append(line)
                size += len(line)
            self._waiting_characters -= size
            self.written_count += len(block)
            if not self._lines and self._untold_count:
                block.append(self._word_dropped(self._untold_count).encode("utf-8", "backslashreplace") + b"\n")
                self._untold_count = 0
        return b"".join(block)

    def _write(self, block: bytes) -> None:
        with suppress(OSError):  # nobody reads any more, and there is nowhere else to say so
            while block:
                block = block[os.write(self._file_number, block) :]


class LineHandler(logging.Handler):
    """Gives each event of the log to a writer, as one line."""

    def __init__(self, file_number: int = _STDERR) -> None:
        super().__init__()
        self.writer = LineWriter(file_number, self._word_dropped)

    def emit(self, record: logging.LogRecord) -> None:
        """Let the event be written."""
        try:
            self.writer.put(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler of the standard library does
            self.handleError(record)

    def close(self) -> None:
        """Write what waits. The standard library calls this when the process ends."""
        self.writer.close()
        super().close()

    def _word_dropped(self, count: int) -> str:
        record = logging.LogRecord(
            "padron.log", logging.WARNING, __file__, 0,
            "%d lines of the log were dropped, because they could not be written fast enough", (count,), None,
        )  # fmt: skip
        return self.format(record)


def give_families() -> tuple[Family, ...]:
    """Give the figures of this process's log; none where it does not write by a thread."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]
    return tuple(
        family
        for handler in handlers[:1]
        for family in (
            give_counter("padron_log_lines_total", "Lines of the log.", handler.writer.written_count),
            give_counter(
                "padron_log_lines_dropped_total",
                "Lines of the log that were lost, because they could not be written fast enough.",
                handler.writer.dropped_count,
            ),
        )
    )
