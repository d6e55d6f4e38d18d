"""Keeps webhooks away from what is not public: every connection is made through here.

The name is looked up once, every address that comes back is checked, and the connection goes to one of these very
addresses: there is no second look-up that could give another answer. TLS and Host keep the original name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore2

from padron.domain.target import Address, Network, Target, check_addresses

ADDRESSES_TRIED_MAX = 4
LOOK_UP_S_MAX = 5.0
_LOOK_UPS_MAX = 32  # threads, so that a few names with slow servers do not hold up the others

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class Resolver:
    """Looks names up with the system's resolver, on threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_LOOK_UPS_MAX, thread_name_prefix="padron-names")

    async def __call__(self, host: str, port: int) -> list[Address]:
        """Give every address of a name, each once. Raises OSError when there is none, and TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(LOOK_UP_S_MAX):
            found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return [ip_address(text) for text in dict.fromkeys(found)]

    def close(self) -> None:
        """Take no more; what is being looked up ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects for the HTTP client, to nothing but allowed addresses. Raises ``bad_parameters`` for all others."""

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
        """Give a connection to one of the host's addresses, if every one of them is allowed."""
        addresses = await self._resolve(host, port)
        target = Target(is_plain=self._is_plain, host=host, port=port, address=None)
        check_addresses(target, addresses, self._allowed)
        failure: Exception | None = None
        for address in addresses[:ADDRESSES_TRIED_MAX]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError("There is no address.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: webhooks go to no socket of this machine."""
        raise httpcore2.ConnectError(f"Webhooks do not go to a socket ({path}, {timeout}, {socket_options}).")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the client asks."""
        await asyncio.sleep(seconds)


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
