"""Requests that are sent again under the same Idempotency-Key, and what they are answered.

A key belongs to the actor that sent it. Nothing is done twice: whoever works on a key has an attempt of its own, and
work is committed only as long as the key is still held by that attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from padron.domain.errors import Code, PadronError

KEY_LENGTH_MAX = 255
KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=60)  # longer than any call waits; then another process may take a key up
ANSWER_BYTES_MAX = 4_000_000
KEYS_MAX = 100_000  # of an account
ANSWERS_BYTES_MAX = 256_000_000  # of an account

Headers = tuple[tuple[bytes, bytes], ...]


class KeyState(StrEnum):
    """How far the first request came."""

    OPEN = "open"  # nothing of it is committed
    DONE = "done"  # its work is committed, or some of it, and its answer is not kept
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """A key that one request works under."""

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
    """What is known of a key that was sent before."""

    fingerprint: bytes
    state: KeyState
    lease_until: datetime
    expires_at: datetime
    answer: KeptAnswer | None


@dataclass(kw_only=True, slots=True, eq=False)
class HeldKey:
    """The key that a request works under. ``word`` gives the request's answer from the result of its one write."""

    claim: KeyClaim
    word: Callable[[object], KeptAnswer] | None = None


def check_key(key: str) -> None:
    """Raise ``bad_parameters`` unless the key is 1 to 255 printable ASCII characters."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise PadronError(
            Code.BAD_PARAMETERS, f"Idempotency-Key must be 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        )


def give_claim(account_id: int, actor: str, key: str, fingerprint: bytes, attempt: str, now: datetime) -> KeyClaim:
    """Give the claim of a request that comes in now."""
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
    """Give the answer to repeat, or None when the request is to be done (anew).

    Raises ``key_reused`` for another request, ``key_in_use`` while the first is under way and ``answer_lost`` when
    its work was committed by a process that ended before it could keep the answer.
    """
    if kept.expires_at <= now:
        return None
    if kept.fingerprint != fingerprint:
        raise PadronError(
            Code.KEY_REUSED,
            "This Idempotency-Key was sent with another method, path, query or body: use a new one for a new request.",
        )
    if kept.answer is not None:
        return kept.answer
    if kept.lease_until > now:
        raise PadronError(
            Code.KEY_IN_USE, "The first request with this Idempotency-Key is still under way: ask again shortly."
        )
    if kept.state is KeyState.DONE:
        raise PadronError(
            Code.ANSWER_LOST,
            "The first request with this Idempotency-Key took effect, at least in part, and its answer was not kept: "
            "look at what there is, then decide.",
        )
    return None


def check_room(totals: KeyTotals) -> None:
    """Raise ``overloaded`` when an account has as many keys, or answers as large, as may be kept."""
    if totals.key_count > KEYS_MAX or totals.byte_count > ANSWERS_BYTES_MAX:
        raise PadronError(
            Code.OVERLOADED,
            f"The account has as many answers kept for Idempotency-Keys as may be: {KEYS_MAX:,}, or "
            f"{ANSWERS_BYTES_MAX // 1_000_000} MB. They go after 24 hours.",
        )
