"""The messages of the process that parses a file: batches of rows, each after its length. The receiver checks them."""

from collections.abc import Sequence

import msgspec

from padron.domain.file_preview import FilePreview
from padron.domain.file_reading import Header, UnreadableFileError
from padron.files.columns import FileRow, ParsedRow, RefusedRow

LENGTH_BYTES = 4
BATCH_BYTES_MAX = 1 << 24  # no batch is longer


class Batch(msgspec.Struct, kw_only=True):
    """Some rows in their order. The first batch has no rows: it says that the header was read.

    A later batch without rows says that the reading continues, for example over a long run of empty lines.
    """

    rows: list[ParsedRow] = []
    refused: list[RefusedRow] = []
    header: Header = Header()
    bytes_read: int = 0
    bytes_total: int = 0
    error: str | None = None  # why no more rows can be read
    is_last: bool = False
    preview: FilePreview | None = None  # if it was ordered: the only batch that is not empty

    def list_rows(self) -> Sequence[FileRow]:
        """Give all rows in the order of their lines."""
        if not self.refused:
            return self.rows
        rows: list[FileRow] = [*self.rows, *self.refused]
        return sorted(rows, key=lambda row: row.line)


_decode = msgspec.msgpack.Decoder(Batch).decode
_BROKEN = "The process that reads the file sent damaged data. Save the file as CSV and try again."


def pack(batch: Batch) -> bytes:
    """Give the batch after its length."""
    data = msgspec.msgpack.encode(batch)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def parse_length(data: bytes) -> int:
    """Give the length of the next batch. Raises ``bad_parameters`` when it is longer than any batch."""
    length = int.from_bytes(data, "big")
    if length > BATCH_BYTES_MAX:
        raise UnreadableFileError(_BROKEN)
    return length


def unpack(data: bytes) -> Batch:
    """Give the batch in these bytes. Raises ``bad_parameters`` when they are not a batch."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableFileError(_BROKEN) from error
