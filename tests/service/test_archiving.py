"""Archiving: what is answered afterwards is what was answered before, and everything else is refused clearly."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from padron.domain.account import Principal
from padron.domain.archives import RecordStart
from padron.domain.change import START
from padron.domain.errors import Code, PadronError
from padron.domain.finding import CheckName
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.retention.past import rebuild_state, verify_archive
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import read_place
from tests import effort
from tests.cast import Cast
from tests.conftest import SteppedClock
from tests.service.old_records import (
    Known,
    learn,
    read_archive,
    read_feed,
    read_history,
    read_report,
    read_state,
    refuses,
    write_record,
)
from tests.service.test_doctor import find_faults

pytestmark = pytest.mark.campaign


@pytest.mark.long("postgres")
@pytest.mark.parametrize("number", range(effort.ARCHIVED_RECORDS))
async def test_every_question_has_its_answer_from_before_or_is_refused(
    runtime: Runtime, cast: Cast, clock: SteppedClock, tmp_path: Path, engine: str, database: str, number: int
) -> None:
    dice = effort.roll(number)
    acme = cast.acme.principal
    await write_record(runtime, acme, dice, effort.ARCHIVED_CHANGES)
    feed = await read_feed(runtime, acme, START)
    clock.now = feed[-1].change.at + timedelta(days=1)
    known = await learn(runtime, acme, feed, dice)
    faults = await find_faults(engine, database)
    assert faults.keys() <= {CheckName.CLOCK}, faults
    for share in (0.4, 0.8, 1.0):
        cutoff = feed[int(len(feed) * share) - 1].change.at + timedelta(microseconds=1)
        clock.now = cutoff + timedelta(days=400) - timedelta(seconds=1)  # it goes on by one when it is looked at
        plan = ArchivePlan(folder=tmp_path, age=timedelta(days=400), portion=dice.choice([3, 7, 20]))
        await archive_account(runtime, acme.account_id, plan)
        start = await runtime.store.read(acme.account_id).find_record_start()
        archived = [entry for entry in feed if entry.change.number <= start.number]
        assert start.number >= len(feed) * share * 0.5
        assert start.at == max(entry.change.at for entry in archived) < cutoff
        kept = read_archive(tmp_path, acme.account_id)
        assert [one.change for one in kept] == [entry.change for entry in archived]
        assert [(one.vehicle_id, one.vin) for one in kept] == [(entry.vehicle_id, entry.vin) for entry in archived]
        await _check_past(runtime, acme, known, start, tmp_path)
        refused = 0
        for entry in feed:
            # Where all that follows happens to be kept, the answer is still whole.
            if await refuses(Code.CURSOR_GONE, read_feed(runtime, acme, entry.place)):
                assert entry.change.number < start.number
                refused += 1
            else:
                assert await read_feed(runtime, acme, entry.place) == feed[entry.change.number :]
        assert refused > 0
        assert await refuses(Code.CURSOR_GONE, read_place(runtime, acme, None))
        assert all(one.fault is None for one in verify_archive(tmp_path, None))
        await _check_histories(runtime, acme, known, start)
        faults = await find_faults(engine, database)
        assert faults.keys() <= {CheckName.CLOCK}, faults  # the examination is at noon


async def _check_past(runtime: Runtime, acme: Principal, known: Known, start: RecordStart, folder: Path) -> None:
    for at, states in known.states.items():
        for status, before in states.items():
            question = read_state(runtime, acme, at, status)
            if at < start.at:
                assert await refuses(Code.ARCHIVED, question)
            else:
                assert await question == before
        if at < start.at:
            assert list(rebuild_state(folder, acme.account_id, at)) == states[None]
    for (from_at, to_at), report in known.reports.items():
        if from_at < start.at:
            assert await refuses(Code.ARCHIVED, read_report(runtime, acme, from_at, to_at))
        else:
            assert await read_report(runtime, acme, from_at, to_at) == report


async def _check_histories(runtime: Runtime, acme: Principal, known: Known, start: RecordStart) -> None:
    last = {entry.vehicle_id: entry for entry in known.feed}
    for vehicle_id, entry in last.items():
        shown = await read_history(runtime, acme, entry)
        assert shown == known.histories[vehicle_id][: len(shown)]
        assert shown[-1].number <= max(start.number, vehicle_id)
        assert len(shown) == 1 or shown[-2].number > start.number


@pytest.mark.long("postgres")
async def test_what_is_asked_while_changes_are_archived_is_right_or_refused(
    runtime: Runtime, cast: Cast, clock: SteppedClock, tmp_path: Path
) -> None:
    dice = effort.roll(3)
    acme = cast.acme.principal
    await write_record(runtime, acme, dice, effort.ARCHIVED_CHANGES)
    feed = await read_feed(runtime, acme, START)
    clock.now = feed[-1].change.at + timedelta(days=400)
    known = await learn(runtime, acme, feed, dice)
    last = [*{entry.vehicle_id: entry for entry in feed}.values()]
    plan = ArchivePlan(folder=tmp_path, age=timedelta(days=1), portion=5)
    archiving = asyncio.create_task(archive_account(runtime, acme.account_id, plan))

    async def ask_the_past() -> bool:
        at = dice.choice([*known.states])
        try:
            assert await read_state(runtime, acme, at, None) == known.states[at][None]
        except PadronError as error:
            return error.code is Code.ARCHIVED
        return False

    async def ask_for_a_report() -> bool:
        ends = dice.choice([*known.reports])
        try:
            assert await read_report(runtime, acme, *ends) == known.reports[ends]
        except PadronError as error:
            return error.code is Code.ARCHIVED
        return False

    async def ask_for_the_feed() -> bool:
        entry = dice.choice(feed)
        try:
            assert await read_feed(runtime, acme, entry.place) == feed[entry.change.number :]
        except PadronError as error:
            return error.code is Code.CURSOR_GONE
        return False

    async def ask_for_a_history() -> bool:
        entry = dice.choice(last)
        try:
            shown = await read_history(runtime, acme, entry)
        except PadronError as error:
            return error.code is Code.ARCHIVED
        assert shown == known.histories[entry.vehicle_id][: len(shown)]
        return False

    refused = 0
    while not archiving.done():
        refused += sum(
            await asyncio.gather(ask_the_past(), ask_for_a_report(), ask_for_the_feed(), ask_for_a_history())
        )  # fmt: skip
    assert await archiving == len(feed)
    assert refused > 0
