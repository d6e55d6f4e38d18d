"""What tests of duplicates ask for: vehicles with one VIN, repairs of them, and what the register shows then."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import pytest

from padron.domain.account import Principal
from padron.domain.change import START, StatusRequest
from padron.domain.duplicates import Repair, Repaired
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import Details, Edits
from padron.domain.vin import Vin
from padron.service.changes.feed import list_changes
from padron.service.changes.pages import FeedFilter, FeedQuery
from padron.service.runtime import Runtime
from padron.service.statuses.single import set_status
from padron.service.statuses.undo import UndoneVehicle, undo_request
from padron.service.vehicles.duplicates import repair_duplicates
from padron.service.vehicles.registration import Registration, put_vehicle, upsert_vehicle_info
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, JEEP, Cast, registered, save

Record = tuple[VehicleStatus, Details]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A current vehicle as the register shows it."""

    vin: Vin
    status: VehicleStatus
    details: Details


async def keep_duplicates(runtime: Runtime, account_id: int, *records: Record, vin: str = HUMMER) -> list[int]:
    """Register vehicles with one VIN, as an import of legacy data may, and give their ids."""

    async def work(transaction: WriteTransaction) -> list[int]:
        changes = [
            registered(vin, slot=slot, status=status, details=details) for slot, (status, details) in enumerate(records)
        ]
        await transaction.save_changes(changes)
        return [vehicle.vehicle_id for vehicle in await transaction.lock_vehicles([vin])]

    return await runtime.store.write(account_id, work)


async def repair(
    runtime: Runtime,
    principal: Principal,
    keep: int,
    *,
    vin: str = HUMMER,
    take: Mapping[str, int] | None = None,
    edits: Edits | None = None,
    status: VehicleStatus | None = None,
    revisions: Mapping[int, str] | None = None,
    reason: str | None = None,
    request_id: str = "r-repair",
    dry_run: bool = False,
) -> Repaired:
    asked = Repair(
        vin=Vin(vin),
        keep=keep,
        request_id=request_id,
        by=principal.actor,
        revisions=revisions,
        take=take or {},
        edits=edits or {},
        status=status,
        reason=reason,
    )
    return await repair_duplicates(runtime, principal, asked, dry_run=dry_run)


async def look(runtime: Runtime, account_id: int) -> dict[int, Seen]:
    """Give the current vehicles by id."""
    rows = await runtime.store.read(account_id).list_vehicles(VehicleQuery(filters={}, limit=500))
    return {
        version.vehicle.vehicle_id: Seen(
            vin=version.vehicle.vin, status=version.vehicle.status, details=version.details
        )
        for version, _ in rows
    }


class Mirror:
    """Keeps the set of operational VINs as a consumer does that hears of changes, or of the operational ones only."""

    def __init__(self, runtime: Runtime, principal: Principal, *, operational_changed: bool | None) -> None:
        self.runtime = runtime
        self.principal = principal
        self.wanted = FeedFilter(operational_changed=operational_changed)
        self.position = START
        self.operational: set[str] = set()

    async def follow(self) -> set[str]:
        """Hear what there is, and give what is operational then."""
        while True:
            query = FeedQuery(after=self.position, limit=500, wanted=self.wanted)
            page = await list_changes(self.runtime, self.principal, query)
            for entry in page.entries:
                change = self.operational.add if entry.is_operational else self.operational.discard
                change(entry.vin)
            self.position = page.position
            if not page.more:
                return self.operational


def list_operational(seen: Mapping[int, Seen]) -> set[str]:
    return {one.vin for one in seen.values() if is_operational(one.status)}


def has_duplicates(seen: Mapping[int, Seen]) -> bool:
    return len({one.vin for one in seen.values()}) < len(seen)


class Acme:
    """Acme's register, with three vehicles that have one VIN."""

    def __init__(self, runtime: Runtime, cast: Cast, ids: list[int]) -> None:
        self.runtime = runtime
        self.principal = cast.acme.principal
        self.account_id = cast.acme.account.account_id
        self.ids = ids

    async def repair(self, keep: int, **options: object) -> Repaired:
        return await repair(self.runtime, self.principal, keep, **options)  # type: ignore[arg-type]

    async def undo(self, undone_id: str = "r-repair", request_id: str = "r-undo") -> list[UndoneVehicle]:
        return await undo_request(self.runtime, self.principal, undone_id, request_id, None)

    async def look(self) -> dict[int, Seen]:
        return await look(self.runtime, self.account_id)

    async def set_status(self, status: VehicleStatus, vin: str = HUMMER) -> None:
        asked = StatusRequest(
            vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id="r-status"
        )
        await set_status(self.runtime, self.principal, asked)

    async def put(self, vin: str, **edits: str | int | None) -> None:
        await put_vehicle(self.runtime, self.principal, Registration(vin=Vin(vin), edits=edits, request_id="r-put"))

    async def rename(self, plate: str, vin: str) -> None:
        asked = Registration(vin=Vin(vin), edits={"plate": plate}, request_id="r-rename")
        await upsert_vehicle_info(self.runtime, self.principal, asked)


async def make_acme(runtime: Runtime, cast: Cast) -> Acme:
    """Give Acme: a vehicle of its own, and three with one VIN, of which the second bears the first one's plate."""
    account_id = cast.acme.account.account_id
    await save(runtime.store, account_id, registered(JEEP, plate="JEEP01"))
    ids = await keep_duplicates(
        runtime,
        account_id,
        (VehicleStatus.ACTIVE, {"plate": "AAA111", "ownerName": "Ana", "doors": 2}),
        (VehicleStatus.IN_THE_SHOP, {"plate": "JEEP01", "ownerName": "Ana", "doors": 4}),
        (VehicleStatus.ACTIVE, {"ownerName": "Eva"}),
    )
    return Acme(runtime, cast, ids)


async def check_refusal(work: Awaitable[object], code: Code, said: str) -> None:
    with pytest.raises(PadronError) as refusal:
        await work
    assert refusal.value.code is code
    assert said in refusal.value.detail
