"""The people of the tests, and how they come in."""

from dataclasses import dataclass

from padron.domain.account import Account
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role, User
from padron.domain.sessions import Visitor
from padron.service.people.changing_passwords import set_password
from padron.service.people.members import add_member
from padron.service.people.sessions import NewSession, read_session, sign_in_with_password
from padron.service.people.users import add_user
from padron.service.runtime import Runtime

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple of the stable"
OFFICE = Visitor(address="192.0.2.10", agent="Firefox")
ELSEWHERE = Visitor(address="198.51.100.7", agent="curl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Crew:
    ana: User
    eva: User
    bo: User


async def add_person(runtime: Runtime, email: str, account: Account, role: Role) -> User:
    user = await add_user(runtime, email=email, name=email.partition("@")[0].title())
    await add_member(runtime, user, account.account_id, role)
    return await set_password(runtime, user, PASSWORD)


async def sign_in(runtime: Runtime, user: User, password: str = PASSWORD, visitor: Visitor = OFFICE) -> NewSession:
    assert user.email is not None
    return await sign_in_with_password(runtime, user.email, password, visitor)


async def is_live(runtime: Runtime, new: NewSession, visitor: Visitor = OFFICE) -> bool:
    """Say whether a session can still be read."""
    try:
        await read_session(runtime, new.token, visitor)
    except PadronError as error:
        if error.code is Code.SESSION_ENDED:
            return False
        raise
    return True
