"""Who adds or removes a passkey has signed in a moment ago, or types the password again.

A passkey signs in for years. Without this rule, a browser that somebody left open for a minute, or a stolen cookie,
would become a way in that no end of a session takes away.
"""

from enum import Enum

from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import CONFIRMED_FOR
from padron.domain.people import User
from padron.domain.sessions import Visitor
from padron.service.people.credentials import check_credentials, may_use_own_means
from padron.service.people.sessions import Session
from padron.service.runtime import Runtime


class Proof(Enum):
    """What a person needs besides the session."""

    NOTHING = "nothing"
    PASSWORD = "password"  # noqa: S105 - the name of a proof, not a secret
    NEW_SIGN_IN = "new_sign_in"  # of who has no password


def find_person(runtime: Runtime, session: Session) -> User:
    """Give the person who may have passkeys. Raises ``forbidden`` for a key, and for who must use a provider."""
    if session.user is None:
        raise PadronError(Code.FORBIDDEN, "You are signed in with an API key, which has no passkeys.")
    if not may_use_own_means(runtime, session.user):
        raise PadronError(Code.FORBIDDEN, "People sign in here with their provider, so passkeys are not used.")
    return session.user


def find_proof(runtime: Runtime, session: Session, user: User) -> Proof:
    """Give what the person of a session needs now."""
    if runtime.clock() - session.created_at <= CONFIRMED_FOR:
        return Proof.NOTHING
    return Proof.NEW_SIGN_IN if user.password_changed_at is None else Proof.PASSWORD


async def confirm_person(runtime: Runtime, session: Session, user: User, password: str, visitor: Visitor) -> None:
    """Raise ``sign_in_refused`` unless the person gave the proof that is needed.

    A password is checked as at a sign-in: raises ``rate_exceeded`` and ``server_full``, and a wrong one is recorded.
    """
    match find_proof(runtime, session, user):
        case Proof.NOTHING:
            return
        case Proof.PASSWORD if user.email is not None and password:
            await check_credentials(runtime, user.email, password, visitor)
        case _:
            raise PadronError(Code.SIGN_IN_REFUSED, "Type your password, or sign out, sign in, and do this again.")
