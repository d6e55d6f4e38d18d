"""Clients that hang up at any point of a request: nobody else notices, and nothing is half done."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import effort
from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import ANSWER_S_MAX, connect
from tests.e2e.load import Load
from tests.e2e.program import Server, make_fleets, run_server
from tests.e2e.record import check_record

AT_ONCE = 20


async def hang_up(port: int, load: Load) -> None:
    """Send a call up to a random byte, or all of it, and go without reading the answer."""
    data = load.make_call().build()
    head_bytes = data.index(b"\r\n\r\n")
    cut = random.choice(
        [random.randint(0, head_bytes), random.randint(head_bytes, len(data) - 1), len(data), len(data)]
    )
    with suppress(OSError):
        async with connect(port) as connection:
            await connection.send(data[:cut])
            await asyncio.sleep(random.choice([0, 0, random.uniform(0, 0.01)]))
            if random.random() < 0.5:
                connection.reset()


async def has_no_connection_left(server: Server) -> bool:
    found = psutil.Process(server.pid).net_connections("tcp4")
    return all(one.status == psutil.CONN_LISTEN for one in found)


@pytest.mark.campaign
@pytest.mark.long("postgres")
async def test_clients_that_hang_up_disturb_nobody(url: str, tmp_path: Path, select: Select) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port, connections=8):
            for _ in range(effort.HANG_UPS // AT_ONCE):
                answered = load.answered
                await asyncio.gather(*(hang_up(server.port, load) for _ in range(AT_ONCE)))
                await load.wait_for_answers(max(1, answered + 8 - load.answered))
        assert load.give_statuses() == {204}
        assert load.give_slowest_share(1) < 2
        async with connect(server.port) as connection:
            answers = await load.touch_all(connection)
        assert {answer.status for answer in answers} == {204}
        assert max(answer.seconds for answer in answers) < 2

        async def is_rid_of_them() -> bool:
            return await has_no_connection_left(server)

        await wait_until(is_rid_of_them, seconds_max=ANSWER_S_MAX)
        assert await server.stop() == 0
        log = server.read_log()
        assert "ERROR" not in log, log
        assert "Traceback" not in log, log
    rows = await select("SELECT reason FROM changes")
    unanswered = {call.reason for call in load.calls if call.answer is None}
    assert unanswered & {reason for (reason,) in rows}, "No whole request of those who hung up was done: too gentle."
    await check_record(select, load.calls)
