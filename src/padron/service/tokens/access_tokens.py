"""Turns an access token of an identity provider into a principal.

A token that was checked is believed until it expires, for a minute at most. So its signature is checked rarely, and
calls with it take the fast path as calls with an API key do. Its account is looked up again every 1.5 seconds.

Signatures are checked on one thread of their own, one after the other. What costs least is checked first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from padron.domain.access_token import TokenRefusedError, check_claims, check_header, read_token, refuse_token
from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.providers import NO_PROVIDERS, Granted, Providers, find_grant, give_actor
from padron.service.rates import Rates
from padron.service.recent import Recent
from padron.service.tokens.named_accounts import NamedAccounts
from padron.service.tokens.outcomes import TokenOutcome
from padron.service.tokens.sources import DocumentSource
from padron.store.directory import Directory
from padron.traces import leave_trace

if TYPE_CHECKING:
    from padron.service.tokens.issuer_keys import IssuerKeys

TOKEN_BELIEVED_S_MAX = 60.0
TOKENS_KEPT = 10_000
CHECKS_MAX = 100  # at once: tokens that wait for their issuer must not fill the memory


@dataclass(kw_only=True, slots=True, eq=False)
class _Checked:
    """A token whose signature and claims were good."""

    actor: str
    granted: Granted | None  # None: no grant is met
    provider: str
    until_s: float  # of the event loop's time
    principal: Principal | None = None  # of the account as it was found last


@dataclass(slots=True, eq=False)
class _Step:
    """How far a check came: what the next fault is."""

    fault: TokenOutcome = TokenOutcome.MALFORMED

    def judge(self, error: PadronError) -> TokenOutcome:
        """Give the outcome of a check that an error ended."""
        if error.code is not Code.INVALID_TOKEN:
            return TokenOutcome.UNAVAILABLE
        return TokenOutcome.EXPIRED if isinstance(error, TokenRefusedError) and error.is_expired else self.fault


class AccessTokens:
    """The tokens that this process checked in the last minute, by the digest of the whole token."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime], rates: Rates) -> None:
        self._clock = clock
        self._rates = rates
        self._accounts = NamedAccounts(directory)
        self._checked: Recent[bytes, _Checked] = Recent(TOKENS_KEPT)
        self._checks: dict[bytes, asyncio.Task[_Checked]] = {}
        self._issuers: Mapping[str, IssuerKeys] = {}
        self._thread: ThreadPoolExecutor | None = None
        self.providers = NO_PROVIDERS
        self.check_count = 0  # signatures
        self.outcomes: Counter[TokenOutcome] = Counter()

    @property
    def is_used(self) -> bool:
        """Say whether there is a provider whose tokens are taken."""
        return any(provider.audiences for provider in self.providers.listed)

    def find_issuer(self, name: str) -> "IssuerKeys | None":
        """Give the provider with a name, with its keys."""
        return next((keys for keys in self._issuers.values() if keys.provider.name == name), None)

    async def use(self, providers: Providers, source: DocumentSource) -> None:
        """Take tokens of these providers from now on, instead of those before, and begin to fetch their keys.

        Whatever was checked under the former configuration is forgotten. Keys of an issuer that stays are kept.
        """
        from padron.service.tokens.issuer_keys import IssuerKeys  # noqa: PLC0415 - the library only where it is used

        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-tokens")
        former = dict(self._issuers)
        issuers: dict[str, IssuerKeys] = {}
        for provider in providers.listed:
            keys = former.get(provider.issuer)
            if keys is None or keys.provider.algorithms != provider.algorithms or keys.source is not source:
                keys = IssuerKeys(provider, source, loop.time)
            else:
                del former[provider.issuer]
                keys.provider = provider
            issuers[provider.issuer] = keys
        self._issuers, self.providers = issuers, providers
        self._checked = Recent(TOKENS_KEPT)
        for keys in issuers.values():
            keys.begin_fetch()
        for keys in former.values():
            await keys.close()

    def believe(self, digest: bytes, now_s: float) -> Principal | None:
        """Give the principal of a token that was checked a moment ago; None where ``authenticate`` must be asked."""
        checked = self._checked.get(digest)
        if checked is None or now_s >= checked.until_s or checked.principal is None or checked.granted is None:
            return None
        account_id = self._accounts.give_known(checked.granted.account, now_s)
        return checked.principal if account_id == checked.principal.account_id else None

    async def authenticate(self, token: str, digest: bytes, address: str, now_s: float) -> Principal:
        """Give the principal of a token from a client address.

        Raises ``invalid_token`` with the reason, and ``forbidden`` for a good token without a grant. Raises
        ``provider_unavailable`` while the issuer's keys cannot be had, ``rate_exceeded`` for an address that sent too
        many invalid tokens, and ``overloaded`` while too many are checked.
        """
        checked = self._checked.get(digest)
        if checked is None or now_s >= checked.until_s:
            checked = await self._check_once(token, digest, address, now_s, is_proven=checked is not None)
        if checked.granted is None:
            self._rates.take_try(address, now_s)
            raise PadronError(
                Code.FORBIDDEN,
                f"The access token is valid, but no grant of the provider {checked.provider} fits its claims.",
            )
        account_id = await self._accounts.find(checked.granted.account, now_s)
        if account_id is None:
            raise refuse_token("the account that it is for does not exist or is disabled")
        if checked.principal is None or checked.principal.account_id != account_id:
            checked.principal = Principal(account_id=account_id, actor=checked.actor, scopes=checked.granted.scopes)
        return checked.principal

    async def close(self) -> None:
        """End the fetches, and wait for checks and look-ups."""
        for keys in self._issuers.values():
            await keys.close()
        if self._checks:
            await asyncio.wait([*self._checks.values()])
        await self._accounts.close()
        if self._thread is not None:
            self._thread.shutdown()

    async def _check_once(self, token: str, digest: bytes, address: str, now_s: float, *, is_proven: bool) -> _Checked:
        """Check a token, once for all calls that bring it at the same time."""
        task = self._checks.get(digest)
        if task is None:
            if len(self._checks) >= CHECKS_MAX:
                raise PadronError(Code.OVERLOADED, "Too many access tokens are being checked. Try again shortly.")
            if not is_proven:
                self._rates.take_try(address, now_s)
            work = self._check_and_note(token, digest, address, is_proven=is_proven)
            task = self._checks[digest] = asyncio.create_task(work, name="padron-access-token")
            task.add_done_callback(_look_at_result)
        return await asyncio.shield(task)  # if one caller hangs up, the others still need the check

    async def _check_and_note(self, token: str, digest: bytes, address: str, *, is_proven: bool) -> _Checked:
        """Check a token and remember it. Only an invalid one keeps the token of its address."""
        leave_trace()  # other calls may wait for it too
        kept = self._checked  # a configuration that is read meanwhile begins with nothing
        is_invalid = False
        step = _Step()
        try:
            checked = await self._check(token, step)
        except PadronError as error:
            self.outcomes[step.judge(error)] += 1
            is_invalid = error.code is Code.INVALID_TOKEN
            if is_invalid:
                kept.drop(digest)
            raise
        else:
            self.outcomes[TokenOutcome.NO_GRANT if checked.granted is None else TokenOutcome.ACCEPTED] += 1
            kept.set(digest, checked)
            return checked
        finally:
            del self._checks[digest]
            if not is_invalid and not is_proven:
                self._rates.give_back(address)

    async def _check(self, text: str, step: _Step) -> _Checked:
        from padron.service.tokens.key_sets import verify  # noqa: PLC0415 - as above

        loop = asyncio.get_running_loop()
        token = read_token(text)
        step.fault = TokenOutcome.ISSUER
        keys = self._issuers.get(token.issuer)
        if keys is None or not keys.provider.audiences:
            raise refuse_token("its issuer is not one of the configured providers")
        provider = keys.provider
        step.fault = TokenOutcome.HEADER
        wanted = check_header(token, provider.algorithms, provider.token_types)
        step.fault = TokenOutcome.CLAIMS
        check_claims(token, provider, self._clock())
        step.fault = TokenOutcome.KEY
        key = await keys.find(wanted)
        if key is None:
            raise refuse_token("its provider has no key with the kid of its header for this algorithm")
        self.check_count += 1
        step.fault = TokenOutcome.SIGNATURE
        if not await loop.run_in_executor(self._thread, verify, token, key, wanted.algorithm):
            raise refuse_token("its signature does not fit")
        step.fault = TokenOutcome.CLAIMS
        now = self._clock()
        holder = check_claims(token, provider, now)  # again, because the keys may have taken seconds
        left_s = (holder.expires_at - now).total_seconds() + provider.leeway_s
        return _Checked(
            actor=give_actor(provider.name, holder.subject),
            granted=find_grant(provider.grants, token.claims),
            provider=provider.name,
            until_s=loop.time() + min(left_s, TOKEN_BELIEVED_S_MAX),
        )


def _look_at_result(task: asyncio.Task[_Checked]) -> None:
    """Look at how a check ended, because every caller may have hung up."""
    if not task.cancelled():
        task.exception()
