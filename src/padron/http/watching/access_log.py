"""One line in the log for each request: all of them while few come, and one for several when many come.

Each line has the number of requests for which it was written, so the sum over the lines is the number of requests. A
line holds nothing that a client can choose freely: no address as the client wrote it, no query, and no header.
"""

import logging
from dataclasses import dataclass

SUCCESSES_PER_S = 100  # lines of one process; beyond that one line stands for several requests
FAILURES_PER_S = 1_000  # every failure has a line, unless there are so many that they would fill the disk
FAILED = 400

_log = logging.getLogger("padron.access")


class Sampler:
    """Chooses which events get a line, so that there are about ``per_s`` lines a second."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._every = 1
        self._unwritten = 0  # events since the last line
        self._seen = 0  # in this second
        self._lines = 0  # in this second, since ``_every`` changed
        self._ends_s = 0.0

    def take(self, now_s: float) -> int:
        """Count an event. Give for how many events its line stands, or 0 if it gets none."""
        if now_s >= self._ends_s:
            # After a quiet second the last one says nothing about the next.
            self._every = 1 if now_s >= self._ends_s + 1.0 else max(1, -(-self._seen // self._per_s))
            self._seen = self._lines = 0
            self._ends_s = now_s + 1.0
        self._seen += 1
        self._unwritten += 1
        if self._unwritten < self._every:
            return 0
        stands_for, self._unwritten = self._unwritten, 0
        self._lines += 1
        if self._lines >= self._per_s:
            self._every, self._lines = 2 * self._every, 0
        return stands_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A request that was answered, as the log shows it."""

    method: str
    route: str  # the template of the address; empty for an address that does not exist
    status: int
    duration_s: float
    byte_count: int
    request_id: str
    account_id: int | None = None  # None for a request whose key is not known
    key_id: str | None = None
    client: str = ""  # the address, only where no key tells who it was
    problem: str = ""
    trace_id: str = ""  # of a request that is traced


class AccessLog:
    """Writes the lines of one process."""

    def __init__(self) -> None:
        self._successes = Sampler(SUCCESSES_PER_S)
        self._failures = Sampler(FAILURES_PER_S)

    def take(self, status: int, now_s: float) -> int:
        """Count an answer. Give for how many answers its line stands, or 0 if it gets none."""
        return (self._successes if status < FAILED else self._failures).take(now_s)

    def write(self, answered: Answered, stands_for: int) -> None:
        """Write a line. The handler of the log does not wait for the disk."""
        fields: dict[str, object] = {
            "account": answered.account_id,
            "key": answered.key_id,
            "client": answered.client,
            "method": answered.method,
            "route": answered.route,
            "status": answered.status,
            "problem": answered.problem,
            "durationMs": round(answered.duration_s * 1_000, 2),
            "bytes": answered.byte_count,
            "requestId": answered.request_id,
            "traceId": answered.trace_id,
            "standsFor": None if stands_for == 1 else stands_for,
        }
        present = {name: value for name, value in fields.items() if value not in {None, ""}}
        _log.info("request", extra={"fields": present})
