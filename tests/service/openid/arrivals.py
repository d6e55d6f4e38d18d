"""How somebody goes to the provider of these tests and comes back."""

from datetime import datetime

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.openid import Callback
from padron.domain.people import User
from padron.domain.sessions import Visitor
from padron.service.openid.arriving import Arrival, finish_sign_in
from padron.service.openid.departing import Departure, begin_sign_in
from padron.service.runtime import Runtime
from tests.cast import NOON
from tests.openid_issuers import (
    SignInIssuer,
    make_sign_in_providers,
)

HOME = Visitor(address="192.0.2.10", agent="Firefox")


class StillClock:
    """A clock that stands still until a test sets it."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


async def configure(runtime: Runtime, **metadata: object) -> SignInIssuer:
    """Configure a provider with other metadata."""
    issuer = SignInIssuer()
    issuer.describe(**metadata)
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(), issuer)
    return issuer


async def depart(runtime: Runtime) -> Departure:
    return await begin_sign_in(runtime, "corp", "/console/vehicles?plate=A", HOME)


async def try_to_begin(runtime: Runtime, address: str) -> Code | None:
    try:
        await begin_sign_in(runtime, "corp", "/console", Visitor(address=address, agent=""))
    except PadronError as error:
        return error.code
    return None


async def arrive(runtime: Runtime, callback: Callback, departure: Departure) -> Arrival:
    return await finish_sign_in(runtime, "corp", callback, departure.browser_secret, HOME)


async def sign_in(runtime: Runtime, issuer: SignInIssuer) -> Arrival:
    departure = await depart(runtime)
    return await arrive(runtime, issuer.visit(departure.url), departure)


async def refuse(runtime: Runtime, issuer: SignInIssuer, code: Code = Code.SIGN_IN_REFUSED) -> str:
    """Let somebody sign in who must be refused, and give what they are told."""
    departure = await depart(runtime)
    with pytest.raises(PadronError) as caught:
        await arrive(runtime, issuer.visit(departure.url), departure)
    assert caught.value.code is code, caught.value.detail
    assert caught.value.detail.isprintable()
    return caught.value.detail


def find_user(arrival: Arrival) -> User:
    user = arrival.new.session.user
    assert user is not None
    return user
