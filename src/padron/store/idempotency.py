"""What both engines keep of Idempotency-Keys, and how the work of a request is tied to its key.

A store that holds a key writes, at the end of each transaction, that the key's work is committed, in that very
transaction; when the key has been taken over meanwhile, the transaction is undone. Locks: the key's row, then the
account's totals, both after all others.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import ANSWER_BYTES_MAX, Headers, HeldKey, KeptAnswer, KeptKey, KeyClaim, KeyState

T = TypeVar("T")

Fetch = Callable[[str, tuple[object, ...]], Awaitable[Sequence[Any]]]
ToInstant = Callable[[Any], datetime]


class KeyTransaction:
    """One account's transaction on its keys, over the statements of an engine."""

    def __init__(self, fetch: Fetch, account_id: int, to_instant: ToInstant) -> None:
        self._fetch = fetch
        self._account_id = account_id
        self._to_instant = to_instant

    async def add_key(self, claim: KeyClaim) -> bool:
        """Add a key; give False when it is there."""
        values = (claim.fingerprint, claim.attempt, claim.lease_until, claim.expires_at)
        return bool(await self._fetch("insert_key", (*self._give_place(claim), *values)))

    async def lock_key(self, actor: str, key: str) -> KeptKey | None:
        """Give what is known of a key, locked against other transactions."""
        rows = await self._fetch("lock_key", (self._account_id, actor, key))
        return self._to_key(rows[0]) if rows else None

    async def claim_again(self, claim: KeyClaim) -> None:
        """Give a key that is locked to another attempt; an answer that it had is forgotten."""
        values = (claim.fingerprint, claim.attempt, claim.lease_until, claim.expires_at)
        await self._fetch("claim_key", (*values, *self._give_place(claim)))

    async def mark_key(self, claim: KeyClaim) -> None:
        """Write that work of the attempt is being committed. Raises ``key_in_use`` when another attempt has the key."""
        if not await self._fetch("mark_key", (*self._give_place(claim), claim.attempt)):
            raise PadronError(
                Code.KEY_IN_USE, "The request took too long, and was begun anew under the same Idempotency-Key."
            )

    async def save_answer(self, claim: KeyClaim, answer: KeptAnswer) -> bool:
        """Keep the answer of the attempt; give False when another attempt has the key."""
        headers = msgspec.json.encode([[part.decode("latin-1") for part in pair] for pair in answer.headers]).decode()
        values = (answer.request_id, answer.status, headers, answer.body)
        return bool(await self._fetch("answer_key", (*values, *self._give_place(claim), claim.attempt)))

    async def release_key(self, claim: KeyClaim) -> bool:
        """Forget a key whose attempt committed nothing; give False when there was nothing to forget."""
        return bool(await self._fetch("release_key", (*self._give_place(claim), claim.attempt)))

    async def delete_expired(self, now: datetime, limit: int) -> list[int]:
        """Delete keys that are over and give the sizes of their answers."""
        return [row[0] for row in await self._fetch("delete_expired_keys", (self._account_id, now, limit))]

    async def add_totals(self, keys_count: int, bytes_count: int) -> tuple[int, int]:
        """Add to the account's totals, the last thing that is locked, and give them."""
        ((keys, size),) = await self._fetch("add_key_totals", (self._account_id, keys_count, bytes_count))
        return keys, size

    def _give_place(self, claim: KeyClaim) -> tuple[object, ...]:
        return self._account_id, claim.actor, claim.key

    def _to_key(self, row: Any) -> KeptKey:  # noqa: ANN401 - a row
        fingerprint, state, lease_until, expires_at, request_id, status, headers, body = row
        answer = None
        if state == KeyState.ANSWERED:
            pairs = msgspec.json.decode(headers, type=list[tuple[str, str]])
            answer = KeptAnswer(
                request_id=request_id,
                status=status,
                headers=cast("Headers", tuple(tuple(part.encode("latin-1") for part in pair) for pair in pairs)),
                body=bytes(body),
            )
        return KeptKey(
            fingerprint=bytes(fingerprint),
            state=KeyState(state),
            lease_until=self._to_instant(lease_until),
            expires_at=self._to_instant(expires_at),
            answer=answer,
        )


async def keep_answer(transaction: KeyTransaction, claim: KeyClaim, answer: KeptAnswer) -> None:
    """Keep an answer, or only that there was one when it is too large."""
    if len(answer.body) > ANSWER_BYTES_MAX:
        await transaction.mark_key(claim)
    elif await transaction.save_answer(claim, answer):
        await transaction.add_totals(0, len(answer.body))


async def settle_key(transaction: KeyTransaction, held: HeldKey, result: object) -> None:
    """Tie the work of a transaction that is about to be committed to its key."""
    await transaction.mark_key(held.claim)
    if held.word is not None:
        await keep_answer(transaction, held.claim, held.word(result))
