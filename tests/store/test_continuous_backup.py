"""The continuous backup of a SQLite file holds every commit, in order, and nothing but commits."""

import asyncio
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from padron.domain.errors import Code, PadronError
from padron.store.backups import BackupPlan
from padron.store.sqlite.backup.folders import ChainFolder, list_chains
from padron.store.sqlite.backup.frames import LogLostError
from padron.store.sqlite.backup.keeper import LogBackup
from padron.store.sqlite.backup.replaying import recover
from padron.store.sqlite.backup.tail import LogTail, _unpin
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connection import open_connection
from tests.cast import make_vin, wait_until
from tests.store.kept_backups import KEEP, Kept, dump, find_refusal, keep, list_vins, restore

pytestmark = pytest.mark.slow_callback  # the tests themselves restore on the event loop

GAP = "has a gap from now until its next base"


def get_chain(kept: Kept) -> ChainFolder:
    return list_chains(kept.folder)[-1]


async def test_the_folder_holds_all_that_was_committed_within_a_second(tmp_path: Path) -> None:
    async with keep(tmp_path, real_pauses=True) as kept:
        for _ in range(2):
            await kept.write(60)
            await asyncio.sleep(1.0)  # the promise
            restored = restore(kept.folder, tmp_path / "restored.db")
            assert dump(tmp_path / "restored.db") == dump(kept.path)
            assert restored.summary.accounts[0].last_change == kept.count
            assert "no end mark" in restored.remarks[0]
            assert restored.new_epoch == restored.summary.epoch
        assert get_chain(kept).list_segments() == [1]
    restored = restore(kept.folder, tmp_path / "restored.db")
    assert restored.remarks == ()
    assert dump(tmp_path / "restored.db") == dump(kept.path)


async def test_the_log_is_copied_and_starts_again_as_without_a_backup(tmp_path: Path) -> None:
    async with keep(tmp_path) as kept:
        for _ in range(4):
            await kept.write(60)
            await kept.wait_until_copied()
        assert Path(f"{kept.path}-wal").stat().st_size < 10 * 40 * 4_120
        await kept.write(60)
    assert len(list_vins(kept.path)) == 300


async def test_every_commit_can_be_restored_by_its_instant(tmp_path: Path) -> None:
    instants: list[datetime] = []
    async with keep(tmp_path) as kept:
        await kept.wait_until_copied()
        for _ in range(80):
            await kept.write()
            instants.append(datetime.now(UTC))
            await asyncio.sleep(0.002)
    for place in [0, 1, 79, *random.sample(range(2, 79), 4)]:
        restored = restore(kept.folder, tmp_path / "restored.db", instants[place])
        assert list_vins(tmp_path / "restored.db") == [make_vin(number) for number in range(place + 1)]
        assert restored.reached_at is not None
        assert timedelta() <= instants[place] - restored.reached_at < timedelta(seconds=1)
    before = instants[0] - timedelta(hours=1)
    assert "The oldest instant that can be restored is" in find_refusal(kept.folder, tmp_path / "none.db", before)


async def test_bases_are_made_while_the_program_writes_and_each_of_them_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base of a file that changes meanwhile is of many instants. The log after it makes it one."""
    monkeypatch.setattr("padron.store.sqlite.backup.bases.CHUNK_BYTES", 8_192)
    monkeypatch.setattr("padron.store.sqlite.backup.writing.SEGMENT_BYTES", 50_000)
    async with keep(tmp_path, base_every=timedelta(seconds=0.1)) as kept:
        async with asyncio.timeout(60):
            while len(get_chain(kept).list_bases()) < 4:
                await kept.write(5)
                await asyncio.sleep(0.01)
    chain = get_chain(kept)
    bases = chain.list_bases()
    assert len(chain.list_segments()) > 1
    whole = list_vins(kept.path)
    for base in bases:
        for at in (base.made_at, base.made_at + timedelta(seconds=0.1)):
            restore(kept.folder, tmp_path / "restored.db", at)
            vins = list_vins(tmp_path / "restored.db")
            assert vins == whole[: len(vins)]
    restore(kept.folder, tmp_path / "restored.db")
    assert list_vins(tmp_path / "restored.db") == whole


def test_a_base_whose_first_page_is_of_a_later_log_is_recovered(tmp_path: Path) -> None:
    """The file grew by a later log, whose pages were in it when the first page was read."""
    path, base = tmp_path / "notes.db", tmp_path / "base.db"
    file = open_connection(str(path))
    file.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    file.execute("CREATE TABLE notes (text BLOB)")
    for _ in range(2):
        file.execute("INSERT INTO notes SELECT zeroblob(3000) FROM (VALUES (1), (2), (3))")
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    logs = []
    for statement in (
        "UPDATE notes SET text = zeroblob(2999) WHERE rowid = 3",
        "INSERT INTO notes SELECT * FROM notes",
    ):
        file.execute(statement)
        logs.append(path.with_name("notes.db-wal").read_bytes())
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    base.write_bytes(path.read_bytes())
    wanted = file.execute("SELECT length(text) FROM notes").fetchall()
    file.close()
    for log in logs:
        base.with_name("base.db-wal").write_bytes(log)
        assert recover(base) > 0
    restored = open_connection(str(base))
    assert restored.execute("SELECT length(text) FROM notes").fetchall() == wanted
    assert restored.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    restored.close()


def has_deleted_bases(kept: Kept) -> bool:
    bases = get_chain(kept).list_bases() if list_chains(kept.folder) else []
    return bool(bases) and bases[0].number > 3


async def test_old_bases_and_segments_go_and_what_is_kept_can_be_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.store.sqlite.backup.writing.SEGMENT_BYTES", 20_000)
    for _ in range(2):  # two servers one after the other: two chains
        async with keep(tmp_path, base_every=timedelta(seconds=0.05), kept_for=timedelta(seconds=0.2)) as kept:
            async with asyncio.timeout(60):
                while not has_deleted_bases(kept):
                    await kept.write(5)
                    await asyncio.sleep(0.02)
            await kept.wait_until_copied()
    since = datetime.now(UTC) - timedelta(seconds=0.2)
    (chain,) = list_chains(kept.folder)
    bases = chain.list_bases()
    assert bases[0].number > 3
    assert sum(base.made_at <= since for base in bases) >= 1
    assert chain.list_segments()[0] > 1
    assert not list(kept.folder.glob(".deleted*"))
    assert len(list(chain.path.glob("base-*.db"))) - len(bases) in {0, 1}
    restore(kept.folder, tmp_path / "restored.db", since)
    vins = list_vins(tmp_path / "restored.db")
    assert vins == list_vins(kept.path)[: len(vins)]
    restore(kept.folder, tmp_path / "restored.db")
    assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)


async def test_no_base_is_deleted_after_a_trial_restore_that_failed(tmp_path: Path) -> None:
    async with keep(tmp_path, base_every=timedelta(seconds=0.05), kept_for=timedelta(seconds=0.1)) as kept:
        kept.backup.note_check(datetime.now(UTC), "The restored register is damaged.")

        async def has_bases() -> bool:
            await kept.write()
            return len(list_chains(kept.folder)) == 1 and len(get_chain(kept).list_bases()) > 4

        await wait_until(has_bases, seconds_max=30)
        assert [base.number for base in get_chain(kept).list_bases()][:5] == [1, 2, 3, 4, 5]
        kept.backup.note_check(datetime.now(UTC), "")

        async def are_deleted() -> bool:
            return get_chain(kept).list_bases()[0].number > 4

        await wait_until(are_deleted, seconds_max=30)


async def test_a_large_log_makes_a_new_base(tmp_path: Path) -> None:
    async with keep(tmp_path, base_bytes=10_000) as kept:
        async with asyncio.timeout(60):
            while len(get_chain(kept).list_bases()) < 2:
                await kept.write(5, length=3_000)
                await asyncio.sleep(0.01)  # a base is made meanwhile


@contextmanager
def other_writer(kept: Kept, statements: list[str]) -> Iterator[list[str]]:
    """Let another program use the file until the block ends: it runs these statements again and again."""
    stopping = threading.Event()
    done: list[str] = []

    def work() -> None:
        file = apsw.Connection(str(kept.path))
        file.set_busy_timeout(500)
        while not stopping.is_set():
            for statement in statements:
                try:
                    file.execute(statement).fetchall()
                    done.append(statement)
                except apsw.BusyError:
                    continue
                stopping.wait(random.uniform(0, 0.01))
        file.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        stopping.set()
        thread.join()


NOTE = "INSERT INTO notes VALUES (randomblob(3000))"


@pytest.mark.parametrize(
    "mode", ["PASSIVE", *(pytest.param(mode, marks=pytest.mark.long) for mode in ("FULL", "RESTART"))]
)
async def test_whoever_copies_the_log_no_page_is_lost_between_it_and_the_backup(
    tmp_path: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The race that damaged copies elsewhere: pages that were committed and copied before the backup read them."""
    async with keep(tmp_path) as kept:
        file = apsw.Connection(str(kept.path))
        file.execute("CREATE TABLE notes (text BLOB)")
        file.close()
        with other_writer(kept, [NOTE, f"PRAGMA wal_checkpoint({mode})", NOTE, NOTE]) as done:
            for _ in range(5):
                await kept.write(30)
                await asyncio.sleep(0.1)

            async def is_enough() -> bool:
                return len(done) > 40

            await wait_until(is_enough)
        await kept.wait_until_copied()
        restore(kept.folder, tmp_path / "restored.db")
        assert dump(tmp_path / "restored.db") == dump(kept.path)
        assert len(dump(kept.path)["notes"]) > 20
        assert len(list_chains(kept.folder)) == 1
    assert not [record for record in caplog.records if GAP in record.getMessage()]


async def test_a_log_that_another_program_cuts_off_ends_the_chain_aloud_and_a_new_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with keep(tmp_path) as kept:
        await kept.write(10)
        await kept.wait_until_copied()
        with other_writer(kept, ["PRAGMA wal_checkpoint(TRUNCATE)"]):
            for _ in range(20):
                await kept.write(5)
                await asyncio.sleep(0.02)
        await kept.wait_until_copied()
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)
    gaps = sum(GAP in record.getMessage() for record in caplog.records)
    # A chain that ended before its first base is of no use, so the next base deletes it.
    assert min(gaps, 1) <= len(list_chains(kept.folder)) - 1 <= gaps


async def test_a_log_that_started_twice_unread_is_never_taken_for_the_next_one(tmp_path: Path) -> None:
    """Pins prevent this. Should one fail, the salts of the log say so."""
    path = str(tmp_path / "notes.db")
    file = open_connection(path)
    file.execute("CREATE TABLE notes (text BLOB)")
    tail = LogTail(path)
    tail.begin()
    assert len(tail.advance(0, 1 << 20)) == 2
    for starts in (1, 2):
        for connection in (tail._now, tail._next):
            _unpin(connection)
        for _ in range(starts):
            file.execute(NOTE)
            file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        file.execute(NOTE)
        if starts == 1:
            assert [record.log for record in tail.advance(0, 1 << 20)] == [2, 2]
        else:
            with pytest.raises(LogLostError):
                tail.advance(0, 1 << 20)
    tail.close()
    file.close()


async def test_a_second_server_does_not_get_the_folder(tmp_path: Path) -> None:
    async with keep(tmp_path) as kept:
        with pytest.raises(PadronError) as refusal:
            LogBackup(str(kept.path), BackupPlan(folder=str(kept.folder), keep=KEEP, base_bytes=1))
        assert refusal.value.code is Code.STORE_UNAVAILABLE
        assert "Another server backs up into the folder" in refusal.value.detail
    async with keep(tmp_path):
        pass


async def test_a_folder_that_is_missing_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(PadronError, match="Make it first"):
        LogBackup(str(tmp_path / "padron.db"), BackupPlan(folder=str(tmp_path / "no"), keep=KEEP, base_bytes=1))


async def test_the_state_says_what_is_copied_and_how_old_it_is(tmp_path: Path) -> None:
    async with keep(tmp_path) as kept:
        assert kept.backup.state.give_age_s(datetime.now(UTC)) is None
        await kept.write(10)
        await kept.wait_until_copied()
        state = kept.backup.state
        age_s = state.give_age_s(datetime.now(UTC))
        assert age_s is not None
        assert age_s < 1
        assert state.copied_bytes > 0
        assert state.base_at is not None
        assert (state.trouble, state.checked_at, state.check_trouble) == ("", None, "")
        kept.backup.note_check(datetime.now(UTC), "bad")
        assert kept.backup.state.check_trouble == "bad"


async def test_an_empty_folder_has_nothing_to_restore(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    assert "has no complete base" in find_refusal(tmp_path / "backup", tmp_path / "none.db")
    shutil.rmtree(tmp_path / "backup")
    assert "cannot be read" in find_refusal(tmp_path / "backup", tmp_path / "none.db")


async def test_an_erasure_does_not_make_the_writer_wait_for_a_log_that_the_backup_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[None] = []
    empty_log = GroupCommitter.empty_log

    async def note_and_empty(committer: GroupCommitter) -> bool:
        tries.append(None)
        return await empty_log(committer)

    monkeypatch.setattr(GroupCommitter, "empty_log", note_and_empty)
    async with keep(tmp_path) as kept:
        await kept.write(3)
        assert not await kept.store.scrub()
    assert tries == []
