"""A person who administers is looked up again in the transaction: what was taken away a moment ago counts."""

from collections.abc import Awaitable, Callable

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.service.accounts import disable_account
from padron.service.administration.own_account import list_acts
from padron.service.administration.own_keys import AskedKey, add_key, list_keys, revoke_key
from padron.service.people.members import (
    add_member,
    invite_member,
    list_members,
    remove_member,
    set_role,
    suspend_member,
)
from padron.service.people.users import disable_user, erase_user
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.service.people.crew import Crew, add_person, sign_in

ASKED = AskedKey(label="till", scopes=[Scope.VEHICLES_READ])
Loss = Callable[[Runtime, Cast, Crew], Awaitable[object]]


async def demote(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    await set_role(runtime, crew.ana, acme.account_id, acme.name, Role.MANAGER)


async def remove(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    await remove_member(runtime, crew.ana, cast.acme.account.account_id, cast.acme.account.name)


async def suspend(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    await suspend_member(runtime, crew.ana, cast.acme.account.account_id, cast.acme.account.name)


async def disable(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    del cast
    await disable_user(runtime, crew.ana)


async def erase(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    del cast
    await erase_user(runtime, crew.ana)


async def move(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    """An owner of another account is nobody in this one."""
    await add_member(runtime, crew.ana, cast.beta.account.account_id, Role.OWNER)
    await remove(runtime, cast, crew)


async def close(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    del crew
    await disable_account(runtime, cast.acme.account)


LOSSES: list[Loss] = [demote, remove, suspend, disable]
MORE_LOSSES: list[Loss] = [erase, move, close]


async def enter(runtime: Runtime, cast: Cast, crew: Crew) -> Principal:
    """Give Ana's session, in an account that has another owner."""
    await add_person(runtime, "second@acme.example", cast.acme.account, Role.OWNER)
    return (await sign_in(runtime, crew.ana)).session.principal


@pytest.mark.long("postgres")
async def test_an_owner_administers_and_the_record_names_the_person(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    owner = await enter(runtime, cast, crew)
    new = await add_key(runtime, owner, "r-1", ASKED)
    assert (await runtime.authenticator.authenticate(new.token, "192.0.2.1")).scopes == {Scope.VEHICLES_READ}
    await revoke_key(runtime, owner, "r-2", new.key.key_id, None)
    acts = (await list_acts(runtime, owner, limit=2, cursor=None)).rows
    assert [(act.by, act.deed.subject, act.request_id) for act in acts] == [
        (crew.ana.user_id, new.key.key_id, "r-2"), (crew.ana.user_id, new.key.key_id, "r-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lose", [*LOSSES, *(pytest.param(one, marks=pytest.mark.long("postgres")) for one in MORE_LOSSES)]
)
async def test_who_lost_the_right_while_the_request_waited_changes_nothing(
    runtime: Runtime, cast: Cast, crew: Crew, lose: Loss
) -> None:
    owner = await enter(runtime, cast, crew)
    before = (await list_keys(runtime, cast.acme.principal, limit=100, cursor=None)).rows
    members = {one.user.user_id for one in await list_members(runtime, owner)}
    await lose(runtime, cast, crew)
    key_id = before[0].key_id
    tries = (
        add_key(runtime, owner, "r", ASKED),
        revoke_key(runtime, owner, "r", key_id, None),
        invite_member(runtime, owner, "r", email="accomplice@acme.example", name="Eve", role=Role.OWNER),
    )
    for deed in tries:
        with pytest.raises(PadronError) as caught:
            await deed
        assert caught.value.code is Code.FORBIDDEN
    after = (await list_keys(runtime, cast.acme.principal, limit=100, cursor=None)).rows
    assert after == before
    assert {one.user.user_id for one in await list_members(runtime, owner)} <= members
