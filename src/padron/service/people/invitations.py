"""Links that work once: to set the first password, to set another one, and to sign in without one.

Padrón sends no mail. Whoever makes a link hands it over.
"""

import asyncio
import secrets
from dataclasses import dataclass

from padron.domain.account import SECRET_LENGTH, encode_base62
from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.domain.sessions import (
    INVITATION_LASTS,
    INVITATION_PREFIX,
    SIGN_IN_LINK_LASTS,
    Invitation,
    InvitationPurpose,
    SignInWay,
    Visitor,
    digest_invitation_token,
)
from padron.service.people.changing_passwords import end_passkeys, write_password
from padron.service.people.password_rules import check_password
from padron.service.people.sessions import NewSession, open_session_for
from padron.service.people.users import lock_user
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction

PATH = "/console/invitation/"  # of the page that takes the token


@dataclass(frozen=True, kw_only=True, slots=True)
class NewLink:
    """A new link. Its token is shown only once."""

    token: str
    invitation: Invitation

    @property
    def path(self) -> str:
        """The path of the page in the console."""
        return PATH + self.token

    async def write(self, transaction: PeopleTransaction) -> None:
        """Store the link in the place of earlier ones for the same. The person must be locked or new."""
        digest = digest_invitation_token(self.token)
        assert digest is not None  # noqa: S101 - make_link() made the token
        await transaction.add_invitation(digest, self.invitation)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundInvitation:
    """An invitation that can be used, with the person."""

    invitation: Invitation
    user: User


def make_link(runtime: Runtime, user: User, purpose: InvitationPurpose, created_by: str) -> NewLink:
    """Give a new link, which is not stored yet."""
    now = runtime.clock()
    lasts = SIGN_IN_LINK_LASTS if purpose is InvitationPurpose.SIGN_IN else INVITATION_LASTS
    invitation = Invitation(
        user_id=user.user_id,
        purpose=purpose,
        created_by=created_by,
        created_at=now,
        expires_at=now + lasts,
        used_at=None,
    )
    return NewLink(token=INVITATION_PREFIX + encode_base62(secrets.randbits(256), SECRET_LENGTH), invitation=invitation)


async def make_invitation(runtime: Runtime, user: User, created_by: str) -> NewLink:
    """Give a link to set a password, for an operator. It works once, for three days. Earlier links end.

    Raises ``user_not_found`` for somebody who was erased.
    """
    purpose = InvitationPurpose.INVITE if user.password_changed_at is None else InvitationPurpose.RESET
    return await _store(runtime, user, make_link(runtime, user, purpose, created_by))


async def make_sign_in_link(runtime: Runtime, user: User, created_by: str = "cli") -> NewLink:
    """Give a link that signs a person in, for an operator. It works once, for ten minutes. Earlier ones end.

    Raises ``user_not_found`` for somebody who was erased.
    """
    return await _store(runtime, user, make_link(runtime, user, InvitationPurpose.SIGN_IN, created_by))


async def get_invitation(runtime: Runtime, token: str) -> FoundInvitation:
    """Give the invitation of a token, to show its page. It is not used by this. Raises ``invitation_ended``."""
    digest = digest_invitation_token(token)
    found = None if digest is None else await runtime.store.people.find_invitation(digest)
    if found is None or found.used_at is not None or found.expires_at <= runtime.clock():
        raise _refuse()
    user = await runtime.store.people.find_user(found.user_id)
    if user is None or not user.is_active:
        raise _refuse()
    return FoundInvitation(invitation=found, user=user)


async def accept_invitation(runtime: Runtime, token: str, password: str, visitor: Visitor) -> NewSession:
    """Set a person's password with the token of a link, end all their sessions and passkeys, and open a session.

    Raises ``invitation_ended``, ``bad_parameters`` for a password that is refused, and ``server_full``. The link can
    still be used after these two. Raises ``forbidden`` for a member of no account; the password is set then.
    """
    found = await get_invitation(runtime, token)
    if found.invitation.purpose is InvitationPurpose.SIGN_IN:
        raise _refuse()
    await asyncio.to_thread(check_password, password, found.user)
    password_hash = await runtime.passwords.hash(password)
    user = await _use(runtime, token, found.user, visitor, password_hash)
    return await open_session_for(runtime, user, SignInWay.LINK, visitor)


async def sign_in_with_link(runtime: Runtime, token: str, visitor: Visitor) -> NewSession:
    """Open a session with the token of a one-time link. Raises ``invitation_ended`` and ``forbidden``."""
    found = await get_invitation(runtime, token)
    if found.invitation.purpose is not InvitationPurpose.SIGN_IN:
        raise _refuse()
    user = await _use(runtime, token, found.user, visitor, None)
    return await open_session_for(runtime, user, SignInWay.LINK, visitor)


async def _store(runtime: Runtime, user: User, link: NewLink) -> NewLink:
    async def work(transaction: PeopleTransaction) -> None:
        await lock_user(transaction, user)
        await link.write(transaction)

    await runtime.store.people.write(work)
    return link


async def _use(runtime: Runtime, token: str, user: User, visitor: Visitor, password_hash: str | None) -> User:
    """Use a link, set the password where there is one, and give the person. Raises ``invitation_ended``."""
    digest = digest_invitation_token(token)
    assert digest is not None  # noqa: S101 - the invitation was found by it
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> User:
        now = await lock_user(transaction, user)
        if not now.is_active or not await transaction.use_invitation(digest, at):
            raise _refuse()
        if password_hash is None:
            return now
        await end_passkeys(transaction, now, at, visitor)
        return await write_password(transaction, now, password_hash, at, visitor)

    return await runtime.store.people.write(work)


def _refuse() -> PadronError:
    return PadronError(
        Code.INVITATION_ENDED,
        "This link is not valid: it was used before, has expired, or a later one took its place. Ask for another link.",
    )
