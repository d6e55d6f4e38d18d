"""Notices a damaged log before anything is served from it.

SQLite reads its log up to the first page that does not fit its checksum, and ignores the rest. That is right after a
power cut, which can spoil only the last transaction. In a log that was damaged in the middle, the rest are commits that
were answered. They would be lost without a word.
"""

import struct
from pathlib import Path

import apsw

from padron.store.sqlite.connection import count_log_pages, translate_errors

LOST_COMMITS = (
    "The log beside the database file is damaged: SQLite can read only a part of it, and changes that were answered "
    "are in the rest. Restore a backup."
)

_LOG_HEAD = struct.Struct(">6I8x")  # magic, format, page size, checkpoint, two salts; then two checksums
_PAGE_HEAD = struct.Struct(">4I8x")  # page, size of the database after a commit or 0, two salts; then two checksums
_SUMS = struct.Struct(">2I")
_CHECKED_BYTES = 24  # of the head
_CHECKED_PAGE_BYTES = 8  # of a page's head; then comes its content
# A power cut can leave one commit that never was complete. So can a kill, if another process writes over its beginning.
_TORN_COMMITS_MAX = 1
_TRIES_MAX = 5


def has_lost_commits(connection: apsw.Connection, path: str) -> bool:
    """Say whether the log has commits that SQLite cannot read. Call it after the file was opened and read.

    A server may write the log at the same time. So what was seen counts only if the log did not grow meanwhile.
    """
    for _ in range(_TRIES_MAX):
        before = _count_pages(connection)
        if not _has_commits_after(path, before):
            return False
        if _count_pages(connection) == before:
            return True
    return False


def keep_log(connection: apsw.Connection) -> None:
    """Leave the log as it is when the connection is closed. Otherwise SQLite would delete it, and with it the proof."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def _count_pages(connection: apsw.Connection) -> int:
    """Give the number of pages of the log that SQLite can read."""
    with translate_errors():
        return count_log_pages(connection)


def _has_commits_after(path: str, readable: int) -> bool:
    try:
        # Only the database file and the -shm file have SQLite's locks, so closing the log releases none.
        with Path(f"{path}-wal").open("rb") as log:
            head = log.read(_LOG_HEAD.size)
            if len(head) < _LOG_HEAD.size:
                return False
            _, _, page_bytes, _, *salts = _LOG_HEAD.unpack(head)
            step = _PAGE_HEAD.size + page_bytes
            commits, is_big_endian = 0, head[3] & 1
            is_head_sound = _add_up(head[:_CHECKED_BYTES], is_big_endian) == head[_CHECKED_BYTES:]
            sums: bytes | None = head[_CHECKED_BYTES:]  # of the page before; None behind one that did not fit
            if readable:
                log.seek(_LOG_HEAD.size + (readable - 1) * step)
                sums = log.read(_PAGE_HEAD.size)[_CHECKED_BYTES - _SUMS.size :]
            while commits <= _TORN_COMMITS_MAX:
                log.seek(_LOG_HEAD.size + readable * step)
                page = log.read(_PAGE_HEAD.size)
                if len(page) < _PAGE_HEAD.size:
                    return False
                if not is_head_sound:
                    return True  # SQLite writes pages only behind a complete head
                _, size, *found = _PAGE_HEAD.unpack(page)
                if found != salts:
                    return False  # a page of an earlier log, which is in the file already
                if sums is not None and not _fits(page, log.read(page_bytes), page_bytes, is_big_endian, sums):
                    sums = None
                elif sums is not None:
                    sums = page[-_SUMS.size :]
                # One that fits is not lost: its writer is about to say so in the index, or was killed just before.
                commits += size > 0 and sums is None
                readable += 1
    except OSError:
        return False  # without a log nothing is lost; a log that cannot be read is an error of SQLite
    return True


def _fits(page: bytes, content: bytes, page_bytes: int, is_big_endian: int, sums: bytes) -> bool:
    """Say whether a page with this head goes on from the page that has the sums."""
    if len(content) < page_bytes or len(sums) < _SUMS.size:
        return False
    return _add_up(page[:_CHECKED_PAGE_BYTES] + content, is_big_endian, sums) == page[-_SUMS.size :]


def _add_up(content: bytes, is_big_endian: int, before: bytes = bytes(_SUMS.size)) -> bytes:
    """Give the two checksums of SQLite's log, as they are stored. They go on from those of the page before."""
    first, second = _SUMS.unpack(before)
    words = struct.unpack(f"{'>' if is_big_endian else '<'}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return _SUMS.pack(first, second)
