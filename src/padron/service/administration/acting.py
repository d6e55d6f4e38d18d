"""The one way to administer an account: the deed and its record are one transaction.

Other processes may believe a key for two seconds after its end, and a session is read before its request is. So
whoever administers is looked up again inside the transaction: a revoked key, or an owner who was removed a moment ago,
cannot make another key in that time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from padron.domain.account import is_user_id, parse_key_id
from padron.domain.administration import Deed, Doer
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES
from padron.service.runtime import Runtime
from padron.store.administration import AdministrationTransaction
from padron.store.base import WriteTransaction

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Done(Generic[T]):
    """The result of a piece of work, and what to record of it. Without a deed nothing was changed."""

    result: T
    deed: Deed | None = None


Steps = Callable[[AdministrationTransaction, datetime], Awaitable[Done[T]]]


async def administer(runtime: Runtime, account_id: int, doer: Doer, work: Steps[T]) -> T:
    """Do a piece of work in an account that is locked, record it, and give its result.

    ``work`` gets the present instant. Raises ``invalid_token`` for a doer whose key has ended.
    """
    at = runtime.clock()

    async def run(transaction: WriteTransaction) -> T:
        administration = transaction.administration
        await begin_act(administration, account_id, doer, at)
        done = await work(administration, at)
        if done.deed is not None:
            await administration.note(done.deed, doer, at)
        return done.result

    return await runtime.store.write(account_id, run)


async def begin_act(
    administration: AdministrationTransaction, account_id: int, doer: Doer, at: datetime
) -> None:  # fmt: skip
    """Lock the account, and look up whoever acts in it.

    Raises ``invalid_token`` for a key that has ended, and ``forbidden`` for a person who is disabled, is no member any
    more, or has a role that may less than when the request began.
    """
    await administration.lock()
    if doer.scopes is None:
        return
    is_enabled = await administration.is_enabled()
    if is_user_id(doer.actor):
        role = await administration.find_active_role(doer.actor)
        if not is_enabled or role is None or not doer.scopes <= ROLE_SCOPES[role]:
            raise PadronError(
                Code.FORBIDDEN,
                "You may not do this any more: your role or your membership was changed, or the account disabled, "
                "just now.",
            )
        return
    is_valid = is_enabled
    if is_enabled and parse_key_id(doer.actor) == account_id:
        key = await administration.find_key(doer.actor)
        is_valid = key is not None and key.is_usable(at)
    if not is_valid:
        raise PadronError(
            Code.INVALID_TOKEN, "The API key is not valid any more: it was revoked, or its account disabled, just now."
        )
