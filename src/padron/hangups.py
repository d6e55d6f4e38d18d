"""What this process reads again when it hears SIGHUP.

The web server makes the application by its name, so the two ends share only the process. They meet here.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Hangups:
    """The acts that a SIGHUP begins. They run on the event loop and do not wait."""

    def __init__(self) -> None:
        self._acts: list[Callable[[], None]] = []

    def __len__(self) -> int:
        """Give the number of acts."""
        return len(self._acts)

    def add(self, act: Callable[[], None]) -> None:
        """Call ``act`` on the running event loop at each SIGHUP."""
        loop = asyncio.get_running_loop()
        self._acts.append(act)

        def hear(*_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended, and the process is about to
                loop.call_soon_threadsafe(self._pass_on)

        if threading.current_thread() is threading.main_thread():  # only it may listen to signals
            signal.signal(signal.SIGHUP, hear)

    @contextmanager
    def heard_by(self, act: Callable[[], None]) -> Iterator[None]:
        """Call ``act`` at each SIGHUP during the block."""
        self.add(act)
        try:
            yield
        finally:
            self._acts.remove(act)

    def _pass_on(self) -> None:
        for act in [*self._acts]:
            act()


HANGUPS = Hangups()
