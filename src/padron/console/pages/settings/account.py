"""The account itself: how much it has of what is limited, and who administered what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.console.declarations import ConsoleRoute
from padron.console.naming import name_actors
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.administration import Act, Detail
from padron.mounting import MountedReply
from padron.service.administration.own_account import get_overview, list_acts

ROWS = 50

_INSTANTS = frozenset({"expiresAt", "endsAt"})  # details that are an instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How much of something there is, and the limit. ``key`` names its text, ``path`` its page."""

    key: str
    path: str
    scope: Scope
    count: int
    count_max: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WordedDetail:
    """One detail of an act, as people read it. ``is_known`` says whether its name has a text."""

    name: str
    is_known: bool
    text: str


async def show_account(visit: PageVisit) -> MountedReply:
    """GET /console/account."""
    overview = await get_overview(visit.runtime, visit.principal)
    cursor = visit.query.get("cursor") or None
    page = await list_acts(visit.runtime, visit.principal, limit=ROWS, cursor=cursor)
    limits = visit.runtime.limits
    shares = (
        Share(
            key="place.vehicles", path="/console/vehicles", scope=Scope.VEHICLES_READ, count=overview.vehicle_count,
            count_max=limits.vehicles,
        ),
        Share(
            key="place.keys", path="/console/keys", scope=Scope.ACCOUNT_MANAGE, count=overview.key_count,
            count_max=limits.keys,
        ),
        Share(
            key="place.webhooks", path="/console/webhooks", scope=Scope.WEBHOOKS_MANAGE, count=overview.webhook_count,
            count_max=limits.webhooks,
        ),
        Share(
            key="place.operations", path="/console/operations", scope=Scope.OPERATIONS_RUN,
            count=overview.operation_count, count_max=limits.operations,
        ),
    )  # fmt: skip
    return show(
        visit,
        "account.html",
        overview=overview,
        shares=shares,
        acts=page.rows,
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        names=await name_actors(visit, _list_actors(page.rows)),
        details={act.number: word_details(visit, act) for act in page.rows},
    )


def word_details(visit: PageVisit, act: Act) -> list[WordedDetail]:
    """Give the details of an act that are not empty."""
    return [
        WordedDetail(name=name, is_known=visit.wording.has(f"detail.{name.lower()}"), text=_write(visit, name, detail))
        for name, detail in act.deed.details.items()
        if detail not in (None, [], "")
    ]


def _write(visit: PageVisit, name: str, detail: Detail) -> str:
    if isinstance(detail, list):
        return ", ".join(_name_scope(visit, one) for one in detail) if name == "scopes" else ", ".join(detail)
    if name == "role" and visit.wording.has(f"role.{detail}"):
        return str(visit.wording.say(f"role.{detail}"))
    if name in _INSTANTS and isinstance(detail, str):
        return visit.wording.write_instant(datetime.fromisoformat(detail), visit.preferences.zone)
    return str(detail)


def _name_scope(visit: PageVisit, scope: str) -> str:
    key = f"scope.{scope.replace(':', '_')}"
    return str(visit.wording.say(key)) if visit.wording.has(key) else scope  # perhaps of another version


def _list_actors(acts: Sequence[Act]) -> set[str]:
    """Give everybody whom acts name: who did something, and whom it was done to."""
    return {act.by for act in acts} | {act.deed.subject for act in acts}


ROUTES = (ConsoleRoute(method="GET", path="/console/account", endpoint=show_account, scope=Scope.ACCOUNT_MANAGE),)
