"""Where a key may be used from, on both ways, and what is noted of its last use."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.domain.rates import RateExceededError
from padron.service.accounts import NewKey, add_key, disable_account, enable_account
from padron.service.administration.keys import change_key, get_key
from padron.service.authentication import LAST_USE_STEP, Authenticator, digest_token
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import SteppedClock
from tests.service.keys import SCOPES, SlowDirectory, let_pass

HOME = "192.0.2.7"
ABROAD = "203.0.113.9"


@dataclass(frozen=True, slots=True)
class From:
    """A caller with an address, and how often it was asked for it."""

    client_address: str


async def add_bound_key(runtime: Runtime, cast: Cast, *networks: str) -> NewKey:
    return await add_key(
        runtime, cast.acme.account, label="till", scopes=SCOPES, expires_in=None, networks=networks or ["192.0.2.0/24"]
    )


async def refuse_from(authenticator: Authenticator, token: str, address: str) -> PadronError:
    with pytest.raises(PadronError) as refusal:
        await authenticator.authenticate(token, address)
    return refusal.value


async def renew(authenticator: Authenticator, token: str, address: str, patch: pytest.MonkeyPatch) -> None:
    """Let a second pass, and what is known be looked up again."""
    await authenticator.close()  # what began is stored
    let_pass(patch, 1.1)
    authenticator.believe(digest_token(token), From(address))
    await authenticator.close()


@pytest.mark.long("postgres")
async def test_a_key_opens_only_from_its_networks(runtime: Runtime, cast: Cast) -> None:
    new = await add_bound_key(runtime, cast)
    assert (await runtime.authenticator.authenticate(new.token, HOME)).actor == new.key.key_id
    assert (await runtime.authenticator.authenticate(new.token, f"::ffff:{HOME}")).actor == new.key.key_id
    for address in (ABROAD, "", "/run/padron.sock"):
        refusal = await refuse_from(runtime.authenticator, new.token, address)
        assert refusal.code is Code.FORBIDDEN
        assert (address or "a client without an address") in refusal.detail


@pytest.mark.long("postgres")
async def test_a_key_is_believed_only_from_its_networks(runtime: Runtime, cast: Cast) -> None:
    new = await add_bound_key(runtime, cast)
    principal = await runtime.authenticator.authenticate(new.token, HOME)
    digest = digest_token(new.token)
    assert runtime.authenticator.believe(digest, From(HOME)) == principal
    assert runtime.authenticator.believe(digest, From(ABROAD)) is None
    assert runtime.authenticator.believe(digest) is None


async def test_networks_and_their_end_are_in_force_after_the_next_renewal(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await add_key(runtime, cast.acme.account, label="till", scopes=SCOPES, expires_in=None)
    await runtime.authenticator.authenticate(new.token, ABROAD)
    await change_key(runtime, new.key.key_id, label=None, networks=["192.0.2.0/24"])
    await renew(runtime.authenticator, new.token, ABROAD, monkeypatch)
    assert runtime.authenticator.believe(digest_token(new.token), From(ABROAD)) is None
    assert (await refuse_from(runtime.authenticator, new.token, ABROAD)).code is Code.FORBIDDEN
    await change_key(runtime, new.key.key_id, label="shop", networks=[])
    await renew(runtime.authenticator, new.token, ABROAD, monkeypatch)
    assert isinstance(runtime.authenticator.believe(digest_token(new.token), From(ABROAD)), Principal)
    assert (await get_key(runtime, new.key.key_id)).label == "shop"


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("limits", [Limits(failed_keys_burst=3, failed_keys_per_minute=1)], ids=["three"])
async def test_who_tries_a_key_from_elsewhere_again_and_again_is_slowed_down(runtime: Runtime, cast: Cast) -> None:
    new = await add_bound_key(runtime, cast)
    refusals = [await refuse_from(runtime.authenticator, new.token, ABROAD) for _ in range(4)]
    assert [type(refusal) for refusal in refusals] == [PadronError] * 3 + [RateExceededError]
    assert (await runtime.authenticator.authenticate(new.token, HOME)).actor == new.key.key_id


@pytest.mark.long("postgres")
async def test_a_disabled_accounts_key_is_refused_after_the_next_renewal_until_it_is_enabled(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await runtime.authenticator.authenticate(cast.acme.token)
    await disable_account(runtime, cast.acme.account)
    await renew(runtime.authenticator, cast.acme.token, "", monkeypatch)
    assert runtime.authenticator.believe(digest_token(cast.acme.token)) is None
    assert (await refuse_from(runtime.authenticator, cast.acme.token, HOME)).code is Code.INVALID_TOKEN
    assert await runtime.authenticator.authenticate(cast.beta.token) == cast.beta.principal
    await enable_account(runtime, cast.acme.account)
    assert await runtime.authenticator.authenticate(cast.acme.token) == cast.acme.principal


async def test_the_last_use_is_noted_with_the_address_of_that_very_call_once_an_hour(
    runtime: Runtime, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await add_key(runtime, cast.acme.account, label="till", scopes=SCOPES, expires_in=None)

    async def read() -> tuple[object, object]:
        await runtime.authenticator.close()
        key = await get_key(runtime, new.key.key_id)
        return key.last_used_at, key.last_used_from

    assert await read() == (None, None)
    await runtime.authenticator.authenticate(new.token, HOME)
    began, _ = first = await read()
    assert first == (began, HOME)
    clock.now += timedelta(minutes=50)
    await renew(runtime.authenticator, new.token, ABROAD, monkeypatch)
    assert runtime.authenticator.believe(digest_token(new.token), From(ABROAD)) is not None
    assert await read() == first  # an hour has not passed
    clock.now += LAST_USE_STEP
    await renew(runtime.authenticator, new.token, HOME, monkeypatch)
    runtime.authenticator.believe(digest_token(new.token), From(ABROAD))
    used_at, used_from = await read()
    assert used_from == ABROAD
    assert used_at != began


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_refused_use_is_not_noted(runtime: Runtime, cast: Cast) -> None:
    new = await add_bound_key(runtime, cast)
    await refuse_from(runtime.authenticator, new.token, ABROAD)
    runtime.authenticator.believe(digest_token(new.token), From(ABROAD))
    await runtime.authenticator.close()
    assert (await get_key(runtime, new.key.key_id)).last_used_from is None


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_use_is_noted_with_one_write_whatever_is_called_meanwhile(
    runtime: Runtime, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = SlowDirectory(runtime.store.directory)
    authenticator = Authenticator(directory, clock, runtime.rates)  # type: ignore[arg-type]
    touched = []

    async def touch(*use: object) -> None:
        touched.append(use)
        await asyncio.sleep(0)

    monkeypatch.setattr(directory, "touch_key", touch, raising=False)
    await asyncio.gather(*(authenticator.authenticate(cast.acme.token, HOME) for _ in range(20)))
    for _ in range(20):
        authenticator.believe(digest_token(cast.acme.token), From(HOME))
    await authenticator.close()
    assert len(touched) == 1
