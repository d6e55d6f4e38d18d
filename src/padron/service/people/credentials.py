"""Checks an e-mail address with a password, and lets nobody learn more than yes or no."""

import asyncio

from padron.domain.errors import Code, PadronError
from padron.domain.people import parse_email
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.people.sign_ins import note_sign_in
from padron.service.runtime import Runtime
from padron.store.people.rows import Credentials


async def check_credentials(runtime: Runtime, email: str, password: str, visitor: Visitor) -> Credentials:
    """Give the person with this address and password.

    Raises ``sign_in_refused``, with one text, after one hash and one event: whether there is no such person, or the
    person has no password, has another one, is disabled, or must sign in with a provider. Raises ``rate_exceeded`` and
    ``server_full``.
    """
    folded = _fold_email(email)
    now_s = asyncio.get_running_loop().time()
    attempt = runtime.throttle.take(email if folded is None else folded, visitor.address, now_s)
    try:
        found = None if folded is None else await runtime.store.people.find_credentials(folded)
        is_right = await runtime.passwords.verify(None if found is None else found.password_hash, password)
    except PadronError:  # nothing was tried
        runtime.throttle.give_back(attempt, succeeded=False)
        raise
    allows_passwords = runtime.authenticator.access_tokens.providers.allows_passwords
    may_enter = found is not None and found.user.is_active and (allows_passwords or found.user.is_break_glass)
    if found is None or not is_right or not may_enter:
        actor = None if found is None else found.user.user_id
        await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.PASSWORD, visitor, actor=actor)
        raise refuse_sign_in()
    runtime.throttle.give_back(attempt, succeeded=True)
    return found


def refuse_sign_in() -> PadronError:
    """Give the one refusal for everybody who did not prove who they are."""
    return PadronError(Code.SIGN_IN_REFUSED, "The e-mail address or the password is wrong, or you may not sign in.")


def _fold_email(email: str) -> str | None:
    try:
        return parse_email(email)
    except PadronError:
        return None
