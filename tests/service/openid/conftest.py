"""A register with a provider, and a clock that stands still."""

import pytest

from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.openid_issuers import (
    SignInIssuer,
    make_sign_in_providers,
)
from tests.service.openid.arrivals import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def issuer(runtime: Runtime, cast: Cast) -> SignInIssuer:
    """The provider of a register in which it is configured."""
    del cast
    issuer = SignInIssuer()
    await runtime.authenticator.access_tokens.use(make_sign_in_providers(), issuer)
    return issuer
