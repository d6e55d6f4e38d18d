"""A register with the protocol of a local gate, which the conformance script has, and gates that are closed at last."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from padron_client.conformance.register import KEY, Register
from padron_client.conformance.trial import REFUSED, A, B, C
from padron_client.local_gate import LocalGate


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a lost connection be: the HTTP client may lose one that is cancelled in the moment when it is made."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


class Stage:
    """A register in a thread of its own, as its calls must be answered while a test waits for a gate."""

    def __init__(self) -> None:
        self.register = Register({A, B, C}, {REFUSED})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.gates: list[LocalGate] = []
        self.do(self.register.start)

    def do(self, make: Callable[[], Any]) -> Any:
        """Run something in the register's thread, and wait for it."""

        async def run() -> Any:
            found = make()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def open_gate(self, **settings: Any) -> LocalGate:
        """Give a gate on the register."""
        gate = LocalGate(self.register.url, KEY, **{"max_age": 60.0, "probe_every": 0.1, **settings})
        self.gates.append(gate)
        return gate

    def open_ready(self, **settings: Any) -> LocalGate:
        gate = self.open_gate(**settings)
        assert gate.wait_ready(20), gate.state()
        return gate

    def set_operable(self, vin: str, *, operable: bool) -> float:
        return float(self.do(lambda: self.register.set_operable(vin, operable=operable)))

    def end(self) -> None:
        for gate in self.gates:
            began_at = time.monotonic()
            gate.close(30)
            assert time.monotonic() - began_at < 25, "The gate's thread did not end."
        self.do(self.register.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    try:
        yield made
    finally:
        made.end()
