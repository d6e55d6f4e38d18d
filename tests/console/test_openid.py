"""The way to an identity provider and back, as a browser sees it."""

from urllib.parse import urlencode

import pytest

from padron.domain.openid import Callback
from padron.domain.people import Role
from tests.cast import NOON
from tests.conftest import SteppedClock
from tests.console.browser import Browser, House, Shown
from tests.issuers import ISSUER
from tests.openid_issuers import ANA, SignInIssuer, make_role_grant, make_sign_in_provider, make_sign_in_providers

SECRET = "__Host-padron-openid"
SESSION = "__Host-padron"


@pytest.fixture
async def issuer(house: House, shared_clock: SteppedClock) -> SignInIssuer:
    shared_clock.now = NOON
    issuer = SignInIssuer()
    # A subject for each test: the register is shared, and so is who is known in it.
    issuer.claims = {**ANA, "sub": f"ana of {house.cast.acme.account.account_id}", "email": None}
    provider = make_sign_in_provider(make_role_grant("editor", house.cast.acme.account.name, groups="workshop"))
    await house.runtime.authenticator.access_tokens.use(make_sign_in_providers(provider), issuer)
    return issuer


async def come_back(browser: Browser, callback: Callback, **changes: str) -> Shown:
    query = {"code": callback.code, "state": callback.state, "iss": callback.issuer, "error": callback.error} | changes
    given = urlencode({name: value for name, value in query.items() if value})
    return await browser.get(f"/console/openid/corp/callback?{given}", sec_fetch_site="cross-site")


@pytest.mark.both_engines
async def test_the_sign_in_page_leads_to_the_provider_and_back_to_the_wanted_page(
    house: House, issuer: SignInIssuer
) -> None:
    browser = house.open_browser()
    page = await browser.get("/console/sign-in?next=/console/profile")
    (button,) = [one for one in page.page.list_all("a") if "Corporate login" in "".join(one.text)]
    departed = await browser.get(button.attributes["href"])
    assert (departed.status, departed.location.split("?")[0]) == (303, f"{ISSUER}/authorize")
    (cookie,) = [one for one in browser.set if one.startswith(f"{SECRET}=")]
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600")
    assert browser.cookies[SECRET] not in departed.location
    arrived = await come_back(browser, issuer.visit(departed.location))
    assert (arrived.status, arrived.location) == (303, "/console/profile")
    assert SECRET not in browser.cookies
    profile = await browser.follow(arrived)
    assert "Ana Ruiz" in profile.text


async def test_an_attackers_sign_in_cannot_be_finished_in_another_browser(house: House, issuer: SignInIssuer) -> None:
    attacker, victim = house.open_browser(), house.open_browser()
    callback = issuer.visit((await attacker.get("/console/openid/corp")).location)
    await victim.get("/console/openid/corp")
    for browser in (victim, house.open_browser()):
        shown = await come_back(browser, callback)
        assert shown.status == 400
        assert "It began in another browser" in shown.text
        assert SESSION not in browser.cookies
    assert (await come_back(attacker, callback)).status == 303


async def test_what_the_provider_says_is_shown_in_words_and_in_spanish_too(house: House, issuer: SignInIssuer) -> None:
    for language, told in (("en", "Signing in did not work."), ("es", "No se pudo iniciar sesión.")):
        browser = house.open_browser(language)
        callback = issuer.visit((await browser.get("/console/openid/corp")).location)
        shown = await come_back(browser, callback, code="", error="access_denied")
        assert shown.status == 400
        assert told in shown.text
        assert "The provider says that you may not sign in here" in shown.text
        assert SESSION not in browser.cookies


async def test_a_provider_that_is_away_is_503_and_nothing_that_it_sent_is_repeated(
    house: House, issuer: SignInIssuer
) -> None:
    issuer.post_fault = "<b>gone</b>"
    browser = house.open_browser()
    callback = issuer.visit((await browser.get("/console/openid/corp")).location)
    shown = await come_back(browser, callback)
    assert shown.status == 503
    assert "The identity provider cannot be reached at the moment." in shown.text
    assert "gone" not in shown.text


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/console/../evil", "/\\evil", "/api"])
async def test_a_sign_in_leads_only_to_pages_of_the_console(house: House, issuer: SignInIssuer, wanted: str) -> None:
    browser = house.open_browser()
    departed = await browser.get(f"/console/openid/corp?{urlencode({'next': wanted})}")
    arrived = await come_back(browser, issuer.visit(departed.location))
    assert arrived.location.startswith("/console/")
    assert "evil" not in arrived.location or arrived.location == "/console/../evil"


async def test_a_parameter_that_comes_twice_counts_as_missing(house: House, issuer: SignInIssuer) -> None:
    browser = house.open_browser()
    callback = issuer.visit((await browser.get("/console/openid/corp")).location)
    query = urlencode([("state", callback.state), ("code", callback.code), ("code", callback.code)])
    shown = await browser.get(f"/console/openid/corp/callback?{query}")
    assert shown.status == 400
    assert "has no code" in shown.text


async def test_without_providers_there_is_no_button_and_no_way(house: House) -> None:
    await house.runtime.authenticator.access_tokens.use(make_sign_in_providers(), SignInIssuer())
    unknown = await house.open_browser().get("/console/openid/other")
    assert unknown.status == 400
    assert "There is no provider &#39;other&#39;" in unknown.html
    assert Role.EDITOR in house.people
