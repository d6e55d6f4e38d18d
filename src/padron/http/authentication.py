"""Turns the Authorization header of a request into a principal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from padron.domain.errors import Code, PadronError
from padron.domain.rates import RateExceededError

PAUSE_S = 0.25  # before a flood of invalid keys is refused, so that it takes less of the processor from the others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from padron.domain.account import Principal
    from padron.http.calls import Call


async def authenticate(call: Call) -> Principal:
    """Give the principal of the request's bearer token. Raises ``unauthorized`` and ``invalid_token``.

    Raises ``forbidden`` for a key that must not be used from the client's address.
    """
    token = find_token(call.headers)
    if token is None:
        raise PadronError(Code.UNAUTHORIZED, "Send an API key in the header Authorization: Bearer <key>.")
    try:
        return await call.runtime.authenticator.authenticate(token, call.request.client_address)
    except RateExceededError:
        await asyncio.sleep(PAUSE_S)
        raise
    except PadronError as error:
        if error.code is Code.INVALID_TOKEN:
            call.refused_keys.note(call.request.client_address)
        raise


def find_token(headers: Mapping[bytes, bytes]) -> str | None:
    """Give the bearer token of a request's headers, or None."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None
