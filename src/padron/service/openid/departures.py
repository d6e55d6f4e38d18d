"""Limits how often an address may begin to sign in at a provider, because each time is a row in the database."""

from padron.domain.addresses import find_network
from padron.domain.rates import Rate, RateExceededError
from padron.service.rates import Buckets

KEPT = 20_000
DEPARTURE_RATE = Rate(name="sign-in-start", burst=60, token_s=2)


class Departures:
    """The buckets of one process. ``now_s`` is the event loop's time."""

    def __init__(self) -> None:
        self._networks = Buckets(DEPARTURE_RATE, KEPT)

    def take(self, address: str, now_s: float) -> None:
        """Let an address begin. Raises ``rate_exceeded``."""
        wait_s = self._networks.take(find_network(address), now_s)
        if wait_s is not None:
            raise RateExceededError(
                "Your address began to sign in too often. Wait for the seconds in Retry-After, then try again.",
                self._networks.rate,
                wait_s,
            )
