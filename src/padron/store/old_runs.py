"""Deleting old runs and results on both engines, in an account's open transaction."""

from collections.abc import Sequence
from datetime import datetime

from padron.store.port import WritePort


class OldRuns:
    """The part of ``OperationTransaction`` that deletes what is too old, some rows at a time."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def list_created(self, after: int, before: datetime, limit: int) -> Sequence[int]:
        """Give the next runs after one that were created before an instant."""
        return [int(run_id) for (run_id,) in await self._port.fetch("list_old_runs", after, before, limit)]

    async def is_over(self, run_id: int, since: datetime) -> bool:
        """Say whether nothing of a run is open, and nothing of it happened since an instant."""
        return bool(await self._port.fetch("is_run_over", run_id, since))

    async def delete_results(self, run_id: int, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` results of a run from before an instant, and give their number."""
        return len(await self._port.fetch("delete_old_results", run_id, before, limit))

    async def delete_parts(self, run_id: int, limit: int) -> int:
        """Delete at most ``limit`` rows of the work of a run without results, or of its refusals. Give their number."""
        work = len(await self._port.fetch("delete_run_work", run_id, limit))
        return work or len(await self._port.fetch("delete_run_refusals", run_id, limit))

    async def delete(self, run_id: int) -> None:
        """Delete a run whose work, results and refusals are gone."""
        await self._port.fetch("delete_run", run_id)
