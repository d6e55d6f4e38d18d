"""What interrupts the bits of pages by an instant, removes them or damages them, loses no vehicle of a page."""

import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from padron.domain.finding import CheckName, Severity
from padron.domain.query import VehicleQuery
from padron.service.doctor.examining import examine
from padron.store import sqlite
from padron.store.base import WriteTransaction
from padron.store.sqlite.backup import copying
from padron.store.sqlite.orders import following
from padron.store.sqlite.orders.marks import BLOCK
from tests.cast import after, save, status_changed
from tests.store.time_orders import (
    SMALL,
    Register,
    change_at_random,
    compare_all,
    fill,
    list_bits,
    open_register,
)

FOLLOW_AND_TELL = """
import asyncio, sys
from pathlib import Path
from tests.store.time_orders import open_register

async def main():
    async with open_register(Path(sys.argv[1])) as register:
        while await register.store.follow_record():
            print(register.select("SELECT next_number FROM last_change_marks"), flush=True)
        print("over", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[Register]:
    async with open_register(tmp_path / "padron.db") as opened:
        yield opened


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_an_account_that_is_being_deleted_gets_no_bits_and_its_pages_are_as_before(register: Register) -> None:
    await fill(register, 50)
    await register.follow(2)

    async def begin(transaction: Any) -> None:  # noqa: ANN401
        await transaction.removal.begin(after(100) + timedelta(seconds=1))

    await register.store.write(register.account_id, begin)
    assert await register.follow() == 0


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_a_step_that_was_interrupted_is_repeated(register: Register) -> None:
    await fill(register, 60)
    await register.follow(2)
    before = register.select("SELECT next_number FROM last_change_marks")
    register.write(
        "CREATE TRIGGER stop BEFORE UPDATE ON last_change_marks BEGIN SELECT raise(ABORT, 'killed'); END"
    )  # fmt: skip
    with pytest.raises(Exception, match="killed"):
        await register.follow()
    assert register.select("SELECT next_number FROM last_change_marks") == before
    vehicle = (await register.list_present())[0].vehicle
    await save(register.store, register.account_id, status_changed(vehicle, at=after(200)))
    await compare_all(register, 7)
    register.write("DROP TRIGGER stop")
    await register.follow()
    await compare_all(register, 7)
    assert list_bits(register, "updatedAt") == list(range(1, 56))  # in seven whole blocks


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_another_process_that_was_faster_is_noticed(register: Register) -> None:
    await fill(register, 60)
    await register.follow(1)
    store = register.store

    def overtake(connection: apsw.Connection, *given: Any) -> Any:  # noqa: ANN401
        portion = gather(connection, *given)
        register.write("UPDATE last_change_marks SET next_number = 32")
        return portion

    gather = following.gather
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "gather", overtake)
        await store.follow_record()
    assert register.select("SELECT next_number FROM last_change_marks") == [(32,)]
    assert register.select("SELECT count(*) FROM last_changes") == [(0,)]


@pytest.mark.parametrize("steps", [1, 9, 25])
@pytest.mark.slow_callback("the test itself waits on the event loop")
async def test_a_killed_process_loses_no_vehicle_and_the_next_one_goes_on(tmp_path: Path, steps: int) -> None:
    path = tmp_path / "padron.db"
    chance = random.Random(steps)
    async with open_register(path) as register:
        await fill(register, 500)
        for number in range(20):
            await change_at_random(register, chance, 1_000 + number)
    command = [sys.executable, "-c", FOLLOW_AND_TELL, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(steps):
            assert process.stdout.readline() != "over\n"
        process.send_signal(signal.SIGKILL)
    async with open_register(path) as register:
        ((reached, _),) = register.select("SELECT next_number, built_to FROM last_change_marks")
        await compare_all(register, 50)
        for number in range(5):
            await change_at_random(register, chance, 2_000 + number)
        await compare_all(register, 50)
        await register.follow()
        ((end, built_to),) = register.select("SELECT next_number, built_to FROM last_change_marks")
        assert reached < built_to <= end
        await compare_all(register, 50)


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_archived_changes_are_not_missed(register: Register) -> None:
    chance = random.Random(7)
    await fill(register, 30)
    for number in range(60):
        await change_at_random(register, chance, 100 + number)
    await register.follow(3)
    cleared_count = 0
    for archived_to in (40, 90):

        async def archive(transaction: WriteTransaction, archived_to: int) -> int:
            mark = await transaction.archives.lock_mark()
            assert await transaction.archives.begin_portion(mark.archived_to, archived_to)
            assert await transaction.archives.settle_portion(mark.archived_to, archived_to, after(500))
            return await transaction.archives.clear_changes(mark.archived_to + 1, archived_to, archived_to)

        cleared_count += await register.store.write(register.account_id, partial(archive, archived_to=archived_to))
        await compare_all(register, 5)
        await register.follow(2)
        await compare_all(register, 5)
        await change_at_random(register, chance, 600 + archived_to)
    assert cleared_count > 10
    await register.follow()
    await compare_all(register, 5)


@pytest.mark.slow_callback("the test itself copies on the event loop")
async def test_a_backup_goes_on_with_the_bits_that_it_has(register: Register, tmp_path: Path) -> None:
    chance = random.Random(3)
    await fill(register, 60)
    await register.follow()
    for number in range(20):
        await change_at_random(register, chance, 100 + number)
    copy = tmp_path / "copy.db"
    copying.copy_checked(register.path, copy)
    for number in range(20):  # of these the copy knows nothing
        await change_at_random(register, chance, 200 + number)
    await register.follow()
    async with open_register(copy) as restored:
        await compare_all(restored, 7)
        await change_at_random(restored, chance, 300)
        assert await restored.follow() > 0
        await compare_all(restored, 7)


async def find_unlisted(register: Register) -> str:
    """Give what ``padron doctor`` says about the bits; empty if nothing is wrong."""
    examination = sqlite.SqliteExamination(register.path, sqlite.MIGRATIONS)
    try:
        found = [finding async for finding in examine(examination, lambda: after(9_999_999), lambda _: None)]
    finally:
        await examination.close()
    (one,) = [finding for finding in found if finding.check is CheckName.ORDERS]
    return "" if one.severity is Severity.OK else one.detail


LOST = {
    "a bit": "UPDATE last_changes SET bits = CAST(x'fe' || substr(bits, 2) AS BLOB) "
    "WHERE sort = 'updatedAt' AND block = 2",
    "a row": "DELETE FROM last_changes WHERE sort = 'statusSince' AND block = 1",
    "all bits of an order": "UPDATE last_changes SET bits = zeroblob(length(bits)) WHERE sort = 'statusSince'",
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_the_doctor_notices_lost_bits_and_a_new_beginning_brings_them_back(register: Register, lost: str) -> None:
    register.store.orders.bounds = replace(SMALL, block=BLOCK, portion_min=BLOCK, portion_max=BLOCK)
    await fill(register, 3 * BLOCK)
    vehicle = (await register.list_present())[0].vehicle
    await save(register.store, register.account_id, status_changed(vehicle, at=after(99_999)))
    await register.follow()
    assert await find_unlisted(register) == ""
    register.write(LOST[lost])
    assert "padron register orders" in await find_unlisted(register)
    await register.store.restart_orders()
    assert await find_unlisted(register) == ""
    assert await register.follow() == 4
    assert await find_unlisted(register) == ""
    query = VehicleQuery(filters={}, sort="updatedAt", limit=500)
    assert len(await register.list_pages(query)) == 3 * BLOCK
