"""The steps of archiving: killed after any of them, held up by webhooks and folders, and what is refused afterwards."""

import asyncio
import gzip
import hashlib
import os
import resource
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from padron.domain.archives import RecordStart
from padron.domain.change import START, FeedEntry
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.webhook import EventType, Filter
from padron.files.archives import ArchiveError, list_parts
from padron.service.retention.archiving import ArchivePlan, ArchiveStep, archive_account, archive_register
from padron.service.runtime import Runtime
from padron.service.statuses.undo import undo_request
from padron.service.webhooks.endpoints import add_endpoint, replay_after
from tests.cast import NOON, Cast, get_one, make_vin, registered, save, status_changed
from tests.conftest import Select, SteppedClock
from tests.database import write
from tests.service.old_records import read_archive, read_feed, refuses

AGE = timedelta(days=30)
ListNumbers = Callable[[], Awaitable[list[int]]]
EVERYTHING = Filter(event_types=frozenset(EventType))
SAVED = 60  # changes: 20 vehicles, each changed twice


@pytest.fixture
async def feed(runtime: Runtime, cast: Cast, clock: SteppedClock) -> list[FeedEntry]:
    """An old record: twenty registrations, and two changes of status of each vehicle."""
    store, account_id = runtime.store, cast.acme.principal.account_id
    await save(store, account_id, *(registered(make_vin(n), at=NOON) for n in range(20)))
    for hour, status in enumerate((VehicleStatus.STOLEN, VehicleStatus.SOLD), start=1):
        at = NOON + timedelta(hours=hour)
        vehicles = [await get_one(store, account_id, make_vin(n)) for n in range(20)]
        requests = [f"r-{status.name}-{n // 10}" for n in range(20)]
        changes = [
            status_changed(one, status, at=at, request_id=own) for one, own in zip(vehicles, requests, strict=True)
        ]
        await save(store, account_id, *changes)
    found = await read_feed(runtime, cast.acme.principal, START)
    clock.now = NOON + timedelta(days=40)
    return found


async def find_start(runtime: Runtime, cast: Cast) -> RecordStart:
    return await runtime.store.read(cast.acme.principal.account_id).find_record_start()


@pytest.fixture
def list_numbers(select: Select, cast: Cast) -> ListNumbers:
    """Gives the numbers of Acme's changes that are in the database."""

    async def ask() -> list[int]:
        rows = await select("SELECT account_id, number FROM changes ORDER BY number")
        return [int(number) for account_id, number in rows if account_id == cast.acme.principal.account_id]

    return ask


class Killed(BaseException):
    """The process ends here: nothing after this line runs."""


@pytest.mark.parametrize("step", ArchiveStep)
@pytest.mark.parametrize(
    "time", [1, pytest.param(2, marks=pytest.mark.long("postgres")), pytest.param(3, marks=pytest.mark.long)]
)
async def test_a_kill_after_any_step_loses_and_doubles_no_change(
    runtime: Runtime,
    cast: Cast,
    feed: list[FeedEntry],
    list_numbers: ListNumbers,
    tmp_path: Path,
    step: ArchiveStep,
    time: int,
) -> None:
    account_id = cast.acme.principal.account_id
    left = [time]

    def end(noted: ArchiveStep) -> None:
        left[0] -= noted is step
        if not left[0]:
            raise Killed

    with pytest.raises(Killed):
        await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=17, note=end))
    start = await find_start(runtime, cast)
    kept = set(await list_numbers())
    archived = [one.change.number for one in read_archive(tmp_path, account_id)]
    assert archived == list(range(1, len(archived) + 1))
    assert set(range(start.number + 1, SAVED + 1)) <= kept
    assert start.number <= len(archived)
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=13))
    assert [one.change for one in read_archive(tmp_path, account_id)] == [entry.change for entry in feed]
    assert await list_numbers() == [*range(1, 21), *range(41, 61)]


async def test_two_servers_archive_the_same_record_at_once(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id
    plans = [ArchivePlan(folder=tmp_path, age=AGE, portion=portion) for portion in (7, 11, 13)]
    counts = await asyncio.gather(*(archive_account(runtime, account_id, plan) for plan in plans))
    assert sum(counts) == SAVED
    assert [one.change for one in read_archive(tmp_path, account_id)] == [entry.change for entry in feed]


@pytest.mark.long("postgres")
async def test_a_webhook_that_has_not_come_so_far_holds_the_archive_up(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    acme = cast.acme.principal
    plan = ArchivePlan(folder=tmp_path, age=AGE)
    endpoint = await add_endpoint(runtime, acme, url="https://example.com/hook", description="", chosen=EVERYTHING)
    await replay_after(runtime, acme, endpoint.endpoint_id, 25)
    await archive_account(runtime, acme.account_id, plan)
    assert (await find_start(runtime, cast)).number == 25
    assert await refuses(Code.CURSOR_GONE, replay_after(runtime, acme, endpoint.endpoint_id, 24))
    await replay_after(runtime, acme, endpoint.endpoint_id, 25)
    del feed


@pytest.mark.long("postgres")
async def test_a_request_with_archived_changes_cannot_be_undone(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    acme = cast.acme.principal
    await archive_account(runtime, acme.account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=45))
    del feed
    assert await refuses(Code.ARCHIVED, undo_request(runtime, acme, "r-SOLD-0", "r-undo", None))
    assert await refuses(Code.ARCHIVED, undo_request(runtime, acme, "r-registered", "r-undo", None))
    with pytest.raises(PadronError, match="what was before is archived") as caught:
        await undo_request(runtime, acme, "r-STOLEN-0", "r-undo", None)
    assert caught.value.code is Code.REQUEST_NOT_FOUND


async def test_a_request_that_goes_on_after_the_archive_is_not_undone_in_part(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path, clock: SteppedClock
) -> None:
    acme, store = cast.acme.principal, runtime.store
    vehicles = [await get_one(store, acme.account_id, make_vin(n)) for n in range(3)]
    first = status_changed(vehicles[0], VehicleStatus.IN_THE_SHOP, at=NOON + timedelta(days=1), request_id="long")
    await save(store, acme.account_id, first)
    vehicles[0] = await get_one(store, acme.account_id, make_vin(0))
    await save(store, acme.account_id, status_changed(vehicles[0], VehicleStatus.FOR_SALE, at=NOON + timedelta(days=2)))
    await save(store, acme.account_id, status_changed(vehicles[1], at=NOON + timedelta(days=39), request_id="long"))
    clock.now = NOON + timedelta(days=45)
    await archive_account(runtime, acme.account_id, ArchivePlan(folder=tmp_path, age=AGE))
    assert (await find_start(runtime, cast)).number == len(feed) + 2
    assert await refuses(Code.ARCHIVED, undo_request(runtime, acme, "long", "r-undo", None))


@pytest.mark.long("postgres")
async def test_few_changes_wait_until_a_portion_is_full_or_a_day_is_over(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path, clock: SteppedClock
) -> None:
    account_id = cast.acme.principal.account_id
    plan = ArchivePlan(folder=tmp_path, age=AGE)
    clock.now = NOON + AGE + timedelta(hours=23)
    assert await archive_account(runtime, account_id, plan) == 0
    assert await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=SAVED)) == SAVED
    del feed


@pytest.mark.long("postgres")
async def test_a_damaged_or_missing_file_stops_the_deletion(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], list_numbers: ListNumbers, tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id

    def end(step: ArchiveStep) -> None:
        if step is ArchiveStep.SETTLED:
            raise Killed

    plan = ArchivePlan(folder=tmp_path, age=AGE)
    with pytest.raises(Killed):
        await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, note=end))
    (part,) = list_parts(tmp_path)
    whole = part.path.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    damages = {
        "cut": whole[:-9],
        **{f"bit {n}": bytes([*whole[:n], whole[n] ^ 4, *whole[n + 1 :]]) for n in range(30, len(whole), 97)},
        "a line less": gzip.compress(b"".join(lines[:5] + lines[6:])),
        "other values": gzip.compress(b"".join(lines).replace(b"STOLEN", b"STOLEM")),
        "no trailer": gzip.compress(b"".join(lines[:-1])),
    }
    for name, damaged in damages.items():
        part.path.write_bytes(damaged)
        with pytest.raises(ArchiveError):
            await archive_account(runtime, account_id, plan)
        assert len(await list_numbers()) == len(feed), name
    part.path.unlink()
    with pytest.raises(ArchiveError, match="has no file of account"):
        await archive_account(runtime, account_id, plan)
    assert len(await list_numbers()) == len(feed)
    part.path.write_bytes(whole)
    await archive_account(runtime, account_id, plan)
    assert len(await list_numbers()) == 40


@pytest.mark.long("postgres")
async def test_a_file_with_other_changes_is_never_replaced(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id

    def end(step: ArchiveStep) -> None:
        if step is ArchiveStep.WRITTEN:
            raise Killed

    with pytest.raises(Killed):
        await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, note=end))
    (part,) = list_parts(tmp_path)
    header, *lines, trailer = gzip.decompress(part.path.read_bytes()).splitlines(keepends=True)
    others = b"".join(lines).replace(b"r-STOLEN-0", b"r-other-0")
    sums = [hashlib.sha256(text).hexdigest().encode() for text in (b"".join(lines), others)]
    text = header + others + trailer.replace(sums[0], sums[1])
    part.path.write_bytes(gzip.compress(text))
    with pytest.raises(ArchiveError, match="other changes with the same numbers"):
        await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE))
    assert gzip.decompress(part.path.read_bytes()) == text
    assert (await find_start(runtime, cast)).number == 0
    assert [path.name for path in part.path.parent.iterdir()] == [part.path.name]
    del feed


@pytest.mark.long("postgres")
async def test_what_a_killed_writer_left_is_removed_later(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id
    folder = tmp_path / f"account-{account_id}"
    folder.mkdir()
    old, new = (folder / f".changes-{name}.jsonl.gz.0a1b2c3d.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE))
    assert (old.exists(), new.exists()) == (False, True)
    del feed


@pytest.mark.long("postgres")
async def test_after_a_restored_backup_the_same_files_are_made_again(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], database: str, engine: str, tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id

    def end(step: ArchiveStep) -> None:
        if step is ArchiveStep.WRITTEN:
            raise Killed

    with pytest.raises(Killed):
        await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=20, note=end))
    await write(engine, database, "UPDATE counters SET archiving_to = 0")  # the backup is older than the file
    await archive_account(runtime, account_id, ArchivePlan(folder=tmp_path, age=AGE, portion=35))
    assert [(part.first, part.last) for part in list_parts(tmp_path)] == [(1, 20), (21, 55), (56, 60)]
    assert [one.change for one in read_archive(tmp_path, account_id)] == [entry.change for entry in feed]


@pytest.mark.long("postgres")
async def test_a_full_or_missing_folder_stops_only_the_archive(
    runtime: Runtime, cast: Cast, feed: list[FeedEntry], tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError, match="is not a folder"):
        await archive_register(runtime, ArchivePlan(folder=tmp_path / "missing", age=AGE))
    assert not (tmp_path / "missing").exists()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk(step: ArchiveStep) -> None:
        if step is ArchiveStep.BEGUN:
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, usual[1]))

    try:
        with pytest.raises(ArchiveError, match="cannot be written: File too large"):
            await archive_register(runtime, ArchivePlan(folder=tmp_path, age=AGE, note=fill_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert list(tmp_path.rglob("*changes-*")) == []
    assert (await find_start(runtime, cast)).number == 0
    assert await archive_register(runtime, ArchivePlan(folder=tmp_path, age=AGE)) == len(feed)
