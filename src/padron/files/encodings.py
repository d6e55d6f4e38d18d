"""Finds the encoding of a text file, in one pass over the whole file, so that every line is decoded correctly.

Latin-1 is read as Windows writes it (cp1252). Five bytes have no character in cp1252. They become the control
characters of Latin-1, which the checks of a cell then refuse by name.
"""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

BLOCK_BYTES = 1 << 20

_SAMPLE_BYTES = 64  # a title or column names in Latin letters; the text after them can be in any script
_ZERO_SHARE_MIN = 0.6  # of the characters at the beginning of a file

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
find_undecoded = re.compile("[\ud800-\udfff]").findall
_find_decoded = re.compile("[^\0-\x7f\ud800-\udfff]").findall


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """An encoding by its name, and the number of bytes of the byte order mark before the text."""

    name: str
    mark_bytes: int

    def make_decoder(self) -> codecs.IncrementalDecoder:
        """Give a decoder. A byte that does not fit the encoding becomes a lone surrogate, and its cell is refused."""
        if self.name == "latin-1":
            return codecs.getincrementaldecoder("cp1252")(_LATIN_1)
        return codecs.getincrementaldecoder(self.name)("surrogateescape" if self.name == "utf-8" else "replace")


def find_encoding(file: BinaryIO) -> Encoding:
    """Give the encoding of a file. The file is read from its present position, which is restored.

    Without a byte order mark, the file is UTF-16 when every second byte of its beginning is zero, as for Latin letters.
    Otherwise it is UTF-8, unless more characters outside ASCII are wrong in UTF-8 than right. One damaged byte must not
    make the file Latin-1, because each accent would then be read as two characters.
    """
    start = file.tell()
    first = file.read(_SAMPLE_BYTES)
    file.seek(start)
    for mark, name in _MARKS:
        if first.startswith(mark):
            return Encoding(name=name, mark_bytes=len(mark))
    if (unmarked := _find_unmarked(first)) is not None:
        return Encoding(name=unmarked, mark_bytes=0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    undecoded = decoded = 0
    while block := file.read(BLOCK_BYTES):
        text = decoder.decode(block)
        if not text.isascii():
            undecoded += len(find_undecoded(text))
            decoded += len(_find_decoded(text))
    undecoded += len(find_undecoded(decoder.decode(b"", final=True)))
    file.seek(start)
    return Encoding(name="latin-1" if undecoded > decoded else "utf-8", mark_bytes=0)


def _find_unmarked(first: bytes) -> str | None:
    """Find UTF-16 without a mark: the upper bytes of Latin letters, digits and separators are zero."""
    pairs = len(first) // 2
    lower, upper = first[::2].count(0), first[1::2].count(0)
    if pairs and upper > pairs * _ZERO_SHARE_MIN and not lower:
        return "utf-16-le"
    if pairs and lower > pairs * _ZERO_SHARE_MIN and not upper:
        return "utf-16-be"
    return None


def _decode_as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


_LATIN_1 = "padron-latin-1"
codecs.register_error(_LATIN_1, _decode_as_latin_1)
