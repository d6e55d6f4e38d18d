"""Keeps webhooks away from addresses that are not public. Every connection to a receiver is made here.

The name is looked up once, and every address of the answer is checked. The connection goes to one of these addresses,
so a second look-up cannot give another answer. TLS and Host keep the original name.
"""

import asyncio
import encodings.idna  # noqa: F401 - see below
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

# The first connection would import this and encodings.idna otherwise, and hold up the event loop for 60 ms.
import anyio._backends._asyncio  # noqa: F401
import httpcore2

from padron.domain.target import IPAddress, Network, WebhookTarget, check_addresses

ADDRESSES_TRIED_MAX = 4
# The limits of one answer. The rest of a longer answer is not read. Parsing costs processor time for each message, so
# interim answers are counted too, and each read is small.
ANSWER_BYTES_MAX = 24_576  # from the connection: the head, and the beginning of the body
INTERIM_MAX = 8  # interim answers, such as 103, before the final answer
READ_BYTES_MAX = 1_024
LOOK_UP_S_MAX = 5.0
_INTERIM_MARKS = (b"HTTP/1.1 1", b"HTTP/1.0 1")
_LOOK_UPS_MAX = 32  # threads, so that a few names with slow name servers do not delay the others

Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]


class Resolver:
    """Looks up names with the system's resolver, on its own threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_LOOK_UPS_MAX, thread_name_prefix="padron-names")

    async def __call__(self, host: str, port: int) -> list[IPAddress]:
        """Give every address of a name, each once. Raises OSError if the name has no address, and TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(LOOK_UP_S_MAX):
            found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return [ip_address(text) for text in dict.fromkeys(found)]

    def close(self) -> None:
        """Accept no more names. Running look-ups end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class BoundedStream(httpcore2.AsyncNetworkStream):
    """A connection that limits the size of an answer, and of each read."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._read_bytes = 0
        self._interim = 0
        self._last = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the client's
        """Give some bytes. Raises ``RemoteProtocolError`` when the answer exceeds a limit."""
        if self._read_bytes >= ANSWER_BYTES_MAX:
            raise httpcore2.RemoteProtocolError(f"The answer has more than {ANSWER_BYTES_MAX:,} bytes.")
        data = await self._stream.read(min(max_bytes, READ_BYTES_MAX), timeout)
        self._read_bytes += len(data)
        joined = self._last + data
        self._interim += sum(joined.count(mark) for mark in _INTERIM_MARKS)
        self._last = joined[1 - len(_INTERIM_MARKS[0]) :]
        if self._interim > INTERIM_MAX:
            raise httpcore2.RemoteProtocolError(f"More than {INTERIM_MAX} interim answers came before the answer.")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send bytes. That starts a new request, so the counts for its answer start again from 0."""
        self._read_bytes, self._interim, self._last = 0, 0, b""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        """Give the connection with TLS and the same limits."""
        return BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        """Give a fact about the connection, as the client asks."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects for the HTTP client, but only to allowed addresses. Raises ``bad_parameters`` for other addresses."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve, *, is_plain: bool) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._is_plain = is_plain
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the client's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Give a connection to one of the host's addresses, if all of them are allowed."""
        addresses = await self._resolve(host, port)
        target = WebhookTarget(is_plain=self._is_plain, host=host, port=port, address=None)
        check_addresses(target, addresses, self._allowed)
        failure: Exception | None = None
        for address in addresses[:ADDRESSES_TRIED_MAX]:
            try:
                found = await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
                return BoundedStream(found)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError("The host has no address.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse, because webhooks never go to a socket of this machine."""
        raise httpcore2.ConnectError(f"Webhooks cannot go to a socket ({path}, {timeout}, {socket_options}).")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the client asks."""
        await asyncio.sleep(seconds)


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
