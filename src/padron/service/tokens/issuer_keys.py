"""Keeps the keys of one issuer: fetched in the background, at most once a minute, and kept while the issuer is away.

Whoever needs a key that is there gets it at once. Only a token that names an unknown key waits for a fetch. So an
issuer that is slow or down delays nobody but the holders of such tokens.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerMetadata:
    """What an issuer says about itself. The addresses for signing in are empty if it does not offer that."""

    key_set_url: str
    authorization_url: str
    token_url: str
    wants_secret_in_body: bool  # it does not take the client's secret in a header
    names_itself: bool  # its answers to a browser name it (RFC 9207)


class IssuerKeys:
    """The keys and the metadata of one provider in this process."""

    def __init__(self, provider: Provider, source: DocumentSource, give_time_s: Callable[[], float]) -> None:
        self.provider = provider
        self.source = source
        self._metadata: IssuerMetadata | None = None
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

    async def get_metadata(self) -> IssuerMetadata:
        """Give what the issuer says about itself. Raises ``provider_unavailable`` when it cannot be asked."""
        if self._give_kept(self._give_time_s()) is None and (task := self.begin_fetch()) is not None:
            await asyncio.wait([task], timeout=WAIT_S_MAX)
        if self._metadata is None or self._give_kept(self._give_time_s()) is None:
            raise PadronError(
                Code.PROVIDER_UNAVAILABLE,
                f"The provider {self.provider.name} cannot be reached now. Try again in a minute.",
            )
        return self._metadata

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
            content = await self.source.fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        except SourceError:
            content = await self.source.fetch(give_oauth_metadata_url(issuer))
        metadata = parse_metadata(content, issuer)
        keys = parse_key_set(await self.source.fetch(metadata.key_set_url), self.provider.algorithms)
        self._metadata = metadata
        return keys


def give_oauth_metadata_url(issuer: str) -> str:
    """Give where an issuer without OpenID Connect has its metadata (RFC 8414, 3.1)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


def parse_metadata(content: bytes, issuer: str) -> IssuerMetadata:
    """Give what an issuer's metadata say. Raises ``SourceError``.

    The metadata must name exactly this issuer. Otherwise another one could give it its own keys (RFC 8414, 3.3).
    """
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError("its metadata is not JSON") from None
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise SourceError("its metadata names another issuer than the configuration")
    url = _find_url(document, "jwks_uri")
    if not url:
        raise SourceError("its metadata has no jwks_uri")
    ways = document.get("token_endpoint_auth_methods_supported")
    return IssuerMetadata(
        key_set_url=url,
        authorization_url=_find_url(document, "authorization_endpoint"),
        token_url=_find_url(document, "token_endpoint"),
        wants_secret_in_body=isinstance(ways, list) and "client_secret_basic" not in ways,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _find_url(document: Mapping[str, object], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str):
        return ""
    fault = find_url_fault(url, may_have_query=True)
    if fault is not None:
        raise SourceError(f"the {name} of its metadata {fault}")
    return url
