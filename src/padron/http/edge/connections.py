"""Counts the connections of one process, and looks twice a second for those whose time is over."""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from padron.domain.addresses import find_network
from padron.domain.limits import DEFAULT_LIMITS, Limits

SWEEP_S = 0.5
TAKEN_AT_ONCE = 4  # requests of connections in the line, in one turn of the event loop

_log = logging.getLogger("padron.http")


class Connection(Protocol):
    """What the registry needs to know of a connection."""

    @property
    def unsent_bytes(self) -> int:
        """How many bytes of answers wait for the client."""
        ...

    def check_time(self, now_s: float) -> None:
        """End the connection when its time is over."""
        ...

    def abort(self) -> None:
        """End the connection at once."""
        ...


class OpenConnections:
    """All open connections of a process. ``now_s`` is the event loop's time, as old as one sweep at most."""

    def __init__(self, is_exempt: Callable[[str], bool] = lambda _: False) -> None:
        self.limits = DEFAULT_LIMITS
        self._is_exempt = is_exempt  # proxies, behind which many clients have one address
        self._open: dict[Connection, str] = {}
        self._by_address: dict[str, int] = {}
        self._stalled: dict[Connection, None] = {}  # their clients do not take what was sent; the longest first
        self._is_sweeping = False
        self.refused_count = 0

    @property
    def open_count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def stalled_count(self) -> int:
        """How many clients do not take what was sent."""
        return len(self._stalled)

    def set_limits(self, limits: Limits) -> None:
        """Set how many connections there may be, and how many bytes may wait for clients."""
        self.limits = limits

    def list_open(self) -> list[Connection]:
        """Give all open connections."""
        return [*self._open]

    def count_stalled(self) -> int:
        """Say how many clients do not take what was sent."""
        return len(self._stalled)

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a new connection. Say whether it may stay; one that may not is not counted."""
        group = find_network(address)
        count = self._by_address.get(group, 0)
        if len(self._open) >= self.limits.total_connections or (
            count >= self.limits.address_connections and not self._is_exempt(address)
        ):
            self.refused_count += 1
            return False
        self._open[connection] = group
        self._by_address[group] = count + 1
        if not self._is_sweeping:
            self._is_sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._stalled.pop(connection, None)
        group = self._open.pop(connection, None)
        if group is None:
            return
        self._by_address[group] -= 1
        if not self._by_address[group]:
            del self._by_address[group]

    def stall(self, connection: Connection) -> None:
        """Note that a client does not take what was sent. Beyond the bound of all, the longest stalled one ends."""
        self._stalled[connection] = None
        unsent = sum(stalled.unsent_bytes for stalled in self._stalled)
        while unsent > self.limits.total_unsent_bytes and self._stalled:
            longest = next(iter(self._stalled))
            unsent -= longest.unsent_bytes
            del self._stalled[longest]
            longest.abort()

    def resume(self, connection: Connection) -> None:
        """Note that a client takes answers again."""
        self._stalled.pop(connection, None)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for connection in self.list_open():
            try:
                connection.check_time(now_s)
            except Exception:  # noqa: BLE001 - one connection may not keep the others from being looked at
                _log.exception("A connection could not be looked at, and was closed.")
                connection.abort()
        self._is_sweeping = bool(self._open)
        if self._is_sweeping:
            loop.call_later(SWEEP_S, self._sweep)


class InLine(Protocol):
    """A connection with a further request."""

    def take_next(self) -> None:
        """Take the request, and join the line again if there is another one."""
        ...


class Line:
    """The connections whose next request has arrived before the last one was answered.

    In each turn of the event loop, a few of them take one request each. So a client that sends hundreds at once, on
    many connections, delays the others by the time of these few.
    """

    def __init__(self) -> None:
        self._waiting: dict[InLine, None] = {}  # the first one first

    def join(self, connection: InLine) -> None:
        """Let a connection wait for its turn. It waits only once."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._serve)
        self._waiting[connection] = None

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for connection in [*islice(self._waiting, TAKEN_AT_ONCE)]:
            del self._waiting[connection]
            loop.call_soon(connection.take_next)
        if self._waiting:
            loop.call_soon(self._serve)
