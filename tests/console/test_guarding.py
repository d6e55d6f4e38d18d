"""Who may see and do what: sessions, roles, other sites' pages, cookies and the headers that guard a page."""

import re
from collections.abc import Set as AbstractSet
from itertools import product

import pytest

from padron.console.declarations import Access, ConsoleRoute
from padron.console.guarding import is_token, make_token
from padron.console.pages import ROUTES
from padron.domain.account import Scope
from padron.domain.people import ROLE_SCOPES, Role
from tests.cast import HUMMER
from tests.console.browser import Browser, House
from tests.tables import each_row

MEMBERS = [route for route in ROUTES if route.access is Access.MEMBER]
SCOPED = [route for route in MEMBERS if route.scope is not None]


def may(scopes: AbstractSet[str], route: ConsoleRoute) -> bool:
    """Say whether somebody with these scopes gets beyond the door of a route."""
    return route.scope in {None, *scopes} and not (route.either_scope and scopes.isdisjoint(route.either_scope))


def fill(route: ConsoleRoute) -> str:
    path = route.path.replace("{vin}", HUMMER).replace("{import}", "1" * 16).replace("{file}", "1" * 16)
    return re.sub("{[a-z]+}", "x", path)


async def ask(browser: Browser, route: ConsoleRoute) -> int:
    shown = await (browser.get(fill(route)) if route.method == "GET" else browser.post(fill(route)))
    assert shown.status < 500, shown.html
    return shown.status


@each_row("route", SCOPED)
async def test_each_role_is_refused_exactly_where_its_scopes_end(kept_house: House, route: ConsoleRoute) -> None:
    await kept_house.register(HUMMER)
    for role in Role:
        status = await ask(kept_house.browsers[role], route)
        assert (status == 403) is not may(ROLE_SCOPES[role], route), (role, status)
    assert (await ask(kept_house.reader, route) == 403) is not may({Scope.VEHICLES_READ}, route)


@each_row("route", MEMBERS)
async def test_nobody_gets_behind_the_door(kept_house: House, route: ConsoleRoute) -> None:
    browser = kept_house.open_browser()
    if route.method == "GET":
        shown = await browser.get(fill(route))
        assert shown.status == 303
        assert shown.location.startswith("/console/sign-in")
    else:
        shown = await browser.post(fill(route), {"step": "do", "status": "3"})
        assert shown.status == 401
        assert "Nothing was sent yet" in shown.text


@pytest.mark.both_engines
async def test_a_stranger_cannot_tell_anothers_vehicle_from_none(house: House) -> None:
    await house.register(HUMMER)
    theirs = await house.stranger.get(f"/console/vehicles/{HUMMER}")
    none = await house.stranger.get("/console/vehicles/JTHBA30G455081818")
    assert theirs.status == none.status == 404
    assert HUMMER not in (await house.stranger.get("/console/vehicles")).text


SITES = [
    ({"sec-fetch-site": "same-origin"}, True),
    ({"sec-fetch-site": "same-site"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "cross-site", "origin": "http://padron.test"}, False),
    ({"sec-fetch-site": "none"}, False),
    ({"sec-fetch-site": "none", "origin": "http://padron.test"}, True),
    ({"origin": "http://padron.test"}, True),
    ({"origin": "http://padron.test:80"}, False),  # no browser writes the usual port
    ({"origin": "https://padron.test"}, False),
    ({"origin": "http://evil.test"}, False),
    ({"origin": "http://padron.test.evil.test"}, False),
    ({"origin": "null"}, False),
    ({}, False),
]


@each_row("headers, is_taken", SITES)
@each_row("path", ["/console/profile/sessions", "/console/sign-in/key", "/console/preferences"])
async def test_another_sites_page_can_send_nothing(
    kept_house: House, path: str, headers: dict[str, str], *, is_taken: bool
) -> None:
    shown = await kept_house.owner.send("POST", path, "theme=dark", headers)
    assert (shown.status == 403) is not is_taken, shown.status
    if not is_taken:
        assert "another site" in shown.text
        assert not kept_house.owner.set


async def test_an_old_browser_sends_the_token_of_our_own_page(house: House) -> None:
    for browser in (house.owner, house.open_browser()):
        page = (await browser.get("/console/sign-in" if browser is not house.owner else "/console/profile")).page
        token = page.list_all("input", name="_csrf")[0].attributes["value"]
        taken = await browser.send("POST", "/console/preferences", f"theme=dark&_csrf={token}", {})
        assert taken.status == 303
        wrong = await browser.send("POST", "/console/preferences", f"theme=dark&_csrf={token[::-1]}", {})
        assert wrong.status == 403
        stolen = await house.viewer.send("POST", "/console/preferences", f"theme=dark&_csrf={token}", {})
        assert stolen.status == 403


def test_a_token_is_another_one_each_time_and_fits_only_its_seed() -> None:
    first, second = make_token("seed"), make_token("seed")
    assert first != second
    assert is_token(first, "seed")
    assert is_token(second, "seed")
    assert not is_token(first, "other")
    assert not is_token("", "")
    assert not is_token(make_token(""), "")
    assert not is_token("zz", "seed")
    assert not is_token(first[:-2], "seed")


POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize("path", ["/console/vehicles", "/console/sign-in?out=1", "/console/nothing", "/console"])
async def test_every_page_has_the_headers_that_guard_it(house: House, path: str) -> None:
    for browser in (house.owner, house.open_browser()):
        headers = (await browser.get(path)).headers
        rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert rules == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["permissions-policy"] == "camera=()"
        assert headers["x-request-id"]


async def test_cookies_are_for_this_host_alone(house: House) -> None:
    browser = house.open_browser()
    await browser.get("/console/sign-in")
    shown = await browser.post("/console/sign-in/key", {"token": house.cast.acme.token})
    assert shown.status == 303, shown.text
    assert browser.set
    for cookie in browser.set:
        assert cookie.startswith("__Host-padron")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= {*cookie.split("; ")}
        assert "Domain" not in cookie


def test_every_route_is_below_the_console_and_acts_only_by_post() -> None:
    for route in ROUTES:
        assert route.path == "/console" or route.path.startswith("/console/"), route
        assert route.method in {"GET", "POST"}, route
        assert route.access is Access.MEMBER or route.scope is None, route


def test_no_two_routes_are_the_same() -> None:
    names = [(route.method, route.path) for route in ROUTES]
    assert len(names) == len(set(names))


@each_row("language, end", [*product(["en", "es"], ["/", "/vehicles/", "/x", "/vehicles/a/b/c"])])
async def test_an_unknown_address_has_a_page_of_the_console(kept_house: House, language: str, end: str) -> None:
    shown = await kept_house.open_browser(language).get(f"/console{end}")
    assert shown.status == 404
    assert {"en": "There is no such page.", "es": "Esta página no existe."}[language] in shown.text
    assert shown.headers["x-request-id"] in shown.text


async def test_a_large_form_is_refused_with_a_page(house: House) -> None:
    shown = await house.owner.post("/console/profile", {"name": "x" * 70_000})
    assert shown.status == 413
    assert "could not be read" in shown.text


async def test_what_is_no_form_is_refused(house: House) -> None:
    headers = {"sec-fetch-site": "same-origin", "content-type": "text/plain"}
    shown = await house.owner.send("POST", "/console/profile", "name=Eve", headers)
    assert shown.status == 400
