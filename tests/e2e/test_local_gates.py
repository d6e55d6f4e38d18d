"""Local gates in several processes, beside a register that changes and a world in which everything goes wrong.

Without strict mode no answer is older than it says. With it, no answer contradicts a 204.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import effort
from tests.e2e.local_gates.backups import Backup, DatabaseBackup, FileBackup
from tests.e2e.local_gates.mishaps import Mishaps
from tests.e2e.local_gates.proxy import BadProxy
from tests.e2e.local_gates.race import OWNERS, VEHICLES_EACH, Judgement, Owners, judge, run_asker
from tests.e2e.program import make_fleets, run_command
from tests.postgres import Postgres

CHANGES = effort.LOCAL_GATE_CHANGES
ROUNDS = effort.LOCAL_GATE_MISHAPS
ASKERS = 3

_log = logging.getLogger(__name__)

PLANT = """
from client.tests.local_gate import faulty_driver
faulty_driver.{fault}()
from tests.e2e.local_gates import asker
asker.main()
"""


@dataclass
class Register:
    """A register for a race, which can be restored. Several servers share it where the engine allows it."""

    url: str
    backup: Backup
    has_second: bool


@pytest.fixture
async def register(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Register]:
    """An empty register. It is one of its own, because a restored database takes the place of the test's."""
    if engine == "sqlite":
        file = tmp_path / "race.db"
        yield Register(f"sqlite:///{file}", FileBackup(file, tmp_path / "backup"), has_second=False)
        return
    primary: Postgres = request.getfixturevalue("postgres_server")
    url = await primary.create_database(migrated=False)
    yield Register(url, DatabaseBackup(primary, url), has_second=True)
    await primary.drop_database(url)
    await primary.execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]}_backup")


async def race(
    register: Register, folder: Path, *, strict: bool, changes: int, rounds: int, code: str | None = None
) -> Judgement:
    (fleet,) = await make_fleets(register.url, accounts=1, vehicles=OWNERS * VEHICLES_EACH)
    if strict:
        done = await run_command(register.url, "accounts", "strict-gates", fleet.name, "on")
        assert done.status == 0, done.stderr
    owners, proxy = Owners(fleet), BadProxy(0)
    async with AsyncExitStack() as stack:
        mishaps = Mishaps(
            register.url, folder, register.backup, register.has_second, owners, [], proxy, stack
        )  # fmt: skip
        await mishaps.start_all()
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        askers = [
            await stack.enter_async_context(run_asker(fleet, proxy.port, folder, seed, strict=strict, code=code))
            for seed in range(ASKERS)
        ]
        mishaps.askers = askers
        changing = asyncio.create_task(owners.run(changes))
        await mishaps.run(rounds)
        await changing
        for asker in askers:
            await asker.end()
    found = judge(owners, askers, strict=strict)
    found.counts = {**mishaps.counts, "changes": owners.changes}
    _log.info("%s", found)
    return found


@pytest.mark.campaign
@pytest.mark.timeout(effort.TORTURE_TIMEOUT_S if effort.IS_TORTURE else 240)
@pytest.mark.parametrize("strict", [False, True], ids=["by age", "strict"])
async def test_no_answer_of_a_local_gate_is_older_than_it_says_and_strict_ones_contradict_no_204(
    register: Register, tmp_path: Path, *, strict: bool
) -> None:
    found = await race(register, tmp_path, strict=strict, changes=CHANGES, rounds=ROUNDS)
    assert found.wrong == 0, found.examples[:5]
    assert found.inside > CHANGES / 4  # otherwise too little was tried to say anything
    assert found.allowed > CHANGES / 4  # a gate that refuses everything would pass the rest
    assert found.late > 0  # the mishaps were long enough to be noticed


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "fault, strict",
    [
        ("leave_out_the_head_rule", False),
        ("take_heartbeats_for_proofs", False),
        ("acknowledge_before_applying", True),
        ("never_end_a_lease", True),
    ],
)
async def test_the_race_notices_a_planted_fault(
    register: Register, tmp_path: Path, fault: str, *, strict: bool
) -> None:
    code = PLANT.format(fault=fault)
    found = await race(register, tmp_path, strict=strict, changes=1_000, rounds=2, code=code)
    assert found.wrong > 0
