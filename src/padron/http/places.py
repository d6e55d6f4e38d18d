"""Limits what the requests of one process take at once, in total and for each account.

- A request works, or it waits: for a change, for work, for the rest of its body, or for a client that reads its stream.
  Waiting requests do not use the places of working ones.
- A request whose body arrives in the first moment neither works nor waits. It has a place of a third sort.
- Some kinds of request read much: exports, and scans of the past. Each kind has places of its own.
- The bodies in memory have a limit in bytes.

No account can take all of anything.
"""

from enum import Enum
from typing import TypeVar, assert_never

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits

K = TypeVar("K", int, str)

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
        self.arriving: dict[int, int] = {}
        self.running: dict[Kind, dict[int, int]] = {kind: {} for kind in Kind}
        self.body_bytes: dict[int, int] = {}
        self.streams: dict[str, int] = {}  # by session
        self.console_streams: dict[int, int] = {}
        self.call_count = 0
        self.waiting_count = 0
        self.arriving_count = 0
        self.body_byte_count = 0


class _Doing(Enum):
    """What a request with a place does."""

    WORKING = "working"
    ARRIVING = "arriving"
    WAITING = "waiting"


class Seat:
    """The places of one request, once its account is known."""

    __slots__ = ("_account_id", "_byte_count", "_kind", "_places", "_session_id", "_state")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._account_id: int | None = None
        self._state = _Doing.WORKING
        self._kind: Kind | None = None
        self._byte_count = 0
        self._session_id: str | None = None

    def take(self, account_id: int) -> None:
        """Take a call's place. Raises ``overloaded`` when no place is left."""
        self._check_calls(account_id)
        self._account_id = account_id
        # Each call does this. So it counts by itself, as ``_enter`` would.
        self._places.call_count += 1
        self._places.calls[account_id] = self._places.calls.get(account_id, 0) + 1

    def arrive(self) -> None:
        """Exchange the call's place for one of a request whose body is arriving, until ``wait`` or ``work``.

        Otherwise bodies that nobody ends could hold the places of calls. There are as many places of this sort as of
        calls. When all accounts together have taken them, the request waits. Raises ``overloaded`` when no place is
        left.
        """
        if self._account_id is None or self._state is not _Doing.WORKING:
            return
        places = self._places
        if places.arriving_count >= places.limits.total_calls:
            self.wait()
            return
        if places.arriving.get(self._account_id, 0) >= places.limits.calls:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {places.limits.calls} requests whose bodies are arriving, the maximum. "
                "Send fewer at once.",
            )
        self._leave_state()
        self._enter(_Doing.ARRIVING)

    def wait(self) -> None:
        """Exchange the place for a waiting request's place. Raises ``overloaded`` when no such place is left."""
        if self._account_id is None or self._state is _Doing.WAITING:
            return
        places = self._places
        if places.waiting_count >= places.limits.total_waiting:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of waiting requests. Try again shortly.")
        if places.waiting.get(self._account_id, 0) >= places.limits.waiting:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {places.limits.waiting} requests that wait (long polls, streams and unfinished "
                "bodies), the maximum. End some of them, or try again later.",
            )
        self._leave_state()
        self._enter(_Doing.WAITING)

    def work(self) -> None:
        """Continue as a call. After a wait this never fails, so calls may exceed their limit for a while.

        Both limits of the account together still bound its calls. A request whose body has just arrived needs a place
        now. Raises ``overloaded`` when none is left.
        """
        if self._account_id is None or self._state is _Doing.WORKING:
            return
        if self._state is _Doing.ARRIVING:
            self._check_calls(self._account_id)
        self._leave_state()
        self._enter(_Doing.WORKING)

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

    def stream(self, session_id: str) -> None:
        """Wait until the end of the request, as one of a session's streams. Raises ``overloaded`` as ``wait`` does.

        Otherwise one browser could take all waiting places of its account.
        """
        if self._account_id is None:
            return
        of_sessions, of_accounts, limits = self._places.streams, self._places.console_streams, self._places.limits
        for whose, count, most in (
            ("session", of_sessions.get(session_id, 0), limits.session_streams),
            ("account", of_accounts.get(self._account_id, 0), limits.console_streams),
        ):
            if count >= most:
                raise PadronError(
                    Code.OVERLOADED, f"This {whose} has {most} streams in this server, the maximum. Close some pages."
                )
        self.wait()
        self._session_id = session_id
        of_sessions[session_id] = of_sessions.get(session_id, 0) + 1
        of_accounts[self._account_id] = of_accounts.get(self._account_id, 0) + 1

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
        account_id = self._account_id
        if account_id is None:
            return
        places = self._places
        if self._state is _Doing.WORKING and places.calls[account_id] > 1:
            # Each call ends so. It counts by itself, as ``_leave_state`` would.
            places.call_count -= 1
            places.calls[account_id] -= 1
        else:
            self._leave_state()
        if self._kind is not None:
            _give_back(self._places.running[self._kind], self._account_id)
        if self._byte_count:
            self._places.body_byte_count -= self._byte_count
            _give_back(self._places.body_bytes, self._account_id, self._byte_count)
        if self._session_id is not None:
            _give_back(self._places.streams, self._session_id)
            _give_back(self._places.console_streams, self._account_id)
        self._account_id = None

    def _check_calls(self, account_id: int) -> None:
        places = self._places
        if places.call_count >= places.limits.total_calls:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of requests under way. Try again shortly.")
        if places.calls.get(account_id, 0) >= places.limits.calls:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {places.limits.calls} requests under way, the maximum. Send fewer at once.",
            )

    def _enter(self, state: _Doing) -> None:
        self._state = state
        self._count(1)

    def _leave_state(self) -> None:
        self._count(-1)

    def _count(self, change: int) -> None:
        places = self._places
        match self._state:
            case _Doing.WORKING:
                places.call_count += change
                taken = places.calls
            case _Doing.ARRIVING:
                places.arriving_count += change
                taken = places.arriving
            case _Doing.WAITING:
                places.waiting_count += change
                taken = places.waiting
            case _:
                assert_never(self._state)
        _give_back(taken, self._account_id, -change)


def _give_back(taken: dict[K, int], holder: K | None, count: int = 1) -> None:
    """Count less, or more, and forget an account or a session that has taken nothing."""
    if holder is None:
        return
    left = taken.get(holder, 0) - count
    if left:
        taken[holder] = left
    else:
        del taken[holder]
