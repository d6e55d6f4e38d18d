"""A link works once, until its time is over, for whom it was made, and says nothing to anybody else."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.domain.sessions import INVITATION_LASTS, SIGN_IN_LINK_LASTS, InvitationPurpose
from padron.service.people.changing_passwords import set_password
from padron.service.people.invitations import (
    NewLink,
    accept_invitation,
    get_invitation,
    make_invitation,
    make_sign_in_link,
    sign_in_with_link,
)
from padron.service.people.members import add_member
from padron.service.people.passwords import PasswordHashing
from padron.service.people.users import add_user, disable_user, erase_user
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import OpenStore, Select, SteppedClock
from tests.service.people.crew import ELSEWHERE, OFFICE, OTHER_PASSWORD, PASSWORD, Crew, is_live, sign_in


async def is_valid(runtime: Runtime, link: NewLink) -> bool:
    try:
        await get_invitation(runtime, link.token)
    except PadronError as error:
        if error.code is Code.INVITATION_ENDED:
            return False
        raise
    return True


async def invite(runtime: Runtime, cast: Cast) -> NewLink:
    user = await add_user(runtime, email="new@acme.example", name="New")
    await add_member(runtime, user, cast.acme.account.account_id, Role.VIEWER)
    return await make_invitation(runtime, user, "cli")


@pytest.mark.long("postgres")
async def test_an_invited_person_sets_a_password_and_is_in(runtime: Runtime, cast: Cast) -> None:
    link = await invite(runtime, cast)
    found = await get_invitation(runtime, link.token)
    assert (found.invitation.purpose, found.user.email) == (InvitationPurpose.INVITE, "new@acme.example")
    assert link.path == f"/console/invitation/{link.token}"
    new = await accept_invitation(runtime, link.token, PASSWORD, OFFICE)
    assert (new.session.account_name, new.session.role) == ("Acme", Role.VIEWER)
    assert await is_live(runtime, new)
    assert new.session.user is not None
    await sign_in(runtime, new.session.user)


@pytest.mark.long("postgres")
async def test_a_link_works_once(runtime: Runtime, cast: Cast) -> None:
    link = await invite(runtime, cast)
    results = await asyncio.gather(
        *(accept_invitation(runtime, link.token, PASSWORD, OFFICE) for _ in range(5)), return_exceptions=True
    )
    refused = [one for one in results if isinstance(one, PadronError)]
    assert len(refused) == 4
    assert {one.code for one in refused} <= {Code.INVITATION_ENDED, Code.SIGN_IN_REFUSED}
    assert not await is_valid(runtime, link)


async def test_a_link_works_once_on_two_servers(
    runtime: Runtime, cast: Cast, crew: Crew, open_store: OpenStore, select: Select
) -> None:
    del cast
    other = await open_store()
    link = await make_sign_in_link(runtime, crew.ana)
    second = replace(runtime, store=other)
    results = await asyncio.gather(
        *(sign_in_with_link(one, link.token, OFFICE) for one in (runtime, second)), return_exceptions=True
    )
    assert [isinstance(one, PadronError) for one in results].count(True) == 1
    assert await select("SELECT count(*) FROM sessions") == [(1,)]


@pytest.mark.long("postgres")
async def test_an_invitation_is_over_after_three_days(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    link = await invite(runtime, cast)
    clock.now = link.invitation.created_at + timedelta(days=3, seconds=-10)
    assert await is_valid(runtime, link)
    clock.now = link.invitation.created_at + timedelta(days=3)
    assert not await is_valid(runtime, link)
    with pytest.raises(PadronError) as caught:
        await accept_invitation(runtime, link.token, PASSWORD, OFFICE)
    assert caught.value.code is Code.INVITATION_ENDED
    assert timedelta(days=3) == INVITATION_LASTS


@pytest.mark.long("postgres")
async def test_a_link_that_signs_in_is_over_after_ten_minutes_and_sets_no_password(
    runtime: Runtime, crew: Crew, clock: SteppedClock
) -> None:
    link = await make_sign_in_link(runtime, crew.ana)
    with pytest.raises(PadronError) as caught:
        await accept_invitation(runtime, link.token, OTHER_PASSWORD, OFFICE)
    assert caught.value.code is Code.INVITATION_ENDED
    new = await sign_in_with_link(runtime, link.token, OFFICE)
    assert new.session.user == crew.ana
    with pytest.raises(PadronError):
        await sign_in_with_link(runtime, link.token, OFFICE)
    late = await make_sign_in_link(runtime, crew.ana)
    clock.now += SIGN_IN_LINK_LASTS
    with pytest.raises(PadronError):
        await sign_in_with_link(runtime, late.token, OFFICE)


@pytest.mark.long("postgres")
async def test_an_invitation_signs_nobody_in_without_a_password(runtime: Runtime, cast: Cast) -> None:
    link = await invite(runtime, cast)
    with pytest.raises(PadronError) as caught:
        await sign_in_with_link(runtime, link.token, OFFICE)
    assert caught.value.code is Code.INVITATION_ENDED
    assert await is_valid(runtime, link)


@pytest.mark.long("postgres")
async def test_a_refused_password_leaves_the_link_as_it_is(runtime: Runtime, cast: Cast) -> None:
    link = await invite(runtime, cast)
    for password in ("2 few", "password1234", "new@acme.example"):
        with pytest.raises(PadronError) as caught:
            await accept_invitation(runtime, link.token, password, OFFICE)
        assert caught.value.code is Code.BAD_PARAMETERS
        assert password not in caught.value.detail
    await accept_invitation(runtime, link.token, PASSWORD, OFFICE)


async def test_a_reset_ends_every_session_and_the_former_password(runtime: Runtime, crew: Crew) -> None:
    before = await sign_in(runtime, crew.ana)
    link = await make_invitation(runtime, crew.ana, "cli")
    assert link.invitation.purpose is InvitationPurpose.RESET
    assert await is_live(runtime, before)  # whoever makes a link ends nothing by it
    new = await accept_invitation(runtime, link.token, OTHER_PASSWORD, ELSEWHERE)
    assert [await is_live(runtime, one) for one in (before, new)] == [False, True]
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.ana)


async def test_a_later_link_takes_the_place_of_an_earlier_one_for_the_same(runtime: Runtime, crew: Crew) -> None:
    first, of_eva = [await make_invitation(runtime, user, "cli") for user in (crew.ana, crew.eva)]
    to_sign_in = await make_sign_in_link(runtime, crew.ana)
    assert [await is_valid(runtime, link) for link in (first, to_sign_in, of_eva)] == [True, True, True]
    second = await make_invitation(runtime, crew.ana, "cli")
    assert [await is_valid(runtime, link) for link in (first, second, to_sign_in, of_eva)] == [False, True, True, True]
    await make_sign_in_link(runtime, crew.ana)
    assert [await is_valid(runtime, link) for link in (second, to_sign_in, of_eva)] == [True, False, True]


@pytest.mark.long("postgres")
async def test_a_new_password_ends_all_links_of_the_person(runtime: Runtime, crew: Crew) -> None:
    links = [await make(runtime, crew.ana, "cli") for make in (make_invitation, make_sign_in_link)]
    of_eva = await make_invitation(runtime, crew.eva, "cli")
    await set_password(runtime, crew.ana, OTHER_PASSWORD)
    assert [await is_valid(runtime, link) for link in (*links, of_eva)] == [False, False, True]


@pytest.mark.long("postgres")
async def test_a_link_of_somebody_who_is_disabled_or_erased_does_nothing(runtime: Runtime, crew: Crew) -> None:
    of_eva = await make_invitation(runtime, crew.eva, "cli")
    of_bo = await make_sign_in_link(runtime, crew.bo)
    await disable_user(runtime, crew.eva)
    await erase_user(runtime, crew.bo, force=True)
    assert [await is_valid(runtime, link) for link in (of_eva, of_bo)] == [False, False]
    with pytest.raises(PadronError) as caught:
        await make_invitation(runtime, crew.bo, "cli")
    assert caught.value.code is Code.USER_NOT_FOUND


async def test_somebody_who_is_disabled_while_the_password_is_hashed_does_not_get_it(
    runtime: Runtime, crew: Crew, select: Select
) -> None:
    class Slow(PasswordHashing):
        async def hash(self, password: str) -> str:
            await disable_user(runtime, crew.eva)
            return await super().hash(password)

    slow = replace(runtime, passwords=Slow(memory_kib=8, passes=1))
    link = await make_invitation(runtime, crew.eva, "cli")
    before = await select("SELECT password_hash FROM users WHERE email = 'eva@acme.example'")
    with pytest.raises(PadronError) as caught:
        await accept_invitation(slow, link.token, OTHER_PASSWORD, OFFICE)
    assert caught.value.code is Code.INVITATION_ENDED
    assert await select("SELECT password_hash FROM users WHERE email = 'eva@acme.example'") == before
    await slow.passwords.close()


@pytest.mark.long("postgres")
async def test_a_token_that_nobody_made_is_no_link(runtime: Runtime) -> None:
    for token in ("", "padron_invitation_", "padron_invitation_" + "x" * 43, "é" * 61):
        with pytest.raises(PadronError) as caught:
            await get_invitation(runtime, token)
        assert caught.value.code is Code.INVITATION_ENDED, token


@pytest.mark.long("postgres")
async def test_only_a_digest_of_a_link_is_stored(runtime: Runtime, crew: Crew, select: Select) -> None:
    link = await make_invitation(runtime, crew.ana, "cli")
    rows = await select("SELECT * FROM invitations")
    assert len(rows) == 1
    assert link.token.removeprefix("padron_invitation_") not in repr(rows)
