"""Handles the signal to stop before the web server does, because waiting and streaming requests must end first."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_stop_signal(stop: Callable[[], None]) -> Iterator[None]:
    """On SIGTERM or SIGINT, call ``stop`` on the event loop, and then the handler that was set before."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach only the main thread, so here the caller decides when to stop
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    for number in before:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
