"""The real application with the console, over a real register on each engine, and browsers of everybody."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

import pytest

from padron.console.app import build_console
from padron.domain.account import Account
from padron.domain.people import Member, Role, User
from padron.domain.sessions import SignInWay, Visitor
from padron.http.app import build_app
from padron.http.reach import Reach, set_root_path
from padron.service.people.passwords import PasswordHashing
from padron.service.people.sessions import open_session_for, sign_in_with_key
from padron.service.people.users import make_user
from padron.service.runtime import Runtime, build_runtime
from padron.store.people.transaction import PeopleTransaction
from tests.cast import Cast, make_cast
from tests.console.browser import Browser, House
from tests.http.asgi import AsgiClient
from tests.http.conftest import run_lifespan
from tests.shared_registers import SharedRegisters

VISITOR = Visitor(address="192.0.2.7", agent="Tests")
_numbers = count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> None:
    """Call the form on PostgreSQL long, unless the test bears the mark.

    Pages ask the services, whose own tests run on both engines. So for each part of the console some tests are enough.
    """
    if collector.istestfunction(obj, name):
        marks = {mark.name for mark in (*getattr(obj, "pytestmark", ()), *collector.iter_markers())}
        if "both_engines" not in marks:
            pytest.mark.long("postgres")(obj)


@asynccontextmanager
async def run_console(runtime: Runtime, root_path: str = "") -> AsyncIterator[AsgiClient]:
    """Run the application with the console over a runtime, which it closes at the end."""

    async def open_runtime() -> Runtime:
        return runtime

    app = build_app(open_runtime, reach=Reach(root_path=root_path), mounts=[build_console(root_path)])
    async with run_lifespan(app):
        yield AsgiClient(app)
    set_root_path("")  # it is the process's, and other tests share it


async def make_people(runtime: Runtime, wanted: Sequence[tuple[Account, Role, str]]) -> list[User]:
    """Give a member of each account, in this role and with this name, all stored together."""
    made = [make_user(runtime, email=f"person{next(_numbers)}@example.com", name=name) for _, _, name in wanted]

    async def work(transaction: PeopleTransaction) -> None:
        for user, (account, role, _) in zip(made, wanted, strict=True):
            await transaction.add_user(user)
            member = Member(account_id=account.account_id, user_id=user.user_id, role=role, added_at=user.created_at)
            assert await transaction.add_member(member)

    await runtime.store.people.write(work)
    return made


async def furnish(http: AsgiClient, runtime: Runtime, cast: Cast) -> House:
    """Give a browser of each role in Acme, of a stranger, of a key that only reads, and of nobody."""

    def give_browser(user: User) -> Browser:
        async def sign_in() -> str:
            return (await open_session_for(runtime, user, SignInWay.LINK, VISITOR)).token

        return Browser(http, sign_in=sign_in)

    async def sign_in_reader() -> str:
        return (await sign_in_with_key(runtime, cast.gamma.token, VISITOR)).token

    wanted = [(cast.acme.account, role, f"The {role.value}") for role in Role]
    *members, foreigner = await make_people(runtime, [*wanted, (cast.beta.account, Role.OWNER, "A stranger")])
    people = dict(zip(Role, members, strict=True))
    return House(
        runtime=runtime,
        cast=cast,
        http=http,
        people=people,
        browsers={role: give_browser(user) for role, user in people.items()},
        stranger=give_browser(foreigner),
        reader=Browser(http, sign_in=sign_in_reader),
    )


class SharedHouses:
    """The applications that a module's tests share: one on each engine. Each test has new accounts and people."""

    def __init__(self, registers: SharedRegisters, stack: AsyncExitStack) -> None:
        self._registers = registers
        self._stack = stack
        self._opened: dict[str, tuple[AsgiClient, Runtime]] = {}
        self._casts = count(1)
        self._kept: dict[str, House] = {}

    async def lend(self, engine: str, clock: Callable[[], datetime]) -> House:
        if engine not in self._opened:
            built = build_runtime((await self._registers.open(engine)).store, clock)
            runtime = replace(built, passwords=PasswordHashing(memory_kib=8, passes=1))  # a hash costs nearly nothing
            self._opened[engine] = (await self._stack.enter_async_context(run_console(runtime)), runtime)
        http, runtime = self._opened[engine]
        return await furnish(http, runtime, await make_cast(runtime, next(self._casts)))

    async def lend_kept(self, engine: str, clock: Callable[[], datetime]) -> House:
        """Give the same people each time, who are still signed in."""
        if engine not in self._kept:
            self._kept[engine] = await self.lend(engine, clock)
        return self._kept[engine]


@pytest.fixture(scope="module")
async def shared_houses(shared_registers: SharedRegisters) -> AsyncIterator[SharedHouses]:
    async with AsyncExitStack() as stack:
        yield SharedHouses(shared_registers, stack)


@pytest.fixture
async def house(engine: str, shared_clock: Callable[[], datetime], shared_houses: SharedHouses) -> House:
    """Everybody's browsers, in a register that other tests of the module use as well."""
    return await shared_houses.lend(engine, shared_clock)


@pytest.fixture
async def kept_house(engine: str, shared_clock: Callable[[], datetime], shared_houses: SharedHouses) -> House:
    """A house for tests that only look, or that nothing may change: all of a module that ask for it have the same."""
    return await shared_houses.lend_kept(engine, shared_clock)
