"""A session lives as long as it may and not a moment longer, on every server of the register."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.sessions import IDLE_MAX, LASTS_MAX, SESSIONS_MAX, SignInWay, Visitor
from padron.service.accounts import add_key, disable_account, enable_account, revoke_key
from padron.service.people.changing_passwords import change_password, set_password
from padron.service.people.members import add_member, remove_member, set_role
from padron.service.people.sessions import (
    choose_account,
    end_other_sessions,
    end_session,
    list_sessions,
    open_session_for,
    read_session,
    sign_in_with_key,
)
from padron.service.people.users import disable_user, enable_user, erase_user
from padron.service.runtime import Runtime, build_runtime
from padron.store.people.transaction import PeopleTransaction
from tests.cast import Cast
from tests.conftest import OpenStore, Select, SteppedClock
from tests.database import write
from tests.service.people.crew import ELSEWHERE, OFFICE, OTHER_PASSWORD, PASSWORD, Crew, is_live, sign_in


@pytest.mark.long("postgres")
async def test_a_session_says_who_where_and_what_the_role_allows(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    new = await sign_in(runtime, crew.eva)
    session = await read_session(runtime, new.token, OFFICE)
    assert (session.user, session.key_id, session.role) == (crew.eva, None, Role.EDITOR)
    assert session.principal.actor == crew.eva.user_id
    assert session.principal.scopes == {scope.value for scope in ROLE_SCOPES[Role.EDITOR]}
    assert (session.account_id, session.account_name) == (cast.acme.account.account_id, "Acme")
    assert [one.account_name for one in session.accounts] == ["Acme"]
    with pytest.raises(PadronError, match=r"Your role in this account does not have the scope account:manage\."):
        session.principal.check_scope(Scope.ACCOUNT_MANAGE)


@pytest.mark.long("postgres")
async def test_only_a_digest_of_the_token_is_stored(runtime: Runtime, crew: Crew, select: Select) -> None:
    new = await sign_in(runtime, crew.ana)
    rows = await select("SELECT * FROM sessions")
    assert len(rows) == 1
    assert new.token not in repr(rows)
    assert new.token.removeprefix("padron_session_") not in repr(rows)
    assert new.session.csrf_token not in repr(rows)


@pytest.mark.long("postgres")
async def test_each_sign_in_has_a_token_of_its_own_and_a_form_cannot_take_another_one_s(
    runtime: Runtime, crew: Crew
) -> None:
    first, second = await sign_in(runtime, crew.ana), await sign_in(runtime, crew.ana)
    assert first.token != second.token
    assert first.session.csrf_token != second.session.csrf_token
    assert (await read_session(runtime, first.token, OFFICE)).csrf_token == first.session.csrf_token


@pytest.mark.long("postgres")
async def test_a_token_that_nobody_has_is_no_session(runtime: Runtime) -> None:
    for token in ("", "x", "padron_session_", "padron_session_" + "é" * 43, "padron_session_" + "x" * 43):
        with pytest.raises(PadronError) as caught:
            await read_session(runtime, token, OFFICE)
        assert caught.value.code is Code.SESSION_ENDED, token


@pytest.mark.long("postgres")
async def test_a_session_ends_after_twelve_hours_without_use(runtime: Runtime, crew: Crew, clock: SteppedClock) -> None:
    new = await sign_in(runtime, crew.ana)
    for _ in range(3):
        clock.now += IDLE_MAX - timedelta(minutes=2)
        assert await is_live(runtime, new)
    clock.now += IDLE_MAX
    assert not await is_live(runtime, new)
    assert await list_sessions(runtime, new.session) == []


@pytest.mark.long("postgres")
async def test_a_session_ends_after_seven_days_however_much_it_is_used(
    runtime: Runtime, crew: Crew, clock: SteppedClock
) -> None:
    new = await sign_in(runtime, crew.ana)
    ends_at = new.session.created_at + LASTS_MAX
    while clock.now + timedelta(hours=10) < ends_at:
        clock.now += timedelta(hours=10)
        session = await read_session(runtime, new.token, OFFICE)
        assert session.ends_at <= ends_at
    clock.now = ends_at - timedelta(seconds=10)
    assert await is_live(runtime, new)
    clock.now = ends_at
    assert not await is_live(runtime, new)


@pytest.mark.long("postgres")
async def test_the_use_of_a_session_is_written_once_a_minute(
    runtime: Runtime, crew: Crew, clock: SteppedClock, select: Select
) -> None:
    new = await sign_in(runtime, crew.ana)
    before = await select("SELECT used_at, address FROM sessions")
    clock.now += timedelta(seconds=50)
    await read_session(runtime, new.token, ELSEWHERE)
    assert await select("SELECT used_at, address FROM sessions") == before
    clock.now += timedelta(seconds=10)
    await read_session(runtime, new.token, ELSEWHERE)
    ((used_at, address),) = await select("SELECT used_at, address FROM sessions")
    assert (used_at, address) != before[0]
    assert address == ELSEWHERE.address


async def test_whatever_ends_a_session_ends_it_at_once_on_another_server(
    runtime: Runtime, cast: Cast, crew: Crew, open_store: OpenStore, clock: SteppedClock
) -> None:
    other = build_runtime(await open_store(), clock)
    acme = cast.acme.account

    async def end_by_sign_out() -> None:
        assert await end_session(other, new.session, OFFICE)

    async def end_by_password() -> None:
        await set_password(runtime, crew.eva, OTHER_PASSWORD)

    async def end_by_disabling() -> None:
        await disable_user(other, crew.eva)

    async def end_by_removal() -> None:
        await remove_member(other, crew.eva, acme.account_id, acme.name)

    async def end_by_account() -> None:
        await disable_account(other, acme)

    async def end_by_erasure() -> None:
        await erase_user(other, crew.eva)

    for number, end in enumerate(
        (end_by_sign_out, end_by_password, end_by_disabling, end_by_removal, end_by_account, end_by_erasure)
    ):
        new = await sign_in(runtime, crew.eva, OTHER_PASSWORD if number > 1 else PASSWORD)
        assert await is_live(runtime, new)
        assert await is_live(other, new)
        await end()
        assert not await is_live(runtime, new), end.__name__
        assert not await is_live(other, new), end.__name__
        if end is not end_by_erasure:
            await enable_user(other, crew.eva)
            await enable_account(other, acme)
            await add_member(other, crew.eva, acme.account_id, Role.EDITOR)
        if end is not end_by_account:  # which took nothing away, and has an end
            assert not await is_live(other, new), end.__name__
    await other.watch.close()
    await other.authenticator.close()
    await other.passwords.close()


@pytest.mark.long("postgres")
async def test_another_role_counts_from_the_next_use_of_a_session(runtime: Runtime, cast: Cast, crew: Crew) -> None:
    acme = cast.acme.account
    new = await sign_in(runtime, crew.eva)
    await set_role(runtime, crew.eva, acme.account_id, acme.name, Role.VIEWER)
    session = await read_session(runtime, new.token, OFFICE)
    assert session.role is Role.VIEWER
    assert session.principal.scopes == {scope.value for scope in ROLE_SCOPES[Role.VIEWER]}


async def test_a_sign_in_does_not_slip_through_while_the_password_changes(runtime: Runtime, crew: Crew) -> None:
    await set_password(runtime, crew.ana, OTHER_PASSWORD)
    with pytest.raises(PadronError) as caught:  # crew.ana is what a check of the former password found
        await open_session_for(runtime, crew.ana, SignInWay.PASSWORD, OFFICE)
    assert caught.value.code is Code.SIGN_IN_REFUSED
    with pytest.raises(PadronError) as caught:
        await open_session_for(runtime, await disable_user(runtime, crew.eva), SignInWay.OPENID, OFFICE)
    assert caught.value.code is Code.SIGN_IN_REFUSED


async def test_the_session_that_was_not_used_for_longest_ends_where_there_are_too_many(
    runtime: Runtime, crew: Crew, clock: SteppedClock
) -> None:
    many = [await sign_in(runtime, crew.ana) for _ in range(SESSIONS_MAX)]
    clock.now += timedelta(minutes=2)
    assert await is_live(runtime, many[0])
    last = await sign_in(runtime, crew.ana)
    bo = await sign_in(runtime, crew.bo)
    assert [await is_live(runtime, one) for one in many[:3]] == [True, False, True]
    assert await is_live(runtime, bo)
    listed = await list_sessions(runtime, last.session)
    assert len(listed) == SESSIONS_MAX
    assert {one.actor for one in listed} == {crew.ana.user_id}


@pytest.mark.long("postgres")
async def test_a_person_ends_other_sessions_but_only_those_of_the_same_person(runtime: Runtime, crew: Crew) -> None:
    one, two, three = [await sign_in(runtime, crew.ana) for _ in range(3)]
    bo = await sign_in(runtime, crew.bo)
    assert not await end_session(runtime, one.session, OFFICE, bo.session.session_id)
    assert await end_session(runtime, one.session, OFFICE, two.session.session_id)
    assert [await is_live(runtime, new) for new in (one, two, three, bo)] == [True, False, True, True]
    assert await end_other_sessions(runtime, one.session) == 1
    assert [await is_live(runtime, new) for new in (one, three, bo)] == [True, False, True]


@pytest.mark.long("postgres")
async def test_a_changed_password_ends_every_session_and_opens_a_new_one(runtime: Runtime, crew: Crew) -> None:
    first, second = await sign_in(runtime, crew.ana), await sign_in(runtime, crew.ana)
    with pytest.raises(PadronError) as caught:
        await change_password(runtime, first.session, "not this one here", OTHER_PASSWORD, OFFICE)
    assert caught.value.code is Code.SIGN_IN_REFUSED
    assert await is_live(runtime, second)
    new = await change_password(runtime, first.session, PASSWORD, OTHER_PASSWORD, OFFICE)
    assert [await is_live(runtime, one) for one in (first, second, new)] == [False, False, True]
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.ana)
    await sign_in(runtime, crew.ana, OTHER_PASSWORD)


@pytest.mark.long("postgres")
async def test_a_member_of_two_accounts_chooses_one_and_never_another_one_s(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    beta = cast.beta.account
    new = await sign_in(runtime, crew.eva)
    with pytest.raises(PadronError) as caught:
        await choose_account(runtime, new.token, beta.account_id, OFFICE)
    assert caught.value.code is Code.FORBIDDEN
    await add_member(runtime, crew.eva, beta.account_id, Role.VIEWER)
    session = await choose_account(runtime, new.token, beta.account_id, OFFICE)
    assert (session.account_name, session.role, session.principal.account_id) == ("Beta", Role.VIEWER, beta.account_id)
    assert [one.account_name for one in session.accounts] == ["Acme", "Beta"]
    await remove_member(runtime, crew.eva, beta.account_id, beta.name)
    assert not await is_live(runtime, new)
    assert (await sign_in(runtime, crew.eva)).session.account_name == "Acme"


async def test_a_session_does_not_move_into_an_account_that_the_person_has_just_left(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    session = (await sign_in(runtime, crew.eva)).session

    async def move(transaction: PeopleTransaction, account_id: int) -> bool:
        return await transaction.move_session(crew.eva.user_id, session.session_id, account_id)

    people = runtime.store.people
    assert not await people.write(partial(move, account_id=cast.beta.account.account_id))
    assert await people.write(partial(move, account_id=cast.acme.account.account_id))


@pytest.mark.long("postgres")
async def test_a_key_signs_in_with_its_scopes_until_it_is_revoked(runtime: Runtime, cast: Cast) -> None:
    new = await sign_in_with_key(runtime, cast.gamma.token, OFFICE)
    session = await read_session(runtime, new.token, OFFICE)
    assert session.principal == cast.gamma.principal
    assert (session.user, session.role, session.key_id) == (None, None, cast.gamma.principal.actor)
    assert session.account_name == "Acme"
    await revoke_key(runtime, cast.gamma.principal.actor)
    assert not await is_live(runtime, new)


@pytest.mark.long("postgres")
async def test_the_session_of_a_key_ends_with_the_key_and_keeps_to_its_networks(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    added = await add_key(
        runtime, cast.acme.account, label="till", scopes=["vehicles:read"], expires_in=timedelta(hours=1),
        networks=["192.0.2.0/24"],
    )  # fmt: skip
    with pytest.raises(PadronError) as caught:
        await sign_in_with_key(runtime, added.token, ELSEWHERE)
    assert caught.value.code is Code.FORBIDDEN
    new = await sign_in_with_key(runtime, added.token, OFFICE)
    assert await is_live(runtime, new)
    assert not await is_live(runtime, new, ELSEWHERE)
    assert not await is_live(runtime, new, Visitor(address="", agent=""))
    clock.now += timedelta(hours=1)
    assert not await is_live(runtime, new)


@pytest.mark.long("postgres")
async def test_a_key_that_is_not_valid_opens_nothing(runtime: Runtime, cast: Cast, select: Select) -> None:
    wrong = cast.acme.token[:-1] + ("a" if cast.acme.token[-1] != "a" else "b")
    with pytest.raises(PadronError) as caught:
        await sign_in_with_key(runtime, wrong, OFFICE)
    assert caught.value.code is Code.INVALID_TOKEN
    assert await select("SELECT * FROM sessions") == []
    assert await select("SELECT actor, kind, way FROM sign_ins") == [(None, "refused", "key")]


@pytest.mark.long("postgres")
async def test_what_a_browser_says_of_itself_is_kept_short_and_printable(runtime: Runtime, crew: Crew) -> None:
    new = await sign_in(runtime, crew.ana, visitor=replace(OFFICE, agent="a\nb\x1b[31m" + "x" * 500))
    (kept,) = await list_sessions(runtime, new.session)
    assert kept.agent.startswith("a b [31mxxx")
    assert len(kept.agent) == 200


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET disabled_at = created_at WHERE email = 'eva@acme.example'",
        "UPDATE users SET erased_at = created_at WHERE email = 'eva@acme.example'",
        "DELETE FROM members WHERE role = 'editor'",
        "UPDATE accounts SET disabled_at = created_at WHERE name = 'Acme'",
        "UPDATE sessions SET ends_at = created_at",
        "DELETE FROM sessions",
    ],
)
async def test_the_statement_itself_finds_no_session_of_somebody_who_may_not_enter(
    runtime: Runtime, crew: Crew, engine: str, database: str, change: str
) -> None:
    """Whatever ends access also deletes sessions. Should one be left, it must not count."""
    new = await sign_in(runtime, crew.eva)
    assert await is_live(runtime, new)
    await write(engine, database, change)
    assert not await is_live(runtime, new)
