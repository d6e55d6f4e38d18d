"""Cancelling runs and deleting operations, in an account's open transaction. Both engines share it."""

from collections.abc import Collection
from datetime import datetime

from padron.store.port import WritePort


class Cancelling:
    """The part of ``OperationTransaction`` that ends what was started."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def cancel_run(self, run_id: int, at: datetime, by: str) -> None:
        """Mark a locked run as cancelled, and end its queueing. The first time counts."""
        await self._port.fetch("cancel_run", run_id, at, by)

    async def cancel_work(self, run_id: int, after: int, limit: int, at: datetime) -> int | None:
        """Cancel the open work of a run's next vehicles after one. Give the last of them, or None after the last one.

        At most ``limit`` vehicles are looked at, whatever the state of their work.
        """
        ((last,),) = await self._port.fetch("find_work_portion", run_id, after, limit)
        if last is None:
            return None
        await self._port.fetch("cancel_work", run_id, after, last, at)
        return int(last)

    async def find_cancelled_runs(self, run_ids: Collection[int]) -> set[int]:
        """Give those of these runs that were cancelled."""
        return {row[0] for row in await self._port.fetch("find_cancelled_runs", sorted(set(run_ids)))}

    async def find_open_run(self, operation: str) -> int | None:
        """Give the id of a run that is being queued, or has work that is queued or claimed; None without one."""
        ((run_id,),) = await self._port.fetch("find_open_run", operation)
        return None if run_id is None else int(run_id)

    async def hold_operation(self, name: str) -> bool:
        """Keep an operation from being deleted until the end. Give False when no operation has this name."""
        return bool(await self._port.fetch("hold_operation", name))

    async def delete_operation(self, name: str) -> bool:
        """Delete the declaration of an operation. Give False when no operation has this name."""
        return bool(await self._port.fetch("delete_operation", name))
