"""From a token to a principal: what is believed, for how long, and what a stranger can learn."""

import asyncio
import gc
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.account import ApiKey, Principal, format_token
from padron.domain.errors import Code, PadronError
from padron.service import authentication
from padron.service.accounts import revoke_key
from padron.service.authentication import Authenticator
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import OpenStore, SteppedClock
from tests.database import write
from tests.service.keys import SlowDirectory, let_pass, make_key, refuse

OTHER_SECRETS = {
    "sqlite": "UPDATE api_keys SET secret_sha256 = randomblob(32)",
    "postgres": "UPDATE api_keys SET secret_sha256 = sha256('x')",
}
Flood = list[asyncio.Task[Principal]]


@pytest.fixture
def slow(runtime: Runtime) -> SlowDirectory:
    return SlowDirectory(runtime.store.directory)


@pytest.fixture
def authenticator(slow: SlowDirectory, clock: SteppedClock, runtime: Runtime) -> Authenticator:
    return Authenticator(slow, clock, runtime.rates)  # type: ignore[arg-type]


async def test_a_token_gives_its_account_its_key_and_its_scopes(runtime: Runtime, cast: Cast) -> None:
    for member in (cast.acme, cast.beta, cast.gamma):
        assert await runtime.authenticator.authenticate(member.token) == member.principal


@pytest.mark.long("postgres")
async def test_every_way_of_being_invalid_is_worded_the_same(runtime: Runtime, cast: Cast) -> None:
    revoked = await make_key(runtime, cast)
    await revoke_key(runtime, revoked.key.key_id)
    expired = await make_key(runtime, cast, timedelta(seconds=1))
    tokens = [
        "", "x", "\ud800", revoked.token, expired.token,
        cast.acme.token[:-1] + ("0" if cast.acme.token[-1] != "0" else "1"),
        format_token(cast.acme.principal.actor, "0" * 43),
        format_token("1kAAAAAAAAAAAA", "0" * 43),
        format_token("999999999999999999kAAAAAAAAAAAA", "0" * 43),
    ]  # fmt: skip
    details = {(await refuse(runtime.authenticator, token)).detail for token in tokens}
    assert len(details) == 1


@pytest.mark.long("postgres")
async def test_a_typing_error_is_refused_without_asking_the_database(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast
) -> None:
    await refuse(authenticator, cast.acme.token[:-1] + ("0" if cast.acme.token[-1] != "0" else "1"))
    assert slow.find_count == 0


@pytest.mark.long("postgres")
async def test_a_key_is_looked_up_once_and_then_renewed_every_second_without_a_call_that_waits(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authenticator.authenticate(cast.acme.token)
    await authenticator.close()
    for _ in range(3):
        let_pass(monkeypatch, 1.1)
        slow.open.clear()
        for _ in range(20):
            async with asyncio.timeout(1):
                await authenticator.authenticate(cast.acme.token)
        slow.open.set()
        await authenticator.close()
    assert slow.find_count == 1
    assert slow.renewed == [1, 1, 1]


@pytest.mark.long("postgres")
async def test_a_key_that_was_not_called_for_a_while_is_looked_up_anew(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authenticator.authenticate(cast.acme.token)
    let_pass(monkeypatch, 1.6)
    await authenticator.authenticate(cast.acme.token)
    assert slow.find_count == 2


async def test_many_keys_are_renewed_with_few_statements(
    runtime: Runtime, authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [(await make_key(runtime, cast)).token for _ in range(5)]
    monkeypatch.setattr(authentication, "RENEWED_AT_ONCE", 2)
    for token in tokens:
        await authenticator.authenticate(token)
    let_pass(monkeypatch, 1.1)
    await authenticator.authenticate(tokens[0])
    await authenticator.close()
    assert slow.renewed == [2, 2, 1]
    let_pass(monkeypatch, 1.0)
    for token in tokens:
        await authenticator.authenticate(token)
    assert slow.find_count == len(tokens)


@pytest.mark.long("postgres")
async def test_a_key_that_is_no_longer_used_is_forgotten(
    authenticator: Authenticator, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authenticator.authenticate(cast.acme.token)
    for _ in range(11):
        let_pass(monkeypatch, 1.1)
        await authenticator.authenticate(cast.beta.token)
        await authenticator.close()
    assert len(authenticator._entries) == 1


@pytest.mark.parametrize("change", ["revoked", "another secret", "gone"])
async def test_a_renewal_notices_what_became_of_a_key(
    runtime: Runtime, cast: Cast, database: str, engine: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make_key(runtime, cast)
    await runtime.authenticator.authenticate(new.token)
    if change == "revoked":
        await revoke_key(runtime, new.key.key_id)
    elif change == "gone":
        await write(engine, database, "DELETE FROM api_keys")
    else:
        await write(engine, database, OTHER_SECRETS[engine])
    let_pass(monkeypatch, 1.1)
    assert (await runtime.authenticator.authenticate(new.token)).actor == new.key.key_id  # believed, and renewed
    await runtime.authenticator.close()
    await refuse(runtime.authenticator, new.token)


@pytest.mark.long("postgres")
async def test_a_renewal_leaves_alone_what_was_forgotten_meanwhile(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, database: str, engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await authenticator.authenticate(cast.acme.token)
    await authenticator.close()
    await write(engine, database, "DELETE FROM api_keys")
    slow.open.clear()
    slow.entered.clear()
    let_pass(monkeypatch, 1.1)
    await authenticator.authenticate(cast.acme.token)
    (renewal,) = authenticator._tasks
    await slow.entered.wait()
    authenticator._entries.clear()
    slow.open.set()
    await renewal


@pytest.mark.long("postgres")
async def test_while_keys_cannot_be_renewed_they_are_believed_and_then_looked_up(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authenticator.authenticate(cast.acme.token)
    slow.error = PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached.")
    let_pass(monkeypatch, 1.1)
    await authenticator.authenticate(cast.acme.token)
    await authenticator.close()
    let_pass(monkeypatch, 0.5)
    with pytest.raises(PadronError) as caught:
        await authenticator.authenticate(cast.acme.token)
    assert caught.value.code is Code.STORE_UNAVAILABLE
    slow.error = None
    assert await authenticator.authenticate(cast.acme.token) == cast.acme.principal


async def test_a_revocation_by_another_server_counts_within_two_seconds(
    runtime: Runtime, cast: Cast, open_store: OpenStore, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make_key(runtime, cast)
    await runtime.authenticator.authenticate(new.token)
    elsewhere = runtime.store if engine == "sqlite" else await open_store()
    await revoke_key(replace(runtime, store=elsewhere), new.key.key_id)
    let_pass(monkeypatch, 1.9)
    await refuse(runtime.authenticator, new.token)


@pytest.mark.long("postgres")
async def test_a_key_that_expires_is_refused_at_that_instant_although_it_was_looked_up_before(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    new = await make_key(runtime, cast, timedelta(seconds=60))
    await runtime.authenticator.authenticate(new.token)
    clock.now += timedelta(seconds=60)
    await refuse(runtime.authenticator, new.token)


@pytest.mark.long("postgres")
async def test_a_new_key_counts_at_once_even_if_it_was_tried_before_it_was_there(runtime: Runtime, cast: Cast) -> None:
    new = await make_key(runtime, cast)
    forged = format_token("1kAAAAAAAAAAAA", "0" * 43)
    await refuse(runtime.authenticator, forged)
    assert (await runtime.authenticator.authenticate(new.token)).actor == new.key.key_id


@pytest.mark.long("postgres")
async def test_callers_that_come_together_share_one_look_up(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast
) -> None:
    await asyncio.gather(*(authenticator.authenticate(cast.acme.token) for _ in range(50)))
    assert slow.find_count == 1


@pytest.mark.long("postgres")
async def test_a_caller_that_is_cancelled_does_not_take_the_look_up_from_the_others(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast
) -> None:
    slow.open.clear()
    calls = [asyncio.create_task(authenticator.authenticate(cast.acme.token)) for _ in range(3)]
    await asyncio.wait_for(slow.entered.wait(), 5)
    calls[0].cancel()
    await asyncio.wait([calls[0]])
    slow.open.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [outcome for outcome in outcomes if isinstance(outcome, Principal)] == [cast.acme.principal] * 2
    assert slow.find_count == 1


@pytest.mark.parametrize(
    "error", [PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached."), RuntimeError("broke")], ids=repr
)
@pytest.mark.long("postgres")
async def test_a_look_up_that_fails_is_not_remembered(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, error: Exception
) -> None:
    slow.error = error
    with pytest.raises(type(error)):
        await authenticator.authenticate(cast.acme.token)
    slow.error = None
    assert await authenticator.authenticate(cast.acme.token) == cast.acme.principal


@pytest.mark.long("postgres")
async def test_what_is_remembered_has_a_limit(
    authenticator: Authenticator, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "ENTRIES_MAX", 5)
    for number in range(20):
        await refuse(authenticator, f"x{number}")
    for member in (cast.acme, cast.beta, cast.gamma) * 3:
        await authenticator.authenticate(member.token)
    assert len(authenticator._entries) <= 5


async def test_the_last_use_of_a_key_is_noted_once_an_hour(
    runtime: Runtime, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await make_key(runtime, cast)

    async def use() -> ApiKey:
        await runtime.authenticator.authenticate(new.token)
        await runtime.authenticator.close()
        key = await runtime.store.directory.find_key(new.key.account_id, new.key.key_id)
        assert key is not None
        return key

    first = (await use()).last_used_at
    assert first is not None
    let_pass(monkeypatch, 1.6)
    assert (await use()).last_used_at == first
    clock.now += timedelta(hours=1, seconds=1)
    let_pass(monkeypatch, 1.6)
    last = (await use()).last_used_at
    assert last is not None
    assert last > first
    gc.collect()


async def flood(authenticator: Authenticator, slow: SlowDirectory, monkeypatch: pytest.MonkeyPatch) -> Flood:
    """Have so many unknown keys looked up that no further one may be."""
    monkeypatch.setattr(authentication, "LOOKUPS_MAX", 3)
    slow.open.clear()
    tokens = [format_token(f"1k{number:012}", "0" * 43) for number in range(4)]
    tried = [asyncio.create_task(authenticator.authenticate(token)) for token in tokens[:3]]
    await asyncio.sleep(0.01)
    with pytest.raises(PadronError) as caught:
        await authenticator.authenticate(tokens[3])
    assert caught.value.code is Code.OVERLOADED
    return tried


@pytest.mark.long("postgres")
async def test_a_flood_of_made_up_keys_is_bounded_and_holds_up_no_key_that_is_known(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await authenticator.authenticate(cast.acme.token) == cast.acme.principal
    tried = await flood(authenticator, slow, monkeypatch)
    assert await authenticator.authenticate(cast.acme.token) == cast.acme.principal
    unseen = asyncio.create_task(authenticator.authenticate(cast.beta.token))
    slow.open.set()
    assert {type(error) for error in await asyncio.gather(*tried, return_exceptions=True)} == {PadronError}
    assert await unseen == cast.beta.principal


@pytest.mark.long("postgres")
async def test_what_a_flood_makes_the_server_list_is_listed_twice_a_minute_at_most(
    runtime: Runtime, authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = await flood(authenticator, slow, monkeypatch)
    new = await make_key(runtime, cast)
    for _ in range(50):
        with pytest.raises(PadronError) as caught:
            await authenticator.authenticate(new.token)
        assert caught.value.code is Code.OVERLOADED
    assert slow.list_count == 1
    let_pass(monkeypatch, 31)
    slow.open.set()
    assert (await authenticator.authenticate(new.token)).actor == new.key.key_id
    assert slow.list_count == 2
    await asyncio.gather(*tried, return_exceptions=True)


async def test_a_flood_learns_nothing_from_a_list_of_keys(
    runtime: Runtime, authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked, expired = await make_key(runtime, cast), await make_key(runtime, cast, timedelta(seconds=1))
    await revoke_key(runtime, revoked.key.key_id)
    tried = await flood(authenticator, slow, monkeypatch)
    other_secret = format_token(cast.beta.principal.actor, "0" * 43)
    for token in (revoked.token, expired.token, other_secret, "x", cast.beta.token[:-1] + "-"):
        with pytest.raises(PadronError) as caught:
            await authenticator.authenticate(token)
        assert caught.value.code is Code.OVERLOADED
    slow.open.set()
    await asyncio.gather(*tried, return_exceptions=True)


@pytest.mark.long("postgres")
async def test_a_list_that_cannot_be_read_refuses_as_before(
    authenticator: Authenticator, slow: SlowDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.error = PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached.")
    tried = await flood(authenticator, slow, monkeypatch)
    with pytest.raises(PadronError) as caught:
        await authenticator.authenticate(cast.beta.token)
    assert caught.value.code is Code.OVERLOADED
    slow.open.set()
    await asyncio.gather(*tried, return_exceptions=True)
    await authenticator.close()
