"""Keeps the first answer to a request. The same request with the same Idempotency-Key has no effect.

Three transactions claim the key, do the work, and keep the answer. The second one also writes the
key's state. So when a process ends at any moment, the register knows whether the work was
committed.
"""

import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import HeldKey, KeptAnswer, KeyClaim, check_room, decide_repeat, give_claim
from padron.domain.limits import Limits
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.idempotency import KeyTransaction, keep_answer

DELETE_CHUNK = 500

_CLAIM_TRIES = 3  # a claim may find a key that is released before the claim reads it

_log = logging.getLogger("padron.idempotency")


async def claim_key(runtime: Runtime, principal: Principal, key: str, fingerprint: bytes) -> KeyClaim | KeptAnswer:
    """Give the claim for doing a request, or the answer that was kept for it.

    Raises ``key_reused``, ``key_in_use``, ``answer_lost``, and ``overloaded`` when too many answers
    are kept.
    """
    now = runtime.clock()
    claim = give_claim(principal.account_id, principal.actor, key, fingerprint, secrets.token_hex(8), now)

    async def work(transaction: WriteTransaction) -> KeyClaim | KeptAnswer | None:
        keys = transaction.keys
        if await keys.add_key(claim):
            await _take_room(keys, now, runtime.limits)
            return claim
        kept = await keys.lock_key(claim.actor, claim.key)
        if kept is None:
            return None
        answer = decide_repeat(kept, fingerprint, now)
        if answer is not None:
            return answer
        await keys.claim_again(claim)
        if kept.answer is not None:
            await keys.add_totals(0, -len(kept.answer.body))
        return claim

    for _ in range(_CLAIM_TRIES):
        found = await runtime.store.write(principal.account_id, work)
        if found is not None:
            return found
    raise PadronError(Code.KEY_IN_USE, "Other requests are using this Idempotency-Key. Try again shortly.")


def hold_key(runtime: Runtime, held: HeldKey) -> Runtime:
    """Give the runtime for the work of one request. Its commits belong to the request's key."""
    return replace(runtime, store=runtime.store.hold_key(held))


async def save_answer(runtime: Runtime, claim: KeyClaim, answer: KeptAnswer) -> None:
    """Keep the answer of a finished request. If this fails, only the log says so: the answer is still valid."""

    async def work(transaction: WriteTransaction) -> None:
        keys = transaction.keys
        await keep_answer(keys, claim, answer)

    try:
        await runtime.store.write(claim.account_id, work)
    except PadronError as error:
        _log.warning("the answer to request %s is not kept: %s", answer.request_id, error.detail)


async def release_key(runtime: Runtime, claim: KeyClaim) -> None:
    """Let the client send the request again at once, unless some of its work is committed."""

    async def work(transaction: WriteTransaction) -> None:
        keys = transaction.keys
        if await keys.release_key(claim):
            await keys.add_totals(-1, 0)

    with suppress(PadronError):  # otherwise the key's lease has to expire first
        await runtime.store.write(claim.account_id, work)


async def delete_expired(runtime: Runtime, account_id: int) -> int:
    """Delete an account's expired keys, a few in each transaction, and give their number."""
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> int:
        keys = transaction.keys
        return await _delete_some(keys, now)

    deleted = 0
    while some := await runtime.store.write(account_id, work):
        deleted += some
    return deleted


async def _take_room(transaction: KeyTransaction, now: datetime, limits: Limits) -> None:
    totals = await transaction.add_totals(1, 0)
    try:
        check_room(totals, limits)
    except PadronError:
        await _delete_some(transaction, now)
        check_room(await transaction.add_totals(0, 0), limits)


async def _delete_some(transaction: KeyTransaction, now: datetime) -> int:
    sizes = await transaction.delete_expired(now, DELETE_CHUNK)
    if sizes:
        await transaction.add_totals(-len(sizes), -sum(sizes))
    return len(sizes)
