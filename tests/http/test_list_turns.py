"""Pages of the list that may look at many vehicles take their account's turns, so that other accounts have threads."""

import asyncio

import pytest

from tests.cast import HUMMER, wait_until
from tests.held_turns import hold_turns
from tests.http.api import Api

LONG = (
    "?q=abc", "?limit=101", "?sort=statusSince", "?sort=-updatedAt&limit=1", "?sort=plate&doors=3",
    "?sort=vehicleStatusId&operational=false", "?doors=3&brandName=x", "?doors=3&assetStatusId=1",
    "?asOf=2026-03-01T12:00:00Z", "/count?doors=3", "/count?q=ab", "/count?doors=3&exact=true",
)  # fmt: skip
SHORT = ("", "?limit=100", "?sort=plate", "?sort=vehicleStatusId", "?plate=X", "?assetStatusId=3,7", "/count")


@pytest.mark.long("postgres")
@pytest.mark.parametrize("target", LONG)
async def test_a_page_that_may_look_at_many_waits_for_its_turn(api: Api, target: str) -> None:
    await api.acme.register(HUMMER)
    async with hold_turns(api.runtime, api.acme.account_id) as held:
        asked = asyncio.create_task(api.acme.get(f"/api/v2/vehicles{target}"))

        async def is_waiting() -> bool:
            return api.runtime.turns.count(api.acme.account_id) > held

        await wait_until(is_waiting)
        assert not asked.done()
        assert (await api.beta.get(f"/api/v2/vehicles{target}")).status == 200
    assert (await asked).status == 200


async def test_a_page_that_an_index_gives_waits_for_no_turn(api: Api) -> None:
    await api.acme.register(HUMMER)
    async with hold_turns(api.runtime, api.acme.account_id):
        for target in SHORT:
            assert (await api.acme.get(f"/api/v2/vehicles{target}")).status == 200, target
