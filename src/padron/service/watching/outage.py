"""Tells an outage of the database once when it begins and once when it is over, however many calls it refuses."""

import asyncio
import logging

from padron.domain.errors import PadronError
from padron.loop import Loop
from padron.service.watching.counts import ServiceCounts
from padron.store.base import Store

LOOK_EVERY_S = 0.5
QUIET_S = 2.0  # without a refused call: a full disk answers reads, and refuses only the writes

_log = logging.getLogger("padron.store")


class OutageLog:
    """Whether the database can be used, as far as the calls of this process know."""

    def __init__(self, store: Store, counts: ServiceCounts) -> None:
        self._store = store
        self._counts = counts
        self._began_s: float | None = None
        self._noted_s = 0.0
        self._refused_count = 0
        self._looking = Loop(
            self._look,
            name="padron-outage",
            log=_log,
            failure="the end of an outage could not be looked for",
            first_s=None,
        )

    @property
    def is_open(self) -> bool:
        """Say whether an outage has begun and is not over."""
        return self._began_s is not None

    def note(self, detail: str) -> None:
        """Note that a call could not use the database. Only the first one is logged."""
        self._noted_s = asyncio.get_running_loop().time()
        self._refused_count += 1
        if self._began_s is not None or self._looking.is_stopping:
            return
        self._began_s = self._noted_s
        self._counts.outages += 1
        _log.warning("The database cannot be used, and calls are refused: %s", detail)
        self._looking.wake(LOOK_EVERY_S)

    async def close(self) -> None:
        """Stop looking for the end of an outage."""
        await self._looking.stop()

    async def _look(self) -> float | None:
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            return None
        if now_s < self._noted_s + QUIET_S:
            return LOOK_EVERY_S
        try:
            await self._store.check()
        except PadronError:
            self._noted_s = now_s
            return LOOK_EVERY_S
        _log.info(
            "The database can be used again, after %.0f s in which %d calls were refused",
            self._noted_s - self._began_s,
            self._refused_count,
        )
        self._began_s, self._refused_count = None, 0
        return None
