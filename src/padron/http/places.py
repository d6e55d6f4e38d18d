"""Limits how many requests may work, and how many may wait, in total and for each account.

A request works, or it waits for a change, for work, for the rest of its body, or for a client that reads its stream.
Waiting requests do not use the places of working ones. No account can take all places of either kind.
"""

from padron.domain.errors import Code, PadronError

CALLS_MAX = 4_096
ACCOUNT_CALLS_MAX = 1_024
WAITING_MAX = 8_192
ACCOUNT_WAITING_MAX = 1_000


class Places:
    """The taken places of one process, by account."""

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self.call_count = 0
        self.waiting_count = 0


class Seat:
    """The place of one request, once its account is known: a call's place, or a waiting request's place."""

    __slots__ = ("_account_id", "_is_waiting", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._account_id: int | None = None
        self._is_waiting = False

    def take(self, account_id: int) -> None:
        """Take a call's place. Raises ``overloaded`` when no place is left."""
        places = self._places
        if places.call_count >= CALLS_MAX:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of requests under way. Try again shortly.")
        if (taken := places.calls.get(account_id, 0)) >= ACCOUNT_CALLS_MAX:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {ACCOUNT_CALLS_MAX} requests under way, the maximum. Send fewer at once.",
            )
        self._account_id = account_id
        places.calls[account_id] = taken + 1
        places.call_count += 1

    def wait(self) -> None:
        """Exchange the call's place for a waiting request's place. Raises ``overloaded`` when no such place is left."""
        if self._account_id is None or self._is_waiting:
            return
        places = self._places
        if places.waiting_count >= WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "The server has the maximum of waiting requests. Try again shortly.")
        if (taken := places.waiting.get(self._account_id, 0)) >= ACCOUNT_WAITING_MAX:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {ACCOUNT_WAITING_MAX} requests that wait (long polls, streams and unfinished "
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

    def leave(self) -> None:
        """Give the place back, of whichever kind it is."""
        if self._account_id is None:
            return
        if self._is_waiting:
            self._leave_waiting()
        else:
            self._leave_calls()
        self._account_id = None

    def _leave_calls(self) -> None:
        self._places.call_count -= 1
        _give_back(self._places.calls, self._account_id)

    def _leave_waiting(self) -> None:
        self._places.waiting_count -= 1
        _give_back(self._places.waiting, self._account_id)


def _give_back(taken: dict[int, int], account_id: int | None) -> None:
    """Count one less, and forget an account without taken places."""
    if account_id is None:
        return
    left = taken[account_id] - 1
    if left:
        taken[account_id] = left
    else:
        del taken[account_id]
