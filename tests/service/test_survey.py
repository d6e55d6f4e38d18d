"""What the operator sees of the register as a whole, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.file_import import ImportState
from padron.domain.surveys import Survey, WebhookSurvey
from padron.domain.webhook import EventType, Filter, OffReason, switch_off
from padron.meters import Family
from padron.service.runtime import Runtime
from padron.service.watching.survey import give_survey_families, survey_register
from padron.service.webhooks import deliveries, endpoints
from padron.store.base import WriteTransaction
from tests.cast import NOON, Cast, make_vin, registered, save
from tests.conftest import SteppedClock
from tests.service.uploading import make_csv, upload

EMPTY = WebhookSurvey(working=0, failing=0, off=0, pending=0, behind=0, oldest_at=None)


def name(families: object) -> dict[tuple[str, ...], object]:
    assert isinstance(families, tuple)
    named: dict[tuple[str, ...], object] = {}
    for family in families:
        assert isinstance(family, Family)
        named.update({(family.name, *labels): value for labels, value in family.samples.items()})
    return named


async def add_endpoint(runtime: Runtime, cast: Cast, path: str) -> str:
    endpoint = await endpoints.add_endpoint(
        runtime,
        cast.acme.principal,
        url=f"https://hooks.example/{path}",
        description="",
        chosen=Filter(event_types=frozenset(EventType)),
    )
    return endpoint.endpoint_id


async def test_an_empty_register_has_nothing_that_waits(runtime: Runtime, cast: Cast) -> None:
    del cast
    survey = await survey_register(runtime)
    assert (survey.webhooks, survey.imports, survey.plans_pending, survey.next_plan_at) == (EMPTY, {}, 0, None)
    assert set(name(give_survey_families(runtime, survey)).values()) == {0}


async def test_what_endpoints_wait_for_is_counted_over_all_of_them(runtime: Runtime, cast: Cast) -> None:
    account_id = cast.acme.account.account_id
    on, off = [await add_endpoint(runtime, cast, path) for path in ("on", "off")]

    async def switch(transaction: WriteTransaction) -> None:
        endpoint = await transaction.webhooks.lock_endpoint(off)
        assert endpoint is not None
        await transaction.webhooks.save_endpoint(switch_off(endpoint, OffReason.FAILING, NOON))

    await runtime.store.write(account_id, switch)
    await save(runtime.store, account_id, *(registered(make_vin(number), at=NOON) for number in range(3)))
    seen = (await survey_register(runtime)).webhooks
    assert (seen.working, seen.failing, seen.off) == (1, 0, 1)
    assert (seen.behind, seen.pending, seen.oldest_at) == (3, 0, None)
    key = deliveries.Key(account_id, on)
    assert await deliveries.claim_endpoint(runtime, key, "me")
    assert await deliveries.advance_endpoint(runtime, key, "me", (), frozenset(), 10) is not None
    seen = (await survey_register(runtime)).webhooks
    assert (seen.behind, seen.pending) == (0, 3)
    assert seen.oldest_at is not None


async def test_ages_grow_until_the_next_look(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    del cast
    waiting = replace(EMPTY, pending=1, oldest_at=clock.now - timedelta(minutes=5))
    survey = Survey(
        webhooks=waiting,
        imports={},
        selections={},
        sessions=0,
        plans_pending=1,
        next_plan_at=clock.now - timedelta(hours=1),
    )
    for minutes in (0, 10):
        clock.now += timedelta(minutes=minutes)
        named = name(give_survey_families(runtime, survey))
        waits = (named["padron_webhook_oldest_pending_seconds",], named["padron_plans_late_seconds",])
        assert waits == pytest.approx((300 + 60 * minutes, 3_600 + 60 * minutes), abs=60)


async def test_imports_are_counted_by_state(runtime: Runtime, cast: Cast) -> None:
    for _ in range(2):
        await upload(runtime, cast.acme.principal, make_csv())
    await upload(runtime, cast.beta.principal, make_csv())
    survey = await survey_register(runtime)
    assert survey.imports == {ImportState.QUEUED: 3}
    named = name(give_survey_families(runtime, survey))
    assert named["padron_imports_under_way", "queued"] == 3
    assert named["padron_imports_under_way", "running"] == 0
