"""Turns a bearer token into a principal.

A looked-up key is trusted for 1.5 seconds. So a key that another process adds, revokes or lets
expire takes effect within two seconds, and so do a key's networks and an account that is disabled.
A background task looks up the keys in use again every second, many in one statement. No call has to
wait for a look-up of its own key.

A client may send an access token of an identity provider instead of a key; ``tokens/access_tokens.py`` checks those.

A key may have networks. It is then refused from every other address, on each use and without a
look-up. The last use of a key is noted about once an hour, with the address of that very call.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from padron.domain.access_token import looks_like_token
from padron.domain.account import ApiKey, KeyName, Principal, hash_secret, parse_credential
from padron.domain.addresses import is_within, parse_address
from padron.domain.errors import Code, PadronError
from padron.service.rates import Rates
from padron.service.recent import Recent
from padron.service.tokens.access_tokens import AccessTokens
from padron.service.usable_keys import UsableKeys
from padron.store.directory import Directory
from padron.traces import leave_trace

BELIEVED_S = 1.5
RENEWED_EVERY_S = 1.0
KEPT_S = 10.0  # after the last use of a key: renewing it costs a tenth of a look-up
RENEWED_AT_ONCE = 200
ENTRIES_MAX = 10_000
PROVEN_KEPT = 50_000  # keys that were valid once: looking them up again needs no token of their address
LOOKUPS_MAX = 500  # at once: invented keys must neither delay the known keys nor fill the memory
LAST_USE_STEP = timedelta(hours=1)  # the last use of a key is stored with this precision


class Caller(Protocol):
    """Where a token came from."""

    @property
    def client_address(self) -> str:
        """The client's address; empty if it has none. It may cost something to find, so only some keys ask for it."""
        ...


@dataclass(kw_only=True, slots=True, eq=False)
class _Known:
    """A key that was found, and its principal."""

    key: ApiKey
    principal: Principal
    is_use_due: bool  # the next use is to be noted

    # Nothing has to be checked or noted: the key is not revoked, has no end and no networks. Most calls see no more.
    is_plain: bool

    @classmethod
    def build(cls, key: ApiKey, *, is_use_due: bool) -> "_Known":
        principal = Principal(
            account_id=key.account_id, actor=key.key_id, scopes=key.scopes, requests_per_s=key.requests_per_s
        )
        is_lasting = key.revoked_at is None and key.expires_at is None
        is_plain = is_lasting and not key.networks and not is_use_due
        return cls(key=key, principal=principal, is_use_due=is_use_due, is_plain=is_plain)


@dataclass(slots=True, eq=False)
class _Entry:
    looked_up_at_s: float
    used_at_s: float
    lookup: asyncio.Future[_Known]
    known: _Known | None = None  # what was found, once somebody waited for it

    @property
    def is_found(self) -> bool:
        """Say whether the look-up has ended well."""
        return self.lookup.done() and not self.lookup.cancelled() and self.lookup.exception() is None

    @property
    def key(self) -> ApiKey:
        """The key of an entry that was found."""
        return self.lookup.result().key

    def get_name(self) -> KeyName:
        """Give the key's name, of an entry that was found."""
        return KeyName(self.key.account_id, self.key.key_id)


class Authenticator:
    """Keeps the keys that were used recently, by the digest of the whole token."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime], rates: Rates) -> None:
        self._directory = directory
        self._clock = clock
        self._rates = rates
        self._entries: dict[bytes, _Entry] = {}
        self._proven: Recent[bytes, bool] = Recent(PROVEN_KEPT)  # by the digest, which nobody can guess
        self._usable = UsableKeys(directory, clock)
        self.access_tokens = AccessTokens(directory, clock, rates)
        self._renewed_at_s = 0.0
        self._lookup_count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def known_count(self) -> int:
        """How many keys were used in the last seconds."""
        return len(self._entries)

    @property
    def lookup_count(self) -> int:
        """How many unknown keys are looked up now."""
        return self._lookup_count

    async def authenticate(self, token: str, address: str = "") -> Principal:
        """Give the principal of a token from a client address.

        Raises ``invalid_token``, with one text for all invalid tokens, and ``forbidden`` for a valid key that must not
        be used from this address. Raises ``rate_exceeded`` for an address that sent too many such keys, and
        ``overloaded`` while too many unknown keys are looked up. An access token is refused with the reason, and with
        ``provider_unavailable`` while it cannot be checked.
        """
        digest = digest_token(token)
        now_s = self._look_at_time()
        entry = self._entries.get(digest)
        if entry is None and self.access_tokens.is_used and looks_like_token(token):
            return await self.access_tokens.authenticate(token, digest, address, now_s)
        if entry is None or now_s - entry.looked_up_at_s > BELIEVED_S:
            entry = await self._begin(token, digest, address, now_s)
        entry.used_at_s = now_s
        try:
            # Shielded: if one caller hangs up, the others still need the look-up.
            known = entry.lookup.result() if entry.lookup.done() else await asyncio.shield(entry.lookup)
        except Exception:
            if self._entries.get(digest) is entry:
                del self._entries[digest]
            raise
        entry.known = known
        now = self._clock()
        if not known.key.is_usable(now):
            raise _give_invalid()
        if not _may_come_from(known.key, address):
            self._rates.take_try(address, now_s)
            raise PadronError(
                Code.FORBIDDEN,
                f"The API key {known.key.key_id} must not be used from {address or 'a client without an address'}.",
            )
        if known.is_use_due:
            self._note_use(known, address, now)
        return known.principal

    def believe(self, digest: bytes, caller: Caller | None = None) -> Principal | None:
        """Give the principal of a token that was found a moment ago; None where ``authenticate`` must be asked.

        ``digest`` is the token's, by ``digest_token``. Without a caller, nothing is known of the client's address.
        """
        now_s = self._look_at_time()
        entry = self._entries.get(digest)
        if entry is None:
            return self.access_tokens.believe(digest, now_s)
        known = entry.known
        if known is None or now_s - entry.looked_up_at_s > BELIEVED_S:
            return None
        entry.used_at_s = now_s
        return known.principal if known.is_plain else self._believe_checked(known, caller)

    def _believe_checked(self, known: _Known, caller: Caller | None) -> Principal | None:
        now = self._clock()
        address = "" if caller is None else caller.client_address
        if not known.key.is_usable(now) or not _may_come_from(known.key, address):
            return None
        if known.is_use_due:
            self._note_use(known, address, now)
        return known.principal

    async def _begin(self, token: str, digest: bytes, address: str, now_s: float) -> _Entry:
        """Begin to look up a key. Raises ``rate_exceeded`` and ``overloaded``, but not for a key that is listed."""
        is_proven = self._proven.get(digest) is not None
        if not is_proven:
            try:
                self._take_try(address, now_s)
            except PadronError:
                if not await self._usable.has(token, now_s):
                    raise
                is_proven = True
        if is_proven:
            look_up = self._look_up_again(token, digest)
        else:
            self._lookup_count += 1
            look_up = self._look_up(token, digest, address)
        if len(self._entries) >= ENTRIES_MAX:
            self._entries.clear()
        entry = _Entry(now_s, now_s, asyncio.create_task(look_up))
        self._entries[digest] = entry
        return entry

    def _take_try(self, address: str, now_s: float) -> None:
        if self._lookup_count >= LOOKUPS_MAX:
            raise PadronError(Code.OVERLOADED, "Too many unknown API keys are being looked up. Try again shortly.")
        self._rates.take_try(address, now_s)

    async def close(self) -> None:
        """Wait for look-ups, and for writes of the last use."""
        await self.access_tokens.close()
        await self._usable.close()
        pending: list[Awaitable[object]] = [*(entry.lookup for entry in self._entries.values()), *self._tasks]
        for task in pending:
            with suppress(Exception):
                await task

    def _look_at_time(self) -> float:
        """Give the event loop's time, and begin to renew the keys when it is time for that."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._renewed_at_s > RENEWED_EVERY_S:
            self._renewed_at_s = now_s
            self._start(self._renew())
        return now_s

    async def _look_up(self, token: str, digest: bytes, address: str) -> _Known:
        """Look up a key for the first time. Only an invalid one keeps the token of its address."""
        is_invalid = False
        try:
            known = await self._find(token)
            is_invalid = not known.key.is_usable(self._clock())
        except PadronError as error:
            is_invalid = error.code is Code.INVALID_TOKEN
            raise
        else:
            if not is_invalid:
                self._proven.set(digest, value=True)
            return known
        finally:
            self._lookup_count -= 1
            if not is_invalid:
                self._rates.give_back(address)

    async def _look_up_again(self, token: str, digest: bytes) -> _Known:
        """Look up a key that was valid before."""
        try:
            known = await self._find(token)
        except PadronError as error:
            if error.code is Code.INVALID_TOKEN:
                self._proven.drop(digest)
            raise
        if known.key.is_usable(self._clock()):
            self._proven.set(digest, value=True)
        else:
            self._proven.drop(digest)
        return known

    async def _find(self, token: str) -> _Known:
        credential = parse_credential(token)
        if credential is None:
            raise _give_invalid()
        key = await self._directory.find_key(credential.account_id, credential.key_id)
        digest = hash_secret(credential.secret)
        if key is None or not hmac.compare_digest(key.secret_sha256, digest):
            raise _give_invalid()
        return self._admit(key)

    def _admit(self, key: ApiKey) -> _Known:
        is_use_due = key.last_used_at is None or self._clock() - key.last_used_at > LAST_USE_STEP
        return _Known.build(key, is_use_due=is_use_due)

    async def _renew(self) -> None:
        """Look up the recently used keys. Forget the unused keys, and those that changed or are gone."""
        loop = asyncio.get_running_loop()
        used_since_s = loop.time() - KEPT_S
        used: list[tuple[bytes, _Entry]] = []
        for digest, entry in [*self._entries.items()]:
            if entry.used_at_s < used_since_s:
                del self._entries[digest]
            elif entry.is_found:
                used.append((digest, entry))
        for start in range(0, len(used), RENEWED_AT_ONCE):
            portion = used[start : start + RENEWED_AT_ONCE]
            looked_up_at_s = loop.time()
            keys = await self._directory.find_keys([entry.get_name() for _, entry in portion])
            found = {KeyName(key.account_id, key.key_id): key for key in keys}
            for digest, entry in portion:
                key = found.get(entry.get_name())
                if key is not None and key.secret_sha256 == entry.key.secret_sha256:
                    entry.looked_up_at_s = looked_up_at_s
                    entry.lookup = loop.create_future()
                    entry.known = self._admit(key)
                    entry.lookup.set_result(entry.known)
                elif self._entries.get(digest) is entry:
                    del self._entries[digest]

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.create_task(_try(work), name="padron-keys")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note_use(self, known: _Known, address: str, now: datetime) -> None:
        """Note a use. If this fails, the renewal a second later finds it due again."""
        known.is_use_due = False
        key = known.key
        self._start(self._directory.touch_key(key.account_id, key.key_id, now, address or None))


async def _try(work: Awaitable[None]) -> None:
    """Do work that may fail without failing a call. A call soon looks up a key that was not renewed."""
    leave_trace()  # it is nobody's call any more
    with suppress(PadronError):
        await work


def digest_token(token: str) -> bytes:
    """Give the name under which a token is kept in memory."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _may_come_from(key: ApiKey, address: str) -> bool:
    return not key.networks or is_within(parse_address(address), key.networks)


def _give_invalid() -> PadronError:
    return PadronError(
        Code.INVALID_TOKEN, "The API key is not valid: it is unknown, revoked or expired, or its account is disabled."
    )
