"""The fast path and the ordinary way through the application give the same answers, byte for byte.

Two servers with equal registers and one clock get the same random requests. One of them has no fast path.
"""

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from padron.domain.account import Principal, Scope
from padron.http.edge.edge import Edge
from padron.service.accounts import list_accounts, revoke_key
from padron.service.operations.gate_leases import switch, take_lease
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, after, make_cast, make_member, make_vin, registered, save
from tests.http.random_requests import SEVERAL_VIN, TOKENS, VEHICLES, RandomRequests, Sent
from tests.http.serving import serve_in_thread
from tests.http.wire import CONTINUE, Wire, WireAnswer

pytestmark = pytest.mark.long("postgres")

PIECE_PAUSE_S = 0.003
LEASE_S = 1.0
STATUSES = {CONTINUE, 200, 202, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415}

OpenStore = Callable[[], Awaitable[Store]]

_hide_ids = re.compile(rb'(x-request-id: |"instance":"|"requestId":")[0-9a-f]{28}').sub
_hide_cursor = re.compile(rb'("cursor":")[0-9A-Za-z_-]+').sub  # it has a mark of the request that made the change
_hide_length = re.compile(rb"(content-length: )[0-9]+").sub
_hide_plan = re.compile(rb"\b[0-9a-f]{30}\b").sub  # a plan's id is random
_hide_close = re.compile(rb"\r\nconnection: close").sub


class SetClock:
    """A clock that stands still while a request is answered, so that both registers see the same instants."""

    now = NOON

    def __call__(self) -> object:
        return self.now


class Side:
    """One of the two servers, with a connection that is opened again whenever the server ended it."""

    def __init__(self, port: int, tokens: dict[str, str], key_ids: dict[str, str]) -> None:
        self._port = port
        self._tokens = tokens
        self._key_ids = key_ids
        self._wire = Wire(port)

    def exchange(self, sent: Sent) -> list[WireAnswer]:
        """Send what is to be sent, and give the answers."""
        if self._wire.has_ended:
            self._wire.close()
            self._wire = Wire(self._port)
        self._wire.send(*(self._fill(piece) for piece in sent.pieces), pause_s=PIECE_PAUSE_S)
        answers = self._wire.read_answers(sent.methods)
        if answers[-1].is_last:
            assert self._wire.read_end(), sent
        return answers

    def close(self) -> None:
        self._wire.close()

    def give_what_must_be_equal(self, answers: list[WireAnswer], *, in_pieces: bool) -> list[bytes]:
        return [self._hide(answer, in_pieces=in_pieces) for answer in answers]

    def _fill(self, data: bytes) -> bytes:
        for name, token in self._tokens.items():
            data = data.replace(f"@{name}@".encode(), token.encode())
        return data

    def _hide(self, answer: WireAnswer, *, in_pieces: bool) -> bytes:
        """Hide what is random. The ordinary way may refuse a request before its body is there, and then closes."""
        shown = _hide_ids(rb"\1-", answer.head + b"\r\n\r\n" + answer.body)
        if b'"cursor":' in answer.body or not answer.body:  # an answer to HEAD may be about one
            shown = _hide_length(rb"\1-", _hide_cursor(rb"\1-", shown))
        for name, key_id in self._key_ids.items():
            shown = shown.replace(key_id.encode(), name.encode())
        shown = _hide_plan(b"-", shown)
        return _hide_close(b"", shown) if in_pieces else shown


async def fill_register(runtime: Runtime, tokens: dict[str, str], key_ids: dict[str, str]) -> None:
    """Give both registers the same history."""
    cast = await make_cast(runtime)
    everything = [scope.value for scope in Scope]
    revoked = await make_member(runtime, cast.acme.account, "Revoked", everything)
    await revoke_key(runtime, revoked.principal.actor)
    for name, member in zip(TOKENS, (cast.acme, cast.gamma, cast.beta, revoked), strict=True):
        tokens[name], key_ids[name] = member.token, member.principal.actor
    fleet = [registered(make_vin(number)) for number in range(VEHICLES)]
    several = [registered(SEVERAL_VIN, slot=slot) for slot in range(2)]
    await save(runtime.store, cast.acme.account.account_id, *fleet, *several)


@contextmanager
def run_side(open_store: OpenStore, clock: SetClock, *, is_fast: bool) -> Iterator[Side]:
    tokens: dict[str, str] = {}
    key_ids: dict[str, str] = {}

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await open_store(), clock)  # type: ignore[arg-type]
        await fill_register(runtime, tokens, key_ids)
        return runtime

    with serve_in_thread(open_runtime, is_fast=is_fast) as port, closing(Side(port, tokens, key_ids)) as side:
        yield side


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Count the requests that the fast path began to answer, by whether it did."""
    counted = Counter[bool]()
    begin = Edge.begin

    def count(*given: object) -> bool:
        is_begun = begin(*given)  # type: ignore[arg-type]
        counted[is_begun] += 1
        return is_begun

    monkeypatch.setattr(Edge, "begin", count)
    return counted


def compare(fast: Side, ordinary: Side, clock: SetClock) -> Counter[int]:
    """Send the requests to both, and give how often each status was answered."""
    requests = RandomRequests(effort.roll(20_261_128))
    statuses = Counter[int]()
    for number in range(effort.TWO_WAYS_REQUESTS):
        clock.now = after(number)
        sent = requests.make()
        answers = fast.exchange(sent)
        others = ordinary.exchange(sent)
        in_pieces = len(sent.pieces) > 1
        one = fast.give_what_must_be_equal(answers, in_pieces=in_pieces)
        other = ordinary.give_what_must_be_equal(others, in_pieces=in_pieces)
        assert one == other, (number, sent)
        for answer in answers:
            statuses[answer.status] += 1
            if "etag" in answer.headers:
                requests.learn(answer.headers["etag"])
    return statuses


@pytest.mark.campaign
@pytest.mark.timeout(240)
async def test_both_ways_give_the_same_bytes(open_stores: list[OpenStore], begun: Counter[bool]) -> None:
    clock = SetClock()
    open_first, open_second = open_stores
    with ExitStack() as stack:
        fast = stack.enter_context(run_side(open_first, clock, is_fast=True))
        ordinary = stack.enter_context(run_side(open_second, clock, is_fast=False))
        statuses = await asyncio.to_thread(compare, fast, ordinary, clock)
    assert {*statuses} >= STATUSES, statuses
    assert max(statuses) < 500
    assert begun[True] > effort.TWO_WAYS_REQUESTS / 4, "Hardly a request took the fast path."
    assert begun[False], "No planned change was left to the ordinary way."


def deactivate_beside_a_lease(fast: Side, ordinary: Side) -> None:
    """Let a holder that never acknowledges delay a deactivation, the same again, and none after that, on both ways."""
    warm = [(4, 1, False)] * 3  # the fast path knows a key only after a while
    for vin, status, is_late in (*warm, (3, 4, True), (3, 4, False), (4, 5, False)):
        body = b'{"vehicleStatusId":%d}' % status
        head = f"PATCH /api/v2/vehicles/{make_vin(vin)}/status HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer @acme@\r\n"
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        sent = Sent(pieces=(head.replace("@acme@", f"@{TOKENS[0]}@").encode() + length + body,), methods=("PATCH",))
        shown = []
        for side in (fast, ordinary):
            began_s = time.monotonic()
            shown.append(side.give_what_must_be_equal(side.exchange(sent), in_pieces=False))
            assert (time.monotonic() - began_s >= LEASE_S) is is_late, (vin, status)
        assert shown[0] == shown[1]
        assert shown[0][0].startswith(b"HTTP/1.1 204"), shown


async def test_both_ways_wait_for_leases_and_give_the_same_bytes(
    open_stores: list[OpenStore], begun: Counter[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = fill_register

    async def fill_and_lease(runtime: Runtime, tokens: dict[str, str], key_ids: dict[str, str]) -> None:
        await fill(runtime, tokens, key_ids)
        (acme, *_) = await list_accounts(runtime)
        await switch(runtime, acme, is_on=True)
        principal = Principal(account_id=acme.account_id, actor="holder", scopes=frozenset({Scope.GATE_CHECK.value}))
        await take_lease(runtime, principal, LEASE_S, None)

    monkeypatch.setattr(sys.modules[__name__], "fill_register", fill_and_lease)
    clock = SetClock()
    open_first, open_second = open_stores
    with ExitStack() as stack:
        fast = stack.enter_context(run_side(open_first, clock, is_fast=True))
        ordinary = stack.enter_context(run_side(open_second, clock, is_fast=False))
        await asyncio.to_thread(deactivate_beside_a_lease, fast, ordinary)
    assert begun[True] >= 3, "Hardly a request took the fast path."
