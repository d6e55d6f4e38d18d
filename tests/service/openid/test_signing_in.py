"""Signing in with an identity provider: who comes in, as whom, and with which roles."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.sessions import SignInKind, SignInWay
from padron.service.accounts import add_account, disable_account
from padron.service.openid.departing import list_sign_in_providers
from padron.service.people.members import add_member, remove_member, resume_member, set_role, suspend_member
from padron.service.people.sessions import read_session
from padron.service.people.sign_ins import list_own_sign_ins
from padron.service.people.users import add_user, disable_user, erase_user, get_person
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import Select
from tests.issuers import ISSUER
from tests.openid_issuers import (
    ANA,
    CLIENT,
    CLIENT_ID,
    CLIENT_SECRET,
    OWNERS,
    REDIRECT,
    TOKEN,
    SignInIssuer,
    make_role_grant,
    make_sign_in_provider,
    make_sign_in_providers,
)
from tests.service.openid.arrivals import HOME, arrive, configure, depart, find_user, refuse, sign_in

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def test_somebody_new_comes_in_as_what_the_claims_say_and_is_known_the_next_time(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    arrival = await sign_in(runtime, issuer)
    session, user = arrival.new.session, find_user(arrival)
    assert arrival.wanted == "/console/vehicles?plate=A"
    assert (session.account_id, session.role) == (cast.acme.account.account_id, Role.EDITOR)
    assert session.principal.scopes == {scope.value for scope in ROLE_SCOPES[Role.EDITOR]}
    assert (user.name, user.email, user.password_changed_at) == ("Ana Ruiz", "ana@corp.example", None)
    again = await sign_in(runtime, issuer)
    assert find_user(again).user_id == user.user_id
    assert (await read_session(runtime, again.new.token, HOME)).user == user
    (event, *_) = await list_own_sign_ins(runtime, user)
    assert (event.event.kind, event.event.way) == (SignInKind.SIGNED_IN, SignInWay.OPENID)


@on_sqlite
async def test_the_request_to_the_provider_has_what_the_standards_ask_for(
    runtime: Runtime, issuer: SignInIssuer
) -> None:
    departure = await depart(runtime)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(departure.url).query).items()}
    assert {name: asked[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "scope": "openid profile email",
    }  # fmt: skip
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"], departure.browser_secret}) == 4
    other = await depart(runtime)
    assert departure.browser_secret not in departure.url
    assert other.browser_secret != departure.browser_secret
    await arrive(runtime, issuer.visit(departure.url), departure)
    (request,) = issuer.requests
    assert (request.url, request.secret) == (TOKEN, CLIENT_SECRET)
    assert "client_secret" not in request.form
    assert CLIENT_SECRET not in repr(request)


@on_sqlite
@pytest.mark.parametrize("ways", [["client_secret_post"], ["client_secret_basic", "client_secret_post"], None])
async def test_the_secret_goes_where_the_provider_takes_it(
    runtime: Runtime, cast: Cast, ways: list[str] | None
) -> None:
    del cast
    issuer = await configure(runtime, token_endpoint_auth_methods_supported=ways)
    await sign_in(runtime, issuer)
    (request,) = issuer.requests
    in_body = ways == ["client_secret_post"]
    assert (request.form.get("client_secret") == CLIENT_SECRET) == in_body
    assert (request.secret == CLIENT_SECRET) != in_body


async def test_the_claims_of_the_next_sign_in_give_and_take_roles_and_memberships(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    beta = make_role_grant("viewer", "Beta", groups="beta")
    provider = make_sign_in_provider(*make_sign_in_provider().grants, beta)
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(provider), issuer)
    issuer.claims = {**ANA, "groups": ["workshop", "beta"]}
    user = find_user(first := await sign_in(runtime, issuer))

    async def list_roles() -> dict[str, Role]:
        person = await get_person(runtime, user.user_id)
        return {one.account_name: one.role for one in person.memberships}

    assert await list_roles() == {"Acme": Role.EDITOR, "Beta": Role.VIEWER}
    issuer.claims = {**ANA, "groups": ["owners", "workshop"]}
    await sign_in(runtime, issuer)
    assert await list_roles() == {"Acme": Role.OWNER}
    assert (await read_session(runtime, first.new.token, HOME)).role is Role.OWNER
    issuer.claims = {**ANA, "groups": []}
    await refuse(runtime, issuer, Code.FORBIDDEN)
    assert await list_roles() == {}
    with pytest.raises(PadronError) as caught:
        await read_session(runtime, first.new.token, HOME)
    assert caught.value.code is Code.SESSION_ENDED
    assert cast.beta.account.name == "Beta"


@pytest.mark.long("postgres")
async def test_a_suspended_member_stays_out_whatever_the_claims_say(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    acme = cast.acme.account
    await suspend_member(runtime, user, acme.account_id, acme.name)
    for groups in (["workshop"], ["owners", "workshop"]):
        issuer.claims = {**ANA, "groups": groups}
        await refuse(runtime, issuer, Code.FORBIDDEN)
    await resume_member(runtime, user, acme.account_id)
    assert (await sign_in(runtime, issuer)).new.session.role is Role.OWNER


@pytest.mark.long("postgres")
async def test_a_membership_that_somebody_gave_by_hand_is_never_touched(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    acme, beta = cast.acme.account, cast.beta.account
    await add_member(runtime, user, beta.account_id, Role.VIEWER)
    await remove_member(runtime, user, acme.account_id, acme.name)
    await add_member(runtime, user, acme.account_id, Role.MANAGER)
    for groups in (["workshop"], []):
        issuer.claims = {**ANA, "groups": groups}
        arrival = await sign_in(runtime, issuer)
        roles = {one.account_name: one.role for one in arrival.new.session.accounts}
        assert roles == {"Acme": Role.MANAGER, "Beta": Role.VIEWER}


async def test_somebody_new_who_comes_twice_at_the_same_time_is_one_person(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    arrivals = await asyncio.gather(*(sign_in(runtime, issuer) for _ in range(4)))
    assert len({find_user(arrival).user_id for arrival in arrivals}) == 1
    ((count,),) = await select("SELECT count(*) FROM users")
    assert count == 1


@pytest.mark.long("postgres")
async def test_a_role_that_was_changed_by_hand_is_the_providers_again_after_the_next_sign_in(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    await set_role(runtime, user, cast.acme.account.account_id, "Acme", Role.MANAGER)
    assert (await sign_in(runtime, issuer)).new.session.role is Role.EDITOR


@pytest.mark.long("postgres")
async def test_somebody_new_whom_nothing_gives_a_role_leaves_no_trace(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    issuer.claims = {**ANA, "groups": ["strangers"]}
    assert "nothing that it says of you gives you a role here" in await refuse(runtime, issuer)
    for table in ("users", "user_identities", "members", "provided_members", "sessions", "pending_sign_ins"):
        assert await select(f"SELECT * FROM {table}") == [], table  # noqa: S608


@pytest.mark.long("postgres")
async def test_a_disabled_person_stays_out_and_an_erased_one_is_somebody_new(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    await disable_user(runtime, user, force=True)
    assert "you may not sign in" in await refuse(runtime, issuer)
    await erase_user(runtime, user, force=True)
    assert await select("SELECT * FROM user_identities") == []
    other = find_user(await sign_in(runtime, issuer))
    assert other.user_id != user.user_id
    assert other.email == "ana@corp.example"


@pytest.mark.long("postgres")
async def test_an_address_leads_to_nobody_unless_the_operator_says_so(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    known = await add_user(runtime, email="ana@corp.example", name="Ana")
    await add_member(runtime, known, cast.beta.account.account_id, Role.OWNER)
    user = find_user(await sign_in(runtime, issuer))
    assert user.user_id != known.user_id
    assert user.email is None  # another person has it
    assert {one.account_name for one in (await get_person(runtime, user.user_id)).memberships} == {"Acme"}


@pytest.mark.parametrize("verified", [True, False, None, "true", 1])
@pytest.mark.long("postgres")
async def test_only_a_verified_address_leads_to_a_known_person_where_the_operator_says_so(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast, verified: object
) -> None:
    provider = make_sign_in_provider(client=replace(CLIENT, links_by_email=True))
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(provider), issuer)
    known = await add_user(runtime, email="ana@corp.example", name="Ana")
    await add_member(runtime, known, cast.beta.account.account_id, Role.OWNER)
    issuer.claims = {**ANA, "email": "Ana@Corp.example", "email_verified": verified}
    user = find_user(await sign_in(runtime, issuer))
    assert (user.user_id == known.user_id) == (verified is True)
    if verified is True:
        issuer.claims = {**ANA, "email": "other@corp.example"}
        assert find_user(await sign_in(runtime, issuer)).user_id == known.user_id  # by the subject from now on


@on_sqlite
@pytest.mark.parametrize("is_break_glass", [True, False])
async def test_an_address_does_not_lead_to_somebody_for_emergencies_or_disabled(
    runtime: Runtime, issuer: SignInIssuer, *, is_break_glass: bool
) -> None:
    provider = make_sign_in_provider(client=replace(CLIENT, links_by_email=True))
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(provider), issuer)
    known = await add_user(runtime, email="ana@corp.example", name="Ana", is_break_glass=is_break_glass)
    if not is_break_glass:
        await disable_user(runtime, known)
    await refuse(runtime, issuer)


@pytest.mark.long("postgres")
async def test_the_subject_of_another_issuer_is_another_person(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    issuer.claims = {**ANA, "sub": "248290", "email": "eva@corp.example"}
    assert find_user(await sign_in(runtime, issuer)).user_id != user.user_id
    rows = await select("SELECT issuer, subject FROM user_identities ORDER BY subject")
    assert [tuple(row) for row in rows] == [(ISSUER, "248289"), (ISSUER, "248290")]


@on_sqlite
async def test_a_grant_for_an_account_that_is_disabled_or_not_there_opens_none(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    await add_account(runtime, "Gone")
    provider = make_sign_in_provider(make_role_grant("viewer", "Nowhere"), make_role_grant("editor", "Acme"))
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(provider), issuer)
    await disable_account(runtime, cast.acme.account)
    await refuse(runtime, issuer, Code.FORBIDDEN)
    assert "names the account 'Nowhere', which does not exist" in caplog.text


@on_sqlite
@pytest.mark.parametrize(
    "claims, name",
    [
        ({"name": "  Ana\u202e Ruiz\n "}, "Ana  Ruiz"), ({"name": None, "preferred_username": "ana"}, "ana"),
        ({"name": "", "email": "ana@corp.example"}, "ana@corp.example"), ({"name": "\n", "email": None}, "248289"),
        ({"name": "N" * 500}, "N" * 100), ({"name": ["a"], "email": 7}, "248289"),
    ],
)  # fmt: skip
async def test_a_new_person_gets_a_name_that_can_be_shown(
    runtime: Runtime, issuer: SignInIssuer, claims: dict[str, object], name: str
) -> None:
    issuer.claims = {**ANA, **claims}
    assert find_user(await sign_in(runtime, issuer)).name == name


@on_sqlite
async def test_the_providers_to_sign_in_with_are_listed_by_their_titles(runtime: Runtime, issuer: SignInIssuer) -> None:
    del issuer
    assert [(one.name, one.title) for one in list_sign_in_providers(runtime)] == [("corp", "Corporate login")]
    assert OWNERS.role is Role.OWNER
