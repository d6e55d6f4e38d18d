"""Answers of an identity provider, and every one that lets nobody in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.openid import PENDING_LASTS
from padron.domain.people import Role
from padron.service.openid import departing
from padron.service.openid.arriving import finish_sign_in
from padron.service.openid.departing import begin_sign_in
from padron.service.openid.departures import DEPARTURE_RATE
from padron.service.people.changing_passwords import set_password
from padron.service.people.members import add_member
from padron.service.people.sessions import sign_in_with_password
from padron.service.people.users import add_user
from padron.service.runtime import Runtime
from padron.service.tokens.sources import SourceAnswer
from tests.cast import Cast
from tests.issuers import ISSUER, NOW_S, encode_json, make_ec, make_header, make_rsa
from tests.openid_issuers import (
    ANA,
    CLIENT_ID,
    SignInIssuer,
    make_sign_in_provider,
    make_sign_in_providers,
)
from tests.service.openid.arrivals import HOME, StillClock, arrive, configure, depart, refuse, sign_in, try_to_begin

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


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


@pytest.mark.long("postgres")
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


WRONG_CLAIMS: list[tuple[dict[str, object], str]] = [
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
]


@on_sqlite
async def test_an_identity_token_that_is_not_of_this_sign_in_lets_nobody_in(
    runtime: Runtime, issuer: SignInIssuer
) -> None:
    for changes, told in WRONG_CLAIMS:
        issuer.changes = changes
        assert told in await refuse(runtime, issuer), changes
    issuer.changes = {"aud": [CLIENT_ID], "azp": CLIENT_ID}
    assert (await sign_in(runtime, issuer)).new.token


WRONG_HEADERS: list[tuple[dict[str, object], str]] = [
    (make_header(typ="at+jwt"), "its header typ is not jwt"),
    (make_header(typ="logout+jwt"), "its header typ is not jwt"),
    (make_header(typ=7), "its header typ is not jwt"),
    (make_header(typ=None, jwk={}), "its header has jwk"),
    (make_header(typ=None, kid="other"), "the provider has no key of its name"),
    (make_header(typ=None, alg="none"), "its algorithm is not"),
]


@on_sqlite
async def test_an_identity_token_with_another_header_lets_nobody_in(runtime: Runtime, issuer: SignInIssuer) -> None:
    for header, told in WRONG_HEADERS:
        if header["alg"] == "none":
            body = f'{{"id_token": "{encode_json(header)}.{encode_json(ANA)}.AAAA"}}'
            issuer.answer = SourceAnswer(status=200, body=body.encode())
        issuer.header = header
        assert told in await refuse(runtime, issuer), header


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


ANSWERS_WITHOUT_TOKEN = [
    (200, b"{}", Code.SIGN_IN_REFUSED, "did not take this server's request"),
    (200, b'{"id_token": 7}', Code.SIGN_IN_REFUSED, "did not take this server's request"),
    (200, b'{"id_token": "a.b"}', Code.SIGN_IN_REFUSED, "the three parts of a signed JWT"),
    (200, b"<html>", Code.SIGN_IN_REFUSED, "did not take this server's request"),
    (400, b'{"error": "invalid_grant"}', Code.SIGN_IN_REFUSED, "the code was used before or is too old"),
    (401, b'{"error": "invalid_client"}', Code.SIGN_IN_REFUSED, "Tell the operator, whose log has the reason"),
    (400, b'{"error": "\\u001b[31m"}', Code.SIGN_IN_REFUSED, "Tell the operator, whose log has the reason"),
    (302, b"", Code.SIGN_IN_REFUSED, "did not take this server's request"),
    (503, b"", Code.PROVIDER_UNAVAILABLE, "has failed. Try again"),
]


@on_sqlite
async def test_a_provider_that_gives_no_token_is_told_in_words(runtime: Runtime, issuer: SignInIssuer) -> None:
    for status, body, code, told in ANSWERS_WITHOUT_TOKEN:
        issuer.answer = SourceAnswer(status=status, body=body)
        assert told in await refuse(runtime, issuer, code), body


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
