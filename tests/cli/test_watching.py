"""The thread that looks whether a process works."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from padron.cli import watching
from padron.cli.notifying import take_notifier
from padron.cli.parent import PAUSE_S_MAX, describe_end, give_pause
from padron.cli.watching import FRESH_S, HUNG_S, Watch
from padron.pulse import Pulse
from tests.e2e.units import hear


class Counts:
    """How often each end was called."""

    def __init__(self) -> None:
        self.fresh = 0
        self.hung = 0

    def note_fresh(self) -> None:
        self.fresh += 1

    def note_hung(self) -> None:
        self.hung += 1


@pytest.fixture
def age(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pulse, float], None]:
    """Lets the last beat be so many seconds ago."""

    def set_age(pulse: Pulse, seconds: float) -> None:
        monkeypatch.setattr(pulse, "_beat_at_s", time.monotonic() - seconds)

    return set_age


def test_a_process_that_hangs_is_told_once_with_its_place_and_ended_later(
    age: Callable[[Pulse, float], None], caplog: pytest.LogCaptureFixture
) -> None:
    pulse, counts = Pulse(), Counts()
    watch = Watch(pulse, on_fresh=counts.note_fresh, on_hung=counts.note_hung)
    watch.look()
    assert (counts.fresh, counts.hung, caplog.messages) == (1, 0, [])
    age(pulse, FRESH_S + 1)
    watch.look()
    watch.look()
    (said,) = caplog.messages
    assert "hung for 16 seconds" in said
    assert "test_a_process_that_hangs_is_told_once" in said
    assert (counts.fresh, counts.hung) == (1, 0)
    age(pulse, HUNG_S + 1)
    watch.look()
    assert counts.hung == 1


def test_a_process_that_stood_still_as_a_whole_has_not_hung(
    age: Callable[[Pulse, float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse, counts = Pulse(), Counts()
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(watching, "STOOD_STILL_S", 0.0)  # as if each pause between two looks had been that long
    watch = Watch(pulse, on_fresh=counts.note_fresh, on_hung=counts.note_hung)
    watch.start()
    age(pulse, HUNG_S + 1)
    deadline = time.monotonic() + 5
    while not counts.fresh and time.monotonic() < deadline:
        time.sleep(0.01)
    watch.stop()
    assert counts.fresh
    assert not counts.hung


def test_systemd_is_told_three_times_within_its_limit_and_only_of_this_process(tmp_path: Path) -> None:
    with hear(tmp_path) as hearer:
        environment = {"NOTIFY_SOCKET": hearer.address, "WATCHDOG_USEC": "900000", "HOME": "/"}
        notifier = take_notifier(environment)
        assert environment == {"HOME": "/"}
        assert notifier.feed_every_s == pytest.approx(0.3)
        for _ in range(5):
            notifier.feed()
        assert hearer.listen() == ["WATCHDOG=1"]
        of_another = take_notifier({"NOTIFY_SOCKET": hearer.address, "WATCHDOG_USEC": "900000", "WATCHDOG_PID": "1"})
        of_another.feed()
        of_another.say_ready()
        assert hearer.listen()[1:] == ["READY=1", "STATUS=Accepts connections"]


def test_a_systemd_that_does_not_listen_is_no_error(tmp_path: Path) -> None:
    take_notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "1"}).feed()
    take_notifier({"NOTIFY_SOCKET": "@padron-nobody"}).say_ready()
    take_notifier({}).say_stopping()


def test_a_process_starts_again_later_each_time_and_at_once_after_a_steady_one() -> None:
    pauses = [give_pause(short_lives) for short_lives in range(9)]
    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert give_pause(1_000) == PAUSE_S_MAX


def test_an_end_is_named_by_its_signal_or_its_status() -> None:
    assert describe_end(-9) == "was ended by SIGKILL"
    assert describe_end(-64) == "was ended by SIGRTMAX"
    assert describe_end(-99) == "was ended by signal 99"
    assert describe_end(3) == "ended with exit status 3"
