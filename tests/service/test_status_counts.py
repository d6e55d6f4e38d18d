"""The counts of vehicles by status over the last days, against the register as it was at the end of each day."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from padron.domain.account import Principal
from padron.domain.status import VehicleStatus
from padron.domain.status_counts import COUNTED_STATUSES, DAYS_MAX, StatusDay
from padron.service.reports import status_counts
from padron.service.reports.status_counts import find_status_counts, report_status_counts
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.runtime import Runtime
from tests import effort
from tests.cast import Cast, get_one, registered, save, status_changed
from tests.conftest import SteppedClock
from tests.service.old_records import read_state, write_record


async def count_as_it_was(runtime: Runtime, principal: Principal, day: StatusDay, clock: SteppedClock) -> Counter[int]:
    end = datetime.combine(day.day + timedelta(days=1), time(), UTC) - timedelta(microseconds=1)
    was = await read_state(runtime, principal, min(end, clock.now), None)
    return Counter(one.vehicle.status.value for one in was)


def give_counts(day: StatusDay) -> Counter[int]:
    assert set(day.counts) == set(COUNTED_STATUSES)
    return Counter({status.value: count for status, count in day.counts.items() if count})


@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.long)])
async def test_each_day_has_the_counts_that_the_register_had_then(
    runtime: Runtime, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(status_counts, "PORTION_CHANGES", 7)
    dice, acme = effort.roll(number), cast.acme.principal
    at, first = clock.now, 0
    for _ in range(2):
        at = await write_record(runtime, acme, dice, 70, first=first, at=at + timedelta(days=1))
        first += 70
        clock.now = at + timedelta(hours=1)
        days = await report_status_counts(runtime, acme, 12)
        assert [one.day for one in days] == [clock.now.date() - timedelta(days=back) for back in reversed(range(12))]
        for day in days:
            assert give_counts(day) == await count_as_it_was(runtime, acme, day, clock), day.day
            assert day.total == sum(day.counts.values())
            assert day.operational == day.counts[VehicleStatus.ACTIVE]
    assert days[-1].total > 4
    assert len({tuple(day.counts.values()) for day in days}) >= 4
    other = await report_status_counts(runtime, cast.beta.principal, 2)
    assert [one.total for one in other] == [0, 0]


@pytest.mark.long("postgres")
async def test_days_whose_changes_are_archived_are_left_out(
    runtime: Runtime, cast: Cast, clock: SteppedClock, tmp_path: Path
) -> None:
    acme = cast.acme.principal
    at = await write_record(runtime, acme, effort.roll(7), 120)
    clock.now = at + timedelta(days=30)
    before = await report_status_counts(runtime, acme, 60)
    await archive_account(
        runtime, acme.account_id, ArchivePlan(folder=tmp_path, age=timedelta(days=30, hours=4), portion=10)
    )
    runtime.status_tallies._kept.clear()  # as after a start of the server
    days = await report_status_counts(runtime, acme, 60)
    assert 30 <= len(days) < 60
    assert [(one.day, one.counts) for one in days] == [(one.day, one.counts) for one in before[-len(days) :]]


async def test_a_page_does_not_wait_for_a_long_count_but_it_goes_on(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    acme = cast.acme.principal
    await save(runtime.store, acme.account_id, registered())
    async with runtime.turns.take(acme.account_id), runtime.turns.take(cast.beta.account.account_id):
        if runtime.answers_at_once:
            assert await find_status_counts(runtime, acme, 5, 0.01) is None
    for _ in range(500):
        found = await find_status_counts(runtime, acme, 5, 1.0)
        if found is not None:
            break
        await asyncio.sleep(0.01)
    assert found is not None
    assert found[-1].counts[VehicleStatus.ACTIVE] == 1
    vehicle = await get_one(runtime.store, acme.account_id)
    await save(runtime.store, acme.account_id, status_changed(vehicle, VehicleStatus.SOLD, at=clock.now))
    now = await find_status_counts(runtime, acme, DAYS_MAX, 5.0)
    assert now is not None
    assert give_counts(now[-1]) == {VehicleStatus.SOLD.value: 1}
    assert len(now) == DAYS_MAX
