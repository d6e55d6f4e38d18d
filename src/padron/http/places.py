"""How many requests may be under way, and how many may wait, in all and for each account.

A request works, or it waits: for a change, for work, for the rest of its own body, or for a client that reads its
stream. What waits does not use up the places of what works, and no account can take all the places of either kind.
"""

from padron.domain.errors import Code, PadronError

CALLS_MAX = 4_096
ACCOUNT_CALLS_MAX = 1_024
WAITING_MAX = 8_192
ACCOUNT_WAITING_MAX = 1_000


class Places:
    """What is taken in one process, by account."""

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self.call_count = 0
        self.waiting_count = 0


class Seat:
    """The place of one request: none until its account is known, then that of a call or of one that waits."""

    __slots__ = ("_account_id", "_is_waiting", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._account_id: int | None = None
        self._is_waiting = False

    def take(self, account_id: int) -> None:
        """Take a call's place. Raises ``overloaded`` where none is left."""
        places = self._places
        if places.call_count >= CALLS_MAX:
            raise PadronError(Code.OVERLOADED, "The server has as many requests under way as it takes: try again.")
        if (taken := places.calls.get(account_id, 0)) >= ACCOUNT_CALLS_MAX:
            raise PadronError(
                Code.OVERLOADED,
                f"This account has {ACCOUNT_CALLS_MAX} requests under way, the maximum. Send fewer at once.",
            )
        self._account_id = account_id
        places.calls[account_id] = taken + 1
        places.call_count += 1

    def wait(self) -> None:
        """Give the call's place back for one of those who wait. Raises ``overloaded`` where none of these is left."""
        if self._account_id is None or self._is_waiting:
            return
        places = self._places
        if places.waiting_count >= WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "The server has as many waiting requests as it takes: try again.")
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
        """Go on as a call after a wait. That is never refused, so the calls may be more than their limit for a while.

        They are bounded all the same: by both limits of the account together.
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
    """Count one less, and forget an account of which nothing is left."""
    if account_id is None:
        return
    left = taken[account_id] - 1
    if left:
        taken[account_id] = left
    else:
        del taken[account_id]
