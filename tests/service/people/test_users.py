"""People as operators manage them: found, changed, disabled, and erased but for the fact that there was somebody."""

import asyncio
from dataclasses import replace

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.service.people.invitations import make_invitation
from padron.service.people.members import add_member
from padron.service.people.users import (
    add_user,
    change_email,
    change_preferences,
    disable_user,
    enable_user,
    end_sessions_of,
    erase_user,
    find_user,
    get_person,
    get_user,
    list_people,
    list_sessions_of,
    rename_user,
)
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import OpenStore, Select
from tests.service.people.crew import Crew, is_live, sign_in


@pytest.mark.long("postgres")
async def test_a_person_is_found_by_id_and_by_address_in_any_case(runtime: Runtime, crew: Crew) -> None:
    assert await get_user(runtime, crew.ana.user_id) == crew.ana
    assert await get_user(runtime, "ANA@acme.example") == crew.ana
    assert await find_user(runtime, "nobody@acme.example") is None
    for name in ("nobody@acme.example", "uAAAAAAAAAAAA"):
        with pytest.raises(PadronError, match=name) as caught:
            await get_user(runtime, name)
        assert caught.value.code is Code.USER_NOT_FOUND


async def test_an_address_belongs_to_one_person(runtime: Runtime, crew: Crew) -> None:
    with pytest.raises(PadronError) as caught:
        await add_user(runtime, email="Ana@ACME.example", name="Another")
    assert caught.value.code is Code.USER_EXISTS
    with pytest.raises(PadronError) as caught:
        await change_email(runtime, crew.eva, "ana@acme.example")
    assert caught.value.code is Code.USER_EXISTS
    changed = await change_email(runtime, crew.eva, "Eva.Ruiz@acme.example")
    assert (await get_user(runtime, "eva.ruiz@acme.example")) == changed
    await add_user(runtime, email="eva@acme.example", name="Another")


async def test_two_people_who_want_one_address_at_the_same_time_do_not_both_get_it(
    runtime: Runtime, crew: Crew, open_store: OpenStore
) -> None:
    other = replace(runtime, store=await open_store())
    for number in range(5):
        email = f"new{number}@acme.example"
        results = await asyncio.gather(
            change_email(runtime, crew.ana, email),
            change_email(other, crew.eva, email),
            add_user(other, email=email, name="Another"),
            return_exceptions=True,
        )
        refused = [one.code for one in results if isinstance(one, PadronError)]
        assert refused == [Code.USER_EXISTS] * 2, results


@pytest.mark.long("postgres")
async def test_a_person_has_a_name_a_language_and_a_time_zone(runtime: Runtime, crew: Crew) -> None:
    await rename_user(runtime, crew.ana, "Ana Ruiz")
    changed = await change_preferences(runtime, crew.ana, language="es", time_zone="America/Mexico_City")
    assert (changed.name, changed.language, changed.time_zone) == ("Ana Ruiz", "es", "America/Mexico_City")
    assert await get_user(runtime, crew.ana.user_id) == changed
    assert (await change_preferences(runtime, crew.ana, language=None, time_zone=None)).language is None
    for language, time_zone in (("fr", None), (None, "Mars/Base"), (None, "../../etc/passwd"), (None, "x" * 65)):
        with pytest.raises(PadronError) as caught:
            await change_preferences(runtime, crew.ana, language=language, time_zone=time_zone)
        assert caught.value.code is Code.BAD_PARAMETERS
    with pytest.raises(PadronError):
        await rename_user(runtime, crew.ana, " ")


async def test_all_people_are_listed_by_address_with_their_accounts(
    runtime: Runtime, cast: Cast, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.people.users.PAGE", 2)
    await add_member(runtime, crew.eva, cast.beta.account.account_id, Role.VIEWER)
    await erase_user(runtime, crew.bo, force=True)
    listed = [
        (person.user.email, [(one.account_name, one.role) for one in person.memberships])
        for person in await list_people(runtime)
    ]
    assert listed == [
        ("ana@acme.example", [("Acme", Role.OWNER)]),
        ("eva@acme.example", [("Acme", Role.EDITOR), ("Beta", Role.VIEWER)]),
        (None, []),
    ]


@pytest.mark.long("postgres")
async def test_a_disabled_person_can_be_enabled_again_but_the_sessions_stay_ended(runtime: Runtime, crew: Crew) -> None:
    before = await sign_in(runtime, crew.eva)
    first = await disable_user(runtime, crew.eva)
    assert (await disable_user(runtime, crew.eva)).disabled_at == first.disabled_at
    with pytest.raises(PadronError):
        await sign_in(runtime, crew.eva)
    assert (await enable_user(runtime, crew.eva)).disabled_at is None
    assert not await is_live(runtime, before)
    assert await is_live(runtime, await sign_in(runtime, crew.eva))


@pytest.mark.long("postgres")
async def test_an_operator_ends_all_sessions_of_a_person(runtime: Runtime, crew: Crew) -> None:
    many = [await sign_in(runtime, crew.eva) for _ in range(3)]
    ana = await sign_in(runtime, crew.ana)
    assert {one.session_id for one in await list_sessions_of(runtime, crew.eva)} == {
        new.session.session_id for new in many
    }
    assert await end_sessions_of(runtime, crew.eva) == 3
    assert [await is_live(runtime, new) for new in (*many, ana)] == [False, False, False, True]


@pytest.mark.long("postgres")
async def test_of_an_erased_person_only_the_id_and_the_facts_are_left(
    runtime: Runtime, crew: Crew, select: Select
) -> None:
    new = await sign_in(runtime, crew.eva)
    await change_preferences(runtime, crew.eva, language="es", time_zone="America/Bogota")
    await make_invitation(runtime, crew.eva, "cli")
    erased = await erase_user(runtime, crew.eva)
    assert not await is_live(runtime, new)
    tables = ("users", "members", "sessions", "invitations", "sign_ins")
    rows = [row for table in tables for row in await select(f"SELECT * FROM {table}") if crew.eva.user_id in row]  # noqa: S608
    for trace in ("eva@", "Eva", "argon2", "Firefox", "192.0.2.10", "Bogota"):
        kept = [row for row in rows if trace in repr(row)]
        assert kept == [], trace
    assert await get_user(runtime, crew.eva.user_id) == erased
    assert (erased.email, erased.name, erased.password_changed_at) == (None, None, None)
    assert await select(f"SELECT count(*) FROM sign_ins WHERE actor = '{crew.eva.user_id}'") == [(2,)]  # noqa: S608
    assert (await get_person(runtime, "ana@acme.example")).user == crew.ana
    for change in (enable_user(runtime, crew.eva), rename_user(runtime, crew.eva, "Eva")):
        with pytest.raises(PadronError) as caught:
            await change
        assert caught.value.code is Code.USER_NOT_FOUND
    await add_user(runtime, email="eva@acme.example", name="Another")


async def test_a_removed_account_takes_memberships_and_sessions_with_it_and_the_people_stay(
    runtime: Runtime, cast: Cast, crew: Crew
) -> None:
    from padron.service.accounts import disable_account  # noqa: PLC0415
    from padron.service.administration.removal import delete_account  # noqa: PLC0415

    new = await sign_in(runtime, crew.bo)
    await disable_account(runtime, cast.beta.account)
    await delete_account(runtime, cast.beta.account, lambda _: None)
    assert not await is_live(runtime, new)
    assert (await get_person(runtime, "bo@beta.example")).memberships == ()
    assert await is_live(runtime, await sign_in(runtime, crew.ana))
