"""Tells of refused API keys in the log: the first one of each address, and the number of the others every minute.

Somebody who tries keys by the thousand gets few lines. Nothing of a key is written, because it may be nearly right.
"""

import asyncio
import logging

from padron.domain.addresses import find_network

WINDOW_S = 60.0
ADDRESSES_MAX = 10  # with a line of their own in one window

_log = logging.getLogger("padron.keys")


class RefusedKeys:
    """The keys that one process refused in the last minute."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._told: set[str] = set()  # the networks that have a line in this window
        self._untold_count = 0
        self._is_open = False

    def note(self, address: str, token_fault: str | None = None) -> None:
        """Note that a key from this address was refused, or an access token, and then why."""
        if not self._is_open:
            self._is_open = True
            asyncio.get_running_loop().call_later(self._window_s, self._end)
        network = find_network(address)
        if network in self._told or len(self._told) >= ADDRESSES_MAX:
            self._untold_count += 1
            return
        self._told.add(network)
        if token_fault is not None:
            _log.warning("An access token from %s was refused: %s", address or "a client", token_fault)
            return
        _log.warning("An API key from %s was refused: it is unknown, revoked or expired", address or "a client")

    def _end(self) -> None:
        self._is_open = False
        self._told.clear()
        untold, self._untold_count = self._untold_count, 0
        if untold:
            _log.warning("%d further API keys were refused in the last %.0f seconds", untold, self._window_s)
