"""Keeps the keys of one issuer: fetched in the background, at most once a minute, and kept while the issuer is away.

Whoever needs a key that is there gets it at once. Only a token that names an unknown key waits for a fetch. So an
issuer that is slow or down delays nobody but the holders of such tokens.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from padron.domain.access_token import WantedKey
from padron.domain.errors import Code, PadronError
from padron.domain.providers import Provider, find_url_fault
from padron.service.tokens.key_sets import KeySet, PublicKey, parse_key_set
from padron.service.tokens.sources import DocumentSource, SourceError
from padron.traces import leave_trace

TRIED_EVERY_S = 60.0
FRESH_S = 300.0  # then the next use fetches them again, so a key that the issuer withdrew is soon refused
KEPT_S = 6 * 3_600.0  # while the issuer cannot be reached
WAIT_S_MAX = 5.0  # of a token with an unknown key

_log = logging.getLogger("padron.providers")


class IssuerKeys:
    """The keys of one provider in this process."""

    def __init__(self, provider: Provider, source: DocumentSource, give_time_s: Callable[[], float]) -> None:
        self.provider = provider
        self._source = source
        self._give_time_s = give_time_s
        self._keys: KeySet | None = None
        self._fetched_at_s = 0.0
        self._tried_at_s: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._fault = ""  # of the last fetch
        self.failure_count = 0

    async def find(self, wanted: WantedKey) -> PublicKey | None:
        """Give the key that a token names, or None if the issuer has none of this name for this algorithm.

        Raises ``provider_unavailable`` when the issuer cannot be asked.
        """
        now_s = self._give_time_s()
        keys = self._give_kept(now_s)
        if keys is not None:
            key = keys.find(wanted)
            if key is not None:
                if now_s - self._fetched_at_s > FRESH_S:
                    self.begin_fetch()
                return key
        task = self.begin_fetch()
        if task is not None:
            await asyncio.wait([task], timeout=WAIT_S_MAX)
        keys = self._give_kept(self._give_time_s())
        key = None if keys is None else keys.find(wanted)
        if key is None and (keys is None or self._fault or (task is not None and not task.done())):
            raise PadronError(
                Code.PROVIDER_UNAVAILABLE,
                f"The access token cannot be checked now, because the keys of the provider {self.provider.name} "
                "cannot be fetched. Try again in a minute.",
            )
        return key

    def begin_fetch(self) -> "asyncio.Task[None] | None":
        """Give the fetch that is under way, or begin one; None if the last one began less than a minute ago."""
        now_s = self._give_time_s()
        if self._fetching is None and (self._tried_at_s is None or now_s - self._tried_at_s >= TRIED_EVERY_S):
            self._tried_at_s = now_s
            self._fetching = asyncio.create_task(self._fetch(), name="padron-issuer-keys")
        return self._fetching

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _give_kept(self, now_s: float) -> KeySet | None:
        if self._keys is not None and now_s - self._fetched_at_s > KEPT_S:
            self._keys = None
        return self._keys

    async def _fetch(self) -> None:
        leave_trace()  # it is nobody's call
        try:
            keys = await self._ask()
        except SourceError as error:
            self._note_fault(str(error))
        else:
            self._keys, self._fetched_at_s = keys, self._give_time_s()
            if self._fault:
                _log.info("The keys of the provider %s were fetched again", self.provider.name)
            self._fault = ""
        finally:
            self._fetching = None

    def _note_fault(self, fault: str) -> None:
        self.failure_count += 1
        if fault != self._fault:
            _log.warning("The keys of the provider %s cannot be fetched: %s", self.provider.name, fault)
        self._fault = fault

    async def _ask(self) -> KeySet:
        issuer = self.provider.issuer
        try:
            content = await self._source.fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        except SourceError:
            content = await self._source.fetch(give_oauth_metadata_url(issuer))
        url = find_key_set_url(content, issuer)
        return parse_key_set(await self._source.fetch(url), self.provider.algorithms)


def give_oauth_metadata_url(issuer: str) -> str:
    """Give where an issuer without OpenID Connect has its metadata (RFC 8414, 3.1)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


def find_key_set_url(content: bytes, issuer: str) -> str:
    """Give the address of the key set from an issuer's metadata. Raises ``SourceError``.

    The metadata must name exactly this issuer. Otherwise another one could give it its own keys (RFC 8414, 3.3).
    """
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError("its metadata is not JSON") from None
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise SourceError("its metadata names another issuer than the configuration")
    url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise SourceError("its metadata has no jwks_uri")
    fault = find_url_fault(url, may_have_query=True)
    if fault is not None:
        raise SourceError(f"the jwks_uri of its metadata {fault}")
    return url
