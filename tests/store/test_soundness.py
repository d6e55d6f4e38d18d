"""A SQLite file that is damaged, cut off from its log, removed or replaced is noticed, and not served any more."""

import asyncio
import logging
import random
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.trouble import TroubleCode, TroubledError
from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.soundness import background, checksums
from padron.store.sqlite.soundness.background import CheckState
from padron.store.sqlite.soundness.guard import ASIDE_SUFFIX
from tests.cast import NOON, get_one, make_vin, registered, save, status_changed, wait_until
from tests.conftest import Select
from tests.damages import LOG_HEAD_BYTES, LOG_PAGE_HEAD_BYTES, LOG_STEP, PAGE_BYTES

SALT_BYTES = slice(16, 24)


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
async def unserved(tmp_path: Path) -> Path:
    """A register with a vehicle that nobody has open."""
    path = tmp_path / "unserved.db"
    store = await sqlite.open_store(str(path))
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered(make_vin(1), ownerName="Flota Norte"))
    await store.close()
    return path


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file as earlier versions made it, without checksums."""
    path = tmp_path / "old.db"
    with monkeypatch.context() as patch:
        patch.setattr("padron.store.sqlite.connection.reserve_bytes", lambda _: None)
        sqlite.migrate(str(path))
    return path


def has_checksums(path: Path) -> bool:
    file = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return checksums.has_checksums(file)
    finally:
        file.close()


async def test_each_page_of_a_new_file_has_a_checksum(unserved: Path) -> None:
    content = unserved.read_bytes()
    for begin in range(0, len(content), PAGE_BYTES):
        first = second = 0
        for one, other in struct.iter_unpack("<2I", content[begin : begin + PAGE_BYTES - 8]):
            first = (first + one + second) & 0xFFFFFFFF
            second = (second + other + first) & 0xFFFFFFFF
        assert content[begin + PAGE_BYTES - 8 : begin + PAGE_BYTES] == struct.pack("<2I", first, second)


async def test_a_file_without_checksums_is_used_as_before_and_can_get_them(
    old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = await sqlite.open_store(str(old))
    assert await store.examine() is True
    assert "padron register checksums" in caplog.text
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered(make_vin(1)))
    await store.check()
    await store.close()
    assert not has_checksums(old)
    assert sqlite.write_checksums(str(old)) is True
    assert has_checksums(old)
    assert sqlite.write_checksums(str(old)) is False
    store = await sqlite.open_store(str(old))
    assert (await get_one(store, account.account_id, make_vin(1))).revision == 1
    await store.close()


async def test_checksums_that_another_program_spoiled_are_renewed_on_request_alone(unserved: Path) -> None:
    content = bytearray(unserved.read_bytes())
    content[PAGE_BYTES - 1] ^= 255  # of the first page, as after a change without the extension
    unserved.write_bytes(content)
    with pytest.raises(TroubledError) as refusal:
        await sqlite.open_store(str(unserved))
    assert refusal.value.trouble.code is TroubleCode.DAMAGED
    assert sqlite.write_checksums(str(unserved), renew=True) is True
    store = await sqlite.open_store(str(unserved))
    assert (await get_one(store, 1, make_vin(1))).revision == 1
    await store.close()


def churn(path: Path) -> set[bytes]:
    """Write rows and delete half of them, one here and one there. Give the names of the deleted ones."""
    dice, names, deleted = random.Random(7), list[str](), set[bytes]()
    file = open_connection(str(path))
    file.execute("CREATE TABLE scratch (name TEXT PRIMARY KEY, more TEXT) WITHOUT ROWID")
    for number in range(4_000):
        names.append(f"<{number}-{dice.random()}>")
        file.execute("INSERT INTO scratch VALUES (?, ?)", (names[-1], "x" * dice.randrange(20, 400)))
        if number % 2:
            name = names.pop(dice.randrange(len(names)))
            file.execute("DELETE FROM scratch WHERE name = ?", (name,))
            deleted.add(name.encode())
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    file.close()
    return deleted


def find_names(path: Path) -> set[bytes]:
    return set(re.findall(rb"<[0-9]+-[0-9.e-]+>", path.read_bytes()))


def test_a_file_that_is_written_again_has_no_byte_of_deleted_rows(tmp_path: Path) -> None:
    """SQLite overwrites what it deletes, but not the free part of a page from which it moved rows."""
    path = tmp_path / "padron.db"
    sqlite.migrate(str(path))
    deleted = churn(path)
    assert 0 < len(deleted & find_names(path)) < len(deleted) / 50
    assert sqlite.write_checksums(str(path), renew=True) is True
    assert deleted & find_names(path) == set()


async def test_checksums_are_not_renewed_over_damage(unserved: Path) -> None:
    content = bytearray(unserved.read_bytes())
    last = len(content) - PAGE_BYTES
    content[last : last + 8] = b"\xff" * 8
    unserved.write_bytes(content)
    with pytest.raises(PadronError, match="damaged"):
        sqlite.write_checksums(str(unserved), renew=True)
    assert unserved.read_bytes() == content


async def test_a_file_with_checksums_is_refused_where_the_extension_is_missing(
    unserved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "_IS_LOADED", False)
    with pytest.raises(PadronError, match="apsw") as refusal:
        await sqlite.open_store(str(unserved))
    assert refusal.value.code is Code.STORE_UNAVAILABLE


async def test_a_read_of_a_damaged_page_ends_all_service(unserved: Path) -> None:
    content = bytearray(unserved.read_bytes())
    begin = content.index(b"Flota Norte")
    content[begin] ^= 1
    unserved.write_bytes(content)
    store = await sqlite.open_store(str(unserved))
    await store.check()
    with pytest.raises(TroubledError):
        await store.read(1).list_versions_by_vin(make_vin(1))
    for attempt in (store.check(), store.directory.list_accounts(), store.directory.add_account("Beta", NOON)):
        with pytest.raises(TroubledError) as refusal:
            await attempt
        assert refusal.value.trouble.code is TroubleCode.DAMAGED
    await store.close()


async def write_log(store: SqliteStore, folder: Path, database: str, account_id: int) -> Path:
    """Give a copy of a register as a killed server leaves it: five commits are only in its log."""
    for number in range(5):
        await save(store, account_id, registered(make_vin(number)))
    path = folder / "killed.db"
    shutil.copy(database, path)
    shutil.copy(f"{database}-wal", f"{path}-wal")
    return path


async def test_the_log_of_a_killed_server_is_read(
    store: SqliteStore, acme: int, database: str, tmp_path: Path
) -> None:  # fmt: skip
    path = await write_log(store, tmp_path, database, acme)
    again = await sqlite.open_store(str(path))
    assert await again.load_last_changes([acme]) == {acme: 5}
    await again.close()


@pytest.mark.parametrize("place", ["head", "first page", "middle"])
async def test_a_damaged_log_is_refused_each_time_and_kept(
    store: SqliteStore, acme: int, database: str, tmp_path: Path, place: str
) -> None:
    path = await write_log(store, tmp_path, database, acme)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    pages = count_pages(content)
    page = {"head": 0, "first page": 0, "middle": pages // 2}[place]
    at = 20 if place == "head" else LOG_HEAD_BYTES + page * LOG_STEP + LOG_PAGE_HEAD_BYTES + 100
    content[at] ^= 4
    log.write_bytes(content)
    for _ in range(2):
        with pytest.raises(TroubledError, match="log") as refusal:
            await sqlite.open_store(str(path))
        assert refusal.value.trouble.code is TroubleCode.DAMAGED
        assert log.read_bytes() == content


async def test_a_commit_that_a_power_cut_tore_is_dropped(
    store: SqliteStore, acme: int, database: str, tmp_path: Path
) -> None:
    path = await write_log(store, tmp_path, database, acme)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    content[LOG_HEAD_BYTES + (count_pages(content) - 1) * LOG_STEP + LOG_PAGE_HEAD_BYTES + 100] ^= 4
    log.write_bytes(content)
    again = await sqlite.open_store(str(path))
    assert await again.load_last_changes([acme]) == {acme: 4}
    await again.close()


def count_pages(log: bytes | bytearray) -> int:
    """Give the number of pages of a log that belong to its present beginning."""
    heads = range(LOG_HEAD_BYTES, len(log), LOG_STEP)
    return sum(log[begin + 8 : begin + 16] == log[SALT_BYTES] for begin in heads)


def remove(path: str) -> None:
    Path(path).unlink()


def replace(path: str) -> None:
    shutil.copy(path, f"{path}.copy")
    Path(f"{path}.copy").replace(path)


def move(path: str) -> None:
    Path(path).rename(f"{path}.moved")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("harm", [remove, replace, move])
async def test_a_file_that_is_removed_or_replaced_is_noticed_and_nothing_more_is_served(
    tmp_path: Path, harm: Callable[[str], None], suffix: str
) -> None:
    path = str(tmp_path / "harmed.db")
    store = await sqlite.open_store(path)
    account = await store.directory.add_account("Acme", NOON)
    await store.watch()
    harm(f"{path}{suffix}")
    with pytest.raises(TroubledError):
        await store.watch()
    for attempt in (store.check(), get_one(store, account.account_id), store.directory.add_account("Beta", NOON)):
        with pytest.raises(TroubledError) as refusal:
            await attempt
        assert refusal.value.trouble.code is TroubleCode.FILE_GONE
    await store.close()


async def test_no_change_is_answered_that_was_written_to_a_removed_file(tmp_path: Path) -> None:
    path = tmp_path / "harmed.db"
    store = await sqlite.open_store(str(path))
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered())
    vehicle = await get_one(store, account.account_id)
    path.unlink()  # and nobody has looked yet
    with pytest.raises(TroubledError) as refusal:
        await save(store, account.account_id, status_changed(vehicle))
    assert refusal.value.trouble.code is TroubleCode.FILE_GONE
    await store.close()


async def test_a_link_that_points_elsewhere_counts_as_a_replaced_file(tmp_path: Path, unserved: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(unserved)
    store = await sqlite.open_store(str(link))
    await store.watch()
    link.unlink()
    link.symlink_to(shutil.copy(unserved, tmp_path / "other.db"))
    with pytest.raises(TroubledError):
        await store.watch()
    await store.close()


async def test_the_log_of_a_replaced_file_is_put_aside_so_that_the_new_file_stays_sound(
    tmp_path: Path, unserved: Path
) -> None:
    path = tmp_path / "served.db"
    store = await sqlite.open_store(str(path))
    account = await store.directory.add_account("Acme", NOON)
    for number in range(5):
        await save(store, account.account_id, registered(make_vin(number)))
    shutil.copy(unserved, tmp_path / "backup.db")
    (tmp_path / "backup.db").replace(path)  # an operator who forgot to stop the server
    with pytest.raises(TroubledError):
        await store.watch()
    await store.close()
    assert path.read_bytes() == unserved.read_bytes()
    assert not Path(f"{path}-wal").exists()
    assert Path(f"{path}-wal{ASIDE_SUFFIX}").stat().st_size > 0


async def test_the_check_finds_a_sound_file_sound_beside_a_writer(
    store: SqliteStore, acme: int, select: Select, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    examining = asyncio.create_task(store.examine())
    for number in range(20):
        await save(store, acme, registered(make_vin(number)))
    assert await examining is True
    assert "checksums" not in caplog.text
    assert store.is_being_checked is False
    await store.check()
    assert await select("SELECT count(*) FROM changes") == [(20,)]


async def test_the_check_steps_back_while_it_keeps_the_log_from_starting_again(
    store: SqliteStore, acme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LOOK_EVERY", 1)
    monkeypatch.setattr(background, "LOG_BYTES_MAX", 1)
    await save(store, acme, registered())
    assert await store.examine() is False
    assert store.is_being_checked is True
    assert store._file_check.state is CheckState.PUT_OFF
    await store.check()


@pytest.mark.parametrize("is_large", [True, False])
async def test_a_row_that_an_index_lacks_is_found(
    unserved: Path, monkeypatch: pytest.MonkeyPatch, *, is_large: bool
) -> None:
    monkeypatch.setattr(background, "WHOLE_BYTES_MAX", 0 if is_large else 10**9)
    file = apsw.Connection(str(unserved))
    file.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1)
    file.execute("UPDATE sqlite_schema SET sql = sql || ' WHERE vin <> vin' WHERE name = 'vehicles_by_vin'")
    file.close()
    file = apsw.Connection(str(unserved))
    file.execute("UPDATE vehicles SET updated_at = 1, vin = 'ELSEWHERE'")
    file.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1)
    file.execute("UPDATE sqlite_schema SET sql = replace(sql, ' WHERE vin <> vin', '') WHERE name = 'vehicles_by_vin'")
    file.close()
    store = await sqlite.open_store(str(unserved))
    await store.check()
    assert await store.examine() is True
    with pytest.raises(TroubledError) as refusal:
        await store.check()
    assert refusal.value.trouble.code is TroubleCode.DAMAGED
    await store.close()


async def test_a_check_ends_with_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LOOK_EVERY", 1)
    store = await sqlite.open_store(str(tmp_path / "padron.db"))
    examining = asyncio.create_task(store.examine())
    await asyncio.sleep(0)
    await store.close()
    await examining


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.timeout(30)
async def test_a_store_closes_in_the_middle_of_a_long_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LOOK_EVERY", 2**31 - 1)
    monkeypatch.setattr(background, "WHOLE_BYTES_MAX", 0)
    monkeypatch.setattr(background, "_LIST_TABLES", ENDLESS)
    store = await sqlite.open_store(str(tmp_path / "padron.db"))
    examining = asyncio.create_task(store.examine())

    async def is_begun() -> bool:
        return store._file_check._connection is not None

    await wait_until(is_begun)
    await asyncio.sleep(0.1)
    await store.close()
    assert await examining is False


@pytest.mark.timeout(30)
async def test_a_store_closes_in_the_middle_of_a_long_read(tmp_path: Path) -> None:
    store = await sqlite.open_store(str(tmp_path / "padron.db"))
    reading = asyncio.create_task(store._connections.read_page(ENDLESS, ()))

    async def is_begun() -> bool:
        return store._connections._opened != []

    await wait_until(is_begun)
    await asyncio.sleep(0.1)
    await store.close()
    with pytest.raises(apsw.InterruptError):
        await reading
