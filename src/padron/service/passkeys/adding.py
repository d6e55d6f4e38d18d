"""A signed-in person adds a passkey, in two steps: the browser is asked for one, and brings it."""

import asyncio

from padron.domain.account import check_name
from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import PASSKEY_NAME_LENGTH_MAX, Party, Passkey, give_adding_purpose
from padron.domain.people import User
from padron.domain.sessions import SignInEvent, SignInKind, SignInWay, Visitor
from padron.service.passkeys.answers import AnswerRefusedError, MadeCredential, check_made, read_made, word_making
from padron.service.passkeys.challenges import make_challenge, take_challenge
from padron.service.passkeys.confirming import confirm_person, find_person
from padron.service.people.sessions import Session
from padron.service.people.users import lock_user
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction


async def begin_adding(
    runtime: Runtime, session: Session, party: Party, name: str, password: str, visitor: Visitor
) -> str:
    """Give what the browser needs to make a passkey, as JSON.

    Raises ``sign_in_refused`` without the proof that is needed, ``bad_parameters`` for a name or for too many passkeys,
    ``rate_exceeded``, ``server_full`` and ``forbidden``.
    """
    user = find_person(runtime, session)
    check_passkey_name(name)
    known = await runtime.store.people.list_passkeys(user.user_id)
    _check_room(runtime, len(known))
    await confirm_person(runtime, session, user, password, visitor)
    purpose = give_adding_purpose(user.user_id)
    challenge = await make_challenge(runtime, session.csrf_token, visitor, purpose)
    return await asyncio.to_thread(word_making, party, challenge, user, known)


async def finish_adding(
    runtime: Runtime, session: Session, party: Party, name: str, answer_text: str, visitor: Visitor
) -> Passkey:
    """Store the passkey that the browser has made for this session's person.

    Only a session that gave its proof has a challenge, so the proof is not asked for again. Raises ``sign_in_refused``
    for an answer that proves nothing, ``session_ended`` when the session has ended meanwhile, ``bad_parameters`` and
    ``forbidden``.
    """
    user = find_person(runtime, session)
    check_passkey_name(name)
    made = await _read(runtime, session, user, party, answer_text)
    at = runtime.clock()
    passkey = Passkey(
        credential_id=made.credential_id,
        user_id=user.user_id,
        host=party.host,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        added_at=at,
        used_at=None,
    )
    event = SignInEvent(
        actor=user.user_id,
        account_id=None,
        kind=SignInKind.PASSKEY_ADDED,
        way=SignInWay.PASSKEY,
        at=at,
        address=visitor.address,
        agent=visitor.give_agent(),
    )

    async def work(transaction: PeopleTransaction) -> None:
        await hold_session(transaction, session, user)
        _check_room(runtime, len(await transaction.passkeys.list_of(user.user_id)))
        if not await transaction.passkeys.add(passkey):
            raise _refuse()
        await transaction.note_sign_in(event)

    await runtime.store.people.write(work)
    return passkey


def check_passkey_name(name: str) -> None:
    """Raise ``bad_parameters`` for a name that no passkey may have."""
    check_name("The passkey's name", name, PASSKEY_NAME_LENGTH_MAX)


async def hold_session(transaction: PeopleTransaction, session: Session, user: User) -> None:
    """Lock a person, and hold the session until the end of the transaction. Raises ``session_ended`` without it.

    Otherwise somebody whose sessions are just being ended, such as by a new password, could still add a passkey.
    """
    await lock_user(transaction, user)
    if not await transaction.passkeys.hold_session(user.user_id, session.session_id):
        raise PadronError(Code.SESSION_ENDED, "Your session has ended. Sign in again.")


async def _read(runtime: Runtime, session: Session, user: User, party: Party, text: str) -> MadeCredential:
    """Give what a device has made. Raises ``sign_in_refused``, whatever is wrong."""
    try:
        answer = await asyncio.to_thread(read_made, text)
        purpose = give_adding_purpose(user.user_id)
        if not await take_challenge(runtime, answer.challenge, session.csrf_token, purpose):
            raise _refuse()
        return await asyncio.to_thread(check_made, answer, party)
    except AnswerRefusedError:
        raise _refuse() from None


def _check_room(runtime: Runtime, count: int) -> None:
    if count >= runtime.limits.passkeys:
        raise PadronError(
            Code.BAD_PARAMETERS, f"You have {count} passkeys, and the limit is {runtime.limits.passkeys}. Remove one."
        )


def _refuse() -> PadronError:
    return PadronError(Code.SIGN_IN_REFUSED, "This passkey cannot be used. Try again, or use another device.")
