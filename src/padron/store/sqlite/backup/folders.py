"""The folder of a continuous backup: chains, each with bases and segments.

A chain is an unbroken copy of the log: a folder with the name of its first instant, with ``segment-00000001`` and so
on. A base is a copy of the database's file, made while the program writes. Its pages are of different instants. The
log from the base's first record to its ``ready`` mark makes them one state, so a base is usable only with this log.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
LOCK_NAME = "padron-backup.lock"
NEWEST_NAME = "newest-segment"

_match_chain = re.compile(r"\d{8}T\d{12}Z-([0-9a-f]{16})").fullmatch
_match_segment = re.compile(r"segment-(\d{8})").fullmatch
_match_base = re.compile(r"base-(\d{8})\.json").fullmatch
_DELETED = ".deleted-"
_NAME_FORM = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogMark:
    """A place in the log of a chain: which log, and after how many of its frames."""

    log: int
    frame: int

    def is_before(self, other: "LogMark") -> bool:
        """Say whether this mark is before another one."""
        return (self.log, self.frame) < (other.log, other.frame)


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseNote:
    """The note of a base, which is written when the base and its log are complete."""

    number: int
    made_at: datetime
    segment: int  # the log of the base begins in this segment, with this log
    log: int
    ready: LogMark
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainFolder:
    """A chain."""

    path: Path

    @property
    def chain_id(self) -> bytes:
        """The random part of the name, which each segment repeats."""
        match = _match_chain(self.path.name)
        return bytes.fromhex(match[1]) if match else b""

    def give_segment(self, number: int) -> Path:
        """Give the path of a segment."""
        return self.path / f"segment-{number:08d}"

    def give_base(self, number: int) -> Path:
        """Give the path of a base."""
        return self.path / f"base-{number:08d}.db"

    def give_base_note(self, number: int) -> Path:
        """Give the path of the note of a base."""
        return self.path / f"base-{number:08d}.json"

    def list_segments(self) -> list[int]:
        """Give the numbers of the segments, in order."""
        return sorted(int(match[1]) for path in self.path.iterdir() if (match := _match_segment(path.name)))

    def list_bases(self) -> list[BaseNote]:
        """Give the complete bases, in order. Raises ``store_unavailable`` for a note that cannot be read."""
        numbers = sorted(int(match[1]) for path in self.path.iterdir() if (match := _match_base(path.name)))
        found = (_find_note(self.give_base_note(number)) for number in numbers)
        return [note for note in found if note is not None]

    def find_newest_segment(self) -> int:
        """Give the number of the last segment that was begun, or 0."""
        try:
            return int((self.path / NEWEST_NAME).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0


def make_chain(folder: Path, at: datetime) -> ChainFolder:
    """Make a new chain. Its name is after all others, even if the clock was set back."""
    name = f"{at.astimezone(UTC).strftime(_NAME_FORM)}-{secrets.token_hex(8)}"
    others = list_chains(folder)
    if others and name <= others[-1].path.name:
        last = datetime.strptime(others[-1].path.name.partition("-")[0], _NAME_FORM).replace(tzinfo=UTC)
        name = f"{(last + timedelta(microseconds=1)).strftime(_NAME_FORM)}-{secrets.token_hex(8)}"
    path = folder / name
    path.mkdir(mode=FOLDER_MODE)
    sync_folder(folder)
    return ChainFolder(path=path)


def list_chains(folder: Path) -> list[ChainFolder]:
    """Give the chains of a folder, the oldest first."""
    return [ChainFolder(path=path) for path in sorted(folder.iterdir()) if _match_chain(path.name)]


def write_file(path: Path, data: bytes) -> None:
    """Write a small file whole: under another name, synced, and renamed."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
    sync_folder(path.parent)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_old(folder: Path, current: ChainFolder, cutoff: datetime) -> None:
    """Delete what is not needed to restore any instant since ``cutoff``. The newest complete base always stays.

    A base is needed until a later complete base is older than the cutoff. A segment is needed as long as a base that
    begins in it or before it.
    """
    for left in folder.glob(f"{_DELETED}*"):
        shutil.rmtree(left, ignore_errors=True)
    chains = [chain for chain in list_chains(folder) if chain.path.name <= current.path.name]
    for place, chain in enumerate(chains):
        later = [base.made_at for other in chains[place + 1 :] for base in other.list_bases()[:1]]
        own = chain.list_bases()
        if chain != current and later and (min(later) <= cutoff or not own):
            _delete_chain(folder, chain)
        else:
            _delete_begin(chain, own, cutoff)


def _delete_begin(chain: ChainFolder, bases: Sequence[BaseNote], cutoff: datetime) -> None:
    kept = [
        base for place, base in enumerate(bases) if not any(later.made_at <= cutoff for later in bases[place + 1 :])
    ]
    for base in bases:
        if base not in kept:
            # The note goes first: without it, nobody looks for the base.
            chain.give_base_note(base.number).unlink(missing_ok=True)
            chain.give_base(base.number).unlink(missing_ok=True)
    if kept:
        first = min(base.segment for base in kept)
        for number in chain.list_segments():
            if number < first:
                chain.give_segment(number).unlink(missing_ok=True)


def _delete_chain(folder: Path, chain: ChainFolder) -> None:
    """Delete a whole chain. Its new name first makes sure that nobody sees half of it."""
    gone = folder / f"{_DELETED}{chain.path.name}"
    with suppress(OSError):
        chain.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def encode_base_note(note: BaseNote) -> bytes:
    """Give the note as a line of JSON, and a line with its hash."""
    line = msgspec.json.encode(note)
    return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"


def _find_note(path: Path) -> BaseNote | None:
    """Read a note. Give None for one that a running server has just deleted."""
    try:
        line, _, digest = path.read_bytes().partition(b"\n")
        if digest.strip() == hashlib.sha256(line).hexdigest().encode():
            return msgspec.json.decode(line, type=BaseNote)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise _refuse_note(path, str(error)) from error
    raise _refuse_note(path, "its hash is another one")


def _refuse_note(path: Path, why: str) -> PadronError:
    return PadronError(
        Code.STORE_UNAVAILABLE,
        f"The note {quote_path(path)} of a base is damaged: {why}. Move it away to use the base before it.",
    )
