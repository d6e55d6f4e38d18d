"""Signing in with a passkey. Who cannot prove it gets one answer, whatever is wrong."""

import asyncio
from dataclasses import dataclass

from padron.domain.errors import PadronError
from padron.domain.passkeys import Party, Passkey, encode_base64url, went_backwards
from padron.domain.people import User
from padron.domain.rates import RateExceededError
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.passkeys.answers import AnswerRefusedError, SignedAnswer, check_signed, read_signed, word_signing
from padron.service.passkeys.challenges import make_challenge, take_challenge
from padron.service.people.credentials import may_use_own_means, refuse_sign_in
from padron.service.people.sessions import NewSession, open_session_for
from padron.service.people.sign_ins import note_sign_in
from padron.service.runtime import Runtime
from padron.service.watching.counts import SignIn, SignInEnd
from padron.store.people.transaction import PeopleTransaction


class _CountedBackError(Exception):
    """The device counted no further than before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proved:
    """A passkey that has signed, whose it is, and how often its device has signed."""

    passkey: Passkey
    user: User
    count: int


async def begin_passkey_sign_in(runtime: Runtime, party: Party, browser: str, visitor: Visitor) -> str:
    """Give what a browser needs to sign somebody in, as JSON. ``browser`` is a secret that this browser brings back.

    Raises ``rate_exceeded`` and ``server_full`` for too many.
    """
    challenge = await make_challenge(runtime, browser, visitor)
    return await asyncio.to_thread(word_signing, party, challenge)


async def sign_in_with_passkey(
    runtime: Runtime, party: Party, answer_text: str, browser: str, visitor: Visitor
) -> NewSession:
    """Open a session for the person whose passkey signed this browser's challenge.

    Raises ``sign_in_refused`` with one text, after one event, whatever is wrong. Raises ``rate_exceeded``, and
    ``forbidden`` for a member of no account.
    """
    answer = await asyncio.to_thread(read_signed, answer_text)
    name = "" if answer is None else encode_base64url(answer.credential_id)
    try:
        attempt = runtime.throttle.take(f"passkey {name}", visitor.address, asyncio.get_running_loop().time())
    except RateExceededError:
        runtime.counts.sign_ins[SignIn(SignInWay.PASSKEY, SignInEnd.THROTTLED)] += 1
        raise
    try:
        is_asked = answer is not None and await take_challenge(runtime, answer.challenge, browser)
        passkey = None if answer is None else await runtime.store.people.find_passkey(answer.credential_id)
        proved = await _prove(runtime, party, answer, passkey) if is_asked else None
    except PadronError:  # nothing was tried
        runtime.throttle.give_back(attempt, succeeded=False)
        raise
    actor = None if passkey is None else passkey.user_id
    if proved is None:
        await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.PASSKEY, visitor, actor=actor)
        raise refuse_sign_in()
    runtime.throttle.give_back(attempt, succeeded=True)
    try:
        return await _open(runtime, proved, visitor)
    except _CountedBackError:
        await note_sign_in(runtime, SignInKind.PASSKEY_DOUBTED, SignInWay.PASSKEY, visitor, actor=actor)
        raise refuse_sign_in() from None


async def _prove(
    runtime: Runtime, party: Party, answer: SignedAnswer | None, passkey: Passkey | None
) -> _Proved | None:  # fmt: skip
    """Give who has signed; None for an unknown passkey, a wrong signature, or somebody who may not sign in."""
    if answer is None or passkey is None or passkey.host != party.host:
        return None
    if answer.user_handle != passkey.user_id.encode():
        return None
    try:
        count = await asyncio.to_thread(check_signed, answer, passkey, party)
    except AnswerRefusedError:
        return None
    user = await runtime.store.people.find_user(passkey.user_id)
    if user is None or not user.is_active or not may_use_own_means(runtime, user):
        return None
    return _Proved(passkey=passkey, user=user, count=count)


async def _open(runtime: Runtime, proved: _Proved, visitor: Visitor) -> NewSession:
    at = runtime.clock()

    async def use(transaction: PeopleTransaction) -> None:
        # Read again, because it may have been removed or used since. The person is locked, so two uses are in a row.
        now = await transaction.passkeys.find(proved.passkey.credential_id)
        if now is None or now.user_id != proved.user.user_id:
            raise refuse_sign_in()
        if went_backwards(now, proved.count):
            raise _CountedBackError
        await transaction.passkeys.touch(now.credential_id, proved.count, at)

    return await open_session_for(runtime, proved.user, SignInWay.PASSKEY, visitor, use)
