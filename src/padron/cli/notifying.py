"""Tells systemd what the server does, by the protocol of sd_notify. Without systemd it tells nobody.

The protocol is one datagram for each message, so there is no need for a library.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

_SOCKET = "NOTIFY_SOCKET"
_WATCHDOG_US = "WATCHDOG_USEC"
_WATCHDOG_PID = "WATCHDOG_PID"
_US_PER_S = 1_000_000


class Notifier:
    """Sends messages to systemd, if systemd started this process and listens."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        # Three times within systemd's limit, so that one late message is no death.
        self.feed_every_s = None if watchdog_s is None else watchdog_s / 3
        self._fed_at_s = 0.0

    def say_ready(self) -> None:
        """Say that the server accepts connections."""
        self._send("READY=1", "STATUS=Accepts connections")

    def say_stopping(self) -> None:
        """Say that the server ends."""
        self._send("STOPPING=1", "STATUS=Finishes the running requests")

    def feed(self) -> None:
        """Say that the server works, unless that was said a moment ago or systemd does not want to know."""
        now_s = time.monotonic()
        if self.feed_every_s is not None and now_s - self._fed_at_s >= self.feed_every_s:
            self._fed_at_s = now_s
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A server that systemd does not hear must still serve. And it must not wait for systemd.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            sender.sendto("\n".join(lines).encode(), self._address)


def take_notifier(environment: MutableMapping[str, str]) -> Notifier:
    """Give the notifier that systemd's variables describe, and remove them.

    No process that this one starts may speak for it.
    """
    address = environment.pop(_SOCKET, "")
    limit_us = environment.pop(_WATCHDOG_US, "")
    pid = environment.pop(_WATCHDOG_PID, "")
    is_watched = limit_us.isdecimal() and int(limit_us) > 0 and pid in {"", str(os.getpid())}
    return Notifier(address, int(limit_us) / _US_PER_S if is_watched else None)
