"""The buckets of one server process: one for each API key, and one for each client address that sends unknown keys.

The bucket of an address counts look-ups of keys that are not valid. ``authentication.py`` sees to it that no valid key
is refused because of its address.
"""

from padron.domain.addresses import find_network
from padron.domain.limits import Limits
from padron.domain.rates import Rate, RateExceededError
from padron.service.recent import Recent

KEYS_KEPT = 20_000
ADDRESSES_KEPT = 20_000


class Rates:
    """Takes tokens for requests. Every method is quick and waits for nothing. ``now_s`` is the event loop's time."""

    def __init__(self, limits: Limits) -> None:
        self._of_key = Rate(name="key", burst=limits.key_burst, token_s=1 / limits.key_requests_per_s)
        self._of_address = Rate(
            name="address", burst=limits.failed_keys_burst, token_s=60 / limits.failed_keys_per_minute
        )
        self._keys: Recent[str, float] = Recent(KEYS_KEPT)
        self._addresses: Recent[str, float] = Recent(ADDRESSES_KEPT)

    def take_request(self, key_id: str, now_s: float) -> None:
        """Count a request of a valid key. Raises ``rate_exceeded``."""
        full_at_s = self._keys.get(key_id) or now_s
        after_s = self._of_key.take(full_at_s, now_s)
        if after_s is None:
            rate = self._of_key
            raise RateExceededError(
                f"This API key has sent more than {rate.per_s:.0f} requests a second, and {rate.burst} at once. "
                "Send fewer, or wait for the seconds in Retry-After.",
                rate,
                rate.count_wait(full_at_s, now_s),
            )
        self._keys.set(key_id, after_s)

    def return_request(self, key_id: str) -> None:
        """Return the token of ``take_request``, because the same request will be counted again."""
        full_at_s = self._keys.get(key_id)
        if full_at_s is not None:
            self._keys.set(key_id, full_at_s - self._of_key.token_s)

    def take_try(self, address: str, now_s: float) -> None:
        """Let an address look up a key that this process does not know. Raises ``rate_exceeded``."""
        network = find_network(address)
        full_at_s = self._addresses.get(network) or now_s
        after_s = self._of_address.take(full_at_s, now_s)
        if after_s is None:
            raise RateExceededError(
                "Your address has sent too many API keys that are not valid. "
                "Check the key, and wait for the seconds in Retry-After.",
                self._of_address,
                self._of_address.count_wait(full_at_s, now_s),
            )
        self._addresses.set(network, after_s)

    def give_back(self, address: str) -> None:
        """Return the token of ``take_try``, because the key was valid or nobody could tell."""
        network = find_network(address)
        full_at_s = self._addresses.get(network)
        if full_at_s is not None:
            self._addresses.set(network, full_at_s - self._of_address.token_s)
