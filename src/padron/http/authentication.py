"""Turns the Authorization header of a request into a principal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from padron.domain.access_token import TokenRefusedError
from padron.domain.errors import Code, PadronError
from padron.domain.rates import RateExceededError
from padron.http.answers.errors import ChallengeError

PAUSE_S = 0.25  # before a flood of invalid keys is refused, so that it takes less of the processor from the others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from padron.domain.account import Principal
    from padron.http.calls import Call


async def authenticate(call: Call) -> Principal:
    """Give the principal of the request's bearer token. Raises ``unauthorized`` and ``invalid_token``.

    Raises ``forbidden`` for a key that must not be used from the client's address.
    """
    authenticator = call.runtime.authenticator
    tokens = authenticator.access_tokens
    resource = tokens.providers.resource if tokens.is_used else ""
    token = find_token(call.headers)
    if token is None:
        missing = PadronError(Code.UNAUTHORIZED, "Send an API key in the header Authorization: Bearer <key>.")
        raise ChallengeError(missing, resource) if resource else missing
    try:
        return await authenticator.authenticate(token, call.request.client_address)
    except RateExceededError:
        await asyncio.sleep(PAUSE_S)
        raise
    except PadronError as error:
        if error.code is not Code.INVALID_TOKEN:
            raise
        fault = error.fault if isinstance(error, TokenRefusedError) else None
        call.refused_keys.note(call.request.client_address, fault)
        if not resource:
            raise
        raise ChallengeError(error, resource) from None


def find_token(headers: Mapping[bytes, bytes]) -> str | None:
    """Give the bearer token of a request's headers, or None."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None
