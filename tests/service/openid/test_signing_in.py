"""Signing in with an identity provider: who comes in, as whom, and every answer that lets nobody in."""

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.openid import PENDING_LASTS, Callback
from padron.domain.people import ROLE_SCOPES, Role, User
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.accounts import add_account, disable_account
from padron.service.openid import departing
from padron.service.openid.arriving import Arrival, finish_sign_in
from padron.service.openid.departing import Departure, begin_sign_in, list_sign_in_providers
from padron.service.openid.departures import DEPARTURE_RATE
from padron.service.people.changing_passwords import set_password
from padron.service.people.members import add_member, remove_member, set_role
from padron.service.people.sessions import read_session, sign_in_with_password
from padron.service.people.sign_ins import list_own_sign_ins
from padron.service.people.users import add_user, disable_user, erase_user, get_person
from padron.service.runtime import Runtime
from padron.service.tokens.sources import SourceAnswer
from tests.cast import NOON, Cast
from tests.conftest import Select
from tests.issuers import ISSUER, NOW_S, encode_json, make_ec, make_header, make_rsa
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

HOME = Visitor(address="192.0.2.10", agent="Firefox")
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


class StillClock:
    """A clock that stands still until a test sets it."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def issuer(runtime: Runtime, cast: Cast) -> SignInIssuer:
    """The provider of a register in which it is configured."""
    del cast
    issuer = SignInIssuer()
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(), issuer)
    return issuer


async def configure(runtime: Runtime, **metadata: object) -> SignInIssuer:
    """Configure a provider with other metadata."""
    issuer = SignInIssuer()
    issuer.describe(**metadata)
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(), issuer)
    return issuer


async def depart(runtime: Runtime) -> Departure:
    return await begin_sign_in(runtime, "corp", "/console/vehicles?plate=A", HOME)


async def try_to_begin(runtime: Runtime, address: str) -> Code | None:
    try:
        await begin_sign_in(runtime, "corp", "/console", Visitor(address=address, agent=""))
    except PadronError as error:
        return error.code
    return None


async def arrive(runtime: Runtime, callback: Callback, departure: Departure) -> Arrival:
    return await finish_sign_in(runtime, "corp", callback, departure.browser_secret, HOME)


async def sign_in(runtime: Runtime, issuer: SignInIssuer) -> Arrival:
    departure = await depart(runtime)
    return await arrive(runtime, issuer.visit(departure.url), departure)


async def refuse(runtime: Runtime, issuer: SignInIssuer, code: Code = Code.SIGN_IN_REFUSED) -> str:
    """Let somebody sign in who must be refused, and give what they are told."""
    departure = await depart(runtime)
    with pytest.raises(PadronError) as caught:
        await arrive(runtime, issuer.visit(departure.url), departure)
    assert caught.value.code is code, caught.value.detail
    assert caught.value.detail.isprintable()
    return caught.value.detail


def find_user(arrival: Arrival) -> User:
    user = arrival.new.session.user
    assert user is not None
    return user


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


async def test_a_membership_that_somebody_gave_by_hand_is_never_touched(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    acme, beta = cast.acme.account, cast.beta.account
    await add_member(runtime, user, beta.account_id, Role.VIEWER)
    await remove_member(runtime, user, acme.account_id, acme.name)
    await add_member(runtime, user, acme.account_id, Role.MANAGER)
    issuer.claims = {**ANA, "groups": []}
    arrival = await sign_in(runtime, issuer)
    roles = {one.account_name: one.role for one in arrival.new.session.accounts}
    assert roles == {"Acme": Role.MANAGER, "Beta": Role.VIEWER}


async def test_a_role_that_was_changed_by_hand_is_the_providers_again_after_the_next_sign_in(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    await set_role(runtime, user, cast.acme.account.account_id, "Acme", Role.MANAGER)
    assert (await sign_in(runtime, issuer)).new.session.role is Role.EDITOR


async def test_somebody_new_whom_nothing_gives_a_role_leaves_no_trace(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    issuer.claims = {**ANA, "groups": ["strangers"]}
    assert "nothing that it says of you gives you a role here" in await refuse(runtime, issuer)
    for table in ("users", "user_identities", "members", "provided_members", "sessions", "pending_sign_ins"):
        assert await select(f"SELECT * FROM {table}") == [], table  # noqa: S608


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


async def test_the_subject_of_another_issuer_is_another_person(
    runtime: Runtime, issuer: SignInIssuer, select: Select
) -> None:
    user = find_user(await sign_in(runtime, issuer))
    issuer.claims = {**ANA, "sub": "248290", "email": "eva@corp.example"}
    assert find_user(await sign_in(runtime, issuer)).user_id != user.user_id
    rows = await select("SELECT issuer, subject FROM user_identities ORDER BY subject")
    assert [tuple(row) for row in rows] == [(ISSUER, "248289"), (ISSUER, "248290")]


async def test_a_code_or_a_state_that_comes_a_second_time_lets_nobody_in(
    runtime: Runtime, issuer: SignInIssuer
) -> None:
    departure = await depart(runtime)
    callback = issuer.visit(departure.url)
    await arrive(runtime, callback, departure)
    with pytest.raises(PadronError, match="was finished already") as caught:
        await arrive(runtime, callback, departure)
    assert caught.value.code is Code.SIGN_IN_REFUSED
    other = await depart(runtime)  # the used code with a new state
    with pytest.raises(PadronError, match="the code was used before"):
        await arrive(runtime, replace(issuer.visit(other.url), code=callback.code), other)


async def test_a_sign_in_can_only_be_finished_in_the_browser_that_began_it(
    runtime: Runtime, issuer: SignInIssuer
) -> None:
    mine, victims = await depart(runtime), await depart(runtime)
    callback = issuer.visit(mine.url)  # an attacker's, whom the victim's browser is led to
    for secret in (victims.browser_secret, "", "x" * 43, mine.browser_secret[:-1], f"{mine.browser_secret}="):
        with pytest.raises(PadronError, match="It began in another browser") as caught:
            await finish_sign_in(runtime, "corp", callback, secret, HOME)
        assert caught.value.code is Code.SIGN_IN_REFUSED
    assert issuer.requests == []
    await arrive(runtime, callback, mine)


@on_sqlite
async def test_a_code_of_somebody_elses_sign_in_is_of_no_use(runtime: Runtime, issuer: SignInIssuer) -> None:
    victims, mine = await depart(runtime), await depart(runtime)
    stolen = issuer.visit(victims.url)
    with pytest.raises(PadronError, match="the code was used before or is too old"):
        await arrive(runtime, replace(issuer.visit(mine.url), code=stolen.code), mine)  # PKCE: another verifier


@on_sqlite
async def test_a_sign_in_is_over_after_ten_minutes(runtime: Runtime, issuer: SignInIssuer, clock: StillClock) -> None:
    departure = await depart(runtime)
    callback = issuer.visit(departure.url)
    clock.now += PENDING_LASTS
    with pytest.raises(PadronError, match="took more than ten minutes"):
        await arrive(runtime, callback, departure)


@on_sqlite
async def test_an_answer_for_another_provider_or_from_another_issuer_is_refused(
    runtime: Runtime, issuer: SignInIssuer
) -> None:
    other = make_sign_in_provider(issuer="https://evil.example")
    other = replace(other, name="evil")
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(make_sign_in_provider(), other), issuer)
    departure = await depart(runtime)
    with pytest.raises(PadronError, match="It began in another browser"):  # mix-up: the other callback
        await finish_sign_in(runtime, "evil", issuer.visit(departure.url), departure.browser_secret, HOME)
    departure = await depart(runtime)
    with pytest.raises(PadronError, match="The answer comes from another provider"):
        await arrive(runtime, issuer.visit(departure.url, issuer="https://evil.example"), departure)
    departure = await depart(runtime)
    await arrive(runtime, issuer.visit(departure.url, issuer=ISSUER), departure)
    assert len(issuer.requests) == 1


@on_sqlite
async def test_an_issuer_that_says_it_names_itself_must_do_so(runtime: Runtime, cast: Cast) -> None:
    del cast
    issuer = await configure(runtime, authorization_response_iss_parameter_supported=True)
    assert "The answer comes from another provider" in await refuse(runtime, issuer)
    departure = await depart(runtime)
    await arrive(runtime, issuer.visit(departure.url, issuer=ISSUER), departure)


@on_sqlite
@pytest.mark.parametrize(
    "changes, told",
    [
        ({"nonce": "other"}, "it belongs to another sign-in (nonce)"),
        ({"nonce": None}, "it belongs to another sign-in (nonce)"),
        ({"nonce": ["a"]}, "it belongs to another sign-in (nonce)"),
        ({"nonce": "\ud800"}, "it belongs to another sign-in (nonce)"),
        ({"aud": "another-client"}, "it is for another client"),
        ({"aud": None}, "it is for another client"),
        ({"aud": []}, "it is for another client"),
        ({"aud": {CLIENT_ID: 1}}, "it is for another client"),
        ({"aud": [CLIENT_ID, "another-client"]}, "it was issued to another client (azp)"),
        ({"azp": "another-client"}, "it was issued to another client (azp)"),
        ({"iss": "https://evil.example"}, "its issuer is another one"),
        ({"iss": None}, "its issuer is another one"),
        ({"exp": NOW_S - 31}, "it expired at"),
        ({"exp": None}, "its claim exp is not an instant"),
        ({"iat": None}, "its claim iat is not an instant"),
        ({"iat": NOW_S + 31}, "it is issued in the future"),
        ({"iat": NOW_S - 700}, "it was issued too long ago"),
        ({"nbf": NOW_S + 31}, "it is not valid yet"),
        ({"sub": None}, "its claim sub is not a text"),
        ({"sub": ""}, "its claim sub is not a text"),
    ],
    ids=str,
)
async def test_an_identity_token_that_is_not_of_this_sign_in_lets_nobody_in(
    runtime: Runtime, issuer: SignInIssuer, changes: dict[str, object], told: str
) -> None:
    issuer.changes = changes
    assert told in await refuse(runtime, issuer)
    issuer.changes = {"aud": [CLIENT_ID], "azp": CLIENT_ID}
    assert (await sign_in(runtime, issuer)).new.token


@on_sqlite
@pytest.mark.parametrize(
    "header, told",
    [
        (make_header(typ="at+jwt"), "its header typ is not jwt"),
        (make_header(typ="logout+jwt"), "its header typ is not jwt"),
        (make_header(typ=7), "its header typ is not jwt"),
        (make_header(typ=None, jwk={}), "its header has jwk"),
        (make_header(typ=None, kid="other"), "the provider has no key of its name"),
        (make_header(typ=None, alg="none"), "its algorithm is not"),
    ],
    ids=str,
)
async def test_an_identity_token_with_another_header_lets_nobody_in(
    runtime: Runtime, issuer: SignInIssuer, header: dict[str, object], told: str
) -> None:
    if header["alg"] == "none":
        body = f'{{"id_token": "{encode_json(header)}.{encode_json(ANA)}.AAAA"}}'
        issuer.answer = SourceAnswer(status=200, body=body.encode())
    issuer.header = header
    assert told in await refuse(runtime, issuer)


@on_sqlite
async def test_an_identity_token_that_the_provider_did_not_sign_lets_nobody_in(
    runtime: Runtime, issuer: SignInIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = issuer.issue
    monkeypatch.setattr(issuer, "issue", lambda claims, header: real(claims, header, make_rsa(2_048, 1)))
    assert "its signature does not fit" in await refuse(runtime, issuer)
    monkeypatch.undo()
    issuer.header = make_header(typ="JWT", alg="ES256", kid="ec")
    monkeypatch.setattr(issuer, "issue", lambda claims, header: real(claims, header, make_ec()))
    assert (await sign_in(runtime, issuer)).new.token


@on_sqlite
@pytest.mark.parametrize(
    "status, body, code, told",
    [
        (200, b"{}", Code.SIGN_IN_REFUSED, "did not take this server's request"),
        (200, b'{"id_token": 7}', Code.SIGN_IN_REFUSED, "did not take this server's request"),
        (200, b'{"id_token": "a.b"}', Code.SIGN_IN_REFUSED, "the three parts of a signed JWT"),
        (200, b"<html>", Code.SIGN_IN_REFUSED, "did not take this server's request"),
        (400, b'{"error": "invalid_grant"}', Code.SIGN_IN_REFUSED, "the code was used before or is too old"),
        (401, b'{"error": "invalid_client"}', Code.SIGN_IN_REFUSED, "Tell the operator, whose log has the reason"),
        (400, b'{"error": "\\u001b[31m"}', Code.SIGN_IN_REFUSED, "Tell the operator, whose log has the reason"),
        (302, b"", Code.SIGN_IN_REFUSED, "did not take this server's request"),
        (503, b"", Code.PROVIDER_UNAVAILABLE, "has failed. Try again"),
    ],
)
async def test_a_provider_that_gives_no_token_is_told_in_words(
    runtime: Runtime, issuer: SignInIssuer, status: int, body: bytes, code: Code, told: str
) -> None:
    issuer.answer = SourceAnswer(status=status, body=body)
    assert told in await refuse(runtime, issuer, code)


@on_sqlite
@pytest.mark.parametrize(
    "error, told",
    [
        ("access_denied", "The provider says that you may not sign in here, or you cancelled."),
        ("login_required", "The provider wants you to sign in there first."),
        ("temporarily_unavailable", "The provider is overloaded. Try again later."),
        ("<script>", "The provider gave an error that this server does not know."),
    ],
)
async def test_an_error_of_the_provider_is_told_in_words_and_ends_the_sign_in(
    runtime: Runtime, issuer: SignInIssuer, error: str, told: str
) -> None:
    departure = await depart(runtime)
    callback = issuer.visit(departure.url, error=error, code="")
    with pytest.raises(PadronError, match=r"This sign-in did not work\.") as caught:
        await arrive(runtime, callback, departure)
    assert caught.value.detail.endswith(told)
    with pytest.raises(PadronError, match="was finished already"):
        await arrive(runtime, replace(callback, error="", code="x"), departure)


@on_sqlite
async def test_a_provider_that_is_away_is_told_and_people_for_emergencies_still_come_in(
    runtime: Runtime, issuer: SignInIssuer, cast: Cast
) -> None:
    issuer.post_fault = "gone"
    assert "cannot be reached now" in await refuse(runtime, issuer, Code.PROVIDER_UNAVAILABLE)
    away = SignInIssuer(fault="gone")
    provider = make_sign_in_provider(issuer="https://other.example")
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(provider, allows_passwords=False), away)
    with pytest.raises(PadronError) as caught:
        await depart(runtime)
    assert caught.value.code is Code.PROVIDER_UNAVAILABLE
    for name, is_break_glass in (("glass", True), ("other", False)):
        user = await add_user(runtime, email=f"{name}@acme.example", name=name, is_break_glass=is_break_glass)
        await add_member(runtime, user, cast.acme.account.account_id, Role.OWNER)
        await set_password(runtime, user, "correct horse battery")
    assert (await sign_in_with_password(runtime, "glass@acme.example", "correct horse battery", HOME)).token
    with pytest.raises(PadronError) as caught:
        await sign_in_with_password(runtime, "other@acme.example", "correct horse battery", HOME)
    assert caught.value.code is Code.SIGN_IN_REFUSED


@on_sqlite
async def test_a_provider_without_a_place_to_sign_in_is_told(runtime: Runtime) -> None:
    await configure(runtime, authorization_endpoint=None)
    with pytest.raises(PadronError, match="does not offer to sign people in"):
        await depart(runtime)
    with pytest.raises(PadronError, match="There is no provider 'other' to sign in with"):
        await begin_sign_in(runtime, "other", "/console", HOME)


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
async def test_an_address_that_begins_too_often_and_too_many_sign_ins_are_refused(
    runtime: Runtime, issuer: SignInIssuer, monkeypatch: pytest.MonkeyPatch, clock: StillClock
) -> None:
    del issuer
    monkeypatch.setattr(departing, "PENDING_MAX", 3)
    for _ in range(3):
        await depart(runtime)
    with pytest.raises(PadronError) as caught:
        await depart(runtime)
    assert caught.value.code is Code.SERVER_FULL
    clock.now += timedelta(minutes=10)
    await depart(runtime)  # those that did not come back are forgotten
    monkeypatch.setattr(departing, "PENDING_MAX", 1_000)
    codes = [await try_to_begin(runtime, "198.51.100.7") for _ in range(DEPARTURE_RATE.burst + 20)]
    assert Code.RATE_EXCEEDED in codes
    assert await try_to_begin(runtime, "203.0.113.7") is None


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
