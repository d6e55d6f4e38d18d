"""The real application, started and stopped as a server does, over a real register on each engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from padron.domain.limits import Limits
from padron.http.app import build_app
from padron.http.reach import DIRECT, Reach
from padron.service.runtime import Runtime, build_runtime
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests.cast import NOON, Cast, make_cast
from tests.conftest import SteppedClock
from tests.database import write
from tests.http.api import Api, Client
from tests.http.asgi import AsgiClient
from tests.postgres import Postgres
from tests.shared_registers import SharedRegisters, shares_register

OpenRuntime = Callable[[], Awaitable[Runtime]]
OpenNewStore = Callable[[], Awaitable[Store]]

ONE_EPOCH = "UPDATE register SET epoch = '0123abcd'"  # cursors carry it, and each register draws its own

LOOKS_OF_A_CAST = 5  # at the clock: one for each of its accounts and keys
CASTS_AT_ONCE_MAX = 8


@asynccontextmanager
async def run_lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop an application as an ASGI server does."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()

    async def run() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, to_app.get, from_app.put)

    task = asyncio.create_task(run())
    for step in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{step}"})
        assert (await from_app.get())["type"] == f"lifespan.{step}.complete"
        if step == "startup":
            yield
    await task


@asynccontextmanager
async def run_api(runtime: Runtime, cast: Cast, reach: Reach = DIRECT) -> AsyncIterator[Api]:
    """Give the cast's clients of an application over this runtime; the application closes it at the end."""

    async def open_runtime() -> Runtime:
        return runtime

    app = build_app(open_runtime, reach=reach)
    http = AsgiClient(app)
    async with run_lifespan(app):
        yield give_clients(http, runtime, cast)


def give_clients(http: AsgiClient, runtime: Runtime, cast: Cast) -> Api:
    """Give the clients of a cast."""
    return Api(
        acme=Client(http, cast.acme),
        beta=Client(http, cast.beta),
        gamma=Client(http, cast.gamma),
        nobody=Client(http),
        runtime=runtime,
        cast=cast,
    )


class SharedApis:
    """The applications that a module's tests share: one on each kind of database."""

    def __init__(self, registers: SharedRegisters, stack: AsyncExitStack) -> None:
        self._registers = registers
        self._stack = stack
        self._opened: dict[str, Api] = {}
        self._casts: dict[str, list[Cast]] = {}
        self._numbers = count(1)

    async def lend(self, kind: str, clock: SteppedClock) -> Api:
        """Give the clients of a new cast."""
        opened = self._opened.get(kind)
        if opened is None:
            runtime = build_runtime((await self._registers.open(kind)).store, clock)
            cast = await make_cast(runtime, next(self._numbers))
            opened = self._opened[kind] = await self._stack.enter_async_context(run_api(runtime, cast))
            return opened
        assert clock is opened.runtime.clock, "A test with a clock of its own shares no register."
        casts = self._casts.setdefault(kind, [])
        if not casts:
            casts += await self._make_casts(opened.runtime, clock)
        clock.now = NOON + LOOKS_OF_A_CAST * timedelta(seconds=1)
        return give_clients(opened.nobody.http, opened.runtime, casts.pop())

    async def _make_casts(self, runtime: Runtime, clock: SteppedClock) -> list[Cast]:
        """Make some casts at once: in a file they are one commit. The first ones are for a module with few tests."""
        clock.now = NOON - timedelta(hours=1)
        number = next(self._numbers)
        numbers = [number, *(next(self._numbers) for _ in range(min(number, CASTS_AT_ONCE_MAX) - 1))]
        return await asyncio.gather(*(make_cast(runtime, one) for one in numbers))


@pytest.fixture
def api(engine: str, clock: Any, limits: Limits, request: pytest.FixtureRequest) -> Api:  # noqa: ANN401
    """The cast's clients of an application: of one that the module's tests share, unless the test needs its own."""
    del engine, clock  # both are parts of either application
    api: Api = request.getfixturevalue("shared_api" if shares_register(request.node, limits) else "own_api")
    return api


@pytest.fixture
async def own_api(open_store: Callable[[], Awaitable[Store]], clock: Any, limits: Limits) -> AsyncIterator[Api]:  # noqa: ANN401
    """The cast's clients of an application that is the test's alone."""
    runtime = build_runtime(await open_store(), clock, limits=limits)
    async with run_api(runtime, await make_cast(runtime)) as api:
        yield api


@pytest.fixture
async def shared_api(kind: str, clock: Any, shared_apis: SharedApis) -> Api:  # noqa: ANN401
    """The clients of a new cast, in a register that other tests of the module use as well."""
    return await shared_apis.lend(kind, clock)


@pytest.fixture(scope="module")
async def shared_apis(shared_registers: SharedRegisters) -> AsyncIterator[SharedApis]:
    """The applications that a module's tests share."""
    async with AsyncExitStack() as stack:
        yield SharedApis(shared_registers, stack)


@pytest.fixture
async def open_stores(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[list[OpenNewStore]]:
    """Open one of two equal registers each."""
    if kind == "sqlite":
        paths = [str(tmp_path / f"{number}.db") for number in range(2)]
        for path in paths:
            sqlite.migrate(path)
            await write(kind, path, ONE_EPOCH)
        yield [lambda path=path: sqlite.open_store(path) for path in paths]  # type: ignore[misc]
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    urls = [await server.create_database(is_spread=kind == "spread") for _ in range(2)]
    for url in urls:
        await write(kind, url, ONE_EPOCH)
    yield [lambda url=url: postgres.open_store(url) for url in urls]  # type: ignore[misc]
    for url in urls:
        await server.drop_database(url)
