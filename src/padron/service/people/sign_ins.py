"""The record of sign-ins: who came in, who was refused, and who went."""

from padron.domain.account import Principal, Scope
from padron.domain.people import User
from padron.domain.sessions import NumberedSignIn, SignInEvent, SignInKind, SignInWay, Visitor
from padron.service.runtime import Runtime
from padron.service.watching.counts import SignIn, SignInEnd
from padron.store.people.transaction import PeopleTransaction

PAGE = 100
LAST = 2**63 - 1  # no event has a higher number

_REFUSALS = frozenset({SignInKind.REFUSED, SignInKind.PASSKEY_DOUBTED})


async def note_sign_in(
    runtime: Runtime,
    kind: SignInKind,
    way: SignInWay | None,
    visitor: Visitor,
    *,
    actor: str | None = None,
    account_id: int | None = None,
) -> None:
    """Record an event in a transaction of its own. A refusal is also counted."""
    if kind in _REFUSALS and way is not None:
        runtime.counts.sign_ins[SignIn(way, SignInEnd.REFUSED)] += 1
    event = SignInEvent(
        actor=actor,
        account_id=account_id,
        kind=kind,
        way=way,
        at=runtime.clock(),
        address=visitor.address,
        agent=visitor.give_agent(),
    )

    async def work(transaction: PeopleTransaction) -> None:
        await transaction.note_sign_in(event)

    await runtime.store.people.write(work)


async def list_own_sign_ins(
    runtime: Runtime, user: User, *, before: int = LAST, limit: int = PAGE
) -> list[NumberedSignIn]:
    """Give a person's own events before a number, the last one first."""
    return await runtime.store.people.list_sign_ins_of_actor(user.user_id, before, min(limit, PAGE))


async def list_account_sign_ins(
    runtime: Runtime, principal: Principal, *, before: int = LAST, limit: int = PAGE
) -> list[NumberedSignIn]:
    """Give the events of the principal's account before a number, the last one first. Raises ``forbidden``.

    These are the entries into this account, and the attempts of its members that failed. What a member does in another
    account is not among them.
    """
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    return await runtime.store.people.list_sign_ins_of_account(principal.account_id, before, min(limit, PAGE))
