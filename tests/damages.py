"""Damages a SQLite file as disks, memory and careless copies do. Each function changes a closed file."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

PAGE_BYTES = 4_096
CHECKSUM_BYTES = 8
LOG_HEAD_BYTES = 32
LOG_PAGE_HEAD_BYTES = 24
LOG_STEP = LOG_PAGE_HEAD_BYTES + PAGE_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """The pages of a file by what they are for. Pages count from 1."""

    interior: list[int] = field(default_factory=list)
    leaf: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)

    @property
    def used(self) -> list[int]:
        return [*self.interior, *self.leaf, *self.index]


def make_free_pages(path: str) -> None:
    """Leave free pages in a file."""
    file = apsw.Connection(path)
    file.execute("CREATE TABLE passing (content BLOB)")
    file.executemany("INSERT INTO passing VALUES (?)", [(b"x" * 20_000,)] * 4)
    file.execute("DROP TABLE passing")
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    file.close()


def find_pages(path: str) -> Pages:
    """Give the pages of a sound file: of tables that have rows, and all free ones."""
    file = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    indexes = {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    pages = Pages()
    for name, number, kind, cells in file.execute("SELECT name, pageno, pagetype, ncell FROM dbstat"):
        if not cells or str(name).startswith("sqlite_"):
            continue
        place = pages.interior if kind == "internal" else pages.index if name in indexes else pages.leaf
        place.append(int(str(number)))
    file.close()
    content = Path(path).read_bytes()
    trunk = int.from_bytes(content[32:36])
    while trunk:
        begin = (trunk - 1) * PAGE_BYTES
        pages.free.append(trunk)
        trunk = int.from_bytes(content[begin : begin + 4])
    return pages


def flip_bit(content: bytearray, begin: int, length: int, dice: random.Random) -> None:
    content[begin + dice.randrange(length)] ^= 1 << dice.randrange(8)


def _flip_in(choose: Callable[[Pages], list[int]]) -> "Damage":
    def damage(content: bytearray, pages: Pages, dice: random.Random) -> None:
        flip_bit(content, (dice.choice(choose(pages)) - 1) * PAGE_BYTES, PAGE_BYTES, dice)

    return damage


def _flip_head(content: bytearray, pages: Pages, dice: random.Random) -> None:
    del pages
    flip_bit(content, 0, 100, dice)


def _zero(content: bytearray, pages: Pages, dice: random.Random) -> None:
    begin = (dice.choice(pages.used) - 1) * PAGE_BYTES
    content[begin : begin + PAGE_BYTES] = bytes(PAGE_BYTES)


def _tear(content: bytearray, pages: Pages, dice: random.Random) -> None:
    """Half of a page is that of another page, as when the power fails while the disk writes."""
    one, other = dice.sample(pages.used, 2)
    half = PAGE_BYTES // 2
    begin, source = (one - 1) * PAGE_BYTES + half, (other - 1) * PAGE_BYTES + half
    content[begin : begin + half] = content[source : source + half]


def _swap(content: bytearray, pages: Pages, dice: random.Random) -> None:
    one, other = (slice((page - 1) * PAGE_BYTES, page * PAGE_BYTES) for page in dice.sample(pages.used, 2))
    content[one], content[other] = content[other], content[one]


def _misplace(content: bytearray, pages: Pages, dice: random.Random) -> None:
    """One page is written to the place of another one."""
    one, other = dice.sample(pages.used, 2)
    source = content[(one - 1) * PAGE_BYTES : one * PAGE_BYTES]
    content[(other - 1) * PAGE_BYTES : other * PAGE_BYTES] = source


def _cut(content: bytearray, pages: Pages, dice: random.Random) -> None:
    del content[(dice.choice(pages.used) - 1) * PAGE_BYTES + dice.randrange(PAGE_BYTES) :]


Damage = Callable[[bytearray, Pages, random.Random], None]

# What a page's checksum shows, and what only a look at the whole file shows.
OF_CONTENT: dict[str, Damage] = {
    "a bit of the head": _flip_head,
    "a bit of an interior page": _flip_in(lambda pages: pages.interior),
    "a bit of a leaf": _flip_in(lambda pages: pages.leaf),
    "a bit of an index": _flip_in(lambda pages: pages.index),
    "a page of zeros": _zero,
    "a torn page": _tear,
    "a cut file": _cut,
}
OF_PLACES: dict[str, Damage] = {
    "swapped pages": _swap,
    "a misplaced page": _misplace,
    "a bit of a free page": _flip_in(lambda pages: pages.free),
}


def damage_file(path: str, damage: Damage, pages: Pages, dice: random.Random) -> None:
    """Damage a file that nobody has open."""
    content = bytearray(Path(path).read_bytes())
    before = bytes(content)
    while content == before:  # two pages may be alike
        damage(content, pages, dice)
    Path(path).write_bytes(content)
