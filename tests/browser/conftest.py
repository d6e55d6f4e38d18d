"""One browser for each worker, and one server for each file and engine."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import MISSING, find_chromium, run_chromium
from tests.browser.house import Household, run_household

LendHousehold = Callable[[str], Awaitable[Household]]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if (path := find_chromium()) is None:
        pytest.skip(MISSING)
    async with run_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="module")
async def lend_household(
    request: pytest.FixtureRequest, chromium: Browser, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LendHousehold]:
    """Opens a register and its server on each engine, once for the tests of a file."""
    opened: dict[str, Household] = {}
    async with AsyncExitStack() as stack:

        async def lend(engine: str) -> Household:
            if engine not in opened:
                folder = tmp_path_factory.mktemp("browser")
                if engine == "sqlite":
                    url = f"sqlite:///{shutil.copy(template, folder / 'padron.db')}"
                else:
                    server = request.getfixturevalue("postgres_server")
                    url = await server.create_database()
                    stack.push_async_callback(server.drop_database, url)
                opened[engine] = await stack.enter_async_context(run_household(url, folder, chromium))
            return opened[engine]

        yield lend


@pytest.fixture
async def household(engine: str, request: pytest.FixtureRequest, lend_household: LendHousehold) -> Household:
    if engine == "postgres":
        request.getfixturevalue("postgres_server")
    return await lend_household(engine)
