"""A person gets another password. Every session and every open link of the person ends with the former one."""

import asyncio
from dataclasses import replace
from datetime import datetime

from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.domain.sessions import SignInEvent, SignInKind, SignInWay, Visitor
from padron.service.people.credentials import check_credentials
from padron.service.people.password_rules import check_password
from padron.service.people.sessions import NewSession, Session, open_session_for
from padron.service.people.users import lock_user
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction

OPERATOR = Visitor(address="", agent="padron")


async def set_password(runtime: Runtime, user: User, password: str) -> User:
    """Set a person's password, and end all their sessions and passkeys, for an operator.

    Raises ``bad_parameters``, ``user_not_found`` and ``server_full``.
    """
    await asyncio.to_thread(check_password, password, user)
    password_hash = await runtime.passwords.hash(password)
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> User:
        now = await lock_user(transaction, user)
        await end_passkeys(transaction, now, at, OPERATOR)
        return await write_password(transaction, now, password_hash, at, OPERATOR)

    return await runtime.store.people.write(work)


async def change_password(
    runtime: Runtime, session: Session, former: str, password: str, visitor: Visitor
) -> NewSession:
    """Change the password of a session's person, end all their sessions and open a new one.

    Raises ``sign_in_refused`` for a wrong former password, ``bad_parameters`` for a new one that is refused,
    ``rate_exceeded``, ``server_full``, and ``forbidden`` for the session of a key or of a person without a password.
    """
    user = session.user
    if user is None or user.email is None or user.password_changed_at is None:
        raise PadronError(Code.FORBIDDEN, "This session has no password to change.")
    await asyncio.to_thread(check_password, password, user)
    checked = await check_credentials(runtime, user.email, former, visitor)
    password_hash = await runtime.passwords.hash(password)
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> User:
        now = await lock_user(transaction, user)
        if now.password_changed_at != checked.user.password_changed_at:
            raise PadronError(Code.SESSION_ENDED, "Your password was changed a moment ago. Sign in again.")
        return await write_password(transaction, now, password_hash, at, visitor)

    changed = await runtime.store.people.write(work)
    return await open_session_for(runtime, changed, SignInWay.PASSWORD, visitor)


async def write_password(
    transaction: PeopleTransaction, user: User, password_hash: str, at: datetime, visitor: Visitor
) -> User:
    """Store the password of a locked person, end all sessions and open links, and record it. Give the person."""
    await transaction.set_password(user.user_id, password_hash, at)
    await transaction.end_other_sessions(user.user_id)
    await transaction.end_invitations(user.user_id)
    await transaction.note_sign_in(
        SignInEvent(
            actor=user.user_id,
            account_id=None,
            kind=SignInKind.PASSWORD_SET,
            way=None,
            at=at,
            address=visitor.address,
            agent=visitor.give_agent(),
        )
    )
    return replace(user, password_changed_at=at)


async def end_passkeys(transaction: PeopleTransaction, user: User, at: datetime, visitor: Visitor) -> None:
    """Remove all passkeys of a locked person, and record it if there was one.

    Somebody who gets in by a link or an operator has lost the other ways, perhaps to somebody else.
    """
    if not await transaction.passkeys.remove_all(user.user_id):
        return
    await transaction.note_sign_in(
        SignInEvent(
            actor=user.user_id,
            account_id=None,
            kind=SignInKind.PASSKEY_REMOVED,
            way=SignInWay.PASSKEY,
            at=at,
            address=visitor.address,
            agent=visitor.give_agent(),
        )
    )
