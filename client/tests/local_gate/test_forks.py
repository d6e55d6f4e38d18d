"""A forked process has a copy that nobody keeps current. It starts again, and never answers from that copy."""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from padron_client.conformance.trial import A, B, C
from padron_client.local_gate import LocalGate, Reason

from .conftest import Stage
from .test_checking import wait_until

SOURCES = Path(__file__).resolve().parents[2] / "src"


def run_forked(work: Callable[[], None]) -> int:
    """Run something in a forked process and give its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - the parent sees the status
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("strict", [False, True])
def test_a_forked_process_follows_by_itself(stage: Stage, *, strict: bool) -> None:
    gate = stage.open_ready(strict=strict)
    assert gate.check(A)

    def look() -> None:
        first = gate.check(B)
        assert first.reason is Reason.NOT_READY
        assert gate.wait_ready(20)
        assert gate.check(B)
        stage_change = gate.state().number
        assert stage_change == 1
        assert not gate.check(A)
        gate.close()

    stage.set_operable(A, operable=False)
    wait_until(lambda: not gate.check(A))
    assert run_forked(look) == 0
    assert gate.check(B)  # the parent's connections and lease are still its own
    stage.set_operable(C, operable=False)
    wait_until(lambda: not gate.check(C))
    if strict:
        assert stage.register.count_calls("lease") == 2


def deactivate_beside(stage: Stage, gate: LocalGate) -> None:
    """Deactivate A while a forked process exists, which must not be allowed it after that."""
    asking, asked = os.pipe()
    changed, telling = os.pipe()

    def look() -> None:
        os.write(asked, b"x")
        os.read(changed, 1)
        assert not gate.check(A)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert not gate.check(A)

    child = os.fork()
    if child == 0:
        status = 1
        try:
            look()
            status = 0
        finally:
            os._exit(status)
    os.read(asking, 1)
    stage.set_operable(A, operable=False)
    wait_until(lambda: not gate.check(A))
    os.write(telling, b"x")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for end in (asking, asked, changed, telling):
        os.close(end)
    assert status == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_is_not_allowed_what_was_deactivated_meanwhile(stage: Stage) -> None:
    deactivate_beside(stage, stage.open_ready())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_frozen_copy_would_be_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault that the tests above are for: nothing happens at a fork."""
    monkeypatch.setattr(LocalGate, "_begin_again", lambda _: None)
    gate = stage.open_ready()
    with pytest.raises(AssertionError):
        deactivate_beside(stage, gate)


@pytest.mark.parametrize("close", [True, False])
def test_the_interpreter_ends_at_once_while_the_server_hangs(stage: Stage, *, close: bool) -> None:
    stage.register.faults.hang = {"head", "page", "renew", "end"}
    code = f"""
from padron_client.local_gate import LocalGate
gate = LocalGate({stage.register.url!r}, "padron_conformance_nobody", strict=True)
gate.wait_ready(20)
{"gate.close(1)" if close else ""}
print("end", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    began_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, timeout=50, check=True
    )
    assert done.stdout == b"end\n"
    assert done.stderr == b""
    assert time.monotonic() - began_at < 30
