"""How the bytes of a text file are read: found out by one pass over all of it, so that no line is read wrong.

Latin-1 is read as Windows writes it (cp1252), with the five bytes that this leaves open as the control characters of
Latin-1, which a cell then refuses by name.
"""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

BLOCK_BYTES = 1 << 20

_SAMPLE_BYTES = 64  # a title or names of columns; what follows may be in any script
_ZERO_SHARE_MIN = 0.6  # of the characters at a file's beginning

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
find_undecoded = re.compile("[\ud800-\udfff]").findall
_find_decoded = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]").findall


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """An encoding by its name, and how many bytes of a mark come before the text."""

    name: str
    mark_bytes: int

    def make_decoder(self) -> codecs.IncrementalDecoder:
        """Give a decoder. A byte that is not of the encoding becomes half a surrogate pair, for its line to refuse."""
        if self.name == "latin-1":
            return codecs.getincrementaldecoder("cp1252")(_LATIN_1)
        return codecs.getincrementaldecoder(self.name)("surrogateescape" if self.name == "utf-8" else "replace")


def find_encoding(file: BinaryIO) -> Encoding:
    """Give the encoding of a file, which is read from where it stands and put back there.

    Without a mark it is UTF-16 when every other byte of its beginning is zero, as in Latin letters. Else it is UTF-8,
    unless more characters are not of it than are, besides ASCII: one damaged byte does not make a file Latin-1, in
    which each accent would then be read as two characters.
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
    """Give the encoding of UTF-16 without a mark: the upper bytes of Latin letters, digits and separators are zero."""
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
