"""The bounds on connections: of one address, in total, and on the bytes that clients do not take."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from padron.domain.addresses import find_network
from padron.domain.limits import DEFAULT_LIMITS
from padron.http.edge import connections
from padron.http.edge.connections import TAKEN_AT_ONCE, OpenConnections
from padron.http.edge.connections import Line as WaitingLine
from tests.cast import wait_until
from tests.tables import each_row


class Line:
    """A connection as the registry sees it."""

    def __init__(self, unsent_bytes: int = 0) -> None:
        self.unsent_bytes = unsent_bytes
        self.looked_at = 0
        self.error: Exception | None = None
        self.is_aborted = False

    def check_time(self, now_s: float) -> None:
        assert now_s == pytest.approx(asyncio.get_running_loop().time(), abs=1.0)
        self.looked_at += 1
        if self.error is not None:
            raise self.error

    def abort(self) -> None:
        self.is_aborted = True


def limit(is_exempt: Callable[[str], bool] = lambda _: False, **limits: int) -> OpenConnections:
    """Give a registry with these limits."""
    registry = OpenConnections(is_exempt)
    registry.set_limits(replace(DEFAULT_LIMITS, **limits))
    return registry


async def test_one_address_more_than_the_bound_is_turned_away_and_others_come_in() -> None:
    registry = limit(address_connections=2)
    first, second = Line(), Line()
    assert registry.admit(first, "192.0.2.1")
    assert registry.admit(second, "192.0.2.1")
    assert not registry.admit(Line(), "192.0.2.1")
    assert registry.admit(Line(), "192.0.2.2")
    registry.leave(first)
    assert registry.admit(Line(), "192.0.2.1")
    assert not registry.admit(Line(), "192.0.2.1")


async def test_one_more_than_the_bound_in_total_is_turned_away() -> None:
    registry = limit(total_connections=2)
    first = Line()
    assert registry.admit(first, "192.0.2.1")
    assert registry.admit(Line(), "192.0.2.2")
    assert not registry.admit(Line(), "192.0.2.3")
    registry.leave(first)
    assert registry.admit(Line(), "192.0.2.3")


async def test_who_was_turned_away_gives_no_place_back() -> None:
    registry = limit(total_connections=1)
    assert registry.admit(Line(), "192.0.2.1")
    refused = Line()
    assert not registry.admit(refused, "192.0.2.1")
    registry.leave(refused)
    assert not registry.admit(Line(), "192.0.2.1")


async def test_a_proxy_may_have_more_connections_than_others_but_not_more_than_all() -> None:
    registry = limit(lambda address: address == "192.0.2.9", total_connections=3, address_connections=1)
    assert [registry.admit(Line(), "192.0.2.9") for _ in range(4)] == [True, True, True, False]


@each_row(
    "one, other, is_same",
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
        ("a:socket", "a:socket", True),
        ("a:socket", "b:socket", False),
    ],
)
def test_a_network_that_one_client_has_counts_as_one_address(one: str, other: str, *, is_same: bool) -> None:
    assert (find_network(one) == find_network(other)) is is_same


async def test_beyond_the_bound_of_unsent_bytes_the_longest_stalled_ends() -> None:
    registry = limit(total_unsent_bytes=100)
    lines = [Line(40) for _ in range(4)]
    for line in lines:
        registry.admit(line, "")
    for line in lines[:2]:
        registry.stall(line)
    assert not any(line.is_aborted for line in lines)
    registry.stall(lines[2])
    assert [line.is_aborted for line in lines] == [True, False, False, False]
    registry.resume(lines[1])
    registry.stall(lines[3])
    assert [line.is_aborted for line in lines] == [True, False, False, False]
    registry.leave(lines[2])
    registry.stall(lines[1])
    assert [line.is_aborted for line in lines] == [True, False, False, False]


async def test_a_stalled_one_that_alone_is_beyond_the_bound_ends() -> None:
    registry = limit(total_unsent_bytes=100)
    line = Line(101)
    registry.admit(line, "")
    registry.stall(line)
    assert line.is_aborted


async def test_open_connections_are_looked_at_until_the_last_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", 0.01)
    registry = OpenConnections()
    first, second = Line(), Line()
    for turn in range(2):  # after none were open, it begins again
        registry.admit(first, "")
        registry.admit(second, "")

        async def are_looked_at(times: int = 3 + 3 * turn) -> bool:
            return first.looked_at >= times and second.looked_at >= times

        await wait_until(are_looked_at)
        registry.leave(first)
        registry.leave(second)
        seen = first.looked_at
        await asyncio.sleep(0.05)
        assert first.looked_at == seen


async def test_one_that_cannot_be_looked_at_is_closed_and_the_others_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", 0.01)
    registry = OpenConnections()
    broken, good = Line(), Line()
    broken.error = RuntimeError("a planted fault")
    registry.admit(broken, "")
    registry.admit(good, "")

    async def is_looked_at() -> bool:
        return good.looked_at >= 3

    with caplog.at_level(logging.ERROR):
        await wait_until(is_looked_at)
    assert broken.is_aborted
    assert "a planted fault" in caplog.text
    registry.leave(broken)
    registry.leave(good)


class Asking:
    """A connection with several requests, which notes in which turn of the event loop each is taken."""

    def __init__(self, line: WaitingLine, count: int, taken: list["Asking"]) -> None:
        self._line = line
        self._count = count
        self._taken = taken

    def take_next(self) -> None:
        self._taken.append(self)
        self._count -= 1
        if self._count:
            self._line.join(self)


async def test_connections_with_many_requests_take_turns_a_few_in_each_turn_of_the_loop() -> None:
    line, taken = WaitingLine(), list[Asking]()
    asking = [Asking(line, 5, taken) for _ in range(10)]
    for one in asking:
        line.join(one)
        line.join(one)  # waits only once
    sizes = [0]
    while len(taken) < 50:
        await asyncio.sleep(0)
        sizes.append(len(taken))
    assert max(after - before for before, after in itertools.pairwise(sizes)) <= TAKEN_AT_ONCE
    for start in range(0, 50, 10):
        assert taken[start : start + 10] == asking
    await asyncio.sleep(0)
    assert len(taken) == 50
