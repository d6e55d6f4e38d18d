"""Limits what the requests of one process take at once, in total and for each account.

- A request works, or it waits: for a change, for work, for the rest of its body, or for a client that reads its stream.
  Waiting requests do not use the places of working ones.
- Some kinds of request read much: exports, and scans of the past. Each kind has places of its own.
- The bodies in memory have a limit in bytes.

No account can take all of anything.
"""

from enum import Enum

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits

UNCOUNTED_BYTES = 1_024  # of a body: the places of requests already bound the sum of such small bodies


class Kind(Enum):
    """A kind of request that reads much."""

    EXPORT = "exports"
    SCAN = "reports and lists of the past"


class Places:
    """The taken places of one process, by account."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.kinds_max = {Kind.EXPORT: limits.exports, Kind.SCAN: limits.scans}
        self.calls: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self.running: dict[Kind, dict[int, int]] = {kind: {} for kind in Kind}
        self.body_bytes: dict[int, int] = {}
        self.call_count = 0
        self.waiting_count = 0
        self.body_byte_count = 0


class Seat:
    """The places of one request, once its account is known."""

    __slots__ = ("_account_id", "_byte_count", "_is_waiting", "_kind", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._account_id: int | None = None
        self._is_waiting = False
        self._kind: Kind | None = None
        self._byte_count = 0

    def take(self, account_id: int) -> None:
        """Take a call's place. Raises ``overloaded`` when no place is left."""
        places = self._places
        if places.call_count >= places.limits.total_calls:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of requests under way. Try again shortly.")
        if (taken := places.calls.get(account_id, 0)) >= places.limits.calls:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {places.limits.calls} requests under way, the maximum. Send fewer at once.",
            )
        self._account_id = account_id
        places.calls[account_id] = taken + 1
        places.call_count += 1

    def wait(self) -> None:
        """Exchange the call's place for a waiting request's place. Raises ``overloaded`` when no such place is left."""
        if self._account_id is None or self._is_waiting:
            return
        places = self._places
        if places.waiting_count >= places.limits.total_waiting:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of waiting requests. Try again shortly.")
        if (taken := places.waiting.get(self._account_id, 0)) >= places.limits.waiting:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {places.limits.waiting} requests that wait (long polls, streams and unfinished "
                "bodies), the maximum. End some of them, or try again later.",
            )
        self._leave_calls()
        self._is_waiting = True
        places.waiting[self._account_id] = taken + 1
        places.waiting_count += 1

    def work(self) -> None:
        """Continue as a call after a wait. This never fails, so calls may exceed their limit for a while.

        Both limits of the account together still bound its calls.
        """
        if self._account_id is None or not self._is_waiting:
            return
        self._leave_waiting()
        self._is_waiting = False
        places = self._places
        places.calls[self._account_id] = places.calls.get(self._account_id, 0) + 1
        places.call_count += 1

    def begin(self, kind: Kind) -> None:
        """Take a place of this kind besides, until the end of the request. Raises ``overloaded`` when none is left."""
        if self._account_id is None or self._kind is not None:
            return
        taken = self._places.running[kind]
        most = self._places.kinds_max[kind]
        if taken.get(self._account_id, 0) >= most:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {most} {kind.value} under way in this server, the maximum. Wait until one ends.",
            )
        self._kind = kind
        taken[self._account_id] = taken.get(self._account_id, 0) + 1

    def hold_bytes(self, byte_count: int) -> None:
        """Count so many bytes of the request's body, until the end of the request.

        Raises ``server_full`` or ``overloaded`` when the memory for bodies does not have so many left.
        """
        extra = byte_count - self._byte_count
        if self._account_id is None or byte_count <= UNCOUNTED_BYTES or extra <= 0:
            return
        places = self._places
        if places.body_byte_count + extra > places.limits.total_body_bytes:
            raise PadronError(Code.SERVER_FULL, "The server already holds many large requests. Try again shortly.")
        if places.body_bytes.get(self._account_id, 0) + extra > places.limits.body_bytes:
            raise PadronError(
                Code.OVERLOADED,
                f"The requests of this account already hold {places.limits.body_bytes} bytes of bodies, the maximum. "
                "Send fewer large requests at once.",
            )
        self._byte_count = byte_count
        places.body_bytes[self._account_id] = places.body_bytes.get(self._account_id, 0) + extra
        places.body_byte_count += extra

    def leave(self) -> None:
        """Give all places back."""
        if self._account_id is None:
            return
        if self._is_waiting:
            self._leave_waiting()
        else:
            self._leave_calls()
        if self._kind is not None:
            _give_back(self._places.running[self._kind], self._account_id)
        if self._byte_count:
            self._places.body_byte_count -= self._byte_count
            _give_back(self._places.body_bytes, self._account_id, self._byte_count)
        self._account_id = None

    def _leave_calls(self) -> None:
        self._places.call_count -= 1
        _give_back(self._places.calls, self._account_id)

    def _leave_waiting(self) -> None:
        self._places.waiting_count -= 1
        _give_back(self._places.waiting, self._account_id)


def _give_back(taken: dict[int, int], account_id: int | None, count: int = 1) -> None:
    """Count less, and forget an account that has taken nothing."""
    if account_id is None:
        return
    left = taken[account_id] - count
    if left:
        taken[account_id] = left
    else:
        del taken[account_id]
