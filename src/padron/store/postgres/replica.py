"""A streaming replica that serves reads while it is proven to be no more than some seconds behind.

The proof compares no clocks of two machines. The primary says how far its log reaches. Once the replica has replayed
as much, it holds everything that was answered before the primary was asked. A proof is valid for the seconds that
reads may be behind. The primary serves each read that the replica cannot serve in time, or at all.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from padron.domain.errors import PadronError
from padron.store.postgres.connections import Condition, Connections
from padron.store.postgres.port import SQL, PostgresReads, Source, Sources
from padron.store.reader import Reader

POINT_CONNECTIONS_MAX = 4
PAGE_CONNECTIONS_MAX = 4
ANSWER_S_MAX = 0.5  # then we ask the primary, which must also answer within two seconds of the request
LOOK_EVERY_S_MAX = 0.5
LOOKS_PER_BOUND = 4  # at least, so that a replica that is behind by three quarters of the bound is still used
CATCH_UP_S_MAX = 0.1  # the maximum wait of a read for the replica to catch up
CATCH_UP_EVERY_S = 0.002

# Any role may call these. A log position is valid only within one cluster and one timeline. A replica that did not
# follow a failover is not used. One that followed is used again after its next restart point, within minutes.
_READ_MARK = """
    SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint,
        (SELECT system_identifier FROM pg_control_system()),
        ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::integer
"""
_READ_PLACE = """
    SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint, -1),
        (SELECT system_identifier FROM pg_control_system()),
        (SELECT timeline_id FROM pg_control_checkpoint()), pg_is_in_recovery()
"""
_HAS_REPLAYED = "SELECT pg_is_in_recovery() AND pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') >= $1::bigint"

_log = logging.getLogger("padron.replica")


class Timeline(NamedTuple):
    """A timeline of a database cluster. Log positions on different timelines cannot be compared."""

    cluster: int
    timeline: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The end of the primary's log at an instant of this process's own clock."""

    at_s: float
    position: int
    cluster: int
    timeline: int


class Replica:
    """The connections to one replica, and the instant until which it counts as fresh."""

    def __init__(self, url: str, primary: Connections, stale_s_max: float) -> None:
        self.points = Connections(url, POINT_CONNECTIONS_MAX, ANSWER_S_MAX)
        self.pages = Connections(url, PAGE_CONNECTIONS_MAX, ANSWER_S_MAX)
        self.primary = primary
        self._looks = Connections(url, 1, ANSWER_S_MAX)
        self._stale_s_max = stale_s_max
        self._marks: deque[Mark] = deque()  # not reached yet, oldest first, and never older than the bound
        self._fresh_until_s = float("-inf")
        self._seen_on: Timeline | None = None  # its last known timeline
        self._trouble: str | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_fresh(self) -> bool:
        """Say whether the replica is proven to hold everything older than the bound."""
        return asyncio.get_running_loop().time() < self._fresh_until_s

    @property
    def behind_s(self) -> float:
        """How many seconds the replica may be behind now; infinite if it was never proven."""
        return asyncio.get_running_loop().time() - self._fresh_until_s + self._stale_s_max

    async def start(self) -> None:
        """Look at the replica now, and then regularly until it is closed."""
        await self._look()
        self._task = asyncio.create_task(self._keep_looking(), name="padron-replica")

    def distrust(self) -> None:
        """Send reads to the primary until there is a new proof."""
        self._fresh_until_s = float("-inf")

    def follows(self, mark: Mark) -> bool:
        """Say whether the replica can be compared with a mark."""
        return self._seen_on == (mark.cluster, mark.timeline)

    async def read_mark(self) -> Mark:
        """Give the present end of the primary's log. Raises ``store_unavailable``."""
        at_s = (
            asyncio.get_running_loop().time()
        )  # before the question, so that the proof does not look younger than it is
        ((position, cluster, timeline),) = await self.primary.fetch(_READ_MARK, ())
        return Mark(at_s=at_s, position=position, cluster=cluster, timeline=timeline)

    async def close(self) -> None:
        """Stop looking, and close the connections."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(self._looks.close(), self.points.close(), self.pages.close())

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(min(self._stale_s_max / LOOKS_PER_BOUND, LOOK_EVERY_S_MAX))
            await self._look()

    async def _look(self) -> None:
        found = await self._find_trouble()
        trouble = None if self.is_fresh else found
        if (trouble is None) is not (self._trouble is None):
            if trouble is None:
                _log.info("the replica is fresh: lists, history and the feed are read from it")
            else:
                _log.warning("the replica is not used, reads go to the primary: %s", trouble)
        self._trouble = trouble

    async def _find_trouble(self) -> str:
        """Look once. Give None if the replica is fresh now, or else a sentence that says why not."""
        try:
            mark = await self.read_mark()
            self._marks.append(mark)
            while self._marks[0].at_s + self._stale_s_max < mark.at_s:
                self._marks.popleft()  # too old to prove anything
            (place,) = await self._read_place()
        except PadronError as error:
            return f"the last look at it failed: {error.detail}"
        except Exception as error:  # noqa: BLE001 - after any error reads must continue on the primary
            return f"the last look at it failed: {type(error).__name__}"
        return self._judge(*place)

    async def _read_place(self) -> list[asyncpg.Record]:
        try:
            return await self._looks.fetch(_READ_PLACE, ())
        except Exception:
            self.distrust()  # after a restart it may show less than before, so earlier proofs are void
            raise

    def _judge(self, replayed: int, cluster: int, timeline: int, in_recovery: bool) -> str:  # noqa: FBT001 - a row
        """Take the latest mark that the replica reached as proof. Give a sentence that says why it is not enough."""
        newest = self._marks[-1]
        self._seen_on = Timeline(cluster, timeline) if in_recovery else None
        if not self.follows(newest):
            self.distrust()
            if cluster != newest.cluster:
                return "it is a copy of another database cluster"
            if not in_recovery:
                return "it is no replica, or was promoted"
            return f"it is on timeline {timeline}, and the primary on {newest.timeline}"
        while self._marks and self._marks[0].position <= replayed:
            reached = self._marks.popleft()
            if self.follows(reached):
                self._fresh_until_s = max(self._fresh_until_s, reached.at_s + self._stale_s_max)
        return f"it is not known to be within {self._stale_s_max:g} s of the primary"


class Visit:
    """The reads of one reader. After the first read from the primary all go there, so that no read looks back."""

    def __init__(self, replica: Replica, condition: Condition | None) -> None:
        self._replica = replica
        self._condition = condition
        self._is_over = False

    async def try_fetch(
        self, connections: Connections, statement: str, parameters: tuple[object, ...], answer_s_max: float | None
    ) -> list[asyncpg.Record] | None:
        """Give the replica's rows, or None when the primary must serve the read."""
        if self._is_over or not self._replica.is_fresh:
            self._is_over = True
            return None
        rows: list[asyncpg.Record] | None = None
        try:
            if self._condition is None:
                return await connections.fetch(statement, parameters, answer_s_max)
            rows = await connections.fetch_if(self._condition, statement, parameters, answer_s_max)
        except PadronError as error:
            if isinstance(error.__cause__, asyncpg.QueryCanceledError):
                raise  # the read is too large for any server, so the primary must not try it too
            self._replica.distrust()
        except asyncpg.PostgresError as error:
            # Mostly a conflict with the replay of the log. A mistake of the program shows again on the primary.
            _log.info("a read of the replica was broken off (SQLSTATE %s)", error.sqlstate)
        self._is_over = rows is None
        return rows


class Lane:
    """A reader's connections: to the replica if it is good enough, otherwise to the primary."""

    def __init__(self, visit: Visit, replica: Connections, primary: Source) -> None:
        self._visit = visit
        self._replica = replica
        self._primary = primary

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement. Raises ``store_unavailable``."""
        rows = await self._visit.try_fetch(self._replica, statement, parameters, answer_s_max)
        return await self._primary.fetch(statement, parameters, answer_s_max) if rows is None else rows


def read_recent(replica: Replica, primary: Sources, account_id: int, at_least: int) -> Reader:
    """Give a reader that may be behind, but has the account's change ``at_least``."""

    async def has_change(connection: asyncpg.Connection) -> bool:
        # We check before the read, because a replica only goes forward. It may not have a new account yet.
        return (await connection.fetchval(SQL["find_last_change"], account_id) or 0) >= at_least

    return _open_reader(Visit(replica, has_change if at_least else None), replica, primary, account_id)


def read_caught_up(replica: Replica, primary: Sources, account_id: int) -> Reader:
    """Give a reader that is not behind. The replica answers once it holds everything committed before the request."""

    async def has_caught_up(connection: asyncpg.Connection) -> bool:
        mark = await replica.read_mark()
        deadline_s = mark.at_s + CATCH_UP_S_MAX
        while replica.follows(mark) and asyncio.get_running_loop().time() < deadline_s:
            if await connection.fetchval(_HAS_REPLAYED, mark.position):
                return True
            await asyncio.sleep(CATCH_UP_EVERY_S)
        return False

    return _open_reader(Visit(replica, has_caught_up), replica, primary, account_id)


def _open_reader(visit: Visit, replica: Replica, primary: Sources, account_id: int) -> Reader:
    lanes = Sources(
        points=Lane(visit, replica.points, primary.points),
        pages=Lane(visit, replica.pages, primary.pages),
        held=primary.held,
    )
    return Reader(PostgresReads(lanes, account_id), account_id)
