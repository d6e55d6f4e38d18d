"""The passkeys that a person has, and how one is removed. The last way to sign in stays."""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import Party, Passkey, parse_credential_id
from padron.domain.people import User
from padron.domain.sessions import SignInEvent, SignInKind, SignInWay, Visitor
from padron.service.passkeys.adding import hold_session
from padron.service.passkeys.confirming import Proof, confirm_person, find_person, find_proof
from padron.service.people.credentials import may_use_own_means
from padron.service.people.sessions import Session
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPasskey:
    """A passkey as its person sees it."""

    passkey: Passkey
    is_of_this_host: bool
    is_last_way: bool  # it cannot be removed


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPasskeys:
    """A person's passkeys, the oldest first, and what the person needs to change them."""

    passkeys: tuple[OwnPasskey, ...]
    proof: Proof
    is_full: bool


async def list_own_passkeys(runtime: Runtime, session: Session, party: Party | None) -> OwnPasskeys | None:
    """Give the passkeys of a session's person; None for a key, and for who must sign in with a provider."""
    user = session.user
    if user is None or not may_use_own_means(runtime, user):
        return None
    people = runtime.store.people
    passkeys = await people.list_passkeys(user.user_id)
    issuers = await people.list_identity_issuers(user.user_id) if passkeys else []
    return OwnPasskeys(
        passkeys=tuple(
            OwnPasskey(
                passkey=one,
                is_of_this_host=party is not None and one.host == party.host,
                is_last_way=not _has_other_way(runtime, user, passkeys, one, issuers, party),
            )
            for one in passkeys
        ),
        proof=find_proof(runtime, session, user),
        is_full=len(passkeys) >= runtime.limits.passkeys,
    )


async def list_passkeys_of(runtime: Runtime, user: User) -> list[Passkey]:
    """Give a person's passkeys, the oldest first, for an operator."""
    return await runtime.store.people.list_passkeys(user.user_id)


async def remove_passkey(
    runtime: Runtime, session: Session, party: Party | None, number: str, password: str, visitor: Visitor
) -> None:  # fmt: skip
    """Remove a passkey of a session's person, and end all other sessions: one of them may be that device's.

    Raises ``sign_in_refused`` without the proof that is needed, ``bad_parameters`` for the last way to sign in,
    ``session_ended``, ``rate_exceeded``, ``server_full`` and ``forbidden``. One that is gone already is not an error.
    """
    user = find_person(runtime, session)
    await confirm_person(runtime, session, user, password, visitor)
    credential_id = parse_credential_id(number)
    event = SignInEvent(
        actor=user.user_id,
        account_id=None,
        kind=SignInKind.PASSKEY_REMOVED,
        way=SignInWay.PASSKEY,
        at=runtime.clock(),
        address=visitor.address,
        agent=visitor.give_agent(),
    )

    async def work(transaction: PeopleTransaction) -> None:
        await hold_session(transaction, session, user)
        passkeys = await transaction.passkeys.list_of(user.user_id)
        chosen = next((one for one in passkeys if one.credential_id == credential_id), None)
        if chosen is None:
            return
        issuers = await transaction.passkeys.list_issuers(user.user_id)
        if not _has_other_way(runtime, user, passkeys, chosen, issuers, party):
            raise PadronError(
                Code.BAD_PARAMETERS, "This is your only way to sign in. Add another passkey before you remove it."
            )
        await transaction.passkeys.remove(user.user_id, chosen.credential_id)
        await transaction.end_other_sessions(user.user_id, session.session_id)
        await transaction.note_sign_in(event)

    await runtime.store.people.write(work)


def _has_other_way(
    runtime: Runtime,
    user: User,
    passkeys: Sequence[Passkey],
    chosen: Passkey,
    issuers: Sequence[str],
    party: Party | None,
) -> bool:
    """Say whether somebody can sign in without a passkey: by password, by a provider, or by another passkey.

    The other passkey must be of the same host, or of the host where the person is now. So whoever uses a new name of
    the server can remove what works only under the former one.
    """
    hosts = {chosen.host} if party is None else {chosen.host, party.host}
    providers = runtime.authenticator.access_tokens.providers.listed
    usable = {one.issuer for one in providers if one.client is not None}
    return (
        user.password_changed_at is not None
        or not usable.isdisjoint(issuers)
        or any(one is not chosen and one.host in hosts for one in passkeys)
    )
