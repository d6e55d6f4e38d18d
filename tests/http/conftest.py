"""The real application, started and stopped as a server does, over a real register on each engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from padron.domain.limits import Limits
from padron.http.app import build_app
from padron.http.reach import DIRECT, Reach
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from tests.cast import Cast, make_cast
from tests.http.api import Api, Client
from tests.http.asgi import AsgiClient

OpenRuntime = Callable[[], Awaitable[Runtime]]


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
        yield Api(
            acme=Client(http, cast.acme),
            beta=Client(http, cast.beta),
            gamma=Client(http, cast.gamma),
            nobody=Client(http),
            runtime=runtime,
            cast=cast,
        )


@pytest.fixture
async def api(open_store: Callable[[], Awaitable[Store]], clock: Any, limits: Limits) -> AsyncIterator[Api]:  # noqa: ANN401
    runtime = build_runtime(await open_store(), clock, limits=limits)
    async with run_api(runtime, await make_cast(runtime)) as api:
        yield api
