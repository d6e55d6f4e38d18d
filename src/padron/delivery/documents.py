"""Fetches the documents of identity providers, with limits of time and size, without redirects and proxies.

The operator names the providers, so their addresses may be private ones. ``find_url_fault`` has already checked that an
address is https, or on this machine.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode, urlsplit

import httpcore2

from padron import __version__
from padron.delivery.sender import escape_text, trust_system
from padron.service.tokens.sources import CodeRequest, SourceAnswer, SourceError

FETCH_S_MAX = 5.0
DOCUMENT_BYTES_MAX = 65_536
_OK = 200
_FAULT_LENGTH_MAX = 200
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """One request to a provider."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


class ProviderDocuments:
    """Fetches documents with a connection for each, because there are few of them."""

    def __init__(self, give_context: Callable[[], ssl.SSLContext] = trust_system) -> None:
        self._give_context = give_context

    async def fetch(self, url: str) -> bytes:
        """Give a document. Raises ``SourceError`` with what went wrong."""
        answer = await self._ask(_Question(method="GET", url=url))
        if answer.status != _OK:
            parts = urlsplit(url)
            raise SourceError(f"{parts.netloc} answered {answer.status} to {parts.path}")
        return answer.body

    async def post(self, request: CodeRequest) -> SourceAnswer:
        """Exchange a code, and give the answer whatever its status is. Raises ``SourceError``."""
        headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/x-www-form-urlencoded"),)
        if request.secret:  # RFC 6749, 2.3.1: both are encoded as in a form first
            pair = f"{quote_plus(request.client_id)}:{quote_plus(request.secret)}"
            headers = (*headers, (b"authorization", b"Basic " + base64.b64encode(pair.encode())))
        body = urlencode(request.form).encode()
        return await self._ask(_Question(method="POST", url=request.url, headers=headers, body=body))

    async def _ask(self, question: _Question) -> SourceAnswer:
        host = urlsplit(question.url).netloc
        try:
            async with asyncio.timeout(FETCH_S_MAX):
                return await self._receive(question)
        except TimeoutError:
            raise SourceError(f"{host} did not answer within {FETCH_S_MAX:.0f} seconds") from None
        except (
            httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError, ValueError,
        ) as failure:  # fmt: skip
            reason = escape_text(str(failure), _FAULT_LENGTH_MAX) or type(failure).__name__
            raise SourceError(f"{host} cannot be asked: {reason}") from failure

    async def _receive(self, question: _Question) -> SourceAnswer:
        parts = urlsplit(question.url)
        # Only our code parses the URL. If the client parsed it again, a disagreement would be a security hole.
        url = httpcore2.URL(
            scheme=parts.scheme.encode(),
            host=(parts.hostname or "").encode(),
            port=parts.port or _PORTS[parts.scheme],
            target=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode(),
        )
        headers = [
            (b"host", parts.netloc.lower().encode()),
            (b"user-agent", f"Padron/{__version__}".encode()),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"connection", b"close"),
            *question.headers,
        ]
        async with (
            httpcore2.AsyncConnectionPool(ssl_context=self._give_context(), max_keepalive_connections=0) as pool,
            pool.stream(question.method, url, headers=headers, content=question.body or None) as response,
        ):
            body = b""
            async for piece in response.aiter_stream():
                body += piece
                if len(body) > DOCUMENT_BYTES_MAX:
                    raise SourceError(f"{parts.netloc} sent more than {DOCUMENT_BYTES_MAX} bytes")
            return SourceAnswer(status=response.status, body=body)
