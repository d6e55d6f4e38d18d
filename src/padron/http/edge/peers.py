"""Who is at the other end of a connection, and the ASGI scope of a request that came from there."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from padron.domain.idempotency import Headers
from padron.http.calls import Request
from padron.http.requests.forwarding import LastHop

EXTENSION = "padron"  # of the scope: it has the request, whose head was checked

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope


class Peer:
    """The addresses of a connection."""

    __slots__ = ("_client", "_server", "hop")

    def __init__(self, transport: asyncio.Transport, meet: Callable[[str, str], LastHop]) -> None:
        self._client = get_remote_addr(transport)
        self._server = get_local_addr(transport)
        self.hop = meet(self.address, "https" if is_ssl(transport) else "http")

    @property
    def address(self) -> str:
        """The other end's address; empty if it has none."""
        return self._client[0] if self._client else ""

    def build_scope(  # type: ignore[explicit-any]  # the state is uvicorn's
        self, request: Request, version: str, fields: Headers, state: dict[str, Any]
    ) -> "HTTPScope":
        """Give the scope of a request for the application."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self.hop.scheme,
            "method": request.method,
            "root_path": "",
            "path": unquote(request.path.decode("ascii")),
            "raw_path": request.path,
            "query_string": request.query,
            "headers": fields,
            "state": state.copy(),
            "extensions": {EXTENSION: {"request": request}},
        }
