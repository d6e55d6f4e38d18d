"""A pool of connections for each endpoint, closed when it rests."""

import asyncio

import httpcore2
import pytest

from padron.delivery import pools as pools_module
from padron.delivery.pools import Pools


def make(is_plain: bool) -> httpcore2.AsyncConnectionPool:  # noqa: FBT001 - as it is called
    return httpcore2.AsyncConnectionPool(max_connections=1 if is_plain else 2)


async def test_an_endpoint_keeps_its_pool_and_shares_it_with_no_other() -> None:
    pools = Pools(make)
    async with pools.use(("a", True)) as first, pools.use(("a", True)) as again, pools.use(("b", True)) as other:
        assert first is again
        assert first is not other
    async with pools.use(("a", True)) as later, pools.use(("a", False)) as secure:
        assert later is first
        assert secure is not first
    await pools.aclose()


async def test_a_pool_that_rests_is_closed_and_one_in_use_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools_module, "IDLE_S_MAX", 0.01)
    pools = Pools(make)
    async with pools.use(("resting", True)):
        pass
    async with pools.use(("busy", True)) as busy:
        await asyncio.sleep(0.05)
        async with pools.use(("new", True)):
            assert {endpoint for endpoint, _ in pools._kept} == {"busy", "new"}
        async with pools.use(("busy", True)) as again:
            assert again is busy
    await pools.aclose()
    assert not pools._kept
