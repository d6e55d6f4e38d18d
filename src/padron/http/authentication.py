"""Turns the Authorization header of a request into a principal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from padron.domain.errors import Code, PadronError

if TYPE_CHECKING:
    from starlette.types import Scope

    from padron.domain.account import Principal
    from padron.http.calls import Call


async def authenticate(call: Call) -> Principal:
    """Give the principal of the request's bearer token. Raises ``unauthorized`` and ``invalid_token``."""
    scheme, _, token = call.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PadronError(Code.UNAUTHORIZED, "Send an API key in the header Authorization: Bearer <key>.")
    return await call.runtime.authenticator.authenticate(token.strip(), give_address(call.scope))


def give_address(scope: Scope) -> str:
    """Give the address of the client for the limits of failed authentication; "" when it is unknown."""
    client = scope.get("client")
    return str(client[0]) if client else ""
