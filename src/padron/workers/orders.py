"""Brings what lists by statusSince and updatedAt follow up to the record, in portions, beside everything else."""

import asyncio
import logging

from padron.service.register import follow_record
from padron.service.runtime import Runtime
from padron.workers.base import Worker

LOOK_EVERY_S = 2.0
REST = 5.0  # times as long as the portion before took, so a sixth of one core is used at most
REST_S_MIN = 0.05
TROUBLE_S = 60.0

_log = logging.getLogger("padron.orders")


class OrdersWorker(Worker):
    """Follows the record of large accounts. It has nothing to do on PostgreSQL."""

    stop_s_max = 0.5  # what is interrupted begins again after the next start

    def __init__(self, runtime: Runtime, *, every_s: float = LOOK_EVERY_S, rest: float = REST) -> None:
        super().__init__("orders", _log, "lists by statusSince and updatedAt may be slow", trouble_s=TROUBLE_S)
        self._runtime = runtime
        self._every_s = every_s
        self._rest = rest

    async def _look(self) -> float:
        clock = asyncio.get_running_loop().time
        began_s = clock()
        is_more = await follow_record(self._runtime)
        return max((clock() - began_s) * self._rest, REST_S_MIN) if is_more else self._every_s
