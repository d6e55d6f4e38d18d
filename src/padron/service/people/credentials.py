"""Checks an e-mail address with a password, and lets nobody learn more than yes or no."""

import asyncio

from padron.domain.addresses import find_network
from padron.domain.errors import Code, PadronError
from padron.domain.people import User, parse_email
from padron.domain.rates import RateExceededError
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.people.sign_ins import note_sign_in
from padron.service.people.throttle import NAME_RATE, SignInAttempt
from padron.service.runtime import Runtime
from padron.service.watching.counts import SignIn, SignInEnd
from padron.store.people.rows import Credentials

EVENTS_SEARCHED = 10_000  # of one person, the last ones; guesses are among them, about one a minute at most
NOBODY = ""


async def check_credentials(runtime: Runtime, email: str, password: str, visitor: Visitor) -> Credentials:
    """Give the person with this address and password.

    Raises ``sign_in_refused``, with one text, after one hash and one event: whether there is no such person, or the
    person has no password, has another one, is disabled, or must sign in with a provider. Raises ``rate_exceeded`` and
    ``server_full``.
    """
    folded = _fold_email(email)
    try:
        attempt = await _begin_attempt(runtime, email if folded is None else folded, visitor)
    except RateExceededError:
        runtime.counts.sign_ins[SignIn(SignInWay.PASSWORD, SignInEnd.THROTTLED)] += 1
        raise
    try:
        found = None if folded is None else await runtime.store.people.find_credentials(folded)
        is_right = await runtime.passwords.verify(None if found is None else found.password_hash, password)
    except PadronError:  # nothing was tried
        runtime.throttle.give_back(attempt, succeeded=False)
        raise
    may_enter = found is not None and found.user.is_active and may_use_own_means(runtime, found.user)
    if found is None or not is_right or not may_enter:
        actor = None if found is None else found.user.user_id
        await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.PASSWORD, visitor, actor=actor)
        raise refuse_sign_in()
    runtime.throttle.give_back(attempt, succeeded=True)
    return found


async def _begin_attempt(runtime: Runtime, name: str, visitor: Visitor) -> SignInAttempt:
    """Take an attempt for a name. A stranger's guesses keep nobody out who signed in from this network before."""
    now_s = asyncio.get_running_loop().time()
    try:
        return runtime.throttle.take(name, visitor.address, now_s)
    except RateExceededError as error:
        if error.rate is not NAME_RATE or not await _has_come_from(runtime, name, visitor.address):
            raise
    runtime.throttle.recognise(name, visitor.address)
    return runtime.throttle.take(name, visitor.address, now_s)


async def _has_come_from(runtime: Runtime, name: str, address: str) -> bool:
    """Say whether somebody with this e-mail address signed in from this network, as far as the record goes."""
    people, network = runtime.store.people, find_network(address)
    found = await people.find_credentials(name)
    actor = NOBODY if found is None else found.user.user_id  # a name that nobody has takes the same time
    addresses = await people.list_sign_in_addresses(actor, EVENTS_SEARCHED)
    return network in {find_network(one) for one in addresses if one}


def may_use_own_means(runtime: Runtime, user: User) -> bool:
    """Say whether a person may sign in by what Padrón itself keeps: a password, or a passkey."""
    return runtime.authenticator.access_tokens.providers.allows_passwords or user.is_break_glass


def refuse_sign_in() -> PadronError:
    """Give the one refusal for everybody who did not prove who they are."""
    return PadronError(Code.SIGN_IN_REFUSED, "The e-mail address or the password is wrong, or you may not sign in.")


def _fold_email(email: str) -> str | None:
    try:
        return parse_email(email)
    except PadronError:
        return None
