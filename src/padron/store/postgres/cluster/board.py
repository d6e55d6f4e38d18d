"""Reads and writes across accounts. What servers look for again and again is asked of the nodes, the rest of Citus.

To Citus' planner, a look at all accounts is a statement for each shard, which it plans each time.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest

from padron.store.port import Row, Values
from padron.store.postgres.cluster.looking import Looks
from padron.store.postgres.cluster.travelling import Travel
from padron.store.postgres.port import SQL, PostgresBoard, Source
from padron.store.postgres.writes import WriteTasks

# By name: the first parameter is the account. Each call begins with the first one, so it needs no coordinator.
OF_ONE_ACCOUNT = frozenset({"find_enabled_api_key"})

Parts = Sequence[Sequence[Row]]


def take_turns(parts: Parts) -> Sequence[Row]:
    """Give the first row of each node, then the second of each, and so on."""
    return [row for rows in zip_longest(*parts) for row in rows if row is not None]


def take_first(parts: Parts) -> Sequence[Row]:
    """Give the rows in the order of their first column."""
    return sorted(chain(*parts), key=lambda row: row[0])


def add_up(parts: Parts) -> Sequence[Row]:
    """Give the sum of the last column, for each value of the columns before it."""
    sums: Counter[tuple[object, ...]] = Counter()
    for row in chain(*parts):
        sums[tuple(row[:-1])] += row[-1]
    return [(*key, count) for key, count in sums.items()]


def join_endpoints(parts: Parts) -> Sequence[Row]:
    """Give the figures of all endpoints: three sums, the largest distance, and the oldest instant."""
    working, failing, off, behind, oldest = zip(*chain(*parts), strict=True)
    known = [at for at in oldest if at is not None]
    return [(sum(working), sum(failing), sum(off), max(behind), min(known, default=None))]


# How the answers of the nodes become one.
MERGES: dict[str, Callable[[Parts], Sequence[Row]]] = {
    "find_enabled_api_keys": take_turns,
    "find_next_instant": take_first,
    "has_endpoints": take_turns,
    "list_due_accounts": take_turns,
    "list_ready": take_turns,
    "list_waiting_imports": take_turns,
    "list_waiting_selections": take_turns,
    "survey_deliveries": add_up,
    "survey_endpoints": join_endpoints,
    "survey_imports": add_up,
    "survey_plans": add_up,
    "survey_selections": add_up,
}
# The last parameter is the number of rows that the caller takes.
LIMITED = frozenset({"list_ready", "list_waiting_imports", "list_waiting_selections"})


class ClusterBoard(PostgresBoard):
    """The board (``BoardPort``) of a cluster."""

    def __init__(self, tasks: WriteTasks, points: Source, travel: Travel, looks: Looks) -> None:
        super().__init__(tasks, points)
        self._travel = travel
        self._looks = looks

    async def read_point(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once."""
        if (merge := MERGES.get(name)) is not None:
            rows = merge(await self._looks.ask(name, parameters))
            return rows[: parameters[-1]] if name in LIMITED and isinstance(parameters[-1], int) else rows
        if name in OF_ONE_ACCOUNT and isinstance(account_id := parameters[0], int):
            return await self._travel.read(account_id).points.fetch(SQL[name], parameters)
        return await super().read_point(name, *parameters)

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement. On this engine all statements of boards are short."""
        return await self.read_point(name, *parameters)

    async def read_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Give the result of a statement for many rows, with one array for each column."""
        return await self.read_point(name, *map(list, zip(*rows, strict=True))) if rows else []
