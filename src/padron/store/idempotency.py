"""Idempotency-Keys on both engines, and the connection between a request's work and its key.

A store that holds a key ends each transaction with a note that the key's work is committed. The note is part of the
same transaction. If another attempt took the key over meanwhile, the store undoes the transaction.

Locks: the key's row, then the account's totals, both after all others.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import (
    ANSWER_BYTES_MAX,
    Headers,
    HeldKey,
    KeptAnswer,
    KeptKey,
    KeyClaim,
    KeyState,
    KeyTotals,
)
from padron.store.port import Columns, Row, ToInstant, WritePort

KEPT_KEY = Columns(
    "fingerprint", "state", "lease_until", "expires_at", "request_id", "status", "headers", "body"
)  # fmt: skip
KEY_TOTALS = Columns("key_count", "byte_count")


class KeyTransaction:
    """One account's Idempotency-Keys, in its open transaction."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def add_key(self, claim: KeyClaim) -> bool:
        """Add a key. Give False when it already exists."""
        return bool(await self._port.fetch("insert_key", *_give_place(claim), *_give_claim(claim)))

    async def lock_key(self, actor: str, key: str) -> KeptKey | None:
        """Give the stored state of a key, locked against other transactions."""
        rows = await self._port.fetch("lock_key", actor, key)
        return _to_kept_key(rows[0], self._port.to_instant) if rows else None

    async def claim_again(self, claim: KeyClaim) -> None:
        """Give a locked key to another attempt, and forget any earlier answer."""
        await self._port.fetch("claim_key", *_give_place(claim), *_give_claim(claim))

    async def mark_key(self, claim: KeyClaim) -> None:
        """Note that the attempt's work is being committed. Raises ``key_in_use`` when another attempt has the key."""
        if not await self._port.fetch("mark_key", *_give_place(claim), claim.attempt):
            raise PadronError(
                Code.KEY_IN_USE,
                "The request took too long, and the same Idempotency-Key was sent again. Repeat the request later.",
            )

    async def save_answer(self, claim: KeyClaim, answer: KeptAnswer) -> bool:
        """Keep the answer of the attempt. Give False when another attempt has the key."""
        headers = msgspec.json.encode([[part.decode("latin-1") for part in pair] for pair in answer.headers]).decode()
        values = (answer.request_id, answer.status, headers, answer.body)
        return bool(await self._port.fetch("answer_key", *_give_place(claim), claim.attempt, *values))

    async def release_key(self, claim: KeyClaim) -> bool:
        """Forget a key whose attempt committed nothing. Give False when there was no such key."""
        return bool(await self._port.fetch("release_key", *_give_place(claim), claim.attempt))

    async def delete_expired(self, now: datetime, limit: int) -> list[int]:
        """Delete expired keys and give the sizes of their answers."""
        return [row[0] for row in await self._port.fetch("delete_expired_keys", now, limit)]

    async def add_totals(self, keys_count: int, bytes_count: int) -> KeyTotals:
        """Add to the account's totals, which are locked last, and give them."""
        (row,) = await self._port.fetch("add_key_totals", keys_count, bytes_count)
        return KeyTotals(**KEY_TOTALS.name(row))


def _give_place(claim: KeyClaim) -> Sequence[object]:
    return claim.actor, claim.key


def _give_claim(claim: KeyClaim) -> Sequence[object]:
    return claim.fingerprint, claim.attempt, claim.lease_until, claim.expires_at


def _to_kept_key(row: Row, to_instant: ToInstant) -> KeptKey:
    named = KEPT_KEY.name(row)
    answer = None
    if named["state"] == KeyState.ANSWERED:
        pairs = msgspec.json.decode(named["headers"], type=list[tuple[str, str]])
        answer = KeptAnswer(
            request_id=named["request_id"],
            status=named["status"],
            headers=cast("Headers", tuple(tuple(part.encode("latin-1") for part in pair) for pair in pairs)),
            body=bytes(named["body"]),
        )
    return KeptKey(
        fingerprint=bytes(named["fingerprint"]),
        state=KeyState(named["state"]),
        lease_until=to_instant(named["lease_until"]),
        expires_at=to_instant(named["expires_at"]),
        answer=answer,
    )


async def keep_answer(transaction: KeyTransaction, claim: KeyClaim, answer: KeptAnswer) -> None:
    """Keep an answer. For one that is too large, keep only the note that the work is committed."""
    if len(answer.body) > ANSWER_BYTES_MAX:
        await transaction.mark_key(claim)
    elif await transaction.save_answer(claim, answer):
        await transaction.add_totals(0, len(answer.body))


async def settle_key(transaction: KeyTransaction, held: HeldKey, result: object) -> None:
    """Note at the key that the transaction's work is being committed. Keep the answer if the request gave it."""
    await transaction.mark_key(held.claim)
    if held.word is not None:
        await keep_answer(transaction, held.claim, held.word(result))
