"""A vehicle's former versions: when its data changed, by whom, what differed, and all values of one version."""

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.pages.vehicle import read_vin
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import ChangeType, HistoryEntry
from padron.domain.erasure import ERASED_TEXT
from padron.domain.errors import Code, PadronError
from padron.domain.instants import parse_instant
from padron.domain.vehicle import FIELDS, VehicleVersion
from padron.mounting import MountedReply
from padron.service.vehicles.reading import HistoryPage, get_vehicle, list_history

ROWS = 25  # versions that a page has at least, if there are so many
LOOK_ROWS = 200  # changes that are read at once; most of them may be changes of status
LOOKS_MAX = 5

_PATH = "/console/vehicles/{vin}/versions"
_OF_DATA = frozenset({ChangeType.REGISTERED, ChangeType.INFO_CHANGED, ChangeType.ERASED})


async def show_versions(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles/{vin}/versions. With ``at``, all values of the version of that time."""
    present = await get_vehicle(visit.runtime, visit.principal, read_vin(visit))
    if "at" in visit.query:
        return await _show_one(visit, present, visit.query.get("at"))
    found: list[HistoryEntry] = []
    page = await _look(visit, present, visit.query.get("cursor") or None)
    for _ in range(LOOKS_MAX):
        found += [entry for entry in page.rows if entry.type in _OF_DATA]
        if page.next_cursor is None or len(found) >= ROWS:
            break
        page = await _look(visit, present, page.next_cursor)
    return show(
        visit,
        "versions.html",
        vehicle=present.vehicle,
        rows=found,
        changes=ChangeType,
        names=await name_actors(visit, {entry.by for entry in found}),
        is_first="cursor" not in visit.query,
        older=[Pair("cursor", page.next_cursor)] if page.next_cursor else [],
        archived_until=page.archived_until,
    )


async def get_former(visit: PageVisit, present: VehicleVersion, text: str) -> VehicleVersion:
    """Give a vehicle as it was at an instant.

    Raises ``bad_parameters``, ``archived``, and ``vehicle_not_found`` if another vehicle had the VIN then.
    """
    at = parse_instant("at", text)
    former = await get_vehicle(visit.runtime, visit.principal, present.vehicle.vin, at)
    if former.vehicle.vehicle_id != present.vehicle.vehicle_id:
        raise PadronError(Code.VEHICLE_NOT_FOUND, "Another vehicle had this VIN at that time.")
    return former


async def _look(visit: PageVisit, present: VehicleVersion, cursor: str | None) -> HistoryPage:
    return await list_history(
        visit.runtime, visit.principal, present.vehicle.vin, limit=LOOK_ROWS, cursor=cursor,
        vehicle_id=present.vehicle.vehicle_id,
    )  # fmt: skip


async def _show_one(visit: PageVisit, present: VehicleVersion, text: str) -> MountedReply:
    former = await get_former(visit, present, text)
    fields = [field.name for field in FIELDS if field.name in former.details or field.name in present.details]
    differing = [name for name in fields if former.details.get(name) != present.details.get(name)]
    return show(
        visit,
        "version.html",
        vehicle=present.vehicle,
        former=former,
        present=present,
        fields=fields,
        differing=differing,
        is_restorable=any(former.details.get(name) != ERASED_TEXT for name in differing),
        at=text,
    )


ROUTES = (ConsoleRoute(method="GET", path=_PATH, endpoint=show_versions, scope=Scope.VEHICLES_READ),)
