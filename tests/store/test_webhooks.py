"""What both engines promise of the records of webhooks."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import pytest

from padron.domain.webhook import LEASE, Endpoint, EventType, Filter, OffReason
from padron.store.base import Store, WriteTransaction
from padron.store.sql.statements import load_statements
from tests.cast import NOON, after, make_vin, registered, save


def make_endpoint(name: str = "one") -> Endpoint:
    return Endpoint(
        endpoint_id=name,
        url="https://fleet.example/",
        description="Ñandú 車",
        filter=Filter(
            event_types=frozenset(EventType), statuses_left=frozenset({0, 9}), statuses_entered=frozenset({1})
        ),
        secret="whsec_a",
        former_secret="whsec_b",
        former_secret_until=after(1),
        off_reason=OffReason.GONE,
        off_at=after(2.000001),
        failing_since=after(3),
        position=2**53 + 1,
        is_full=True,
        wake_at=after(4),
        rest_until=after(5),
        lease_holder="worker",
        lease_until=after(6),
        created_at=NOON,
        updated_at=after(7),
    )


async def add(store: Store, account_id: int, *endpoints: Endpoint) -> None:
    async def work(transaction: WriteTransaction) -> None:
        webhooks = transaction.webhooks
        for endpoint in endpoints:
            await webhooks.add_endpoint(endpoint)

    await store.write(account_id, work)


def test_both_engines_have_the_same_statements_in_the_same_order() -> None:
    both = [list(load_statements(f"padron.store.{engine}", "sql/webhooks.sql")) for engine in ("sqlite", "postgres")]
    assert both[0] == both[1]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_key_and_index_begins_with_the_account(engine: str) -> None:
    schema = files(f"padron.store.{engine}").joinpath("migrations/0004_webhooks.sql").read_text("utf-8")
    keys = re.findall(r"(?:PRIMARY KEY|FOREIGN KEY|ON webhook_\w+|REFERENCES webhook_\w+) \((\w+)", schema)
    assert len(keys) == 10
    assert set(keys) == {"account_id"}


async def test_an_endpoint_is_read_back_as_it_was_written(store: Store, acme: int) -> None:
    endpoint = make_endpoint()
    await add(store, acme, endpoint)
    assert await store.read(acme).webhooks.find_endpoint("one") == endpoint
    bare = replace(
        endpoint, former_secret=None, former_secret_until=None, off_reason=None, off_at=None, failing_since=None,
        is_full=False, wake_at=None, rest_until=None, lease_holder=None, lease_until=None,
        filter=Filter(event_types=frozenset({EventType.VEHICLE_REGISTERED})),
    )  # fmt: skip

    async def work(transaction: WriteTransaction) -> Endpoint | None:
        webhooks = transaction.webhooks
        assert await webhooks.lock_endpoint("one") == endpoint
        await webhooks.save_endpoint(bare)
        return await webhooks.lock_endpoint("one")

    assert await store.write(acme, work) == bare
    assert await store.read(acme).webhooks.list_endpoints() == [bare]


async def test_one_accounts_endpoint_is_out_of_reach_of_another(store: Store, acme: int, beta: int) -> None:
    await add(store, acme, make_endpoint())

    async def work(transaction: WriteTransaction) -> None:
        webhooks = transaction.webhooks
        assert await webhooks.lock_endpoint("one") is None
        await webhooks.save_endpoint(replace(make_endpoint(), url="https://beta.example/"))
        await webhooks.delete_endpoint("one")
        assert await webhooks.count_endpoints() == 0

    await store.write(beta, work)
    assert await store.read(beta).webhooks.list_endpoints() == []
    assert await store.read(beta).webhooks.find_endpoint("one") is None
    assert await store.read(acme).webhooks.list_endpoints() == [make_endpoint()]


async def test_what_fails_midway_leaves_nothing_behind(store: Store, acme: int) -> None:
    async def work(transaction: WriteTransaction) -> None:
        webhooks = transaction.webhooks
        await webhooks.add_endpoint(make_endpoint())
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(acme, work)
    assert await store.read(acme).webhooks.list_endpoints() == []


async def test_two_who_add_the_last_endpoint_at_once_count_one_after_the_other(store: Store, acme: int) -> None:
    async def add_if_first(name: str) -> bool:
        async def work(transaction: WriteTransaction) -> bool:
            webhooks = transaction.webhooks
            if await webhooks.count_endpoints():
                return False
            await webhooks.add_endpoint(make_endpoint(name))
            return True

        return await store.write(acme, work)

    assert sum(await asyncio.gather(*(add_if_first(str(number)) for number in range(8)))) == 1


async def test_the_board_shows_what_has_something_to_do_and_no_worker(store: Store, acme: int, beta: int) -> None:
    await save(store, acme, *(registered(make_vin(number)) for number in range(2)))
    quiet = replace(
        make_endpoint(), off_reason=None, off_at=None, wake_at=None, rest_until=None, lease_holder=None,
        lease_until=None, position=2, is_full=False,
    )  # fmt: skip
    now = after(100)
    rows = {
        "quiet": quiet,
        "behind": replace(quiet, position=1),
        "behind-full": replace(quiet, position=1, is_full=True),
        "behind-off": replace(quiet, position=1, off_reason=OffReason.GONE),
        "behind-resting": replace(quiet, position=1, rest_until=now + timedelta(seconds=1)),
        "behind-rested": replace(quiet, position=1, rest_until=now),
        "behind-leased": replace(quiet, position=1, lease_holder="x", lease_until=now + LEASE),
        "behind-expired": replace(quiet, position=1, lease_holder="x", lease_until=now),
        "due": replace(quiet, wake_at=now),
        "due-full": replace(quiet, wake_at=now, is_full=True),
        "due-later": replace(quiet, wake_at=now + timedelta(seconds=1)),
        "deleted": replace(quiet, off_reason=OffReason.ASKED, deleted_at=now),
    }
    await add(store, acme, *(replace(row, endpoint_id=name) for name, row in rows.items()))
    await add(store, beta, replace(quiet, endpoint_id="betas", position=0))
    ready = await store.webhooks.list_ready(now, 100)
    expected = {"behind", "behind-rested", "behind-expired", "due", "due-full", "deleted"}
    assert {(account_id, name) for account_id, name in ready} == {(acme, name) for name in expected}
    assert len(await store.webhooks.list_ready(now, 2)) == 2
    assert set(await store.webhooks.renew_leases("x", after(999))) == {
        (acme, "behind-leased"),
        (acme, "behind-expired"),
    }
    assert await store.webhooks.renew_leases("y", after(999)) == []
