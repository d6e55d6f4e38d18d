"""The challenges that browsers sign. Each works once, for five minutes, in the browser that asked, on every server."""

import asyncio
import secrets

from padron.domain.addresses import find_network
from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import CHALLENGE_LASTS, Challenge
from padron.domain.sessions import Visitor
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction

CHALLENGE_BYTES = 32


async def make_challenge(runtime: Runtime, browser: str, visitor: Visitor, purpose: str | None = None) -> bytes:
    """Give a new challenge for a browser, to sign in or for another purpose.

    Raises ``rate_exceeded`` for an address that asks too often, and ``server_full`` while its network, or all together,
    have too many that nobody has answered.
    """
    runtime.departures.take(visitor.address, asyncio.get_running_loop().time())
    raw = secrets.token_bytes(CHALLENGE_BYTES)
    challenge = _build(raw, browser, purpose)
    now = runtime.clock()
    network = find_network(visitor.address)

    async def work(transaction: PeopleTransaction) -> bool:
        return await transaction.passkeys.add_challenge(challenge, network, now, now + CHALLENGE_LASTS)

    if not await runtime.store.people.write(work):
        raise PadronError(Code.SERVER_FULL, "Too many people are signing in. Try again in some minutes.")
    return raw


async def take_challenge(runtime: Runtime, raw: bytes, browser: str, purpose: str | None = None) -> bool:
    """Use a challenge up, and say whether it was one of this browser for this purpose that is not over."""
    challenge = _build(raw, browser, purpose)
    now = runtime.clock()

    async def work(transaction: PeopleTransaction) -> bool:
        return await transaction.passkeys.take_challenge(challenge, now)

    return await runtime.store.people.write(work)


def _build(raw: bytes, browser: str, purpose: str | None) -> Challenge:
    if purpose is None:
        return Challenge(raw=raw, browser=browser)
    return Challenge(raw=raw, browser=browser, purpose=purpose)
