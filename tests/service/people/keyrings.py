"""How the people of the tests add a passkey and sign in with it."""

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import Party
from padron.domain.sessions import Visitor
from padron.service.passkeys.adding import begin_adding, finish_adding
from padron.service.passkeys.signing_in import begin_passkey_sign_in, sign_in_with_passkey
from padron.service.people.sessions import NewSession, Session
from padron.service.runtime import Runtime
from tests.authenticators import HONEST, Device, Lies
from tests.service.people.crew import OFFICE, PASSWORD

PARTY = Party(host="padron.test", origin="https://padron.test")
BROWSER = "the secret of a browser"


async def add_passkey(
    runtime: Runtime, session: Session, device: Device | None = None, *, name: str = "Phone", lies: Lies = HONEST
) -> Device:
    """Add the passkey of a device, with the person's password."""
    used = Device() if device is None else device
    options = await begin_adding(runtime, session, PARTY, name, PASSWORD, OFFICE)
    await finish_adding(runtime, session, PARTY, name, used.make(options, lies), OFFICE)
    return used


async def begin(runtime: Runtime, *, browser: str = BROWSER, visitor: Visitor = OFFICE) -> str:
    return await begin_passkey_sign_in(runtime, PARTY, browser, visitor)


async def enter(
    runtime: Runtime, device: Device, lies: Lies = HONEST, *, party: Party = PARTY, visitor: Visitor = OFFICE
) -> NewSession:
    """Sign in with the passkey of a device."""
    answer = device.sign(await begin(runtime, visitor=visitor), lies)
    return await sign_in_with_passkey(runtime, party, answer, BROWSER, visitor)


async def refuse(runtime: Runtime, answer: str, *, browser: str = BROWSER, party: Party = PARTY) -> str:
    """Send an answer that must open nothing, and give what is said to it."""
    with pytest.raises(PadronError) as caught:
        await sign_in_with_passkey(runtime, party, answer, browser, OFFICE)
    assert caught.value.code is Code.SIGN_IN_REFUSED
    return caught.value.detail
