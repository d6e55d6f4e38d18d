"""Slows down who guesses passwords: buckets for an address, for a name, and for a name tried from one network.

A bucket loses a token with each attempt and gets it back when the attempt succeeds, so only failures count. An
attacker who tries one name from everywhere empties that name's bucket. Its owner must not suffer for this, so a
network from which the name signed in before does not need that bucket. When the bucket is empty, the record of
sign-ins is asked for that, because another process may have seen it. The refusal costs the pair a token, so it is not
asked often. Names are kept as digests, and a name that nobody has is counted like any other one.
"""

import hashlib
from dataclasses import dataclass

from padron.domain.addresses import find_network
from padron.domain.rates import Rate, RateExceededError
from padron.service.rates import Buckets
from padron.service.recent import Recent

KEPT = 20_000
NETWORK_RATE = Rate(name="sign-in-address", burst=60, token_s=10)
NAME_RATE = Rate(name="sign-in-name", burst=30, token_s=60)
PAIR_RATE = Rate(name="sign-in", burst=6, token_s=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInAttempt:
    """One attempt that was let through: the names of its buckets."""

    network: str
    name: str
    pair: str


class SignInThrottle:
    """The buckets of one process. ``now_s`` is the event loop's time."""

    def __init__(self) -> None:
        self._networks = Buckets(NETWORK_RATE, KEPT)
        self._names = Buckets(NAME_RATE, KEPT)
        self._pairs = Buckets(PAIR_RATE, KEPT)
        self._known: Recent[str, bool] = Recent(KEPT)  # pairs that succeeded

    @property
    def bucket_count(self) -> int:
        """How many buckets are in memory."""
        return len(self._networks) + len(self._names) + len(self._pairs)

    def recognise(self, name: str, address: str) -> None:
        """Know from now on that the name signed in from this network before."""
        self._known.set(_name_attempt(name, address).pair, value=True)

    def take(self, name: str, address: str, now_s: float) -> SignInAttempt:
        """Let somebody try to sign in under a name. Raises ``rate_exceeded``, with the rate that is too high."""
        attempt = _name_attempt(name, address)
        is_known = self._known.get(attempt.pair) is not None
        wanted = [(self._networks, attempt.network), (self._pairs, attempt.pair)]
        if not is_known:
            wanted.append((self._names, attempt.name))
        taken: list[tuple[Buckets, str]] = []
        for buckets, bucket in wanted:
            wait_s = buckets.take(bucket, now_s)
            if wait_s is not None:
                for other, its_bucket in taken:
                    if buckets is not self._names or other is not self._pairs:
                        other.give_back(its_bucket)
                raise RateExceededError(
                    "Somebody tried to sign in too often. Wait for the seconds in Retry-After, then try again.",
                    buckets.rate,
                    wait_s,
                )
            taken.append((buckets, bucket))
        return attempt

    def give_back(self, attempt: SignInAttempt, *, succeeded: bool) -> None:
        """Return the tokens of an attempt that succeeded, or that was never tried."""
        self._networks.give_back(attempt.network)
        self._pairs.give_back(attempt.pair)
        if self._known.get(attempt.pair) is None:
            self._names.give_back(attempt.name)
        if succeeded:
            self._known.set(attempt.pair, value=True)


def _name_attempt(name: str, address: str) -> SignInAttempt:
    network = find_network(address)
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return SignInAttempt(network=network, name=digest, pair=f"{digest} {network}")
