"""The buckets of one server process: one for each API key, and one for each client address that sends unknown keys.

The bucket of an address counts look-ups of keys that are not valid. ``authentication.py`` sees to it that no valid key
is refused because of its address.
"""

from functools import lru_cache

from padron.domain.addresses import find_network
from padron.domain.limits import Limits
from padron.domain.rates import Rate, RateExceededError
from padron.service.recent import Recent

KEYS_KEPT = 20_000
ADDRESSES_KEPT = 20_000


class Buckets:
    """Buckets by name, of one rate unless a name has its own. Names that were not used for longest are forgotten."""

    def __init__(self, rate: Rate, kept: int) -> None:
        self.rate = rate
        self._full_at_s: Recent[str, float] = Recent(kept)

    def __len__(self) -> int:
        """Give the number of buckets in memory."""
        return len(self._full_at_s)

    def take(self, name: str, now_s: float, own: Rate | None = None) -> float | None:
        """Take a token, and give None. Without a token, give the seconds until there is one."""
        rate = own or self.rate
        full_at_s = self._full_at_s.get(name) or now_s
        after_s = rate.take(full_at_s, now_s)
        if after_s is None:
            return rate.count_wait(full_at_s, now_s)
        self._full_at_s.set(name, after_s)
        return None

    def give_back(self, name: str, own: Rate | None = None) -> None:
        """Return a token."""
        full_at_s = self._full_at_s.get(name)
        if full_at_s is not None:
            self._full_at_s.set(name, full_at_s - (own or self.rate).token_s)


class Rates:
    """Takes tokens for requests. Every method is quick and waits for nothing. ``now_s`` is the event loop's time."""

    def __init__(self, limits: Limits) -> None:
        of_key = Rate(name="key", burst=limits.key_burst, token_s=1 / limits.key_requests_per_s)
        of_address = Rate(name="address", burst=limits.failed_keys_burst, token_s=60 / limits.failed_keys_per_minute)
        self._keys = Buckets(of_key, KEYS_KEPT)
        self._addresses = Buckets(of_address, ADDRESSES_KEPT)

    def take_request(self, key_id: str, now_s: float, requests_per_s: int | None = None) -> None:
        """Count a request of a valid key, which may have a lower rate of its own. Raises ``rate_exceeded``."""
        own = None if requests_per_s is None else self._find_own(requests_per_s)
        wait_s = self._keys.take(key_id, now_s, own)
        if wait_s is not None:
            rate = own or self._keys.rate
            raise RateExceededError(
                f"This API key has sent more than {rate.per_s:.0f} requests a second, and {rate.burst} at once. "
                "Send fewer, or wait for the seconds in Retry-After.",
                rate,
                wait_s,
            )

    def return_request(self, key_id: str, requests_per_s: int | None = None) -> None:
        """Return the token of ``take_request``, because the same request will be counted again."""
        self._keys.give_back(key_id, None if requests_per_s is None else self._find_own(requests_per_s))

    def _find_own(self, requests_per_s: int) -> Rate | None:
        """Give a key's own rate, with the burst of at most one second; None if the server's rate is lower."""
        rate = _make_own(requests_per_s, min(requests_per_s, self._keys.rate.burst))
        return rate if rate.token_s > self._keys.rate.token_s else None

    def take_try(self, address: str, now_s: float) -> None:
        """Let an address look up a key that this process does not know. Raises ``rate_exceeded``."""
        wait_s = self._addresses.take(find_network(address), now_s)
        if wait_s is not None:
            raise RateExceededError(
                "Your address has sent too many API keys that are not valid. "
                "Check the key, and wait for the seconds in Retry-After.",
                self._addresses.rate,
                wait_s,
            )

    def give_back(self, address: str) -> None:
        """Return the token of ``take_try``, because the key was valid or nobody could tell."""
        self._addresses.give_back(find_network(address))


@lru_cache(maxsize=1_000)
def _make_own(requests_per_s: int, burst: int) -> Rate:
    return Rate(name="key", burst=burst, token_s=1 / requests_per_s)
