"""An XLSX file as a package of XML parts. Each part is read as a stream with limits, so a ZIP bomb gives an error.

XML with a document type is refused, so there are no entities to expand and no other files to fetch.
"""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO
from xml.parsers import expat

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

PARTS_MAX = 5_000
PART_BYTES_MAX = 4_000_000_000  # of a sheet or of the shared texts, unpacked
BYTES_MAX = 4_000_000_000  # of all parts that are read
SMALL_PART_BYTES_MAX = 32_000_000  # of any other part that is read
RATIO_MAX = 300  # a real sheet shrinks to between a tenth and a thirtieth
RATIO_FREE_BYTES = 50_000_000  # unpacked; the ratio of smaller parts does not matter
SILENT_BYTES_MAX = 16_000_000  # of XML in which no element begins or ends: a very long name or value
DEPTH_MAX = 200  # of nested elements; a sheet has 10
_BLOCK_BYTES = 1 << 16

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # the other methods unpack without a limit
_RELATIONSHIPS = "_rels/.rels"
# Other files that are ZIP archives, each by one of its parts.
_FOREIGN = (
    ("xl/workbook.bin", "a binary Excel workbook (.xlsb): save it as .xlsx"),
    ("content.xml", "an OpenDocument file (.ods): save it as .xlsx"),
    ("word/document.xml", "a Word document: save the table as .xlsx or CSV"),
    ("ppt/presentation.xml", "a presentation: save the table as .xlsx or CSV"),
    ("index/document.iwa", "a Numbers document: export it as .xlsx or CSV"),
)
StartElement = Callable[[str, Mapping[str, str]], None]
EndElement = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Relationship:
    """A reference from one part of a package to another: an id, the last word of its type, and the other's name."""

    relation_id: str
    kind: str
    target: str


class Package:
    """The parts of an open file."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the list of parts. Raises ``bad_parameters`` when it is damaged or too long."""
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise _refuse(f"The file is damaged: {error}.") from error
        names = self._zip.infolist()
        if len(names) > PARTS_MAX:
            raise _refuse(f"The file has {len(names)} parts: a workbook has at most {PARTS_MAX}.")
        self._parts = {_fold(one.filename): one for one in names}
        self._opened: set[str] = set()
        self._bytes_left = BYTES_MAX

    def has(self, name: str) -> bool:
        """Say whether there is a part with this name."""
        return _fold(name) in self._parts

    def check_kind(self) -> None:
        """Raise ``bad_parameters`` for an archive that is not an Office package, or is not a workbook."""
        for name, foreign in _FOREIGN:
            if self.has(name):
                raise _refuse(f"The file is {foreign}.")
        if not self.has(_RELATIONSHIPS):
            raise _refuse("The file is a ZIP archive. Unpack it, and import each file in it separately.")

    def count_bytes(self, count: int) -> None:
        """Count unpacked bytes. Raises ``bad_parameters`` when all parts together have too many."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise _refuse(f"The unpacked file has more than {BYTES_MAX:,} bytes, the maximum. Split it.")

    def open_part(
        self,
        name: str,
        *,
        start: StartElement,
        end: EndElement = lambda _: None,
        text: Callable[[str], None] | None = None,
        bytes_max: int = SMALL_PART_BYTES_MAX,
    ) -> "PartReader":
        """Give a reader of a part's XML, which calls the callbacks. Raises ``bad_parameters`` for a part over a limit.

        Each part is read only once, because no spreadsheet program uses a part twice.
        """
        part = self._parts.get(_fold(name))
        if part is None:
            raise _refuse(f"The workbook is incomplete: it has no part {quote(name)}.")
        if part.filename in self._opened:
            raise _refuse(f"The workbook is damaged: it uses the part {quote(name)} twice.")
        self._opened.add(part.filename)
        if part.compress_type not in _METHODS:
            raise _refuse(f"The part {quote(name)} has an unknown compression. Save the file in a spreadsheet program.")
        if part.flag_bits & 1:
            raise _refuse("The file has a password: save it without a password.")
        if part.file_size > bytes_max:
            raise _refuse(
                f"The part {quote(name)} has {part.file_size:,} bytes unpacked: the maximum is {bytes_max:,}."
            )
        if part.file_size > RATIO_FREE_BYTES and part.file_size > part.compress_size * RATIO_MAX:
            ratio = part.file_size // max(part.compress_size, 1)
            raise _refuse(f"The part {quote(name)} is compressed {ratio:,} to 1: the maximum is {RATIO_MAX} to 1.")
        return PartReader(self, self._zip.open, part, start=start, end=end, text=text)

    def list_relationships(self, name: str = "") -> list[Relationship]:
        """Give the relationships of a part. Without a name, give those of the package itself."""
        folder, base = PurePosixPath(name).parent, PurePosixPath(name).name
        part = str(folder / "_rels" / f"{base}.rels") if name else _RELATIONSHIPS
        found: list[Relationship] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "").replace("\\", "/")
                whole = target.lstrip("/") if target.startswith("/") else _join(folder, target)
                kind = attributes.get("Type", "").rpartition("/")[2]
                found.append(Relationship(relation_id=attributes.get("Id", ""), kind=kind, target=whole))

        self.open_part(part, start=start).read_all()
        return found


class PartReader:
    """Reads one part in blocks."""

    def __init__(
        self,
        package: Package,
        open_part: Callable[[zipfile.ZipInfo], IO[bytes]],
        part: zipfile.ZipInfo,
        *,
        start: StartElement,
        end: EndElement,
        text: Callable[[str], None] | None,
    ) -> None:
        self._package = package
        self._name = part.filename
        self.bytes_total = part.file_size
        self.bytes_read = 0
        self._events_at = 0
        self._depth = 0
        self._start, self._end = start, end
        try:
            self._file = open_part(part)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            raise _refuse(f"The part {quote(self._name)} cannot be unpacked: {error}.") from error
        parser = expat.ParserCreate(namespace_separator="|")
        parser.buffer_text = True
        parser.StartElementHandler = self._begin_element
        parser.EndElementHandler = self._end_element
        if text is not None:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser = parser

    def read_block(self) -> bool:
        """Read the next kilobytes, and say whether there is more. Raises ``bad_parameters``."""
        try:
            block = self._file.read(_BLOCK_BYTES)
            self.bytes_read += len(block)
            self._package.count_bytes(len(block))
            self._parser.Parse(block, not block)
            if not block:
                self.bytes_total = self.bytes_read  # the size in the file may be wrong
        except expat.ExpatError as error:
            raise _refuse(f"The part {quote(self._name)} is not well-formed XML: {error}.") from error
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
            raise _refuse(f"The part {quote(self._name)} is damaged: {error}.") from error
        if self.bytes_read - self._events_at > SILENT_BYTES_MAX:
            raise _refuse(f"The part {quote(self._name)} has a value of more than {SILENT_BYTES_MAX:,} bytes.")
        return bool(block)

    def read_all(self) -> None:
        """Read to the end. Raises ``bad_parameters``."""
        while self.read_block():
            pass

    def _begin_element(self, name: str, attributes: dict[str, str]) -> None:
        self._events_at = self.bytes_read
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _refuse(f"The part {quote(self._name)} nests more than {DEPTH_MAX} elements, the maximum.")
        self._start(name.rpartition("|")[2], attributes)

    def _end_element(self, name: str) -> None:
        self._events_at = self.bytes_read
        self._depth -= 1
        self._end(name.rpartition("|")[2])


def _fold(name: str) -> str:
    """Give the form for comparing part names, because some programs write backslashes or another letter case."""
    return name.replace("\\", "/").lstrip("/").casefold()


def _join(folder: PurePosixPath, target: str) -> str:
    parts: list[str] = []
    for part in (folder / target).parts:
        if part == "..":
            if parts:
                parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _refuse_doctype(*_: object) -> None:
    raise _refuse("The file has an XML document type, which no spreadsheet program writes. It was not read.")


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, detail)
