"""Signing in, and the sessions that it opens.

A session is asked for in the database at each use, in one statement, with whom it belongs to. So nothing is believed:
a sign-out, a new password, a disabled person, a lost membership and a revoked key end it at once, on every server.
"""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from padron.domain.account import SECRET_LENGTH, Principal, encode_base62, is_user_id
from padron.domain.addresses import is_within, parse_address
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, Membership, Role, User
from padron.domain.sessions import (
    IDLE_MAX,
    LASTS_MAX,
    NOTED_EVERY,
    SESSION_PREFIX,
    SESSIONS_MAX,
    FoundSession,
    KeptSession,
    KeySession,
    SignInEvent,
    SignInKind,
    SignInWay,
    UserSession,
    Visitor,
    derive_csrf_token,
    digest_session_token,
)
from padron.service.people.credentials import check_credentials, refuse_sign_in
from padron.service.people.sign_ins import note_sign_in
from padron.service.runtime import Runtime
from padron.service.watching.counts import SignIn, SignInEnd
from padron.store.people.rows import Credentials
from padron.store.people.transaction import PeopleTransaction

UseMeans = Callable[[PeopleTransaction], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A live session, as it was when it was read. It ends at ``ends_at`` if it is not used any more.

    Exactly one of ``user`` and ``key_id`` is there. ``accounts`` are those that the person can choose.
    """

    session_id: str
    principal: Principal
    user: User | None
    key_id: str | None
    account_id: int
    account_name: str
    role: Role | None
    accounts: tuple[Membership, ...]
    csrf_token: str
    created_at: datetime
    used_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """A new session with its token, which only the browser keeps."""

    session: Session
    token: str


async def sign_in_with_password(runtime: Runtime, email: str, password: str, visitor: Visitor) -> NewSession:
    """Open a session for a person with this password.

    Raises ``sign_in_refused``, ``rate_exceeded`` and ``server_full`` as ``check_credentials`` does, and ``forbidden``
    for a member of no account.
    """
    found = await check_credentials(runtime, email, password, visitor)
    new = await _open_for_user(runtime, found.user, SignInWay.PASSWORD, visitor)
    await _renew_hash(runtime, found, password)
    return new


async def sign_in_with_key(runtime: Runtime, token: str, visitor: Visitor) -> NewSession:
    """Open a session with the scopes of an API key, in the key's account.

    Raises ``invalid_token``, ``forbidden`` for a key that must not be used from this address, and ``rate_exceeded``.
    """
    try:
        principal = await runtime.authenticator.authenticate(token, visitor.address)
    except PadronError as error:
        if error.code in {Code.INVALID_TOKEN, Code.FORBIDDEN}:
            await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.API_KEY, visitor)
        if error.code is Code.RATE_EXCEEDED:
            runtime.counts.sign_ins[SignIn(SignInWay.API_KEY, SignInEnd.THROTTLED)] += 1
        raise
    return await _open(
        runtime, _Opening.begin(runtime, principal.actor, SignInWay.API_KEY, visitor), principal.account_id
    )


async def open_session_for(
    runtime: Runtime, user: User, how: SignInWay, visitor: Visitor, use: UseMeans | None = None
) -> NewSession:
    """Open a session for a person who has just proved by other means who they are.

    Raises ``sign_in_refused`` for somebody who is disabled or erased, and ``forbidden`` for a member of no account.
    ``use`` is called in the same transaction, once the person is locked: to look at the means again, and to note that
    they were used. What it raises opens no session.
    """
    return await _open_for_user(runtime, user, how, visitor, use)


async def read_session(runtime: Runtime, token: str, visitor: Visitor, *, is_use: bool = True) -> Session:
    """Give the live session of a token. Raises ``session_ended``.

    The use is noted about once a minute, unless ``is_use`` is False. If this fails, the session is still read.
    """
    digest = digest_session_token(token)
    now = runtime.clock()
    found = None if digest is None else await runtime.store.people.find_session(digest, now, now - IDLE_MAX)
    if digest is None or found is None or not _may_come_from(found, visitor):
        raise PadronError(Code.SESSION_ENDED, "Your session has ended. Sign in again.")
    if is_use and now - found.kept.used_at >= NOTED_EVERY:
        with suppress(PadronError):
            await runtime.store.people.touch_session(digest, now, visitor)
    return _build_session(found, token, now)


async def choose_account(runtime: Runtime, token: str, account_id: int, visitor: Visitor) -> Session:
    """Choose another account for a session of a person, and give the session.

    Raises ``session_ended``, and ``forbidden`` unless the person is a member of the account.
    """
    session = await read_session(runtime, token, visitor)
    if account_id not in {membership.account_id for membership in session.accounts}:
        raise PadronError(Code.FORBIDDEN, "You are not a member of this account.")
    actor = session.principal.actor
    event = SignInEvent(
        actor=actor,
        account_id=account_id,
        kind=SignInKind.ACCOUNT_CHOSEN,
        way=None,
        at=runtime.clock(),
        address=visitor.address,
        agent=visitor.give_agent(),
    )

    async def work(transaction: PeopleTransaction) -> None:
        await transaction.lock_user(actor)
        if await transaction.move_session(actor, session.session_id, account_id):
            await transaction.note_sign_in(event)

    await runtime.store.people.write(work)
    return await read_session(runtime, token, visitor)


async def list_sessions(runtime: Runtime, session: Session) -> list[KeptSession]:
    """Give the live sessions of the same person or key, the one that was used last first."""
    now = runtime.clock()
    return await runtime.store.people.list_sessions(session.principal.actor, now, now - IDLE_MAX)


async def end_session(runtime: Runtime, session: Session, visitor: Visitor, session_id: str | None = None) -> bool:
    """End this session, or another one of the same person or key. Give False when there is no such session."""
    actor = session.principal.actor
    chosen = session.session_id if session_id is None else session_id
    event = SignInEvent(
        actor=actor,
        account_id=session.account_id,
        kind=SignInKind.SIGNED_OUT,
        way=None,
        at=runtime.clock(),
        address=visitor.address,
        agent=visitor.give_agent(),
    )

    async def work(transaction: PeopleTransaction) -> bool:
        if not await transaction.end_session(actor, chosen):
            return False
        await transaction.note_sign_in(event)
        return True

    return await runtime.store.people.write(work)


async def end_other_sessions(runtime: Runtime, session: Session) -> int:
    """End all other sessions of the same person or key, and give their number."""

    async def work(transaction: PeopleTransaction) -> int:
        return await transaction.end_other_sessions(session.principal.actor, session.session_id)

    return await runtime.store.people.write(work)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opening:
    """A session that is being opened, before its account is known."""

    token: str
    token_sha256: bytes
    session_id: str
    actor: str
    way: SignInWay
    visitor: Visitor
    at: datetime

    @classmethod
    def begin(cls, runtime: Runtime, actor: str, way: SignInWay, visitor: Visitor) -> "_Opening":
        token = SESSION_PREFIX + encode_base62(secrets.randbits(256), SECRET_LENGTH)
        digest = digest_session_token(token)
        assert digest is not None  # noqa: S101 - the line above made the token
        return cls(
            token=token,
            token_sha256=digest,
            session_id="s" + encode_base62(secrets.randbits(128), 12),
            actor=actor,
            way=way,
            visitor=visitor,
            at=runtime.clock(),
        )

    async def write(self, transaction: PeopleTransaction, account_id: int) -> None:
        """Store the session, in one account, and the event."""
        session = KeptSession(
            session_id=self.session_id,
            actor=self.actor,
            account_id=account_id,
            way=self.way,
            created_at=self.at,
            used_at=self.at,
            ends_at=self.at + LASTS_MAX,
            address=self.visitor.address,
            agent=self.visitor.give_agent(),
        )
        await transaction.add_session(self.token_sha256, session, SESSIONS_MAX)
        await transaction.note_sign_in(
            SignInEvent(
                actor=self.actor,
                account_id=account_id,
                kind=SignInKind.SIGNED_IN,
                way=self.way,
                at=self.at,
                address=self.visitor.address,
                agent=self.visitor.give_agent(),
            )
        )


async def _open_for_user(
    runtime: Runtime, user: User, way: SignInWay, visitor: Visitor, use: UseMeans | None = None
) -> NewSession:
    opening = _Opening.begin(runtime, user.user_id, way, visitor)

    async def work(transaction: PeopleTransaction) -> None:
        # Locked and read again: the person may have been disabled, or got another password, since the check.
        now = await transaction.lock_user(user.user_id)
        if now is None or not now.user.is_active or now.user.password_changed_at != user.password_changed_at:
            raise refuse_sign_in()
        if use is not None:
            await use(transaction)
        memberships = await transaction.list_enabled_memberships(user.user_id)
        if not memberships:
            raise PadronError(
                Code.FORBIDDEN, "There is no account that you can enter now. Ask an owner of the account to let you in."
            )
        await opening.write(transaction, memberships[0].account_id)

    await runtime.store.people.write(work)
    return await _read_new(runtime, opening)


async def _open(runtime: Runtime, opening: _Opening, account_id: int) -> NewSession:
    async def work(transaction: PeopleTransaction) -> None:
        await opening.write(transaction, account_id)

    await runtime.store.people.write(work)
    return await _read_new(runtime, opening)


async def _read_new(runtime: Runtime, opening: _Opening) -> NewSession:
    session = await read_session(runtime, opening.token, opening.visitor)
    runtime.counts.sign_ins[SignIn(opening.way, SignInEnd.SIGNED_IN)] += 1
    return NewSession(session=session, token=opening.token)


async def _renew_hash(runtime: Runtime, found: Credentials, password: str) -> None:
    """Hash the password again where the parameters have changed. If this fails, the next sign-in does it."""
    before = found.password_hash
    if before is None or not runtime.passwords.is_outdated(before):
        return
    with suppress(PadronError):
        after = await runtime.passwords.hash(password)

        async def work(transaction: PeopleTransaction) -> None:
            await transaction.renew_hash(found.user.user_id, before, after)

        await runtime.store.people.write(work)


def _build_session(found: FoundSession, token: str, now: datetime) -> Session:
    kept = found.kept
    user: User | None = None
    role: Role | None = None
    accounts: tuple[Membership, ...] = ()
    match found.holder:
        case UserSession():
            user, accounts = found.holder.user, found.holder.memberships
            (chosen,) = (one for one in accounts if one.account_id == kept.account_id)
            role, account_name = chosen.role, chosen.account_name
            scopes = frozenset(scope.value for scope in ROLE_SCOPES[role])
        case KeySession():
            account_name, scopes = found.holder.account_name, found.holder.scopes
    return Session(
        session_id=kept.session_id,
        principal=Principal(account_id=kept.account_id, actor=kept.actor, scopes=scopes),
        user=user,
        key_id=None if is_user_id(kept.actor) else kept.actor,
        account_id=kept.account_id,
        account_name=account_name,
        role=role,
        accounts=accounts,
        csrf_token=derive_csrf_token(token),
        created_at=kept.created_at,
        used_at=kept.used_at,
        ends_at=min(kept.ends_at, now + IDLE_MAX),
    )


def _may_come_from(found: FoundSession, visitor: Visitor) -> bool:
    """Say whether the key of a session may be used from here. A session of a person has no networks."""
    match found.holder:
        case KeySession(networks=networks):
            return not networks or is_within(parse_address(visitor.address), networks)
        case UserSession():
            return True
