"""An owner rules over the members of one account, and cannot reach another account by way of a person."""

import asyncio

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.service.people import members as members_module
from padron.service.people.invitations import accept_invitation, get_invitation, make_invitation
from padron.service.people.members import (
    add_member,
    change_own_member,
    invite_member,
    list_members,
    make_member_link,
    remove_member,
    remove_own_member,
    set_role,
)
from padron.service.people.sign_ins import list_account_sign_ins, list_own_sign_ins
from padron.service.people.users import disable_user, enable_user, erase_user, get_person
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.service.people.crew import OFFICE, PASSWORD, Crew, add_person, is_live, sign_in


async def test_an_owner_invites_a_person_who_comes_in_with_the_link(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    owner = (await sign_in(runtime, crew.ana)).session.principal
    invited = await invite_member(runtime, owner, "r", email="Neu@Acme.example", name="Neu", role=Role.MANAGER)
    assert invited.link.invitation.created_by == crew.ana.user_id
    new = await accept_invitation(runtime, invited.link.token, PASSWORD, OFFICE)
    assert (new.session.role, new.session.account_id) == (Role.MANAGER, cast.acme.account.account_id)
    listed = {one.user.email: (one.role, one.is_shared) for one in await list_members(runtime, owner)}
    assert listed == {
        "ana@acme.example": (Role.OWNER, False),
        "eva@acme.example": (Role.EDITOR, False),
        "neu@acme.example": (Role.MANAGER, False),
    }


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.MANAGER])
@pytest.mark.long("postgres")
async def test_only_an_owner_sees_and_changes_members(runtime: Runtime, cast: Cast, crew: Crew, role: Role) -> None:
    acme = cast.acme.account
    await set_role(runtime, crew.eva, acme.account_id, acme.name, role)
    principal = (await sign_in(runtime, crew.eva)).session.principal
    asked = (
        list_members(runtime, principal),
        invite_member(runtime, principal, "r", email="x@acme.example", name="X", role=Role.VIEWER),
        change_own_member(runtime, principal, "r", crew.eva.user_id, Role.OWNER),
        remove_own_member(runtime, principal, "r", crew.ana.user_id),
        make_member_link(runtime, principal, "r", crew.ana.user_id),
        list_account_sign_ins(runtime, principal),
    )
    for call in asked:
        with pytest.raises(PadronError) as caught:
            await call
        assert caught.value.code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_another_accounts_member_cannot_be_told_from_nobody(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    owner = (await sign_in(runtime, crew.bo)).session.principal
    seen = set()
    for user_id in (crew.eva.user_id, "uAAAAAAAAAAAA"):
        for call in (
            change_own_member(runtime, owner, "r", user_id, Role.OWNER),
            remove_own_member(runtime, owner, "r", user_id),
            make_member_link(runtime, owner, "r", user_id),
        ):
            with pytest.raises(PadronError) as caught:
                await call
            seen.add((caught.value.code, caught.value.detail.replace(user_id, "-")))
    assert len(seen) == 1
    assert (await get_person(runtime, crew.eva.user_id)).memberships[0].role is Role.EDITOR
    assert cast.acme.account.account_id not in {
        one.account_id for one in (await get_person(runtime, "bo@beta.example")).memberships
    }


@pytest.mark.long("postgres")
async def test_an_owner_cannot_take_over_somebody_whom_another_account_has(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    """Neither by a link for a shared person, nor by adding somebody under an address that is known."""
    await add_member(runtime, crew.eva, cast.beta.account.account_id, Role.VIEWER)
    owner = (await sign_in(runtime, crew.bo)).session.principal
    (shared,) = [one for one in await list_members(runtime, owner) if one.user.user_id == crew.eva.user_id]
    assert shared.is_shared
    with pytest.raises(PadronError) as caught:
        await make_member_link(runtime, owner, "r", crew.eva.user_id)
    assert caught.value.code is Code.FORBIDDEN
    for email in ("ana@acme.example", "EVA@acme.example"):
        with pytest.raises(PadronError) as caught:
            await invite_member(runtime, owner, "r", email=email, name="Mine", role=Role.VIEWER)
        assert caught.value.code is Code.USER_EXISTS
        assert "Ask the operator" in caught.value.detail
        assert "Ana" not in caught.value.detail


@pytest.mark.long("postgres")
async def test_a_link_for_a_member_ends_once_another_account_has_the_person(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    """Otherwise an owner could make a link, wait until another account lets the person in, and then use it."""
    owner = (await sign_in(runtime, crew.ana)).session.principal
    link = await make_member_link(runtime, owner, "r", crew.eva.user_id)
    await add_member(runtime, crew.eva, cast.beta.account.account_id, Role.VIEWER)
    with pytest.raises(PadronError) as caught:
        await get_invitation(runtime, link.token)
    assert caught.value.code is Code.INVITATION_ENDED
    found = await get_invitation(runtime, (await make_invitation(runtime, crew.eva, "cli")).token)
    assert found.user == crew.eva


async def test_the_last_owner_stays(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    owner = (await sign_in(runtime, crew.ana)).session.principal
    for call in (
        remove_own_member(runtime, owner, "r", crew.ana.user_id),
        change_own_member(runtime, owner, "r", crew.ana.user_id, Role.MANAGER),
        remove_member(runtime, crew.ana, acme.account_id, acme.name),
        set_role(runtime, crew.ana, acme.account_id, acme.name, Role.VIEWER),
    ):
        with pytest.raises(PadronError) as caught:
            await call
        assert caught.value.code is Code.LAST_OWNER
        assert "'Acme'" in caught.value.detail
    for change in (disable_user, erase_user):
        with pytest.raises(PadronError) as caught:
            await change(runtime, crew.ana)
        assert caught.value.code is Code.LAST_OWNER
    await disable_user(runtime, crew.ana, force=True)
    await erase_user(runtime, crew.ana)  # who had no access to lose any more


@pytest.mark.long("postgres")
async def test_an_owner_who_is_disabled_does_not_count_as_another_one(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    second = await add_person(runtime, "second@acme.example", acme, Role.OWNER)
    await disable_user(runtime, second)
    with pytest.raises(PadronError) as caught:
        await remove_member(runtime, crew.ana, acme.account_id, acme.name)
    assert caught.value.code is Code.LAST_OWNER
    await enable_user(runtime, second)
    await remove_member(runtime, crew.ana, acme.account_id, acme.name)


@pytest.mark.long("postgres")
async def test_the_operator_may_force_out_the_last_owner(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    await set_role(runtime, crew.ana, acme.account_id, acme.name, Role.VIEWER, force=True)
    await set_role(runtime, crew.ana, acme.account_id, acme.name, Role.OWNER)
    await remove_member(runtime, crew.ana, acme.account_id, acme.name, force=True)
    await disable_user(runtime, crew.bo, force=True)
    assert (await get_person(runtime, "ana@acme.example")).memberships == ()


async def test_two_owners_cannot_go_at_the_same_time(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    second = await add_person(runtime, "second@acme.example", acme, Role.OWNER)
    results = await asyncio.gather(
        remove_member(runtime, crew.ana, acme.account_id, acme.name),
        set_role(runtime, second, acme.account_id, acme.name, Role.VIEWER),
        disable_user(runtime, second),
        return_exceptions=True,
    )
    assert any(isinstance(one, PadronError) and one.code is Code.LAST_OWNER for one in results)
    people = [await get_person(runtime, email) for email in ("ana@acme.example", "second@acme.example")]
    owners = [one for one in people if one.user.is_active and any(m.role is Role.OWNER for m in one.memberships)]
    assert len(owners) == 1


@pytest.mark.long("postgres")
async def test_an_account_has_a_bounded_number_of_members(
    runtime: Runtime, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_module, "MEMBERS_MAX", 2)
    owner = (await sign_in(runtime, crew.ana)).session.principal
    with pytest.raises(PadronError, match="2 members") as caught:
        await invite_member(runtime, owner, "r", email="x@acme.example", name="X", role=Role.VIEWER)
    assert caught.value.code is Code.BAD_PARAMETERS
    with pytest.raises(PadronError, match="no person"):  # nothing of it was written
        await get_person(runtime, "x@acme.example")


@pytest.mark.long("postgres")
async def test_an_owner_sees_who_entered_the_account_and_nothing_of_another_one(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    await add_member(runtime, crew.eva, cast.beta.account.account_id, Role.VIEWER)
    await sign_in(runtime, crew.eva)  # into Acme, the first by name
    await sign_in(runtime, crew.bo)
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.eva, "this is not the one")
    of_acme = await list_account_sign_ins(runtime, (await sign_in(runtime, crew.ana)).session.principal)
    of_beta = await list_account_sign_ins(runtime, (await sign_in(runtime, crew.bo)).session.principal)
    assert {one.event.account_id for one in of_acme} == {cast.acme.account.account_id, None}
    assert {one.event.account_id for one in of_beta} == {cast.beta.account.account_id, None}
    assert crew.bo.user_id not in {one.event.actor for one in of_acme}
    assert crew.ana.user_id not in {one.event.actor for one in of_beta}
    numbers = [one.number for one in of_acme]
    assert numbers == sorted(numbers, reverse=True)
    page = await list_account_sign_ins(
        runtime, (await sign_in(runtime, crew.ana)).session.principal, before=numbers[1], limit=2
    )
    assert [one.number for one in page] == numbers[2:4]
    assert {one.event.actor for one in await list_own_sign_ins(runtime, crew.eva)} == {crew.eva.user_id}


@pytest.mark.long("postgres")
async def test_a_removed_member_is_out_at_once_and_others_are_not(runtime: Runtime, crew: Crew) -> None:
    eva, ana = await sign_in(runtime, crew.eva), await sign_in(runtime, crew.ana)
    await remove_own_member(runtime, ana.session.principal, "r", crew.eva.user_id)
    assert [await is_live(runtime, one) for one in (eva, ana)] == [False, True]
