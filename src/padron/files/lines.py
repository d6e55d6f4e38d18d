"""The physical lines of a text file, read in blocks, with a limit for a line's length."""

from collections import deque
from collections.abc import Iterator
from io import BufferedReader

from padron.files.encodings import BLOCK_BYTES, find_encoding

LINE_LENGTH_MAX = 1 << 20  # characters; no line of a table is longer


class FileLines:
    """The lines without their line ends. A line that is too long is skipped, and gives None.

    If the first line ends with CR alone, as old Macintosh programs write, every CR and every LF ends a line.
    Otherwise LF ends a line, with or without CR before it, and a lone CR belongs to its cell.
    """

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        encoding = find_encoding(raw)
        raw.seek(encoding.mark_bytes)
        self.encoding = encoding.name
        self._decoder = encoding.make_decoder()
        self._ready: deque[str | None] = deque()
        self._rest = ""
        self._is_passing = False  # skipping the rest of a line that is too long
        self._is_ended = False
        self._ends_with_cr: bool | None = None  # unknown before the first block
        self.number = 0

    def __iter__(self) -> Iterator[str | None]:
        return self

    def __next__(self) -> str | None:
        while not self._ready:
            if self._is_ended:
                raise StopIteration
            self._read_block()
        self.number += 1
        return self._ready.popleft()

    def give_back(self, lines: list[str]) -> None:
        """Put these lines back, so that they are read again."""
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)

    def _read_block(self) -> None:
        block = self._raw.read(BLOCK_BYTES)
        text = self._decoder.decode(block, final=not block)
        self._is_ended = not block
        if self._ends_with_cr is None:
            self._ends_with_cr = _ends_with_cr(text)
        text = self._rest + text
        if self._ends_with_cr:
            is_cut = text.endswith("\r") and not self._is_ended  # the next character may be LF
            text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n") + ("\r" if is_cut else "")
        lines = text.split("\n")
        self._rest = "" if self._is_ended else lines.pop()
        if self._is_ended and not lines[-1]:
            lines.pop()  # nothing comes after the last line end
        if "\r" in text and not self._ends_with_cr:
            lines = [line.removesuffix("\r") for line in lines]
        self._take(lines)

    def _take(self, lines: list[str]) -> None:
        if self._is_passing and (lines or self._is_ended):
            self._ready.append(None)
            self._is_passing = False
            del lines[:1]
        self._ready.extend(line if len(line) <= LINE_LENGTH_MAX else None for line in lines)
        if len(self._rest) > LINE_LENGTH_MAX:
            self._is_passing = True
            self._rest = ""


def _ends_with_cr(text: str) -> bool:
    """Say whether the first line of the first block ends with CR alone. Line ends in quoted cells do not count."""
    outside = text.split('"')[::2]
    for part in outside:
        first_cr, first_lf = part.find("\r"), part.find("\n")
        if first_cr >= 0 or first_lf >= 0:
            return first_cr >= 0 and (first_lf < 0 or first_cr < first_lf - 1)
    return "\r" in text and "\n" not in text
