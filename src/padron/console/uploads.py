"""A file that a form sends, read as it arrives: first the fields before it, then the file, piece by piece.

Only the head of a request is believed before the guards have looked at the fields. So a file of somebody who may not
send one is never read.
"""

from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from padron.console.fields import Fields, Pair
from padron.domain.errors import Code, PadronError

FORM_TYPE = "multipart/form-data"
FIELDS_BYTES_MAX = 65_536

_BOUNDARY_LENGTH_MAX = 70  # RFC 2046, 5.1.1
_FIELDS_MAX = 100


class BrowserUpload:
    """The form of one request. Read its file once, if it has one."""

    def __init__(self, content_type: str, pieces: AsyncIterator[bytes]) -> None:
        """Raise ``bad_parameters`` for a form without a usable boundary."""
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= _BOUNDARY_LENGTH_MAX:
            raise _refuse("Its boundary is missing or too long.")
        self._arriving = pieces
        self._parts = _Parts(boundary)

    async def read_fields(self) -> Fields:
        """Give the fields that come before the file. Raises ``bad_parameters``."""
        async for data in self._arriving:
            self._parts.feed(data)
            if self._parts.has_file:
                break
        return Fields(self._parts.fields)

    @property
    def file_name(self) -> str:
        """The name of the file; empty where none was chosen."""
        return self._parts.file_name

    async def read_file(self) -> AsyncIterator[bytes]:
        """Give the file in pieces. Raises ``bad_parameters`` when the form ends too early."""
        for piece in self._parts.take():
            yield piece
        async for data in self._arriving:
            self._parts.feed(data)
            for piece in self._parts.take():
                yield piece
        self._parts.check_end()


class _Parts:
    """What the parser has found so far. Of several files only the first is kept."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: list[Pair] = []
        self.file_name = ""
        self.has_file = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._header = self._value = b""
        self._name = ""
        self._text = bytearray()
        self._is_file = self._is_passed = self._is_ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_header,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def feed(self, data: bytes) -> None:
        """Parse more of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _refuse("It is damaged.") from error

    def take(self) -> list[bytes]:
        """Give the pieces of the file that have arrived."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def check_end(self) -> None:
        """Raise ``bad_parameters`` unless the whole form has arrived."""
        if not self._is_ended:
            raise _refuse("It ends too early.")

    def _begin(self) -> None:
        self._name, self._is_file, self._is_passed = "", False, self.has_file
        self._text = bytearray()

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = _decode(options.get(b"name", b""))
            if b"filename" in options and not self._is_passed:
                self._is_file = self.has_file = True
                self.file_name = _decode(options[b"filename"])
        self._header = self._value = b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])
        elif not self._is_passed:
            self._size += end - start
            if self._size > FIELDS_BYTES_MAX:
                raise _refuse("Its fields are too large.")
            self._text += data[start:end]

    def _end(self) -> None:
        if not self._is_file and not self._is_passed:
            if len(self.fields) >= _FIELDS_MAX:
                raise _refuse("It has too many fields.")
            self.fields.append(Pair(self._name, self._text.decode("utf-8", "replace")))

    def _finish(self) -> None:
        self._is_ended = True


def _decode(text: bytes) -> str:
    """Give a name as it was before the browser escaped its quotation marks."""
    return text.decode("utf-8", "replace").replace("%22", '"')


def _refuse(why: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, f"The form with the file could not be read. {why}")
