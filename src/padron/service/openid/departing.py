"""Sends a browser to an identity provider, and remembers that it went."""

import asyncio
import secrets
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.domain.openid import (
    CALLBACK,
    PENDING_LASTS,
    PENDING_MAX,
    SignInSecrets,
    give_departure_url,
)
from padron.domain.providers import OpenIdClient, Provider
from padron.domain.quoting import quote
from padron.domain.sessions import Visitor
from padron.service.runtime import Runtime
from padron.service.tokens.issuer_keys import IssuerKeys
from padron.store.people.openid import PendingSignIn
from padron.store.people.transaction import PeopleTransaction

WANTED_LENGTH_MAX = 2_048


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInProvider:
    """A provider with which people sign in: its name in addresses, and its title on the button."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """Where the browser goes, and the secret that it must bring back."""

    url: str
    browser_secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundProvider:
    """A provider with which people sign in, with its keys."""

    keys: IssuerKeys
    provider: Provider
    client: OpenIdClient
    redirect_url: str


def list_sign_in_providers(runtime: Runtime) -> list[SignInProvider]:
    """Give the providers with which people can sign in, in the order of the file."""
    providers = runtime.authenticator.access_tokens.providers
    return [
        SignInProvider(name=provider.name, title=provider.client.title)
        for provider in providers.listed
        if provider.client is not None
    ]


def get_provider(runtime: Runtime, name: str) -> FoundProvider:
    """Give a provider with which people can sign in. Raises ``sign_in_refused``."""
    tokens = runtime.authenticator.access_tokens
    keys = tokens.find_issuer(name)
    if keys is None or keys.provider.client is None:
        raise PadronError(Code.SIGN_IN_REFUSED, f"There is no provider {quote(name)} to sign in with.")
    return FoundProvider(
        keys=keys,
        provider=keys.provider,
        client=keys.provider.client,
        redirect_url=f"{tokens.providers.resource}{CALLBACK.format(provider=name)}",
    )


async def begin_sign_in(runtime: Runtime, name: str, wanted: str, visitor: Visitor) -> Departure:
    """Give the address at a provider to which a browser goes. ``wanted`` is the page to show afterwards.

    Raises ``sign_in_refused`` for an unknown provider, ``provider_unavailable`` for one that cannot be reached,
    ``rate_exceeded`` for an address that begins too often, and ``server_full`` while too many are under way.
    """
    found = get_provider(runtime, name)
    runtime.departures.take(visitor.address, asyncio.get_running_loop().time())
    metadata = await found.keys.get_metadata()
    if not metadata.authorization_url or not metadata.token_url:
        raise PadronError(Code.PROVIDER_UNAVAILABLE, f"The provider {name} does not offer to sign people in.")
    made = SignInSecrets(browser=secrets.token_urlsafe(32), state=secrets.token_urlsafe(32))
    now = runtime.clock()
    pending = PendingSignIn(provider=name, wanted=wanted[:WANTED_LENGTH_MAX], expires_at=now + PENDING_LASTS)

    async def work(transaction: PeopleTransaction) -> bool:
        return await transaction.openid.add_pending(made.state_sha256, pending, now, PENDING_MAX)

    if not await runtime.store.people.write(work):
        raise PadronError(Code.SERVER_FULL, "Too many people are signing in. Try again in a minute.")
    url = give_departure_url(metadata.authorization_url, found.client, made, found.redirect_url)
    return Departure(url=url, browser_secret=made.browser)
