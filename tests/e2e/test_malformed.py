"""Some four hundred malformed and hostile requests over plain sockets, against the real program.

Each is refused in our form, once, and the connection ends. Or it is right after all, and so is its answer.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import psutil
import pytest
import pytest_asyncio

from tests.e2e.client import connect
from tests.e2e.malformed import ANSWERED_HEADS, GET, REFUSED_HEADS, Case
from tests.e2e.malformed_bodies import ANSWERED_BODIES, REFUSED_BODIES
from tests.e2e.program import Fleet, Server, make_fleets, run_server

REFUSED = [*REFUSED_HEADS, *REFUSED_BODIES]
ANSWERED = [*ANSWERED_HEADS, *ANSWERED_BODIES]
ANSWER_S_MAX = 2.0
AT_ONCE = 10
PIECEMEAL = 30  # cases that are sent in pieces, too
PIECE_PAUSE_S = 0.002  # so that each piece comes alone
PIECEMEAL_BYTES_MAX = 400
GROWTH_BYTES_MAX = 6_000_000

_find_status = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [A-Za-z -]+\r\n").match


class Target:
    """A server, and the requests for it."""

    def __init__(self, server: Server, fleet: Fleet) -> None:
        self.server = server
        self._fleet = fleet

    def fill(self, data: bytes) -> bytes:
        return data.replace(b"@VIN@", self._fleet.vins[0].encode()).replace(b"@KEY@", self._fleet.token.encode())

    async def exchange(self, pieces: Sequence[bytes], *, pause_s: float = 0) -> bytes:
        """Send these pieces, and give all that comes back until the server closes."""
        async with asyncio.timeout(ANSWER_S_MAX + pause_s * 4 * len(pieces)), connect(self.server.port) as connection:
            with suppress(ConnectionError):  # it may be refused before all is sent
                for piece in pieces:
                    await connection.send(piece)
                    if pause_s:
                        await asyncio.sleep(pause_s)
            return await connection.read_to_end()

    async def is_well(self) -> bool:
        async with asyncio.timeout(ANSWER_S_MAX), connect(self.server.port) as connection:
            return (await connection.request("GET", "/readyz")).status == 200

    def measure_memory(self) -> int:
        return int(psutil.Process(self.server.pid).memory_info().rss)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """One server for all requests: none may harm it."""
    folder = tmp_path_factory.mktemp("malformed")
    url = f"sqlite:///{folder}/padron.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    async with run_server(url, folder) as server:
        target = Target(server, fleet)
        yield target
        assert await target.is_well()
        log = server.read_log()
        assert "Traceback" not in log
        assert "ERROR" not in log


class Reply:
    """One answer, cut from the bytes of a connection."""

    def __init__(self, received: bytes) -> None:
        found = _find_status(received)
        assert found is not None, received[:200]
        self.status = int(found[1])
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
        self.headers = {name: value for name, _, value in lines}
        assert len(self.headers) == len(lines), head
        size = int(self.headers.get("content-length", "0"))
        self.body, self.rest = rest[:size], rest[size:]
        assert len(self.body) == size

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection") == "close"

    def check_problem(self, case: Case) -> None:
        assert self.headers["content-type"] == "application/problem+json"
        problem = json.loads(self.body)
        found = self.status, problem["status"], problem["errorDetail"]
        assert found == (case.status, case.status, case.error), (case.name, problem["detail"])
        assert problem["instance"] == self.headers["x-request-id"] != ""
        assert problem["detail"].endswith((".", "?"))


def test_the_cases_are_many_and_their_names_differ() -> None:
    cases = [*REFUSED, *ANSWERED]
    assert len({case.name for case in cases}) == len({case.data for case in cases}) == len(cases)
    assert len(REFUSED) >= 200


def check_refusal(case: Case, received: bytes) -> None:
    reply = Reply(received)
    reply.check_problem(case)
    assert reply.is_last
    assert reply.rest == b"", "There was a second answer."


async def check_all(cases: Sequence[Case], check: Callable[[Case], Awaitable[None]]) -> None:
    """Check all cases, some at once, and name each one that is wrong."""
    wrong: list[str] = []
    for start in range(0, len(cases), AT_ONCE):
        some = cases[start : start + AT_ONCE]
        outcomes = await asyncio.gather(*map(check, some), return_exceptions=True)
        wrong += [
            f"{case.name}: {outcome!r}" for case, outcome in zip(some, outcomes, strict=True) if outcome is not None
        ]
    assert not wrong, "\n".join(wrong)


async def test_a_malformed_request_is_refused_once_and_the_connection_ends(target: Target) -> None:
    async def check(case: Case) -> None:
        check_refusal(case, await target.exchange([target.fill(case.data)]))

    await check_all(REFUSED, check)


async def test_an_odd_request_that_is_right_is_answered_once(target: Target) -> None:
    """Where the connection stays open, another request follows: so an answer too many is seen, and a byte left over."""

    async def check(case: Case) -> None:
        async with asyncio.timeout(ANSWER_S_MAX), connect(target.server.port) as connection:
            await connection.send(target.fill(case.data))
            answer = await connection.read_answer()
            if answer.status == 100:
                answer = await connection.read_answer()
            assert answer.status == case.status, answer.body
            if case.error:
                assert answer.document["errorDetail"] == case.error
            if answer.headers.get("connection") != "close":
                await connection.send(GET.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                assert (await connection.read_answer()).status == 200
            assert await connection.read_to_end() == b""

    await check_all(ANSWERED, check)


def cut_bytes(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def cut_lines(data: bytes) -> list[bytes]:
    """Cut before, in and behind each line end."""
    return [piece for piece in re.split(rb"(\r)(\n)", data) if piece]


@pytest.mark.parametrize("cut", [cut_bytes, cut_lines])
async def test_a_request_in_pieces_is_answered_as_in_one(
    target: Target, cut: Callable[[bytes], Sequence[bytes]]
) -> None:
    short = [case for case in REFUSED if len(case.data) <= PIECEMEAL_BYTES_MAX]
    cases = short[:: len(short) // PIECEMEAL]
    assert len(cases) >= PIECEMEAL

    async def compare(case: Case) -> None:
        data = target.fill(case.data)
        whole, pieces = await asyncio.gather(target.exchange([data]), target.exchange(cut(data), pause_s=PIECE_PAUSE_S))
        check_refusal(case, whole)
        check_refusal(case, pieces)

    async with asyncio.TaskGroup() as tasks:
        for case in cases:
            tasks.create_task(compare(case))


async def test_many_malformed_requests_cost_no_memory(target: Target) -> None:
    cases = REFUSED[::2]

    async def send_all() -> None:
        for start in range(0, len(cases), 50):
            async with asyncio.TaskGroup() as tasks:
                for case in cases[start : start + 50]:
                    tasks.create_task(target.exchange([target.fill(case.data)]))

    await send_all()
    before = target.measure_memory()
    for _ in range(2):
        await send_all()
    assert target.measure_memory() - before < GROWTH_BYTES_MAX
