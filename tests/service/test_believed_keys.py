"""Which tokens are believed at once, without a task and without a look at the database."""

import asyncio
from datetime import timedelta

import pytest

from padron.domain.account import format_key_id, format_token
from padron.domain.errors import Code
from padron.service import authentication
from padron.service.accounts import revoke_key
from padron.service.authentication import Authenticator, digest_token
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import SteppedClock
from tests.service.keys import SlowDirectory, let_pass, make_key, refuse


@pytest.fixture
def slow(runtime: Runtime) -> SlowDirectory:
    return SlowDirectory(runtime.store.directory)


@pytest.fixture
def authenticator(slow: SlowDirectory, clock: SteppedClock, runtime: Runtime) -> Authenticator:
    return Authenticator(slow, clock, runtime.rates)  # type: ignore[arg-type]


async def test_only_a_key_that_was_found_a_moment_ago_is_believed(
    runtime: Runtime, cast: Cast, authenticator: Authenticator, slow: SlowDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make_key(runtime, cast)
    assert authenticator.believe(digest_token(new.token)) is None
    assert slow.find_count == 0
    principal = await authenticator.authenticate(new.token)
    assert authenticator.believe(digest_token(new.token)) == principal
    assert authenticator.believe(digest_token(new.token[:-1])) is None
    assert authenticator.believe(digest_token("")) is None
    let_pass(monkeypatch, authentication.BELIEVED_S - 0.1)
    assert authenticator.believe(digest_token(new.token)) == principal
    let_pass(monkeypatch, authentication.BELIEVED_S + 0.1)
    assert authenticator.believe(digest_token(new.token)) is None
    await authenticator.close()


@pytest.mark.long("postgres")
async def test_a_key_is_not_believed_while_it_is_looked_up(
    runtime: Runtime, cast: Cast, authenticator: Authenticator, slow: SlowDirectory
) -> None:
    new = await make_key(runtime, cast)
    slow.open.clear()
    asking = asyncio.create_task(authenticator.authenticate(new.token))
    await slow.entered.wait()
    assert authenticator.believe(digest_token(new.token)) is None
    slow.open.set()
    assert await asking == authenticator.believe(digest_token(new.token))


@pytest.mark.parametrize("token", ["nonsense", format_token(format_key_id(1, "A" * 12), "B" * 43), "\ud800"])
@pytest.mark.long("postgres")
async def test_a_key_that_is_not_valid_is_not_believed(authenticator: Authenticator, token: str) -> None:
    for _ in range(2):
        assert authenticator.believe(digest_token(token)) is None
        await refuse(authenticator, token)


@pytest.mark.long("postgres")
async def test_a_key_that_has_expired_is_believed_no_more(
    runtime: Runtime, cast: Cast, authenticator: Authenticator, clock: SteppedClock
) -> None:
    new = await make_key(runtime, cast, expires_in=timedelta(hours=1))
    assert authenticator.believe(digest_token(new.token)) is None
    principal = await authenticator.authenticate(new.token)
    assert authenticator.believe(digest_token(new.token)) == principal
    clock.now += timedelta(hours=1)
    assert authenticator.believe(digest_token(new.token)) is None
    assert (await refuse(authenticator, new.token)).code is Code.INVALID_TOKEN


async def test_a_key_that_was_revoked_is_believed_no_more_once_keys_are_renewed(
    runtime: Runtime, cast: Cast, authenticator: Authenticator, slow: SlowDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make_key(runtime, cast)
    assert await authenticator.authenticate(new.token) == authenticator.believe(digest_token(new.token))
    await revoke_key(runtime, new.key.key_id)
    let_pass(monkeypatch, authentication.RENEWED_EVERY_S + 0.1)
    slow.entered.clear()
    authenticator.believe(digest_token(new.token))  # begins the renewal, as every look does
    await slow.entered.wait()
    await authenticator.close()
    assert authenticator.believe(digest_token(new.token)) is None
