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
_CHECKED_BYTES = 24  # of the head
_TORN_COMMITS_MAX = 1  # a power cut can leave one commit that never was complete
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
            commits = 0
            is_head_sound = _add_up(head[:_CHECKED_BYTES], head[3] & 1) == head[_CHECKED_BYTES:]
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
                commits += size > 0
                readable += 1
    except OSError:
        return False  # without a log nothing is lost; a log that cannot be read is an error of SQLite
    return True


def _add_up(content: bytes, is_big_endian: int) -> bytes:
    """Give the two checksums of SQLite's log, as they are stored."""
    first = second = 0
    words = struct.unpack(f"{'>' if is_big_endian else '<'}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return struct.pack(">2I", first, second)
