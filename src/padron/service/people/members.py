"""The members of an account and their roles.

Operators may do everything to anybody. An account's owners may do so to people whom their account alone has. Somebody
who is also in another account keeps password, name and e-mail address out of an owner's reach, because with these the
owner could enter the other account.
"""

from dataclasses import dataclass

from padron.domain.account import Principal, Scope, refuse_deleted
from padron.domain.administration import ActType, Deed, Doer
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, AccountMember, Member, Role, User
from padron.domain.quoting import quote
from padron.domain.sessions import InvitationPurpose
from padron.service.administration.acting import begin_act
from padron.service.administration.own_account import get_overview
from padron.service.people.invitations import NewLink, make_link
from padron.service.people.users import find_user, lock_user, make_user, refuse_last_owner, refuse_user
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction

MEMBERS_MAX = 2_000  # of one account


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitedMember:
    """A new member with the link that the person needs to set a password."""

    user: User
    role: Role
    link: NewLink


async def add_member(
    runtime: Runtime, user: User, account_id: int, role: Role, doer: Doer | None = None
) -> None:  # fmt: skip
    """Make a person a member of an account, or give a member another role. Without ``doer`` it is for operators.

    Who was suspended can enter the account again.

    Raises ``user_not_found``, ``account_not_found``, and ``bad_parameters`` when the account has too many members.
    """
    doer = doer or runtime.operator
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> None:
        await lock_user(transaction, user)
        if not await transaction.lock_members(account_id):
            raise refuse_deleted()
        if await transaction.find_member(account_id, user.user_id) is None:
            await _check_room(transaction, account_id)
            # Whoever has a link of the person's other account must not enter this one with it.
            await transaction.end_invitations(user.user_id)
        member = Member(account_id=account_id, user_id=user.user_id, role=role, added_at=at)
        deed = await _put_member(transaction, member)
        await transaction.administer(account_id).note(deed, doer, at)

    await runtime.store.people.write(work)


async def set_role(
    runtime: Runtime,
    user: User,
    account_id: int,
    account_name: str,
    role: Role,
    *,
    force: bool = False,
    doer: Doer | None = None,
) -> None:
    """Give a member another role. Raises ``user_not_found`` for no member, and ``last_owner`` unless forced.

    Raises ``forbidden`` for a role that may more than the doer. The same role again is not recorded.
    """
    doer = doer or runtime.operator
    doer.check_covers(ROLE_SCOPES[role], f"The role {role} has the scopes")
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> None:
        member = await _lock_member(transaction, user, account_id)
        administration = transaction.administer(account_id)
        await begin_act(administration, account_id, doer, at)
        if member.role is role:
            return
        if role is not Role.OWNER and not force:
            await _check_owner(transaction, user, account_id, account_name)
        await transaction.change_member(account_id, user.user_id, role)
        await administration.note(_describe(ActType.MEMBER_CHANGED, user.user_id, role), doer, at)

    await runtime.store.people.write(work)


async def remove_member(
    runtime: Runtime,
    user: User,
    account_id: int,
    account_name: str,
    *,
    force: bool = False,
    doer: Doer | None = None,
) -> None:
    """End a membership, and the person's sessions in this account.

    Raises ``user_not_found`` for no member, and ``last_owner`` unless forced.
    """
    doer = doer or runtime.operator
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> None:
        member = await _lock_member(transaction, user, account_id)
        administration = transaction.administer(account_id)
        await begin_act(administration, account_id, doer, at)
        if not force:
            await _check_owner(transaction, user, account_id, account_name)
        await transaction.remove_member(account_id, user.user_id)
        await administration.note(_describe(ActType.MEMBER_REMOVED, user.user_id, member.role), doer, at)

    await runtime.store.people.write(work)


async def suspend_member(
    runtime: Runtime, user: User, account_id: int, account_name: str, *, force: bool = False, doer: Doer | None = None
) -> None:
    """Let a member not enter the account until somebody lets the person in again. Sessions in the account end.

    Only this account is out of reach for the person. Raises ``user_not_found`` for no member, and ``last_owner`` unless
    forced. Who is suspended already stays so, and nothing is recorded.
    """
    doer = doer or runtime.operator
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> None:
        member = await _lock_member(transaction, user, account_id)
        administration = transaction.administer(account_id)
        await begin_act(administration, account_id, doer, at)
        if member.suspended_at is not None:
            return
        if not force:
            await _check_owner(transaction, user, account_id, account_name)
        await transaction.suspend_member(account_id, user.user_id, at)
        await administration.note(_describe(ActType.MEMBER_SUSPENDED, user.user_id, member.role), doer, at)

    await runtime.store.people.write(work)


async def resume_member(runtime: Runtime, user: User, account_id: int, doer: Doer | None = None) -> None:
    """Let a suspended member enter the account again, with the same role.

    Raises ``user_not_found`` for no member, and ``forbidden`` for a role that may more than the doer. Nothing is
    recorded for somebody who is not suspended.
    """
    doer = doer or runtime.operator
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> None:
        member = await _lock_member(transaction, user, account_id)
        doer.check_covers(ROLE_SCOPES[member.role], f"The role {member.role} has the scopes")
        administration = transaction.administer(account_id)
        await begin_act(administration, account_id, doer, at)
        if member.suspended_at is None:
            return
        await transaction.resume_member(account_id, user.user_id)
        await administration.note(_describe(ActType.MEMBER_RESUMED, user.user_id, member.role), doer, at)

    await runtime.store.people.write(work)


async def list_members(runtime: Runtime, principal: Principal) -> list[AccountMember]:
    """Give the members of the principal's account, by e-mail address. Raises ``forbidden``."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    return await runtime.store.people.list_members(principal.account_id)


async def get_member(runtime: Runtime, principal: Principal, user_id: str) -> AccountMember:
    """Give a member of the principal's account. Raises ``forbidden`` and ``user_not_found``."""
    for member in await list_members(runtime, principal):
        if member.user.user_id == user_id:
            return member
    raise refuse_user(user_id)


async def invite_member(
    runtime: Runtime, principal: Principal, request_id: str, *, email: str, name: str, role: Role
) -> InvitedMember:
    """Add a person to the principal's account, and give a link with which the person sets a password.

    Raises ``forbidden``, also for a role that may more than the principal, and ``bad_parameters``.
    Raises ``user_exists`` for an e-mail address that the register knows: only an operator adds somebody to a second
    account. Otherwise the owner of one account could make a person under somebody else's address, and wait until
    another account lets that person in.
    """
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    doer = Doer.of(principal, request_id)
    doer.check_covers(ROLE_SCOPES[role], f"The role {role} has the scopes")
    user = make_user(runtime, email=email, name=name)
    if await find_user(runtime, email) is not None:
        raise _refuse_known(email)
    at = runtime.clock()
    link = make_link(runtime, user, InvitationPurpose.INVITE, principal.actor)

    async def work(transaction: PeopleTransaction) -> None:
        await transaction.add_user(user)
        await transaction.lock_members(principal.account_id)
        administration = transaction.administer(principal.account_id)
        await begin_act(administration, principal.account_id, doer, at)
        await _check_room(transaction, principal.account_id)
        member = Member(account_id=principal.account_id, user_id=user.user_id, role=role, added_at=at)
        await transaction.add_member(member)
        await link.write(transaction)
        await administration.note(_describe(ActType.MEMBER_ADDED, user.user_id, role), doer, at)

    await runtime.store.people.write(work)
    return InvitedMember(user=user, role=role, link=link)


async def change_own_member(
    runtime: Runtime, principal: Principal, request_id: str, user_id: str, role: Role
) -> AccountMember:  # fmt: skip
    """Give a member of the principal's account another role, and give the member.

    Raises ``forbidden``, also for a role that may more than the principal, ``user_not_found`` and ``last_owner``.
    """
    member = await get_member(runtime, principal, user_id)
    doer, name = Doer.of(principal, request_id), await _name_account(runtime, principal)
    await set_role(runtime, member.user, principal.account_id, name, role, doer=doer)
    return await get_member(runtime, principal, user_id)


async def remove_own_member(runtime: Runtime, principal: Principal, request_id: str, user_id: str) -> None:
    """Remove a member from the principal's account. Raises ``forbidden``, ``user_not_found`` and ``last_owner``."""
    member = await get_member(runtime, principal, user_id)
    doer, name = Doer.of(principal, request_id), await _name_account(runtime, principal)
    await remove_member(runtime, member.user, principal.account_id, name, doer=doer)


async def suspend_own_member(runtime: Runtime, principal: Principal, request_id: str, user_id: str) -> AccountMember:
    """Suspend a member of the principal's account, and give the member.

    Raises ``forbidden``, ``user_not_found`` and ``last_owner``.
    """
    member = await get_member(runtime, principal, user_id)
    doer, name = Doer.of(principal, request_id), await _name_account(runtime, principal)
    await suspend_member(runtime, member.user, principal.account_id, name, doer=doer)
    return await get_member(runtime, principal, user_id)


async def resume_own_member(runtime: Runtime, principal: Principal, request_id: str, user_id: str) -> AccountMember:
    """Let a suspended member of the principal's account in again, and give the member.

    Raises ``user_not_found``, and ``forbidden``, also for a role that may more than the principal.
    """
    member = await get_member(runtime, principal, user_id)
    await resume_member(runtime, member.user, principal.account_id, Doer.of(principal, request_id))
    return await get_member(runtime, principal, user_id)


async def _name_account(runtime: Runtime, principal: Principal) -> str:
    return (await get_overview(runtime, principal)).name


async def make_member_link(runtime: Runtime, principal: Principal, request_id: str, user_id: str) -> NewLink:
    """Give a link with which a member of the principal's account sets a password, in the place of earlier links.

    Raises ``user_not_found``, and ``forbidden``, also for a member whom another account has too, or whose role may more
    than the principal: whoever has the link can become this member.
    """
    member = await get_member(runtime, principal, user_id)
    doer = Doer.of(principal, request_id)
    purpose = InvitationPurpose.INVITE if member.user.password_changed_at is None else InvitationPurpose.RESET
    link = make_link(runtime, member.user, purpose, principal.actor)

    async def work(transaction: PeopleTransaction) -> None:
        present = await _lock_member(transaction, member.user, principal.account_id)
        doer.check_covers(ROLE_SCOPES[present.role], f"The role {present.role} has the scopes")
        administration = transaction.administer(principal.account_id)
        await begin_act(administration, principal.account_id, doer, link.invitation.created_at)
        memberships = await transaction.list_memberships(user_id)
        if {one.account_id for one in memberships} != {principal.account_id}:
            raise PadronError(
                Code.FORBIDDEN, "Another account has this person too, so only an operator can make a link for them."
            )
        await link.write(transaction)
        deed = _describe(ActType.LINK_MADE, user_id, present.role)
        await administration.note(deed, doer, link.invitation.created_at)

    await runtime.store.people.write(work)
    return link


async def _check_room(transaction: PeopleTransaction, account_id: int) -> None:
    if await transaction.count_members(account_id) >= MEMBERS_MAX:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The account already has {MEMBERS_MAX} members, the maximum. Remove somebody who has left.",
        )


async def _put_member(transaction: PeopleTransaction, member: Member) -> Deed:
    if await transaction.add_member(member):
        return _describe(ActType.MEMBER_ADDED, member.user_id, member.role)
    await transaction.change_member(member.account_id, member.user_id, member.role)
    await transaction.resume_member(member.account_id, member.user_id)
    return _describe(ActType.MEMBER_CHANGED, member.user_id, member.role)


def _describe(kind: ActType, user_id: str, role: Role) -> Deed:
    return Deed(type=kind, subject=user_id, details={"role": role.value})


async def _lock_member(transaction: PeopleTransaction, user: User, account_id: int) -> Member:
    await lock_user(transaction, user)
    await transaction.lock_members(account_id)
    member = await transaction.find_member(account_id, user.user_id)
    if member is None:
        raise refuse_user(user.email or user.user_id)
    return member


async def _check_owner(transaction: PeopleTransaction, user: User, account_id: int, account_name: str) -> None:
    """Raise ``last_owner`` when a locked member is the last owner of the account who may sign in."""
    found = await transaction.lock_user(user.user_id)
    member = await transaction.find_member(account_id, user.user_id)
    if found is None or not found.user.is_active or member is None or member.role is not Role.OWNER:
        return
    if member.suspended_at is not None:
        return
    if not await transaction.has_other_owner(account_id, user.user_id):
        raise refuse_last_owner(account_name)


def _refuse_known(email: str) -> PadronError:
    return PadronError(
        Code.USER_EXISTS,
        f"The register already knows somebody with the e-mail address {quote(email)}. "
        "Ask the operator to add the person.",
    )
