"""Every page of the console in a real browser.

One engine shows the pages in Spanish and the other one in English, each in both widths and in both colours.
"""

import asyncio
from urllib.parse import urlsplit

import pytest

from padron.cli.fleet import list_fleet
from padron.console.declarations import Access
from padron.console.pages import ROUTES
from padron.domain.people import Role
from tests.browser.axe import list_barriers
from tests.browser.house import Household
from tests.browser.screen import NARROW, WIDE, Screen

VIN = list_fleet()[0].vin
FIRST_VISIT_BYTES_MAX = 60_000

# Answers that are no pages: files, streams, and what leads to other programs.
NO_PAGES = {"/console/assets/{version}/{name}", "/console/live"}
# Of what the register of the tests does not have, the page that says so is looked at.
PARAMETERS = {"vin": VIN} | dict.fromkeys(
    ("token", "provider", "import", "file", "operation", "run", "key", "webhook", "number", "selectionId"), "none"
)
FURTHER = (
    "/console/vehicles?q=blue&sort=-statusSince",
    "/console/vehicles?q=nothing-like-this",
    f"/console/vehicles/{VIN}/status?status=4",
)
MISSING = ("/console/none", "/console/vehicles/1FTFW1ED3NFA00005", f"/console/duplicates/{VIN}")


def list_pages(household: Household, access: Access) -> list[str]:
    """Give an address of each page. A new name in a route needs a value in ``PARAMETERS``."""
    values = PARAMETERS | {"user": household.people[Role.VIEWER].user_id}
    routes = [route for route in ROUTES if route.method == "GET" and route.access is access]
    return [route.path.format(**values) for route in routes if route.path not in NO_PAGES]


async def look(screen: Screen, target: str, *, is_error: bool = False) -> list[str]:
    """Give what is wrong with a page: narrow, then wide, once in light and once in dark."""
    status = await screen.open(target)
    wrong = [
        f"{target}: {fault}" for fault in screen.take_faults() if status < 400 or f"status of {status}" not in fault
    ]
    if (status >= 400) is not is_error:
        wrong.append(f"{target}: the status is {status}")
    is_spanish = "es" in await screen.evaluate("document.documentElement.lang")
    for width, theme in ((NARROW, "light" if is_spanish else "dark"), (WIDE, "dark" if is_spanish else "light")):
        await screen.show(width=width, theme=theme)
        wrong += [f"{target} {width} {theme}: {barrier}" for barrier in await list_barriers(screen)]
        if await screen.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{target} {width} {theme}: wider than the window")
    return wrong


@pytest.mark.timeout(600)  # every page of the console, on a machine that others use too
@pytest.mark.parametrize("engine, locale, title", [("sqlite", "en-GB", "Vehicles"), ("postgres", "es-MX", "Vehículos")])
async def test_no_page_has_a_barrier_an_error_or_a_request_to_another_host(
    household: Household, locale: str, title: str
) -> None:
    wrong = []
    async with household.open(Role.OWNER, locale=locale) as screen:
        for target in dict.fromkeys((*list_pages(household, Access.MEMBER), *FURTHER, *MISSING)):
            wrong += await look(screen, target, is_error="/none" in target or target in MISSING)
        await screen.open("/console/vehicles")
        assert title in await screen.page.title()
    async with household.open(locale=locale) as screen:
        for target in list_pages(household, Access.PUBLIC):
            wrong += await look(screen, target, is_error="/none" in target)
        wrong += await look(screen, await household.make_link())
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_page_with_barriers_and_breaches_is_noticed(household: Household) -> None:
    async with household.open(Role.OWNER) as screen:
        await screen.open("/console/help")
        await screen.evaluate("""document.getElementById("main").innerHTML = `
            <img src="https://elsewhere.example/dot.png"><p style="color: #eee; background: #fff">pale</p>
            <input><div style="width: 200vw">wide</div>`; 0""")
        barriers = " ".join(await list_barriers(screen))
        faults = " ".join(screen.take_faults())
        await asyncio.sleep(0)
    for rule in ("image-alt", "label"):
        assert f"{rule}: " in barriers
    assert "The policy was broken: img-src" in faults
    assert "The policy was broken: style-src" in faults


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_first_visit_weighs_less_than_60_kilobytes(household: Household) -> None:
    async with household.open(Role.OWNER) as screen:
        await screen.open("/console/vehicles")
        asked = [one for one in screen.asked if not urlsplit(one.url).path.endswith("/live")]  # it goes on
        sizes = {urlsplit(one.url).path: (await one.sizes())["responseBodySize"] for one in asked}
    assert any(name.endswith("/console.css") for name in sizes)
    assert any(name.endswith("/fragments.js") for name in sizes)
    assert sum(sizes.values()) < FIRST_VISIT_BYTES_MAX, sizes
