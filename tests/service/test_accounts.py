"""Accounts and keys as operators manage them."""

from datetime import timedelta

import pytest

from padron.domain.account import hash_secret, parse_credential
from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.service.accounts import add_account, add_key, get_account, list_accounts, list_keys, revoke_key
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.conftest import Select

READ = ["vehicles:read"]


async def test_accounts_are_listed_by_name_and_found_by_name(runtime: Runtime) -> None:
    for name in ("Zeta", "Acme"):
        await add_account(runtime, name)
    assert [account.name for account in await list_accounts(runtime)] == ["Acme", "Zeta"]
    assert (await get_account(runtime, "Zeta")).name == "Zeta"


async def test_a_name_is_taken_once(runtime: Runtime) -> None:
    await add_account(runtime, "Acme")
    with pytest.raises(PadronError) as caught:
        await add_account(runtime, "Acme")
    assert caught.value.code is Code.ACCOUNT_EXISTS


@pytest.mark.long("postgres")
async def test_an_unknown_account_is_named(runtime: Runtime) -> None:
    with pytest.raises(PadronError, match="Nobody") as caught:
        await get_account(runtime, "Nobody")
    assert caught.value.code is Code.ACCOUNT_NOT_FOUND


@pytest.mark.parametrize("name", ["", " Acme", "a\nb", "x" * 101], ids=repr)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_bad_name_is_refused(runtime: Runtime, name: str) -> None:
    with pytest.raises(PadronError) as caught:
        await add_account(runtime, name)
    assert caught.value.code is Code.BAD_PARAMETERS
    assert await list_accounts(runtime) == []


@pytest.mark.long("postgres")
async def test_only_a_digest_of_the_secret_is_stored(runtime: Runtime, cast: Cast, select: Select) -> None:
    new = await add_key(runtime, cast.acme.account, label="till", scopes=READ, expires_in=timedelta(days=1))
    credential = parse_credential(new.token)
    assert credential is not None
    assert new.key.secret_sha256 == hash_secret(credential.secret)
    assert new.key.expires_at == new.key.created_at + timedelta(days=1)
    rows = await select("SELECT * FROM api_keys")
    assert len(rows) == 4
    assert credential.secret not in repr(rows)


@pytest.mark.parametrize("limits", [Limits(keys=3)], ids=["three"])
async def test_one_key_too_many_is_refused_until_another_one_is_revoked(runtime: Runtime, cast: Cast) -> None:
    first = await add_key(runtime, cast.acme.account, label="third", scopes=READ, expires_in=None)
    with pytest.raises(PadronError, match="already has 3 API keys") as caught:
        await add_key(runtime, cast.acme.account, label="fourth", scopes=READ, expires_in=None)
    assert caught.value.code is Code.KEY_LIMIT_REACHED
    await add_key(runtime, cast.beta.account, label="second", scopes=READ, expires_in=None)
    await revoke_key(runtime, first.key.key_id)
    await add_key(runtime, cast.acme.account, label="fourth", scopes=READ, expires_in=None)


@pytest.mark.long("postgres")
async def test_each_key_is_another_one(runtime: Runtime, cast: Cast) -> None:
    tokens = {
        (await add_key(runtime, cast.acme.account, label="x", scopes=READ, expires_in=None)).token for _ in range(20)
    }
    assert len(tokens) == 20


async def test_keys_are_listed_oldest_first_and_those_of_other_accounts_are_not(runtime: Runtime, cast: Cast) -> None:
    labels = [key.label for key in await list_keys(runtime, cast.acme.account)]
    assert labels == ["Acme", "Gamma"]


async def test_a_revoked_key_stays_listed_with_the_first_instant(runtime: Runtime, cast: Cast) -> None:
    for _ in range(2):
        await revoke_key(runtime, cast.gamma.principal.actor)
        keys = await list_keys(runtime, cast.acme.account)
        revoked = [key.revoked_at for key in keys if key.label == "Gamma"]
    assert revoked != [None]
    assert [key.revoked_at for key in keys if key.label == "Acme"] == [None]
    await revoke_key(runtime, cast.gamma.principal.actor)
    assert [key.revoked_at for key in await list_keys(runtime, cast.acme.account) if key.label == "Gamma"] == revoked


@pytest.mark.long("postgres")
async def test_a_key_that_does_not_exist_cannot_be_revoked(runtime: Runtime, cast: Cast) -> None:
    assert len(await list_keys(runtime, cast.beta.account)) == 1
    for key_id in ("", "k", "x", "1kunknown", "9999k1", "\uff11k1", f"{10**30}k1", "-1k1"):
        with pytest.raises(PadronError) as caught:
            await revoke_key(runtime, key_id)
        assert caught.value.code is Code.KEY_NOT_FOUND, key_id


@pytest.mark.parametrize("scopes", [[], ["fly"], ["vehicles:read", "fly"]], ids=repr)
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_key_has_scopes_that_exist(runtime: Runtime, cast: Cast, scopes: list[str]) -> None:
    with pytest.raises(PadronError) as caught:
        await add_key(runtime, cast.acme.account, label="x", scopes=scopes, expires_in=None)
    assert caught.value.code is Code.BAD_PARAMETERS
