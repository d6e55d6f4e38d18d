"""Looks at what waits in the register, in all accounts."""

from collections.abc import Sequence
from datetime import datetime

from padron.domain.file_import import ImportState
from padron.domain.selection import SelectionState
from padron.domain.sessions import IDLE_MAX
from padron.domain.surveys import COUNTED_MAX, Survey
from padron.meters import Family, give_gauge, give_gauges
from padron.service.runtime import Runtime

_APPLYING = (SelectionState.QUEUED, SelectionState.RUNNING)
_OPEN = (ImportState.UPLOADING, ImportState.QUEUED, ImportState.RUNNING)


async def survey_register(runtime: Runtime) -> Survey:
    """Give what waits in the register now. Raises ``store_unavailable``."""
    store, now = runtime.store, runtime.clock()
    return Survey(
        webhooks=await store.webhooks.survey_webhooks(),
        imports=await store.imports.survey_imports(),
        selections=await store.selections.survey_selections(),
        sessions=await store.people.count_sessions(now, now - IDLE_MAX, COUNTED_MAX),
        plans_pending=await store.plans.count_pending_plans(),
        next_plan_at=await store.plans.find_next_instant(),
    )


def give_survey_families(runtime: Runtime, survey: Survey) -> Sequence[Family]:
    """Give the figures of a look. Ages continue to grow until the next look."""
    now = runtime.clock()
    webhooks = survey.webhooks
    return (
        give_gauges(
            "padron_webhook_endpoints", "Endpoints of webhooks, by state.", "state",
            {"working": webhooks.working, "failing": webhooks.failing, "off": webhooks.off},
        ),
        give_gauge(
            "padron_webhook_deliveries_pending", f"Deliveries that wait, counted up to {COUNTED_MAX}.", webhooks.pending
        ),
        give_gauge(
            "padron_webhook_behind_changes",
            "Changes that the slowest endpoint that is on has not reached in the feed.",
            webhooks.behind,
        ),
        give_gauge(
            "padron_webhook_oldest_pending_seconds",
            "The age of the oldest change that waits for its delivery to an endpoint that is on; 0 without one.",
            _give_age_s(webhooks.oldest_at, now),
        ),
        give_gauges(
            "padron_imports_under_way", "Imports of files that have not ended, by state.", "state",
            {state.value: survey.imports.get(state, 0) for state in _OPEN},
        ),
        give_gauges(
            "padron_selections_under_way", "Changes of many vehicles that have not ended, by state.", "state",
            {state.value: survey.selections.get(state, 0) for state in _APPLYING},
        ),
        give_gauge(
            "padron_sessions_alive", f"Sessions of the console that have not ended, counted up to {COUNTED_MAX}.",
            survey.sessions,
        ),
        give_gauge("padron_plans_pending", f"Planned changes, counted up to {COUNTED_MAX}.", survey.plans_pending),
        give_gauge(
            "padron_plans_late_seconds",
            "How late the most overdue planned change is; 0 when none is late.",
            _give_age_s(survey.next_plan_at, now),
        ),
    )  # fmt: skip


def _give_age_s(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())
