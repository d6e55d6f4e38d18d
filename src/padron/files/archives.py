"""Files that keep an account's archived changes: gzip, and inside it one JSON object a line.

The first line is a header. A line for each change follows, in order and without a gap. The last line has the count and
the SHA-256 of the lines in between. A file gets its name only when it is complete, on the disk, and was read again.
"""

import gzip
import hashlib
import os
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from padron.domain.archives import ArchivedChange
from padron.domain.change import ChangeType, ErasedValues, HistoryEntry
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Difference

FORMAT = 1

_NAME = "changes-{:012d}-{:012d}.jsonl.gz"
_match_name = re.compile(r"changes-([0-9]{12,19})-([0-9]{12,19})\.jsonl\.gz").fullmatch
_match_folder = re.compile("account-([0-9]{1,19})").fullmatch
_LEVEL = 6
_LEFT_S = 3_600  # no portion takes so long


class ArchiveError(PadronError):
    """An archive cannot be written or believed. The message names the file."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(Code.STORE_UNAVAILABLE, f"The archive {quote_path(path)} {what}.")


class ArchiveHeader(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first line: whose changes follow, and their numbers. ``epoch`` names the register's life that wrote them."""

    format: int
    epoch: str
    account_id: int
    first: int
    last: int


class ArchiveTrailer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last line: what the lines before it must add up to."""

    count: int
    earliest_at: datetime
    latest_at: datetime
    sha256: str


class _Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    number: int
    vehicle_id: int
    vin: str
    type: str
    at: datetime
    by: str
    request_id: str
    to_status_id: int
    from_status_id: int | None = None
    reason: str | None = None
    differences: dict[str, Difference] | None = None
    details: dict[str, str | int] | None = None
    erased: ErasedValues | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedPart:
    """A file of an archive, by its name: whose changes, and from which to which number."""

    path: Path
    account_id: int
    first: int
    last: int


def list_parts(folder: Path, account_id: int | None = None) -> list[ArchivedPart]:
    """Give the files of a folder, by account and number. Raises ArchiveError when it cannot be read."""
    parts: list[ArchivedPart] = []
    try:
        for own in folder.iterdir():
            match = _match_folder(own.name)
            if match is None or account_id not in {None, int(match[1])}:
                continue
            parts += [
                ArchivedPart(path=path, account_id=int(match[1]), first=int(name[1]), last=int(name[2]))
                for path in own.iterdir()
                if (name := _match_name(path.name)) is not None
            ]
    except OSError as error:
        raise ArchiveError(folder, f"cannot be listed: {error.strerror}") from error
    return sorted(parts, key=lambda part: (part.account_id, part.first))


def name_part(folder: Path, account_id: int, first: int, last: int) -> ArchivedPart:
    """Give the file for these changes, whether or not it exists."""
    path = folder / f"account-{account_id}" / _NAME.format(first, last)
    return ArchivedPart(path=path, account_id=account_id, first=first, last=last)


class ArchiveWriter:
    """Writes one file under a temporary name. ``publish`` gives it its own name."""

    def __init__(self, part: ArchivedPart, epoch: str) -> None:
        self._part = part
        self._temporary = part.path.with_name(f".{part.path.name}.{secrets.token_hex(4)}.part")
        self._sums = _Sums(part)
        try:
            part.path.parent.mkdir(mode=0o700, exist_ok=True)
            _remove_left(part.path.parent)
            self._raw = os.fdopen(os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise ArchiveError(part.path, f"cannot be written: {error.strerror}") from error
        self._packed = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=self._raw, mtime=0)
        header = ArchiveHeader(
            format=FORMAT, epoch=epoch, account_id=part.account_id, first=part.first, last=part.last
        )  # fmt: skip
        self._write(msgspec.json.encode(header) + b"\n")

    def add(self, changes: Iterable[ArchivedChange]) -> None:
        """Write the next changes."""
        lines = [_to_line(change) for change in changes]
        self._write(b"".join(self._sums.add(line, msgspec.json.encode(line) + b"\n") for line in lines))

    def publish(self, *, replaces: bool = False) -> ArchiveTrailer:
        """Complete the file, read it again and give it its name. Raises ArchiveError, also for another file there.

        If a file of this name is there already and has the very same changes, it stays. ``replaces``: the new file
        takes its place, whatever it has.
        """
        trailer = self._sums.give_trailer()
        self._write(msgspec.json.encode(trailer) + b"\n")
        try:
            self._packed.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            written = verify_file(self._temporary, self._part)
            if written != trailer:
                raise ArchiveError(self._temporary, "is not what was written, so the disk cannot be relied on")
            if self._part.path.exists() and not replaces:
                if verify_file(self._part.path, self._part) != trailer:
                    raise ArchiveError(self._part.path, "already exists and has other changes with the same numbers")
            else:
                self._temporary.rename(self._part.path)
            _sync_folder(self._part.path.parent)
            _sync_folder(self._part.path.parent.parent)
        except OSError as error:
            raise ArchiveError(self._part.path, f"cannot be written: {error.strerror}") from error
        return trailer

    def close(self) -> None:
        """Remove the temporary file, if it is still there."""
        with suppress(OSError, ValueError):
            self._raw.close()
        with suppress(OSError):
            self._temporary.unlink()

    def _write(self, lines: bytes) -> None:
        try:
            self._packed.write(lines)
        except OSError as error:
            raise ArchiveError(self._part.path, f"cannot be written: {error.strerror}") from error


def verify_file(path: Path, part: ArchivedPart) -> ArchiveTrailer:
    """Read a whole file and give its last line, if everything is as it says. Raises ArchiveError otherwise."""
    reading = _PartReading(path, part)
    for _ in reading:
        pass
    return reading.give_trailer()


def read_changes(part: ArchivedPart) -> Iterator[ArchivedChange]:
    """Give the changes of a file. Raises ArchiveError at the end if the file is not what it says."""
    reading = _PartReading(part.path, part)
    for line in reading:
        yield _from_line(line)
    reading.give_trailer()


def rewrite_part(part: ArchivedPart, alter: Callable[[ArchivedChange], ArchivedChange]) -> list[int]:
    """Alter changes of a file, which keeps its name, and give their numbers. The file is replaced as a whole.

    Raises ArchiveError. The file is then as it was.
    """
    before = list(read_changes(part))
    after = [alter(change) for change in before]
    altered = [one.change.number for one, other in zip(before, after, strict=True) if one != other]
    if altered:
        writer = ArchiveWriter(part, _read_epoch(part))
        try:
            writer.add(after)
            writer.publish(replaces=True)
        finally:
            writer.close()
    return altered


def _read_epoch(part: ArchivedPart) -> str:
    with gzip.open(part.path, "rb") as packed:
        return msgspec.json.decode(packed.readline(), type=ArchiveHeader).epoch


class _Sums:
    """Counts and checks lines as they are written or read."""

    def __init__(self, part: ArchivedPart) -> None:
        self._part = part
        self._digest = hashlib.sha256()
        self._next = part.first
        self._earliest_at: datetime | None = None
        self._latest_at: datetime | None = None

    def add(self, line: _Line, raw: bytes) -> bytes:
        if line.number != self._next:
            raise ArchiveError(self._part.path, f"lacks change {self._next:,}: change {line.number:,} is in its place")
        self._next += 1
        self._digest.update(raw)
        self._earliest_at = line.at if self._earliest_at is None else min(line.at, self._earliest_at)
        self._latest_at = line.at if self._latest_at is None else max(line.at, self._latest_at)
        return raw

    def give_trailer(self) -> ArchiveTrailer:
        if self._next != self._part.last + 1 or self._earliest_at is None or self._latest_at is None:
            raise ArchiveError(self._part.path, f"ends before change {self._next:,}")
        return ArchiveTrailer(
            count=self._part.last - self._part.first + 1,
            earliest_at=self._earliest_at,
            latest_at=self._latest_at,
            sha256=self._digest.hexdigest(),
        )


class _PartReading:
    """Reads a file line by line, and knows at the end whether all of it was right."""

    def __init__(self, path: Path, part: ArchivedPart) -> None:
        self._path = path
        self._part = part
        self._sums = _Sums(part)
        self._trailer: ArchiveTrailer | None = None

    def __iter__(self) -> Iterator[_Line]:
        try:
            with gzip.open(self._path, "rb") as packed:
                self._check_header(msgspec.json.decode(packed.readline(), type=ArchiveHeader))
                before = packed.readline()
                for raw in packed:
                    line = msgspec.json.decode(before, type=_Line)
                    self._sums.add(line, before)
                    yield line
                    before = raw
                self._trailer = msgspec.json.decode(before, type=ArchiveTrailer)
        except FileNotFoundError as error:
            raise ArchiveError(self._path, "does not exist") from error
        except (OSError, EOFError, ValueError, zlib.error) as error:  # gzip raises all of them for damaged bytes
            raise ArchiveError(self._path, f"is damaged or cannot be read: {error}") from error

    def give_trailer(self) -> ArchiveTrailer:
        """Give the last line. Raises ArchiveError unless it fits the lines before it."""
        trailer = self._sums.give_trailer()
        if trailer != self._trailer:
            raise ArchiveError(self._path, "is damaged: its last line does not fit its changes")
        return trailer

    def _check_header(self, header: ArchiveHeader) -> None:
        part = self._part
        if header.format != FORMAT:
            raise ArchiveError(self._path, f"has the format {header.format}, and this program knows only {FORMAT}")
        if (header.account_id, header.first, header.last) != (part.account_id, part.first, part.last):
            raise ArchiveError(self._path, "has another name than its header says")


def _to_line(archived: ArchivedChange) -> _Line:
    change = archived.change
    return _Line(
        number=change.number,
        vehicle_id=archived.vehicle_id,
        vin=archived.vin,
        type=change.type.value,
        at=change.at,
        by=change.by,
        request_id=change.request_id,
        to_status_id=change.to_status.value,
        from_status_id=None if change.from_status is None else change.from_status.value,
        reason=change.reason,
        differences=None if change.differences is None else dict(change.differences),
        details=None if archived.details is None else dict(archived.details),
        erased=change.erased,
    )


def _from_line(line: _Line) -> ArchivedChange:
    return ArchivedChange(
        change=HistoryEntry(
            number=line.number,
            type=ChangeType(line.type),
            at=line.at,
            by=line.by,
            request_id=line.request_id,
            from_status=None if line.from_status_id is None else VehicleStatus(line.from_status_id),
            to_status=VehicleStatus(line.to_status_id),
            reason=line.reason,
            differences=line.differences,
            erased=line.erased,
        ),
        vehicle_id=line.vehicle_id,
        vin=line.vin,
        details=line.details,
    )


def _remove_left(folder: Path) -> None:
    """Remove what killed processes left. Another server may be writing a file that is newer."""
    for path in folder.glob(".changes-*.part"):
        if path.stat().st_mtime < time.time() - _LEFT_S:
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
