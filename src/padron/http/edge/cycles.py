"""A request that a task answers by the application. It is uvicorn's, for clients that may have ended halfway."""

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from padron.http.calls import Request

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent


class Cycle(RequestResponseCycle):
    """The cycle of one request.

    A client may close its way out and still read (a half close). Then it gets the answers to all that it had sent. But
    what waits for a change, or streams, ends: nobody can tell such a client from one that has gone.
    """

    request: Request
    is_watched = False  # the application waits until the client goes
    has_client_ended = False
    _is_body_given = False

    async def receive(self) -> "ASGIReceiveEvent":
        """Give the body, and then wait until the client goes."""
        if self._is_body_given:
            self.is_watched = True
            if self.has_client_ended and not self.response_complete:
                self.disconnected = True
                self.transport.close()
        message = await super().receive()
        if message["type"] == "http.request":
            self._is_body_given = not message.get("more_body", False)
        return message
