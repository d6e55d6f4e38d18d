"""A key is replaced by a new one: both are valid for a while, and nobody has to hurry."""

from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.service.accounts import NewKey, add_key, list_keys, revoke_key
from padron.service.administration.keys import RotatedKey, change_key, get_key, rotate_key
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import SteppedClock
from tests.service.keys import SCOPES

DAY = timedelta(days=1)


async def add(runtime: Runtime, cast: Cast, expires_in: timedelta | None = None) -> NewKey:
    return await add_key(
        runtime, cast.acme.account, label="till", scopes=SCOPES, expires_in=expires_in, networks=["192.0.2.0/24"]
    )


async def rotate(
    runtime: Runtime, cast: Cast, key_id: str, overlap: timedelta = DAY, expires_in: timedelta | None = None
) -> RotatedKey:
    return await rotate_key(runtime, cast.acme.account, key_id, overlap=overlap, expires_in=expires_in)


async def refuse(
    runtime: Runtime, cast: Cast, key_id: str, said: str, code: Code = Code.KEY_NOT_FOUND
) -> None:  # fmt: skip
    with pytest.raises(PadronError, match=said) as refusal:
        await rotate(runtime, cast, key_id)
    assert refusal.value.code is code


async def test_both_keys_open_until_the_old_one_ends(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    old = await add(runtime, cast)
    rotated = await rotate(runtime, cast, old.key.key_id)
    assert (rotated.new.key.label, rotated.new.key.scopes, rotated.new.key.networks) == (
        old.key.label, old.key.scopes, old.key.networks,
    )  # fmt: skip
    for token in (old.token, rotated.new.token):
        assert (await runtime.authenticator.authenticate(token, "192.0.2.1")).scopes == old.key.scopes
    kept = await get_key(runtime, old.key.key_id)
    assert (kept.expires_at, kept.replaced_by) == (rotated.old_ends_at, rotated.new.key.key_id)
    clock.now += DAY + timedelta(seconds=1)
    await runtime.authenticator.authenticate(rotated.new.token, "192.0.2.1")
    with pytest.raises(PadronError) as refusal:
        await runtime.authenticator.authenticate(old.token, "192.0.2.1")
    assert refusal.value.code is Code.INVALID_TOKEN


@pytest.mark.long("postgres")
async def test_the_new_key_is_valid_as_long_as_the_old_one_was_to_be_unless_told(runtime: Runtime, cast: Cast) -> None:
    old = await add(runtime, cast, timedelta(days=90))
    first = (await rotate(runtime, cast, old.key.key_id)).new.key
    assert first.expires_at == first.created_at + timedelta(days=90)
    second = (await rotate(runtime, cast, first.key_id, expires_in=timedelta(days=7))).new.key
    assert second.expires_at == second.created_at + timedelta(days=7)
    forever = (await rotate(runtime, cast, (await add(runtime, cast)).key.key_id)).new.key
    assert forever.expires_at is None


@pytest.mark.long("postgres")
async def test_a_key_that_ends_before_the_overlap_is_not_prolonged(runtime: Runtime, cast: Cast) -> None:
    old = await add(runtime, cast, timedelta(hours=1))
    rotated = await rotate(runtime, cast, old.key.key_id)
    assert rotated.old_ends_at == old.key.expires_at == (await get_key(runtime, old.key.key_id)).expires_at


@pytest.mark.long("postgres")
async def test_a_key_that_was_replaced_revoked_or_belongs_to_another_account_is_not_rotated(
    runtime: Runtime, cast: Cast
) -> None:
    old = await add(runtime, cast)
    new = (await rotate(runtime, cast, old.key.key_id)).new.key
    await refuse(runtime, cast, old.key.key_id, f"already replaced by {new.key_id}", Code.KEY_ENDED)
    await revoke_key(runtime, new.key_id)
    await refuse(runtime, cast, new.key_id, "revoked or expired", Code.KEY_ENDED)
    await refuse(runtime, cast, cast.beta.principal.actor, "'Acme' has no API key")
    for key_id in ("", "k", "1k", "99999999999999999999k1", "x", "1kAAAAAAAAAAAA"):
        await refuse(runtime, cast, key_id, "There is no API key")


@pytest.mark.parametrize("limits", [Limits(keys=3)], ids=["three"])
async def test_at_the_limit_a_key_is_rotated_only_without_an_overlap(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    old = await add(runtime, cast)
    with pytest.raises(PadronError) as refusal:
        await rotate(runtime, cast, old.key.key_id)
    assert refusal.value.code is Code.KEY_LIMIT_REACHED
    assert (await get_key(runtime, old.key.key_id)).replaced_by is None
    await rotate(runtime, cast, old.key.key_id, timedelta(0))
    clock.now += timedelta(seconds=1)
    assert len([key for key in await list_keys(runtime, cast.acme.account) if key.is_usable(clock.now)]) == 3


@pytest.mark.long("postgres")
async def test_a_change_leaves_what_it_does_not_name(runtime: Runtime, cast: Cast) -> None:
    key = (await add(runtime, cast)).key
    changed = await change_key(runtime, key.key_id, label="shop", networks=None)
    assert (changed.label, changed.networks) == ("shop", key.networks)
    changed = await change_key(runtime, key.key_id, label=None, networks=[])
    assert (changed.label, changed.networks) == ("shop", ())
    with pytest.raises(PadronError, match="There is no API key"):
        await change_key(runtime, "1kAAAAAAAAAAAA", label="x", networks=None)
    with pytest.raises(PadronError, match="not a network"):
        await change_key(runtime, key.key_id, label=None, networks=["x"])
