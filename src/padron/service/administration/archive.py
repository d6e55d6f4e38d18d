"""Reads all that an account has, for the files that are kept of it when it is deleted."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from padron.domain.account import Principal
from padron.domain.change import FeedEntry, Place
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import VehicleVersion
from padron.service.actors import name_actors
from padron.service.changes.events import give_event
from padron.service.changes.feed import list_changes
from padron.service.changes.pages import FeedFilter, FeedQuery
from padron.service.runtime import Runtime
from padron.service.vehicles.export import export_vehicles

PAGE = 500


def read_vehicles(runtime: Runtime, principal: Principal) -> AsyncIterator[list[VehicleVersion]]:
    """Give the current vehicles, a page at a time, in the order of their registration."""
    return export_vehicles(runtime, principal, VehicleQuery(filters={}))


def read_former_versions(runtime: Runtime, principal: Principal) -> AsyncIterator[list[VehicleVersion]]:
    """Give the former versions of all vehicles, a page at a time."""
    return export_vehicles(runtime, principal, VehicleQuery(filters={}, status=VehicleStatus.INFO_CHANGED))


async def read_changes(runtime: Runtime, principal: Principal) -> AsyncIterator[list[bytes]]:
    """Give the history, a page at a time: each change as JSON, as in the feed. It begins after the archived changes."""
    start = await runtime.store.read(principal.account_id).find_record_start()
    query = FeedQuery(after=Place(number=start.number, mark=0), limit=PAGE, wanted=FeedFilter())
    more = True
    while more:
        page = await list_changes(runtime, principal, query)
        names = await name_actors(runtime, principal.account_id, [entry.change.by for entry in page.entries])
        yield [_encode(entry, names) for entry in page.entries]
        query = FeedQuery(after=page.position, limit=PAGE, wanted=query.wanted)
        more = page.more


def _encode(entry: FeedEntry, names: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(give_event(entry, names)) + b"\n"
