"""One browser for each worker, and one server for each engine. The tests share them, so each has its own vehicles."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import MISSING, find_chromium, run_chromium
from tests.browser.house import Household, run_household
from tests.browser.screen import WAIT_MS
from tests.postgres import Postgres


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of this folder before all others, so that one worker gets them all.

    Any other worker that gets one needs a browser, a server and a household of its own, which cost more than the test.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/browser/"))


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if (path := find_chromium()) is None:
        pytest.skip(MISSING)
    expect.set_options(timeout=WAIT_MS)
    async with run_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="session")
async def sqlite_household(
    chromium: Browser, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Household]:
    folder = tmp_path_factory.mktemp("browser")
    url = f"sqlite:///{shutil.copy(template, folder / 'padron.db')}"
    async with run_household(url, folder, chromium) as household:
        yield household


@pytest.fixture(scope="session")
async def postgres_household(
    chromium: Browser, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Household]:
    url = await postgres_server.create_database()
    async with run_household(url, tmp_path_factory.mktemp("browser"), chromium) as household:
        yield household
    await postgres_server.drop_database(url)


@pytest.fixture
def household(engine: str, request: pytest.FixtureRequest, chromium: Browser) -> Household:
    """A register and its server on the engine, which all tests of a worker share. The browser is there before them."""
    assert chromium.is_connected()
    shared: Household = request.getfixturevalue(f"{engine}_household")
    return shared
