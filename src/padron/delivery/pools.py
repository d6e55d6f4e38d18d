"""Keeps the connections to receivers, with one pool for each endpoint.

With one pool for all endpoints, the client looks at every connection for each request. Hundreds of receivers that do
not answer would then block the event loop. The pool of one endpoint has only a few connections.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import httpcore2

IDLE_S_MAX = 5.0


class PoolKey(NamedTuple):
    """Names the pool of an endpoint; one that connections are without TLS has another than with it."""

    endpoint_id: str
    is_plain: bool


@dataclass(slots=True, eq=False)
class _Kept:
    pool: httpcore2.AsyncConnectionPool
    in_use: int = 0
    used_s: float = 0.0


class Pools:
    """The pools of one process, with the most recently used pool at the end."""

    def __init__(self, make: Callable[[bool], httpcore2.AsyncConnectionPool]) -> None:
        """``make`` gives a new pool, for connections without TLS or with it."""
        self._make = make
        self._kept: OrderedDict[PoolKey, _Kept] = OrderedDict()

    @asynccontextmanager
    async def use(self, key: PoolKey) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
        """Give the pool of an endpoint for one request."""
        await self._close_idle()
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(self._make(key.is_plain))
        kept.in_use += 1
        self._kept.move_to_end(key)
        try:
            yield kept.pool
        finally:
            kept.in_use -= 1
            kept.used_s = asyncio.get_running_loop().time()
            self._kept.move_to_end(key)

    async def aclose(self) -> None:
        """Close all connections."""
        while self._kept:
            _, kept = self._kept.popitem()
            await kept.pool.aclose()

    async def _close_idle(self) -> None:
        before_s = asyncio.get_running_loop().time() - IDLE_S_MAX
        idle = list(takewhile(lambda one: not one[1].in_use and one[1].used_s < before_s, self._kept.items()))
        for key, _ in idle:
            del self._kept[key]  # before closing, because closing may wait, and nobody may use the pool then
        for _, kept in idle:
            await kept.pool.aclose()
