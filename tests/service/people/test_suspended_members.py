"""A suspended member cannot enter the account until an owner says so, and nothing of other accounts changes."""

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.service.administration.own_account import list_acts
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.people.members import (
    add_member,
    get_member,
    list_members,
    make_member_link,
    remove_member,
    remove_own_member,
    resume_own_member,
    suspend_own_member,
)
from padron.service.people.sessions import choose_account
from padron.service.people.users import disable_user
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.service.people.crew import OFFICE, Crew, add_person, is_live, sign_in


async def enter(runtime: Runtime, crew: Crew) -> Principal:
    return (await sign_in(runtime, crew.ana)).session.principal


async def test_a_suspended_member_is_out_at_once_and_comes_in_again_with_the_same_role(
    runtime: Runtime, crew: Crew
) -> None:
    owner, session = await enter(runtime, crew), await sign_in(runtime, crew.eva)
    member = await suspend_own_member(runtime, owner, "r-1", crew.eva.user_id)
    assert (member.role, member.suspended_at is None) == (Role.EDITOR, False)
    assert not await is_live(runtime, session)
    with pytest.raises(PadronError) as caught:
        await sign_in(runtime, crew.eva)
    assert caught.value.code is Code.FORBIDDEN
    assert "let you in" in caught.value.detail
    assert await suspend_own_member(runtime, owner, "r-2", crew.eva.user_id) == member
    again = await resume_own_member(runtime, owner, "r-3", crew.eva.user_id)
    assert (again.role, again.suspended_at) == (Role.EDITOR, None)
    await resume_own_member(runtime, owner, "r-4", crew.eva.user_id)
    assert not await is_live(runtime, session)
    assert (await sign_in(runtime, crew.eva)).session.role is Role.EDITOR
    acts = (await list_acts(runtime, owner, limit=10, cursor=None)).rows
    done = [(act.deed.type.value, act.request_id) for act in acts if act.deed.subject == crew.eva.user_id]
    assert done[:2] == [("memberResumed", "r-3"), ("memberSuspended", "r-1")]


@pytest.mark.long("postgres")
async def test_only_the_account_of_the_owner_is_out_of_reach(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme, beta = cast.acme.account.account_id, cast.beta.account.account_id
    await add_member(runtime, crew.eva, beta, Role.VIEWER)
    here = await sign_in(runtime, crew.eva)
    elsewhere = await sign_in(runtime, crew.eva)
    assert here.session.account_id == acme
    await choose_account(runtime, elsewhere.token, beta, OFFICE)
    owner = await enter(runtime, crew)
    await suspend_own_member(runtime, owner, "r", crew.eva.user_id)
    assert not await is_live(runtime, here)
    assert await is_live(runtime, elsewhere)
    with pytest.raises(PadronError) as caught:
        await choose_account(runtime, elsewhere.token, acme, OFFICE)
    assert caught.value.code is Code.FORBIDDEN
    new = await sign_in(runtime, crew.eva)
    assert new.session.account_id == beta
    assert [one.account_id for one in new.session.accounts] == [beta]
    with pytest.raises(PadronError) as caught:
        await make_member_link(runtime, owner, "r", crew.eva.user_id)
    assert caught.value.code is Code.FORBIDDEN
    theirs = (await sign_in(runtime, crew.bo)).session.principal
    assert (await get_member(runtime, theirs, crew.eva.user_id)).is_shared


@pytest.mark.long("postgres")
async def test_the_last_owner_is_not_suspended_and_a_suspended_one_does_not_count(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    owner = await enter(runtime, crew)
    second = await add_person(runtime, "second@acme.example", cast.acme.account, Role.OWNER)
    await suspend_own_member(runtime, owner, "r", second.user_id)
    for act in (suspend_own_member, remove_own_member):
        with pytest.raises(PadronError) as caught:
            await act(runtime, owner, "r", crew.ana.user_id)
        assert caught.value.code is Code.LAST_OWNER
    await remove_own_member(runtime, owner, "r", second.user_id)
    assert second.user_id not in {one.user.user_id for one in await list_members(runtime, owner)}


async def test_a_suspended_owner_can_be_disabled_because_the_account_loses_nobody_by_it(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    second = await add_person(runtime, "second@acme.example", cast.acme.account, Role.OWNER)
    await suspend_own_member(runtime, await enter(runtime, crew), "r", second.user_id)
    await disable_user(runtime, crew.ana, force=True)
    assert (await disable_user(runtime, second)).disabled_at is not None


@pytest.mark.long("postgres")
async def test_a_suspended_owner_can_be_removed_although_no_other_owner_may_sign_in(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    second = await add_person(runtime, "second@acme.example", cast.acme.account, Role.OWNER)
    await suspend_own_member(runtime, await enter(runtime, crew), "r", second.user_id)
    await disable_user(runtime, crew.ana, force=True)
    await remove_member(runtime, second, cast.acme.account.account_id, "Acme")
    left = await runtime.store.people.list_members(cast.acme.account.account_id)
    assert second.user_id not in {one.user.user_id for one in left}


@pytest.mark.long("postgres")
async def test_nobody_lets_somebody_in_who_may_more(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    owner = await enter(runtime, crew)
    second = await add_person(runtime, "second@acme.example", cast.acme.account, Role.OWNER)
    asked = AskedKey(label="half", scopes=[Scope.ACCOUNT_MANAGE, Scope.VEHICLES_READ])
    half = await add_key(runtime, owner, "r", asked)
    clerk = await runtime.authenticator.authenticate(half.token)
    await suspend_own_member(runtime, clerk, "r", second.user_id)
    with pytest.raises(PadronError) as caught:
        await resume_own_member(runtime, clerk, "r", second.user_id)
    assert caught.value.code is Code.FORBIDDEN
    assert (await get_member(runtime, owner, second.user_id)).suspended_at is not None
    editor = (await sign_in(runtime, crew.eva)).session.principal
    for act in (suspend_own_member, resume_own_member):
        with pytest.raises(PadronError) as caught:
            await act(runtime, editor, "r", crew.ana.user_id)
        assert caught.value.code is Code.FORBIDDEN


@pytest.mark.long("postgres")
async def test_another_accounts_member_cannot_be_told_from_nobody(runtime: Runtime, crew: Crew) -> None:
    owner = await enter(runtime, crew)
    for act in (suspend_own_member, resume_own_member):
        for user_id in (crew.bo.user_id, "uNobodyNobody"):
            with pytest.raises(PadronError) as caught:
                await act(runtime, owner, "r", user_id)
            assert caught.value.code is Code.USER_NOT_FOUND
    assert (await sign_in(runtime, crew.bo)).session.role is Role.OWNER


@pytest.mark.long("postgres")
async def test_the_operator_lets_somebody_in_by_adding_the_person_again(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    owner = await enter(runtime, crew)
    await suspend_own_member(runtime, owner, "r", crew.eva.user_id)
    await add_member(runtime, crew.eva, cast.acme.account.account_id, Role.MANAGER)
    assert (await sign_in(runtime, crew.eva)).session.role is Role.MANAGER
