"""What needs somebody's attention. Each visitor sees only what they may look into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from padron.console.fields import Pair
from padron.console.menu import PLACES
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.file_import import ImportState
from padron.domain.plan import PlanQuery, PlanState
from padron.domain.webhook import OffReason
from padron.service.backups import find_backup_state
from padron.service.imports.file_imports import list_imports
from padron.service.plans.listing import list_plans
from padron.service.vehicles.duplicates import list_duplicates
from padron.service.webhooks.endpoints import list_endpoints

RECENT = timedelta(days=7)  # what failed longer ago is history
LOOKED_AT = 100
BACKUP_AGE_MAX = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """One thing to look into. ``key`` names its text, and ``path`` is empty where the console has no page for it."""

    key: str
    count: int
    path: str
    query: Sequence[Pair] = ()


async def list_concerns(visit: PageVisit) -> list[Concern]:
    """Give what needs attention, the most urgent first."""
    found = [
        *_check_backups(visit),
        await _check_endpoints(visit),
        await _check_imports(visit),
        await _check_plans(visit),
        await _check_duplicates(visit),
    ]
    return [concern for concern in found if concern.count]


def _check_backups(visit: PageVisit) -> list[Concern]:
    state = find_backup_state(visit.runtime) if visit.may(Scope.ACCOUNT_MANAGE) else None
    if state is None:
        return []
    age_s = state.give_age_s(visit.now)
    is_late = bool(state.trouble) or age_s is None or age_s > BACKUP_AGE_MAX.total_seconds()
    return [
        Concern(key="attention.backup_late", count=int(is_late), path=""),
        Concern(key="attention.backup_bad", count=int(bool(state.check_trouble)), path=""),
    ]


async def _check_endpoints(visit: PageVisit) -> Concern:
    count = 0
    if visit.may(Scope.WEBHOOKS_MANAGE):
        endpoints = await list_endpoints(visit.runtime, visit.principal)
        count = sum(
            one.failing_since is not None if one.off_reason is None else one.off_reason is not OffReason.ASKED
            for one in endpoints
        )
    return Concern(key="attention.endpoints", count=count, path=_find_place("/console/webhooks"))


async def _check_imports(visit: PageVisit) -> Concern:
    count = 0
    if visit.may(Scope.VEHICLES_WRITE):
        page = await list_imports(visit.runtime, visit.principal, limit=LOOKED_AT, cursor=None)
        since = visit.now - RECENT
        count = sum(one.state is ImportState.FAILED and one.moved_at >= since for one in page.rows)
    return Concern(key="attention.imports", count=count, path=_find_place("/console/imports"))


async def _check_plans(visit: PageVisit) -> Concern:
    query = PlanQuery(state=PlanState.REFUSED, descending=True, limit=LOOKED_AT)
    page = await list_plans(visit.runtime, visit.principal, query, None)
    since = visit.now - RECENT
    return Concern(
        key="attention.plans",
        count=sum(plan.ended_at is not None and plan.ended_at >= since for plan in page.rows),
        path=_find_place("/console/plans"),
        query=(Pair("state", PlanState.REFUSED.value),),
    )


async def _check_duplicates(visit: PageVisit) -> Concern:
    count = 0
    if visit.may(Scope.VEHICLES_REPAIR):
        count = len((await list_duplicates(visit.runtime, visit.principal, None, LOOKED_AT, None)).rows)
    return Concern(key="attention.duplicates", count=count, path=_find_place("/console/duplicates"))


def _find_place(path: str) -> str:
    """Give the path if the console has such a place."""
    return path if any(place.path == path for place in PLACES) else ""
