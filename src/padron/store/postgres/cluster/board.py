"""Reads and writes across accounts by way of Citus. The few questions of boards about one account go to its node."""

from collections.abc import Sequence

from padron.store.port import Row
from padron.store.postgres.cluster.travelling import Travel
from padron.store.postgres.port import SQL, PostgresBoard, Source
from padron.store.postgres.writes import WriteTasks

# By name: the first parameter is the account. A call begins with the first one, so it needs no coordinator.
OF_ONE_ACCOUNT = frozenset({"find_enabled_api_key"})


class ClusterBoard(PostgresBoard):
    """The board (``BoardPort``) of a cluster."""

    def __init__(self, tasks: WriteTasks, points: Source, travel: Travel) -> None:
        super().__init__(tasks, points)
        self._travel = travel

    async def read_point(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once."""
        if name in OF_ONE_ACCOUNT and isinstance(account_id := parameters[0], int):
            return await self._travel.read(account_id).points.fetch(SQL[name], parameters)
        return await super().read_point(name, *parameters)
