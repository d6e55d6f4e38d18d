"""What the process that parses a file sends: batches of rows, each after its length, checked where they arrive."""

from collections.abc import Sequence

import msgspec

from padron.domain.file_reading import Header, UnreadableFileError
from padron.files.columns import FileRow, ParsedRow, RefusedRow

LENGTH_BYTES = 4
BATCH_BYTES_MAX = 1 << 24  # what is longer is no batch


class Batch(msgspec.Struct, kw_only=True):
    """Some rows in their order. The first one has none: it says that the header was read.

    One without rows says later that the reading goes on, perhaps over lines without any content.
    """

    rows: list[ParsedRow] = []
    refused: list[RefusedRow] = []
    header: Header = Header()
    bytes_read: int = 0
    bytes_total: int = 0
    error: str | None = None  # why nothing more can be read
    is_last: bool = False

    def list_rows(self) -> Sequence[FileRow]:
        """Give all rows by their lines."""
        if not self.refused:
            return self.rows
        rows: list[FileRow] = [*self.rows, *self.refused]
        return sorted(rows, key=lambda row: row.line)


_decode = msgspec.msgpack.Decoder(Batch).decode
_BROKEN = "The process that reads the file sent what is no row of it. Save the file as CSV and try again."


def pack(batch: Batch) -> bytes:
    """Give the batch after its length."""
    data = msgspec.msgpack.encode(batch)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def parse_length(data: bytes) -> int:
    """Give the length of the next batch. Raises ``bad_parameters`` for one that no batch has."""
    length = int.from_bytes(data, "big")
    if length > BATCH_BYTES_MAX:
        raise UnreadableFileError(_BROKEN)
    return length


def unpack(data: bytes) -> Batch:
    """Give the batch that these bytes are. Raises ``bad_parameters`` when they are none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableFileError(_BROKEN) from error
