"""A pool of connections for each endpoint, closed when it rests."""

import asyncio

import httpcore2
import pytest

from padron.delivery import pools as pools_module
from padron.delivery.pools import PoolKey, Pools


def make(is_plain: bool) -> httpcore2.AsyncConnectionPool:  # noqa: FBT001 - as it is called
    return httpcore2.AsyncConnectionPool(max_connections=1 if is_plain else 2)


async def test_an_endpoint_keeps_its_pool_and_shares_it_with_no_other() -> None:
    pools = Pools(make)
    async with (
        pools.use(PoolKey("a", is_plain=True)) as first,
        pools.use(PoolKey("a", is_plain=True)) as again,
        pools.use(PoolKey("b", is_plain=True)) as other,
    ):
        assert first is again
        assert first is not other
    async with pools.use(PoolKey("a", is_plain=True)) as later, pools.use(PoolKey("a", is_plain=False)) as secure:
        assert later is first
        assert secure is not first
    await pools.aclose()


async def test_a_pool_that_rests_is_closed_and_one_in_use_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools_module, "IDLE_S_MAX", 0.01)
    pools = Pools(make)
    async with pools.use(PoolKey("resting", is_plain=True)):
        pass
    async with pools.use(PoolKey("busy", is_plain=True)) as busy:
        await asyncio.sleep(0.05)
        async with pools.use(PoolKey("new", is_plain=True)):
            assert {endpoint for endpoint, _ in pools._kept} == {"busy", "new"}
        async with pools.use(PoolKey("busy", is_plain=True)) as again:
            assert again is busy
    await pools.aclose()
    assert not pools._kept
