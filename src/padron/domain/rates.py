"""The token bucket: how many requests may come at once, and how many in the long run.

A bucket is one number: the instant at which it will be full again. A bucket that nobody knows is full, so a forgotten
bucket never refuses anything.
"""

from dataclasses import dataclass
from math import ceil

from padron.domain.errors import Code, PadronError


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How much a bucket holds, and how fast it fills. Times are in seconds of one clock that never goes back."""

    name: str
    burst: int  # tokens of a full bucket
    token_s: float  # until the next token is there

    @property
    def per_s(self) -> float:
        """The tokens that come in a second."""
        return 1 / self.token_s

    @property
    def window_s(self) -> int:
        """The whole seconds in which an empty bucket becomes full."""
        return max(1, ceil(self.burst * self.token_s))

    def take(self, full_at_s: float, now_s: float) -> float | None:
        """Give the instant at which the bucket is full after one token is taken, or None when no token is left."""
        after_s = (full_at_s if full_at_s > now_s else now_s) + self.token_s  # noqa: FURB136 - max() is slower
        # Half a token more, because many small sums are not exact.
        return after_s if after_s - now_s <= (self.burst + 0.5) * self.token_s else None

    def count_wait(self, full_at_s: float, now_s: float) -> float:
        """Give the seconds until a token is there; 0 when there is one now."""
        return max(0.0, full_at_s - now_s - (self.burst - 1) * self.token_s)


class RateExceededError(PadronError):
    """A refusal by a bucket, with what a client needs to wait for the next token."""

    def __init__(self, detail: str, rate: Rate, wait_s: float) -> None:
        super().__init__(Code.RATE_EXCEEDED, detail)
        self.rate = rate
        self.wait_s = max(1, ceil(wait_s))
