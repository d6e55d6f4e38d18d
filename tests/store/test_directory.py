"""Accounts and keys, on both engines."""

import asyncio
from datetime import datetime
from ipaddress import ip_network

import pytest

from padron.domain.account import Account, ApiKey, KeyName
from padron.domain.administration import FIRST_KEY
from padron.domain.errors import Code, PadronError
from padron.store.base import Store, WriteTransaction
from tests.cast import NOON, after
from tests.conftest import OpenStore

KEYS_MAX = 5


def make_key(account_id: int, name: str = "one", *, at: datetime = NOON, ends: datetime | None = None) -> ApiKey:
    return ApiKey(
        account_id=account_id,
        key_id=f"{account_id}k{name}",
        label=f"Clé {name}",
        scopes=frozenset({"vehicles:read", "vehicles:status"}),
        networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        secret_sha256=bytes(range(32)),
        created_at=at,
        expires_at=ends,
        revoked_at=None,
        last_used_at=None,
        last_used_from=None,
        replaced_by=None,
    )


async def add_key(store: Store, key: ApiKey, keys_max: int) -> None:
    async def work(transaction: WriteTransaction) -> None:
        assert await transaction.administration.lock()
        await transaction.administration.add_key(key, keys_max)

    await store.write(key.account_id, work)


async def replace_key(store: Store, old: KeyName, key: ApiKey, keys_max: int, ends_at: datetime) -> None:
    async def work(transaction: WriteTransaction) -> None:
        assert await transaction.administration.lock()
        await transaction.administration.replace_key(old.key_id, key, keys_max, ends_at)

    await store.write(old.account_id, work)


async def revoke_key(store: Store, account_id: int, key_id: str, at: datetime) -> bool:
    async def work(transaction: WriteTransaction) -> bool:
        assert await transaction.administration.lock()
        return await transaction.administration.revoke_key(key_id, at)

    return await store.write(account_id, work)


async def list_keys(store: Store, account_id: int) -> list[ApiKey]:
    return await store.read(account_id).administration.list_keys(FIRST_KEY, 100)


async def test_accounts_are_listed_by_name_in_the_order_of_code_points(store: Store) -> None:
    names = ["beta", "Álamo", "Acme", "acme", "Zorro", "_x", "车"]
    for name in names:
        await store.directory.add_account(name, NOON)
    assert [account.name for account in await store.directory.list_accounts()] == sorted(names)


async def test_an_account_is_found_by_its_exact_name(store: Store) -> None:
    added = await store.directory.add_account("Acme", after(0.5))
    assert await store.directory.find_account("Acme") == added
    assert added == Account(account_id=added.account_id, name="Acme", created_at=after(0.5))
    assert await store.directory.find_account("acme") is None


async def test_a_name_is_given_once(store: Store) -> None:
    await store.directory.add_account("Acme", NOON)
    with pytest.raises(PadronError) as refusal:
        await store.directory.add_account("Acme", NOON)
    assert refusal.value.code is Code.ACCOUNT_EXISTS
    assert len(await store.directory.list_accounts()) == 1


async def test_of_two_who_add_the_same_account_at_once_one_is_refused(open_store: OpenStore) -> None:
    stores = [await open_store(), await open_store()]
    outcomes = await asyncio.gather(
        *(stores[n % 2].directory.add_account("Acme", NOON) for n in range(8)), return_exceptions=True
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, PadronError)]
    assert [refusal.code for refusal in refusals] == [Code.ACCOUNT_EXISTS] * 7


async def test_a_key_is_read_back_as_it_was_added(store: Store, acme: int, beta: int) -> None:
    key = make_key(acme, ends=after(60))
    await add_key(store, key, KEYS_MAX)
    assert await store.directory.find_key(acme, key.key_id) == key
    assert await store.directory.find_key(acme, "none") is None
    assert await store.directory.find_key(beta, key.key_id) is None


async def test_of_many_keys_that_are_added_at_once_so_many_are_as_there_may_be(
    open_store: OpenStore, acme: int, beta: int
) -> None:
    stores = [await open_store(), await open_store()]
    asked = [add_key(stores[n % 2], make_key(acme, f"k{n}"), KEYS_MAX) for n in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    refusals = [outcome.code for outcome in outcomes if isinstance(outcome, PadronError)]
    assert refusals == [Code.KEY_LIMIT_REACHED] * (20 - KEYS_MAX)
    assert len(await list_keys(stores[0], acme)) == KEYS_MAX
    await add_key(stores[0], make_key(beta), KEYS_MAX)


async def test_a_revoked_and_an_expired_key_leave_their_places(store: Store, acme: int) -> None:
    await add_key(store, make_key(acme, "brief", ends=after(60)), 1)
    await refuse_as_one_too_many(store, make_key(acme, "other", at=after(59)))
    await add_key(store, make_key(acme, "later", at=after(60)), 1)
    await refuse_as_one_too_many(store, make_key(acme, "third", at=after(61)))
    await revoke_key(store, acme, f"{acme}klater", after(62))
    await add_key(store, make_key(acme, "third", at=after(63)), 1)


async def refuse_as_one_too_many(store: Store, key: ApiKey) -> None:
    with pytest.raises(PadronError) as refusal:
        await add_key(store, key, 1)
    assert refusal.value.code is Code.KEY_LIMIT_REACHED


async def test_a_replaced_key_ends_at_the_given_time_and_names_its_successor(store: Store, acme: int) -> None:
    await add_key(store, make_key(acme, "old"), KEYS_MAX)
    await add_key(store, make_key(acme, "brief", ends=after(5)), KEYS_MAX)
    for name in ("old", "brief"):
        await replace_key(
            store, KeyName(acme, f"{acme}k{name}"), make_key(acme, f"{name}2", at=after(1)), KEYS_MAX, after(60)
        )
    keys = {key.key_id: (key.expires_at, key.replaced_by) for key in await list_keys(store, acme)}
    assert keys == {
        f"{acme}kold": (after(60), f"{acme}kold2"),
        f"{acme}kbrief": (after(5), f"{acme}kbrief2"),
        f"{acme}kold2": (None, None),
        f"{acme}kbrief2": (None, None),
    }


async def test_of_two_who_replace_a_key_at_once_one_is_refused(open_store: OpenStore, acme: int) -> None:
    stores = [await open_store(), await open_store()]
    await add_key(stores[0], make_key(acme, "old"), KEYS_MAX)
    name = KeyName(acme, f"{acme}kold")
    asked = [replace_key(stores[n], name, make_key(acme, f"n{n}"), KEYS_MAX, after(60)) for n in range(2)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [one.code for one in outcomes if isinstance(one, PadronError)] == [Code.KEY_ENDED]
    assert len(await list_keys(stores[0], acme)) == 2


async def test_a_key_that_cannot_be_added_replaces_none(store: Store, acme: int) -> None:
    await add_key(store, make_key(acme, "old"), KEYS_MAX)
    with pytest.raises(PadronError) as refusal:
        await replace_key(store, KeyName(acme, f"{acme}kold"), make_key(acme, "new"), 1, after(60))
    assert refusal.value.code is Code.KEY_LIMIT_REACHED
    (key,) = await list_keys(store, acme)
    assert (key.replaced_by, key.expires_at) == (None, None)


async def test_a_disabled_accounts_keys_are_kept_but_not_found(store: Store, acme: int, beta: int) -> None:
    for account_id in (acme, beta):
        await add_key(store, make_key(account_id), KEYS_MAX)
    names = [KeyName(account_id, f"{account_id}kone") for account_id in (acme, beta)]
    await store.directory.disable_account(acme, after(1))
    await store.directory.disable_account(acme, after(2))
    assert await store.directory.find_key(*names[0]) is None
    assert [key.account_id for key in await store.directory.find_keys(names)] == [beta]
    assert [*await store.directory.list_usable_secrets(NOON, 9)] == [names[1].key_id]
    assert await store.read(acme).administration.find_key(names[0].key_id) == make_key(acme)
    assert [account.disabled_at for account in await store.directory.list_accounts()] == [after(1), None]
    assert await store.directory.enable_account(acme, after(3))
    assert await store.directory.find_key(*names[0]) == make_key(acme)


async def test_an_account_gets_no_name_that_another_one_has(store: Store, acme: int, beta: int) -> None:
    names = {account.account_id: account.name for account in await store.directory.list_accounts()}
    with pytest.raises(PadronError) as refusal:
        await store.directory.rename_account(acme, names[beta], NOON)
    assert refusal.value.code is Code.ACCOUNT_EXISTS
    await store.directory.rename_account(acme, names[acme], NOON)
    await store.directory.rename_account(acme, "Zorro", NOON)
    assert {account.name for account in await store.directory.list_accounts()} == {"Zorro", names[beta]}


async def test_keys_are_listed_oldest_first_with_those_that_ended(store: Store, acme: int, beta: int) -> None:
    for name, at in (("b", after(2)), ("c", after(1)), ("B", after(2)), ("a", after(3))):
        await add_key(store, make_key(acme, name, at=at, ends=after(4)), KEYS_MAX)
    await add_key(store, make_key(beta), KEYS_MAX)
    await revoke_key(store, acme, f"{acme}kc", after(5))
    names = [key.key_id.partition("k")[2] for key in await list_keys(store, acme)]
    assert names == ["c", "B", "b", "a"]


async def test_the_first_revocation_stays(store: Store, acme: int, beta: int) -> None:
    key = make_key(acme)
    await add_key(store, key, KEYS_MAX)
    assert await revoke_key(store, acme, key.key_id, after(1))
    assert await revoke_key(store, acme, key.key_id, after(2))
    assert not await revoke_key(store, beta, key.key_id, after(3))
    assert not await revoke_key(store, acme, "none", after(3))
    found = await store.directory.find_key(acme, key.key_id)
    assert found is not None
    assert found.revoked_at == after(1)


async def test_the_last_use_of_a_key_is_noted(store: Store, acme: int) -> None:
    await add_key(store, make_key(acme), KEYS_MAX)
    await add_key(store, make_key(acme, "two"), KEYS_MAX)
    await store.directory.touch_key(acme, f"{acme}kone", after(9), "192.0.2.7")
    keys = {key.key_id: (key.last_used_at, key.last_used_from) for key in await list_keys(store, acme)}
    assert keys == {f"{acme}kone": (after(9), "192.0.2.7"), f"{acme}ktwo": (None, None)}
    await store.directory.touch_key(acme, "none", after(9), None)


async def test_what_was_written_is_there_after_closing_and_opening(open_store: OpenStore) -> None:
    first = await open_store()
    added = await first.directory.add_account("Acme", NOON)
    await first.close()
    again = await open_store()
    await again.check()
    assert await again.directory.list_accounts() == [added]


async def test_a_closed_store_refuses_to_write(open_store: OpenStore) -> None:
    store = await open_store()
    await store.close()
    with pytest.raises(PadronError) as refusal:
        await store.directory.add_account("Acme", NOON)
    assert refusal.value.code is Code.STORE_UNAVAILABLE
