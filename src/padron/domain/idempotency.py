"""Requests that are sent again with the same Idempotency-Key, and the answers to them.

A key belongs to the actor that sent it. Nothing is done twice, because each request that works under a key has its
own attempt. Its work is committed only while that attempt still holds the key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits

KEY_LENGTH_MAX = 255
KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=60)  # longer than any call waits; afterwards another process may take the key over
ANSWER_BYTES_MAX = 4_000_000

Headers = tuple[tuple[bytes, bytes], ...]


class KeyState(StrEnum):
    """How far the first request came."""

    OPEN = "open"  # none of its work is committed
    DONE = "done"  # its work is committed, at least in part, but its answer is not kept
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """The claim of one request on its key."""

    account_id: int
    actor: str
    key: str
    fingerprint: bytes
    attempt: str
    lease_until: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyTotals:
    """How many keys an account has, and how large their answers are."""

    key_count: int
    byte_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """The answer to the first request, and the id of that request."""

    request_id: str
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptKey:
    """What the store knows about a key that was sent before."""

    fingerprint: bytes
    state: KeyState
    lease_until: datetime
    expires_at: datetime
    answer: KeptAnswer | None


@dataclass(kw_only=True, slots=True, eq=False)
class HeldKey:
    """The key that a request holds. ``word`` makes the request's answer from the result of its one write."""

    claim: KeyClaim
    word: Callable[[object], KeptAnswer] | None = None


def check_key(key: str) -> None:
    """Raise ``bad_parameters`` unless the key is 1 to 255 printable ASCII characters."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise PadronError(
            Code.BAD_PARAMETERS, f"Idempotency-Key must be 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        )


def give_claim(account_id: int, actor: str, key: str, fingerprint: bytes, attempt: str, now: datetime) -> KeyClaim:
    """Give the claim of a request that arrives now."""
    return KeyClaim(
        account_id=account_id,
        actor=actor,
        key=key,
        fingerprint=fingerprint,
        attempt=attempt,
        lease_until=now + LEASE,
        expires_at=now + KEPT_FOR,
    )


def decide_repeat(kept: KeptKey, fingerprint: bytes, now: datetime) -> KeptAnswer | None:
    """Give the answer to repeat, or None when the request must be done, or done again.

    Raises ``key_reused`` for a different request and ``key_in_use`` while the first request is running. Raises
    ``answer_lost`` when a process committed the work but ended before it could keep the answer.
    """
    if kept.expires_at <= now:
        return None
    if kept.fingerprint != fingerprint:
        raise PadronError(
            Code.KEY_REUSED,
            "This Idempotency-Key was already sent with a different method, path, query or body. "
            "Use a new key for a new request.",
        )
    if kept.answer is not None:
        return kept.answer
    if kept.lease_until > now:
        raise PadronError(
            Code.KEY_IN_USE, "The first request with this Idempotency-Key is still running. Retry in a moment."
        )
    if kept.state is KeyState.DONE:
        raise PadronError(
            Code.ANSWER_LOST,
            "The first request with this Idempotency-Key took effect, at least in part, but its answer was not kept. "
            "Read the current state, then decide.",
        )
    return None


def check_room(totals: KeyTotals, limits: Limits) -> None:
    """Raise ``overloaded`` when an account exceeds the limit of keys, or the limit of bytes in kept answers."""
    if totals.key_count > limits.idempotency_keys or totals.byte_count > limits.idempotency_bytes:
        raise PadronError(
            Code.OVERLOADED,
            "This account has reached the limit of kept answers to Idempotency-Keys "
            f"({limits.idempotency_keys:,} keys, or {limits.idempotency_bytes:,} bytes). They expire after 24 hours.",
        )
