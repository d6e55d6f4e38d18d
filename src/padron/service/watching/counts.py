"""What the use cases of one process count. Each adds to its own number; nobody reads them but a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from padron.domain.file_import import ImportState
from padron.domain.sessions import SignInWay
from padron.domain.webhook import Answer, OffReason
from padron.meters import Histogram

LAGS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)


class AttemptEnd(StrEnum):
    """What came of one attempt to deliver a change."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # the receiver answered, but not with 2xx
    UNANSWERED = "unanswered"


class SignInEnd(StrEnum):
    """What came of an attempt to sign in."""

    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    THROTTLED = "throttled"  # too many attempts: nothing was checked


class SignIn(NamedTuple):
    """An attempt to sign in: how, and what came of it."""

    way: SignInWay
    end: SignInEnd


@dataclass(slots=True, eq=False)
class ServiceCounts:
    """The counts of one process, since it started."""

    attempts: Counter[AttemptEnd] = field(default_factory=Counter)
    attempt_s: Histogram = field(default_factory=Histogram)
    delivery_lag_s: Histogram = field(default_factory=lambda: Histogram(LAGS_S))  # from the change to its delivery
    feed_lag_s: Histogram = field(default_factory=lambda: Histogram(LAGS_S))  # from the change to a waiting follower
    switched_off: Counter[OffReason] = field(default_factory=Counter)
    imports_ended: Counter[ImportState] = field(default_factory=Counter)
    sign_ins: Counter[SignIn] = field(default_factory=Counter)
    plans_ended: int = 0
    outages: int = 0

    def note_attempt(self, answer: Answer, lag_s: float) -> None:
        """Count an attempt to deliver a change that is ``lag_s`` old."""
        self.attempt_s.observe(answer.duration.total_seconds())
        if answer.is_success:
            self.attempts[AttemptEnd.DELIVERED] += 1
            self.delivery_lag_s.observe(lag_s)
        else:
            self.attempts[AttemptEnd.UNANSWERED if answer.status is None else AttemptEnd.REFUSED] += 1
