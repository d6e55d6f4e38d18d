"""What a check answers, and when it refuses."""

import asyncio
import logging
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest

from padron_client.conformance.register import KEY, Register
from padron_client.conformance.trial import REFUSED, UNREGISTERED, A, B, make_vin
from padron_client.local_gate import Clocks, LocalGate, Reason
from padron_client.local_gate.clocks import read_clocks

from .conftest import Stage


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def allow_all(register: Register, vins: Sequence[str]) -> None:
    for vin in vins:
        register.set_operable(vin, operable=True)


def test_an_answer_says_why_and_how_old_it_is(stage: Stage) -> None:
    gate = stage.open_ready()
    answer = gate.check(A)
    assert answer
    assert answer.reason is None
    assert (answer.number, answer.source) == (0, "server")
    age = answer.age
    time.sleep(0.02)
    assert answer.age == age  # that of the check, and not of the look at it
    assert 0 <= age < 60
    refused = gate.check(REFUSED)
    assert not refused
    assert refused.reason is Reason.NOT_OPERABLE
    assert A in repr(answer)


@pytest.mark.parametrize("vin", ["", "short", f"{A}X", f"{A}\n", A[:-1] + "\u017f", A[:-1] + "I", f"{A}\n{B}"])
@pytest.mark.parametrize("unknown", ["refuse", "allow"])
def test_what_is_no_vin_is_refused(stage: Stage, vin: str, unknown: str) -> None:
    gate = stage.open_ready(unknown=unknown)
    assert gate.check(vin).reason is Reason.MALFORMED


def test_parts_of_two_vins_are_no_vin(stage: Stage) -> None:
    """VINs are kept in texts, with line breaks between. No part of such a text but a whole VIN is allowed."""
    gate = stage.open_ready(probe_every=30.0)
    buckets = ["".join(f"\n{vin}" for vin in (A, B, REFUSED)) + "\n"] * len(gate._copy.buckets)
    gate._copy = msgspec.structs.replace(gate._copy, buckets=buckets)  # every VIN in the text of every question
    text = buckets[0]
    parts = {text[place : place + length] for length in (1, 16, 17, 18, 19) for place in range(len(text) - length)}
    assert {part for part in parts if gate.check(part)} == {A, B, REFUSED}


def test_each_check_reads_the_clock_once_and_after_the_vin(stage: Stage) -> None:
    """A lease that ends while the VIN is looked up must not allow it."""
    steady, read = read_clocks().steady, list[str]()

    class Buckets(list[str]):
        def __getitem__(self, place: Any) -> Any:
            read.append("vin")
            return super().__getitem__(place)

    def read_clock() -> float:
        if threading.current_thread() is threading.main_thread():
            read.append("clock")
        return steady()

    clocks = Clocks(steady=read_clock, wall=time.time, boot="")
    gate = stage.open_ready(clocks=clocks, probe_every=30.0)
    gate._copy = msgspec.structs.replace(gate._copy, buckets=Buckets(gate._copy.buckets))
    copy = gate._copy
    for vin in (A, UNREGISTERED, A.lower()):
        for max_age in (None, 50.0):
            gate._copy = copy
            read.clear()
            gate.check(vin, max_age=max_age)
            assert read[-1] == "clock"
            assert read.count("clock") == 1
            assert "vin" in read


def test_a_vin_may_be_in_any_letter_case(stage: Stage) -> None:
    gate = stage.open_ready()
    assert gate.check(A.lower())
    assert not gate.check(REFUSED.lower())
    other = stage.open_ready(unknown="allow")
    assert not other.check(REFUSED.lower())
    assert other.check(UNREGISTERED.lower())


def test_many_are_checked_in_order(stage: Stage) -> None:
    gate = stage.open_ready()
    answers = gate.check_many([A, REFUSED, B, UNREGISTERED])
    assert [answer.vin for answer in answers] == [A, REFUSED, B, UNREGISTERED]
    assert [answer.allowed for answer in answers] == [True, False, True, False]


def test_a_call_may_ask_for_a_younger_copy_than_the_gate(stage: Stage) -> None:
    gate = stage.open_ready(probe_every=30.0)
    time.sleep(0.2)
    assert gate.check(A)
    assert gate.check(A, max_age=0.1).reason is Reason.STALE
    assert gate.check(A, max_age=0.1, when_stale="allow")
    assert gate.check(A, max_age=30)


def test_an_old_copy_answers_only_those_who_allow_it(stage: Stage) -> None:
    gate = stage.open_ready(max_age=0.3)
    stage.do(stage.register.stop)
    wait_until(lambda: not gate.check(A))
    assert gate.check(A).reason is Reason.STALE
    answer = gate.check(A, when_stale="allow")
    assert answer
    assert answer.age > 0.3
    assert not gate.check(REFUSED, when_stale="allow")


def test_nothing_is_allowed_before_something_was_loaded(stage: Stage) -> None:
    stage.do(stage.register.stop)
    gate = stage.open_gate()
    for rule in ("refuse", "allow"):
        assert gate.check(A, when_stale=rule).reason is Reason.NOT_READY
    assert gate.wait_ready(0.05) is False
    wait_until(lambda: gate.state().last_error is not None)
    assert gate.state().age is None


def test_at_least_takes_a_number_or_a_cursor(stage: Stage) -> None:
    gate = stage.open_ready()
    assert gate.check(B, at_least=0)
    assert gate.check(B, at_least=1).reason is Reason.BEHIND
    stage.set_operable(A, operable=False)
    cursor = stage.register.format_cursor(1)
    wait_until(lambda: gate.check(B, at_least=cursor).allowed)
    assert gate.check(B, at_least=1)
    assert gate.check(B, at_least=stage.register.format_cursor(0))
    assert gate.check(B, at_least=stage.register.format_cursor(2)).reason is Reason.BEHIND
    assert not gate.check(A, at_least=1)


async def test_a_stale_gate_asks_without_holding_up_the_loop(stage: Stage) -> None:
    stage.register.faults.hang = {"set", "head", "page", "stream"}
    gate = stage.open_gate(when_stale="ask")
    answer = await gate.acheck(A)
    assert answer
    assert answer.source == "asked"
    assert (await gate.acheck(REFUSED)).reason is Reason.NOT_ACTIVE
    assert (await gate.acheck(UNREGISTERED)).reason is Reason.UNKNOWN
    with pytest.raises(RuntimeError, match="await acheck"):
        gate.check(A)
    assert [one.allowed for one in await asyncio.to_thread(gate.check_many, [A, REFUSED])] == [True, False]
    stage.register.faults.hang.add("gate")
    hanging = stage.open_gate(when_stale="ask", ask_timeout=0.2)
    assert (await hanging.acheck(A)).reason is Reason.NOT_ANSWERED


async def test_a_loop_can_wait_until_the_gate_is_ready(stage: Stage) -> None:
    gate = stage.open_gate()
    await asyncio.wait_for(gate.ready(), 20)
    assert gate.check(A)
    stage.register.faults.hang = {"set"}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stage.open_gate().ready(), 0.05)


def test_a_closed_gate_refuses_and_its_thread_ends(stage: Stage) -> None:
    before = threading.active_count()
    gate = stage.open_ready()
    assert threading.active_count() > before
    gate.close()
    gate.close()
    assert gate.check(A).reason is Reason.NOT_READY
    assert gate.check(A, when_stale="ask").reason is Reason.NOT_READY
    assert gate.state().mode == "closed"
    assert threading.active_count() == before


def test_the_key_is_shown_nowhere(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gate = stage.open_ready(strict=True)
    stage.register.faults.cut = {"head", "renew", "lease"}
    wait_until(lambda: gate.state().last_error is not None)
    shown = f"{gate!r} {gate.state()!r} {gate.check(A)!r} {vars(gate)!r} {caplog.text}"
    assert KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(gate)


def test_a_key_may_come_from_a_function(stage: Stage) -> None:
    asked = []

    def give() -> str:
        asked.append(1)
        return KEY

    gate = LocalGate(stage.register.url, give)
    stage.gates.append(gate)
    assert gate.wait_ready(20)
    wait_until(lambda: len(asked) > 1)


def test_sleep_of_the_machine_counts(stage: Stage) -> None:
    """The clock of the gate is the one that goes on while the machine sleeps."""
    clocks = read_clocks()
    assert abs(clocks.steady() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
    slept = [0.0]
    sleepy = Clocks(steady=lambda: clocks.steady() + slept[0], wall=clocks.wall, boot=clocks.boot)
    gate = stage.open_ready(max_age=30.0, clocks=sleepy, probe_every=20.0)
    assert gate.check(A)
    slept[0] = 3_600
    assert gate.check(A).reason is Reason.STALE


def test_the_order_of_reading_never_calls_an_old_set_new(stage: Stage) -> None:
    """Checks in other threads while changes are applied: who sees a number sees its change."""
    gate = stage.open_ready()
    vins = [make_vin(1_000 + number) for number in range(300)]
    wrong: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for place, vin in enumerate(vins):
                answer = gate.check(vin)
                if answer.number > place and not answer:
                    wrong.append(vin)

    lookers = [threading.Thread(target=look, daemon=True) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for place in range(0, 300, 10):
        stage.do(partial(allow_all, stage.register, vins[place : place + 10]))
    wait_until(lambda: gate.check(A).number == 300)
    ended.set()
    for looker in lookers:
        looker.join()
    assert wrong == []
    assert gate.state().size == 303
