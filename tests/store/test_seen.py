"""The number that an answer must include for who names a request, on both engines."""

from padron.store.base import Store
from tests.cast import HUMMER, JEEP, NOON, get_one, registered, save, status_changed


async def test_a_requests_end_is_its_last_change(store: Store) -> None:
    account = (await store.directory.add_account("Acme", NOON)).account_id
    await save(store, account, registered(HUMMER, request_id="r-1"), registered(JEEP, request_id="r-1"))
    await save(store, account, status_changed(await get_one(store, account), request_id="r-2"))
    assert await store.read(account).find_request_end("r-1") == 2
    assert await store.read(account).find_request_end("r-2") == 3


async def test_a_request_without_changes_or_of_another_account_ends_at_the_accounts_last_change(store: Store) -> None:
    account = (await store.directory.add_account("Acme", NOON)).account_id
    other = (await store.directory.add_account("Beta", NOON)).account_id
    assert await store.read(account).find_request_end("r-1") == 0
    await save(store, account, registered(HUMMER, request_id="r-1"), registered(JEEP, request_id="r-1"))
    assert await store.read(account).find_request_end("r-9") == 2
    assert await store.read(other).find_request_end("r-1") == 0


async def test_without_a_replica_all_readers_see_the_same(store: Store) -> None:
    account = (await store.directory.add_account("Acme", NOON)).account_id
    await save(store, account, registered(HUMMER))
    for reader in (store.read(account), store.read_recent(account, 99), store.read_caught_up(account)):
        assert await reader.find_last_change() == 1
    assert store.is_replica_fresh is None
