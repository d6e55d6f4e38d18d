"""Local gates in several processes, beside a register that changes and a world in which everything goes wrong.

Without strict mode no answer is older than it says. With it, no answer contradicts a 204.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests import effort
from tests.e2e.local_gates.mishaps import Mishaps
from tests.e2e.local_gates.proxy import BadProxy
from tests.e2e.local_gates.race import OWNERS, VEHICLES_EACH, Judgement, Owners, judge, run_asker
from tests.e2e.program import make_fleets, run_command

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


async def race(
    url: str, folder: Path, database: Path | None, *, strict: bool, changes: int, rounds: int, code: str | None = None
) -> Judgement:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=OWNERS * VEHICLES_EACH)
    if strict:
        done = await run_command(url, "accounts", "strict-gates", fleet.name, "on")
        assert done.status == 0, done.stderr
    owners, proxy = Owners(fleet), BadProxy(0)
    async with AsyncExitStack() as stack:
        mishaps = Mishaps(url, folder, database, owners, [], proxy, stack)
        await mishaps.start_server()
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
@pytest.mark.long("postgres")
@pytest.mark.timeout(effort.TORTURE_TIMEOUT_S if effort.IS_TORTURE else 240)
@pytest.mark.parametrize("strict", [False, True], ids=["by age", "strict"])
async def test_no_answer_of_a_local_gate_is_older_than_it_says_and_strict_ones_contradict_no_204(
    url: str, engine: str, database: str, tmp_path: Path, *, strict: bool
) -> None:
    file = Path(database) if engine == "sqlite" else None
    found = await race(url, tmp_path, file, strict=strict, changes=CHANGES, rounds=ROUNDS)
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
    url: str, engine: str, database: str, tmp_path: Path, fault: str, *, strict: bool
) -> None:
    file = Path(database) if engine == "sqlite" else None
    code = PLANT.format(fault=fault)
    found = await race(url, tmp_path, file, strict=strict, changes=1_000, rounds=2, code=code)
    assert found.wrong > 0
