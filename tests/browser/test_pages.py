"""Every page of the console in a real browser, with something to show, and without anything to find fault with."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import pytest

from padron.cli.fleet import list_fleet
from padron.console.declarations import Access
from padron.console.pages import ROUTES
from padron.domain.people import Role
from padron.domain.saved_view import VIEW_NAME_LENGTH_MAX, format_view_id
from padron.service.people.sessions import read_session
from padron.service.views.keeping import ViewDraft, delete_view, save_view
from tests import effort
from tests.browser.axe import ROWS_MAX, list_barriers, list_pale
from tests.browser.belongings import TWIN, add_belongings
from tests.browser.house import VISITOR, Household
from tests.browser.screen import NARROW, WIDE, Screen, open_screen

VIN = list_fleet()[0].vin
FIRST_VISIT_BYTES_MAX = 60_000
IS_WIDER = "document.documentElement.scrollWidth > innerWidth"

# Answers that are no pages: files, streams, and what leads to other programs.
NO_PAGES = {
    "/console/assets/{version}/{name}",
    "/console/live",
    "/console/selections/{selectionId}/report",
    "/console/imports/{import}/report",
}
# Of what nobody could have, the page that says so is looked at.
PARAMETERS = {"vin": VIN, "token": "none", "provider": "none"}
TO_OVERVIEW = "/console"  # it has no page of its own
TWINS = "/console/duplicates/{vin}"
FURTHER = (
    "/console/vehicles?q=blue&sort=-statusSince",
    "/console/vehicles?q=nothing-like-this",
    f"/console/vehicles/{VIN}/status?status=4",
    f"/console/vehicles/{VIN}?scanned=1",
    "/console/scan?many=1",
    f"/console/scan?text={VIN}&text=1FTFW1ED3NFA00005",
)
Way = tuple[int, str]  # a width, and a theme
OTHER = {"light": "dark", "dark": "light"}
WAYS: list[Way] = [(width, theme) for width in (NARROW, WIDE) for theme in OTHER]
TITLES = {"en-GB": "Vehicles", "es-MX": "Vehículos"}
MISSING = ("/console/none", "/console/vehicles/1FTFW1ED3NFA00005", f"/console/duplicates/{VIN}", "/console/keys/none")


def list_pages(access: Access, values: Mapping[str, str]) -> list[str]:
    """Give an address of each page. A new name in a route needs something with this name, or a value in PARAMETERS."""
    paths = [route.path for route in ROUTES if route.method == "GET" and route.access is access]
    return [
        path.replace("{vin}", TWIN if path == TWINS else VIN).format(**values) for path in paths if path not in NO_PAGES
    ]


async def look(
    screen: Screen,
    target: str,
    ways: Iterable[Way],
    *,
    is_error: bool = False,
    rows_max: int | None = ROWS_MAX,
    has_barriers: bool = True,
    has_colours: bool = True,
) -> list[str]:
    """Give what is wrong with a page in a window of these widths and themes, one after the other."""
    status = await screen.open(target)
    wrong = [
        f"{target}: {fault}" for fault in screen.take_faults() if status < 400 or f"status of {status}" not in fault
    ]
    if (status >= 400) is not is_error:
        wrong.append(f"{target}: the status is {status}")
    for width, theme in ways:
        await screen.show(width=width, theme=theme)
        found = await list_barriers(screen, rows_max=rows_max, has_colours=has_colours) if has_barriers else []
        if await screen.evaluate(IS_WIDER):
            found.append("wider than the window")
        if effort.IS_TORTURE:
            await screen.show(width=width, theme=OTHER[theme])
            found += await list_pale(screen)
        wrong += [f"{target} {width}: {barrier}" for barrier in found]
    return wrong


@pytest.fixture(scope="session")
async def values(sqlite_household: Household) -> Mapping[str, str]:
    """What the addresses of all pages are made from."""
    household = sqlite_household
    async with household.use() as runtime:
        return PARAMETERS | {**await add_belongings(runtime), "user": household.people[Role.VIEWER].user_id}


async def walk(screen: Screen, targets: Sequence[str]) -> list[str]:
    """Give what is wrong with these pages: the first one is shown in the first way, the next one in the second.

    Barriers are looked for on every third page, because most are in what many pages have, and colours on every sixth.
    """
    wrong = []
    for place, target in enumerate(targets):
        is_error = target in MISSING or "/none" in target
        way = WAYS[place % len(WAYS)]
        wrong += await look(
            screen, target, [way], is_error=is_error, has_barriers=place % 3 == 0, has_colours=place % 6 == 0
        )
    return wrong


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_view_with_a_long_name_and_long_values_stays_in_the_window(household: Household) -> None:
    async with household.use() as runtime:
        member = (await read_session(runtime, household.tokens[Role.MANAGER], VISITOR)).principal
        draft = ViewDraft(name="W" * VIEW_NAME_LENGTH_MAX, query=f"brandName={'M' * 150}&q={'W' * 60}")
        view = await save_view(runtime, member, draft)
    async with household.open(Role.MANAGER, locale="es-MX") as screen:
        wrong = await look(screen, "/console/views", WAYS[::2])
        for target in (f"view={format_view_id(view.view_id)}", f"view={format_view_id(view.view_id)}&doors=4"):
            wrong += await look(screen, f"/console/vehicles?{target}", WAYS[:1])
            await screen.page.locator("#views > summary").click()
            if await screen.evaluate(IS_WIDER):
                wrong.append(f"{target}: the menu is wider than the window")
    async with household.use() as runtime:
        await delete_view(runtime, member, format_view_id(view.view_id))
    assert not wrong


@pytest.mark.timeout(300)  # many pages, on a machine that others use too
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_every_second_page_is_shown_in_one_of_the_ways(household: Household, values: Mapping[str, str]) -> None:
    """Of a browser, the grid below shows all. What the others answer, the tests of ``tests/console`` read."""
    wrong = []
    inside = [one for one in (*list_pages(Access.MEMBER, values), *FURTHER, MISSING[0]) if one != TO_OVERVIEW]
    outside = [*list_pages(Access.PUBLIC, values), await household.make_link()]
    for place, locale in enumerate(TITLES):
        async with household.open(Role.OWNER, locale=locale) as screen:
            wrong += await walk(screen, inside[place :: 2 * len(TITLES)])
            assert await screen.evaluate("document.documentElement.lang") == locale[:2]
        async with household.open(locale=locale) as screen:
            wrong += await walk(screen, outside[place :: len(TITLES)])
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("locale, dark", [("en-GB", NARROW), ("es-MX", WIDE)])
async def test_no_page_has_a_barrier_an_error_or_a_request_to_another_host(
    household: Household, values: Mapping[str, str], locale: str, dark: int
) -> None:
    """Show every page narrow and wide: at the width ``dark`` in dark, and at the other one in light.

    So the two languages show each page at each width in both themes. A round of torture looks at all colours.
    """
    wrong = []
    ways = [(width, "dark" if width == dark else "light") for width in (NARROW, WIDE)]
    async with household.open(Role.OWNER, locale=locale) as screen:
        for target in dict.fromkeys((*list_pages(Access.MEMBER, values), *FURTHER, *MISSING)):
            wrong += await look(screen, target, ways, is_error=target in MISSING, rows_max=None)
        await screen.open("/console/vehicles")
        assert TITLES[locale] in await screen.page.title()
    async with household.open(locale=locale) as screen:
        for target in list_pages(Access.PUBLIC, values):
            wrong += await look(screen, target, ways, is_error="/none" in target)
        wrong += await look(screen, await household.make_link(), ways)
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


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_first_visit_weighs_less_than_60_kilobytes(household: Household) -> None:
    token = household.tokens[Role.OWNER]
    async with open_screen(household.browser, household.origin, token, is_new=True) as screen:
        await screen.open("/console/vehicles")
        asked = [one for one in screen.asked if not urlsplit(one.url).path.endswith("/live")]  # it goes on
        sizes = {urlsplit(one.url).path: (await one.sizes())["responseBodySize"] for one in asked}
    assert any(name.endswith("/console.css") for name in sizes)
    assert any(name.endswith("/fragments.js") for name in sizes)
    assert sum(sizes.values()) < FIRST_VISIT_BYTES_MAX, sizes
