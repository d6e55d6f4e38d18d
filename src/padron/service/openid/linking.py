"""Finds or makes the person behind an identity, and gives and takes the memberships that come from its provider.

A person is known by issuer and subject. An e-mail address leads to somebody only where the operator allows it, and only
if the provider verified it. Memberships that somebody gave by hand are never touched.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from padron.domain.errors import Code, PadronError
from padron.domain.openid import Identity
from padron.domain.people import Member, Role, User, parse_email
from padron.domain.quoting import quote
from padron.service.people.credentials import refuse_sign_in
from padron.service.people.members import MEMBERS_MAX
from padron.service.people.users import make_user
from padron.service.runtime import Runtime
from padron.store.people.rows import Credentials
from padron.store.people.transaction import PeopleTransaction

_TRIES = 3
_PLACEHOLDER = "somebody@invalid"  # it is replaced before the person is stored

_log = logging.getLogger("padron.providers")


class _LostRaceError(Exception):
    """Somebody else stored the same new identity, or its e-mail address, at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Settling:
    """What is known about somebody who signs in, before the transaction."""

    identity: Identity
    roles: Mapping[int, Role]  # by account
    new: User  # who is stored if nobody is known
    linked: str | None  # the person with the same e-mail address, where that counts
    at: datetime


async def settle_person(
    runtime: Runtime, identity: Identity, roles: Mapping[str, Role], *, links_by_email: bool
) -> User:
    """Give the person behind an identity, as a member of the accounts that ``roles`` names, with these roles.

    Raises ``sign_in_refused`` for somebody who is disabled, and for somebody new without a role.
    """
    by_account = await _find_accounts(runtime, roles)
    for _ in range(_TRIES):
        settling = await _prepare(runtime, identity, by_account, links_by_email=links_by_email)

        async def work(transaction: PeopleTransaction, settling: _Settling = settling) -> User:
            return await _settle(transaction, settling)

        try:
            return await runtime.store.people.write(work)
        except _LostRaceError:
            continue
    raise PadronError(Code.OVERLOADED, "The same person is signing in elsewhere. Try again.")


async def _prepare(
    runtime: Runtime, identity: Identity, roles: Mapping[int, Role], *, links_by_email: bool
) -> _Settling:
    email = _parse_email(identity.email)
    known = None if email is None else await runtime.store.people.find_credentials(email)
    new = replace(
        make_user(runtime, email=email or _PLACEHOLDER, name=identity.name), email=email if known is None else None
    )
    linked = _find_linked(known) if links_by_email else None
    return _Settling(identity=identity, roles=roles, new=new, linked=linked, at=runtime.clock())


async def _settle(transaction: PeopleTransaction, settling: _Settling) -> User:
    identity = settling.identity
    user_id = await transaction.openid.find_identity(identity.issuer, identity.subject)
    if user_id is None:
        user_id = await _link(transaction, settling)
    else:
        await transaction.openid.touch_identity(identity.issuer, identity.subject, settling.at)
    found = await transaction.lock_user(user_id)
    if found is None or not found.user.is_active:
        raise refuse_sign_in()
    await _settle_memberships(transaction, user_id, settling)
    return found.user


async def _link(transaction: PeopleTransaction, settling: _Settling) -> str:
    """Give the id of the person who gets a new identity: one with the same e-mail address, or somebody new."""
    user_id = settling.linked
    if user_id is None:
        if not settling.roles:
            raise PadronError(
                Code.SIGN_IN_REFUSED,
                "The provider knows you, but nothing that it says of you gives you a role here. Ask the operator.",
            )
        try:
            await transaction.add_user(settling.new)
        except PadronError as error:
            if error.code is not Code.USER_EXISTS:
                raise
            raise _LostRaceError from error  # most likely it is the same person
        user_id = settling.new.user_id
    identity = settling.identity
    if not await transaction.openid.add_identity(identity.issuer, identity.subject, user_id, settling.at):
        raise _LostRaceError
    return user_id


async def _settle_memberships(transaction: PeopleTransaction, user_id: str, settling: _Settling) -> None:
    """Give a locked person the memberships that the provider asks for, and take those that it no longer does."""
    issuer = settling.identity.issuer
    provided = await transaction.openid.list_provided(user_id, issuer)
    for account_id in sorted({*provided, *settling.roles}):
        if not await transaction.lock_members(account_id):
            continue  # it was deleted a moment ago
        role = settling.roles.get(account_id)
        present = await transaction.find_member(account_id, user_id)
        if role is None:
            await transaction.remove_member(account_id, user_id)
        elif present is None:
            if await transaction.count_members(account_id) >= MEMBERS_MAX:
                raise PadronError(
                    Code.SIGN_IN_REFUSED, f"The account already has {MEMBERS_MAX} members. Ask its owner for room."
                )
            await transaction.end_invitations(user_id)  # as whoever adds a member does
            member = Member(account_id=account_id, user_id=user_id, role=role, added_at=settling.at)
            await transaction.add_member(member)
            await transaction.openid.note_provided(account_id, user_id, issuer)
        elif account_id in provided and present.role is not role:
            await transaction.change_member(account_id, user_id, role)


async def _find_accounts(runtime: Runtime, roles: Mapping[str, Role]) -> dict[int, Role]:
    """Give the roles by account. What the file names and the register does not have is logged."""
    found: dict[int, Role] = {}
    for name, role in roles.items():
        account = await runtime.store.directory.find_account(name)
        if account is None or account.deleting_at is not None:
            _log.warning("A grant of the identity providers names the account %s, which does not exist", quote(name))
        else:
            found[account.account_id] = role
    return found


def _find_linked(known: Credentials | None) -> str | None:
    """Give the id of the person whom an e-mail address leads to. It must not lead to one for emergencies."""
    if known is None:
        return None
    if known.user.is_break_glass:
        raise PadronError(
            Code.SIGN_IN_REFUSED, "This person signs in with a password only. Use another account of the provider."
        )
    return known.user.user_id


def _parse_email(email: str | None) -> str | None:
    try:
        return None if email is None else parse_email(email)
    except PadronError:  # such as an address with letters beyond ASCII
        return None
