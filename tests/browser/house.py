"""A real server with the demo's fleet, the people of its account, and windows for them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from padron.cli.demo import ACCOUNT, prepare_demo
from padron.cli.vehicles import give_principal
from padron.config import read_settings
from padron.domain.account import Account
from padron.domain.people import Role, User
from padron.domain.sessions import SignInWay, Visitor
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.accounts import add_account, get_account
from padron.service.people.changing_passwords import set_password
from padron.service.people.invitations import make_sign_in_link
from padron.service.people.members import add_member
from padron.service.people.sessions import open_session_for
from padron.service.people.users import add_user
from padron.service.runtime import Runtime
from padron.wiring import migrate_database, use_runtime
from tests.browser.past import begin_past, tell_story, use_past
from tests.browser.screen import Screen, open_screen
from tests.e2e.program import Server, run_server
from tests.service.selecting import set_one

PASSWORD = "seven green lorries sing"
VISITOR = Visitor(address="127.0.0.1", agent="Tests")


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """The server, and who lives there. ``tokens`` are those of a session of each role."""

    url: str
    server: Server
    browser: Browser
    people: dict[Role, User]
    tokens: dict[Role, str]
    stranger: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def open(
        self, who: Role | str | None = None, *, locale: str = "en-GB", width: int = 1280, theme: str = "light"
    ) -> AbstractAsyncContextManager[Screen]:
        """Give a window of somebody with this role, of a session's token, or of nobody."""
        token = self.tokens[who] if isinstance(who, Role) else who
        return open_screen(self.browser, self.origin, token, locale=locale, width=width, theme=theme)

    def use(self) -> AbstractAsyncContextManager[Runtime]:
        """Give the register, as another process beside the server uses it."""
        return use_runtime(read_settings({"PADRON_DATABASE_URL": self.url}))

    async def sign_in(self, role: Role) -> str:
        """Give the token of a new session."""
        async with self.use() as runtime:
            return (await open_session_for(runtime, self.people[role], SignInWay.LINK, VISITOR)).token

    async def change(self, vin: Vin, status: VehicleStatus) -> None:
        """Let another process set a vehicle's status."""
        async with self.use() as runtime:
            account = await get_account(runtime, ACCOUNT)
            await set_one(runtime, give_principal(account.account_id), vin, status)

    async def make_link(self, role: Role = Role.VIEWER) -> str:
        """Give the path of a link that signs in once."""
        async with self.use() as runtime:
            return (await make_sign_in_link(runtime, self.people[role])).path


async def _add_person(runtime: Runtime, account: Account, role: Role, name: str) -> User:
    user = await add_user(runtime, email=f"{name.lower()}@example.com", name=name)
    await add_member(runtime, user, account.account_id, role)
    return user


@asynccontextmanager
async def run_household(url: str, folder: Path, browser: Browser) -> AsyncIterator[Household]:
    """Fill an empty register, and give the server that shows it."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    names = {Role.VIEWER: "Vera", Role.EDITOR: "Edgar", Role.MANAGER: "Marta", Role.OWNER: "Olga"}
    clock = begin_past()
    async with use_past(url, clock) as runtime:
        await prepare_demo(runtime, "")
        account = await get_account(runtime, ACCOUNT)
        people = {role: await _add_person(runtime, account, role, name) for role, name in names.items()}
        await tell_story(runtime, clock, account, people[Role.MANAGER])
    async with use_runtime(settings) as runtime:
        people[Role.EDITOR] = await set_password(runtime, people[Role.EDITOR], PASSWORD)
        foreigner = await _add_person(runtime, await add_account(runtime, "Elsewhere"), Role.OWNER, "Sandra")
        tokens = {
            role: (await open_session_for(runtime, user, SignInWay.LINK, VISITOR)).token
            for role, user in people.items()
        }
        stranger = (await open_session_for(runtime, foreigner, SignInWay.LINK, VISITOR)).token
    async with run_server(url, folder) as server:
        yield Household(url=url, server=server, browser=browser, people=people, tokens=tokens, stranger=stranger)
