"""The real application with the console, over a real register on each engine, and browsers of everybody."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from itertools import count

import pytest

from padron.console.app import build_console
from padron.domain.account import Account
from padron.domain.people import Role, User
from padron.domain.sessions import SignInWay, Visitor
from padron.http.app import build_app
from padron.http.reach import Reach
from padron.service.people.members import add_member
from padron.service.people.sessions import open_session_for, sign_in_with_key
from padron.service.people.users import add_user
from padron.service.runtime import Runtime, build_runtime
from tests.cast import Cast, make_cast
from tests.console.browser import Browser, House
from tests.http.asgi import AsgiClient
from tests.http.conftest import run_lifespan
from tests.shared_registers import SharedRegisters

VISITOR = Visitor(address="192.0.2.7", agent="Tests")
_numbers = count(1)


@asynccontextmanager
async def run_console(runtime: Runtime, root_path: str = "") -> AsyncIterator[AsgiClient]:
    """Run the application with the console over a runtime, which it closes at the end."""

    async def open_runtime() -> Runtime:
        return runtime

    app = build_app(open_runtime, reach=Reach(root_path=root_path), mounts=[build_console(root_path)])
    async with run_lifespan(app):
        yield AsgiClient(app)


async def make_person(runtime: Runtime, account: Account, role: Role, name: str) -> User:
    number = next(_numbers)
    user = await add_user(runtime, email=f"{role.value}{number}@example.com", name=name)
    await add_member(runtime, user, account.account_id, role)
    return user


async def furnish(http: AsgiClient, runtime: Runtime, cast: Cast) -> House:
    """Give a browser of each role in Acme, of a stranger, of a key that only reads, and of nobody."""
    people: dict[Role, User] = {}
    browsers: dict[Role, Browser] = {}
    for role in Role:
        people[role] = await make_person(runtime, cast.acme.account, role, f"The {role.value}")
        new = await open_session_for(runtime, people[role], SignInWay.LINK, VISITOR)
        browsers[role] = Browser(http, new.token)
    foreigner = await make_person(runtime, cast.beta.account, Role.OWNER, "A stranger")
    foreign = await open_session_for(runtime, foreigner, SignInWay.LINK, VISITOR)
    reading = await sign_in_with_key(runtime, cast.gamma.token, VISITOR)
    return House(
        runtime=runtime,
        cast=cast,
        http=http,
        people=people,
        browsers=browsers,
        stranger=Browser(http, foreign.token),
        reader=Browser(http, reading.token),
    )


class SharedHouses:
    """The applications that a module's tests share: one on each engine. Each test has new accounts and people."""

    def __init__(self, registers: SharedRegisters, stack: AsyncExitStack) -> None:
        self._registers = registers
        self._stack = stack
        self._opened: dict[str, tuple[AsgiClient, Runtime]] = {}
        self._casts = count(1)

    async def lend(self, engine: str, clock: Callable[[], datetime]) -> House:
        if engine not in self._opened:
            runtime = build_runtime((await self._registers.open(engine)).store, clock)
            self._opened[engine] = (await self._stack.enter_async_context(run_console(runtime)), runtime)
        http, runtime = self._opened[engine]
        return await furnish(http, runtime, await make_cast(runtime, next(self._casts)))


@pytest.fixture(scope="module")
async def shared_houses(shared_registers: SharedRegisters) -> AsyncIterator[SharedHouses]:
    async with AsyncExitStack() as stack:
        yield SharedHouses(shared_registers, stack)


@pytest.fixture
async def house(engine: str, shared_clock: Callable[[], datetime], shared_houses: SharedHouses) -> House:
    """Everybody's browsers, in a register that other tests of the module use as well."""
    return await shared_houses.lend(engine, shared_clock)
