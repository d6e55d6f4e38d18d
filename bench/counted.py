"""Runs ``padron`` and writes a line to a file for each round trip that a request makes: the place of the server asked.

A round trip is whatever is sent until the first bytes come back. So a pipeline is one, and a COPY is two. What the
server looks for by itself does not count. The file is the first argument.
"""

import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from asyncpg import protocol

from padron.cli.app import main
from padron.http.edge.protocol import EdgeProtocol

_file: TextIO
# Tasks inherit it from the callback that received the request, and background work comes from no request.
_is_of_request: ContextVar[bool] = ContextVar("is_of_request", default=False)
_receive = EdgeProtocol.data_received


def receive(protocol: EdgeProtocol, data: bytes) -> None:
    """Receive a request, and mark what is done for it."""
    _is_of_request.set(True)
    _receive(protocol, data)


class CountingTransport:
    """A transport that notes that something was sent."""

    def __init__(self, transport: Any) -> None:  # noqa: ANN401 - the loop's own class
        self._transport = transport
        self.is_waiting = False  # for the answer

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport can do
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send."""
        self.is_waiting = _is_of_request.get()
        self._transport.write(data)

    def writelines(self, data: list[bytes]) -> None:
        """Send several."""
        self.is_waiting = _is_of_request.get()
        self._transport.writelines(data)


class CountingProtocol(protocol.Protocol):
    """The driver's protocol, which also counts."""

    def __init__(self, address: Any, *others: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(address, *others)
        self._place = address if isinstance(address, str) else "{}:{}".format(*address)

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - the loop's own class
        """Send by way of a transport that counts."""
        self._counted = CountingTransport(transport)
        super().connection_made(self._counted)

    def data_received(self, data: Any) -> None:  # noqa: ANN401 - bytes or a view of them
        """Note a round trip when the first bytes of an answer arrive."""
        if self._counted.is_waiting:
            self._counted.is_waiting = False
            _file.write(f"{self._place}\n")
        super().data_received(data)


if __name__ == "__main__":
    _file = Path(sys.argv.pop(1)).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open until the server ends
    setattr(EdgeProtocol, "data_received", receive)  # noqa: B010 - as an assignment mypy takes the class for broken
    setattr(protocol, "Protocol", CountingProtocol)  # noqa: B010 - as an assignment mypy takes the types for unlike
    sys.exit(main())
