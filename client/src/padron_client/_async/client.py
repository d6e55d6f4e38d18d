"""The client: its settings, and how it is opened and closed."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from padron_client._async.operations import AsyncOperations
from padron_client.calls import Hooks, Retries, Timeouts

if TYPE_CHECKING:
    import ssl

    import httpx2
    from typing_extensions import Self

CONNECTIONS = 100


class AsyncClient(AsyncOperations):
    """A client of one server, for one key. Use it in a ``with`` block, or close it.

    All calls share its connections, also from several tasks or threads.
    """

    def __init__(
        self,
        url: str,
        key: str | Callable[[], str],
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        deadline_s: float | None = None,
        hooks: Hooks | None = None,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        trust_env: bool = True,
        http2: bool = False,
        connections: int = CONNECTIONS,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        """Prepare a client. It connects with its first call.

        ``url`` is the server's address, with the path below which a proxy shows it. ``key`` is an API key, or a
        function that gives an access token for each request. ``deadline_s`` bounds each call with all its attempts.

        ``verify`` is a context with the certificates to trust. ``proxy`` is a proxy's address, and ``trust_env`` says
        whether the environment may name one. ``http2`` needs the package h2. ``http_client`` is a client of httpx2
        with settings of your own: it replaces the arguments after ``hooks``, and stays open.
        """
        # httpx2 takes a third of a second to import, so a program that makes no client does without it.
        from padron_client._async.transport import AsyncTransport, Settings  # noqa: PLC0415

        self._url = check_url(url)
        settings = Settings(
            url=self._url,
            timeouts=timeouts or Timeouts(),
            retries=retries or Retries(),
            deadline_s=deadline_s,
            hooks=hooks or Hooks(),
        )
        connection = {
            "verify": verify,
            "proxy": proxy,
            "trust_env": trust_env,
            "http2": http2,
            "connections": connections,
        }
        self._transport = AsyncTransport(settings, key, http_client, connection)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def check_url(url: str) -> str:
    """Give a server's address without the slash at its end. Raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "The address must begin with http:// or https:// and name a host, as in http://127.0.0.1:8080."
        raise ValueError(message)
    if parts.username is not None or parts.query or parts.fragment:
        message = "The address must have no user name, no query and no fragment."
        raise ValueError(message)
    return url.rstrip("/")
