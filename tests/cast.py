"""The same three in every test: Acme owns, Beta must see nothing, Gamma only reads Acme's. And what they write.

Factories are plain functions with defaults. The VINs are those of real vehicles, as published facts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from padron.domain.account import Account, Principal, Scope
from padron.domain.change import Change, ChangeType, build_status_change
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FORMER_SLOT, Details, Difference, Edits, Vehicle, apply_edits, give_vin
from padron.domain.vin import Vin
from padron.service.accounts import add_account, add_key
from padron.service.runtime import Runtime
from padron.store.base import Store, WriteTransaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HUMMER = Vin("137ZA903X1E412677")
JEEP = Vin("1C4RJEAG2EC476429")
UNKNOWN_VIN = Vin("JTHBA30G455081818")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One of the cast, with the token that its calls bear."""

    account: Account
    principal: Principal
    token: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    acme: Member
    beta: Member
    gamma: Member


async def make_cast(runtime: Runtime, number: int = 1) -> Cast:
    """Give the cast, made in an empty register or in one that has casts with other numbers."""
    suffix = "" if number == 1 else f" {number}"
    acme = await add_account(runtime, f"Acme{suffix}")
    beta = await add_account(runtime, f"Beta{suffix}")
    everything = [scope.value for scope in Scope]
    return Cast(
        acme=await make_member(runtime, acme, "Acme", everything),
        beta=await make_member(runtime, beta, "Beta", everything),
        gamma=await make_member(runtime, acme, "Gamma", [Scope.VEHICLES_READ.value]),
    )


async def make_member(runtime: Runtime, account: Account, label: str, scopes: list[str]) -> Member:
    new = await add_key(runtime, account, label=label, scopes=scopes, expires_in=None)
    principal = Principal(account_id=account.account_id, actor=new.key.key_id, scopes=new.key.scopes)
    return Member(account=account, principal=principal, token=new.token, label=label)


async def trust() -> None:
    """Confirm a worker that nobody has revoked."""


def make_vin(number: int) -> Vin:
    """Give one of any number of VINs, in the order of their numbers."""
    return Vin(f"3PADR{number:012d}")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_vehicle(vin: str = HUMMER, *, vehicle_id: int = 0, slot: int = 0, at: datetime = NOON) -> Vehicle:
    return Vehicle(
        vehicle_id=vehicle_id,
        vin=Vin(vin),
        slot=slot,
        status=VehicleStatus.ACTIVE,
        status_since=at,
        status_by="Acme",
        status_reason=None,
        revision=1,
        created_at=at,
        updated_at=at,
    )


def registered(
    vin: str = HUMMER,
    *,
    slot: int = 0,
    at: datetime = NOON,
    status: VehicleStatus = VehicleStatus.ACTIVE,
    request_id: str = "r-registered",
    details: Details | None = None,
    **values: str | int,
) -> Change:
    return Change(
        type=ChangeType.REGISTERED,
        vehicle=replace(make_vehicle(vin, slot=slot, at=at), status=status),
        at=at,
        by="Acme",
        request_id=request_id,
        details={**(details or {}), **values},
    )


def status_changed(
    vehicle: Vehicle,
    status: VehicleStatus = VehicleStatus.STOLEN,
    *,
    at: datetime = NOON,
    reason: str | None = None,
    request_id: str = "r-status",
) -> Change:
    return build_status_change(vehicle, status, at=at, by="Acme", request_id=request_id, reason=reason)


def info_changed(
    vehicle: Vehicle,
    details: Details,
    edits: Edits,
    *,
    vin: str | None = None,
    at: datetime = NOON,
    request_id: str = "r-info",
) -> Change:
    edited = apply_edits(details, edits)
    differences = edited.differences
    if vin is not None:
        differences = {"vin": Difference(vehicle.vin, vin), **differences}
    return Change(
        type=ChangeType.INFO_CHANGED,
        vehicle=give_vin(vehicle, Vin(vin or vehicle.vin), at=at),
        at=at,
        by="Acme",
        request_id=request_id,
        from_status=vehicle.status,
        details=edited.details,
        differences=differences,
    )


def retired(vehicle: Vehicle, *, at: datetime = NOON, request_id: str = "r-retired") -> Change:
    """Give the change by which a duplicate becomes former."""
    change = status_changed(vehicle, VehicleStatus.INFO_CHANGED, at=at, request_id=request_id)
    change.vehicle = replace(change.vehicle, slot=FORMER_SLOT)
    return change


def restored(
    vehicle: Vehicle,
    details: Details,
    status: VehicleStatus = VehicleStatus.ACTIVE,
    *,
    slot: int = 0,
    at: datetime = NOON,
    request_id: str = "r-restored",
) -> Change:
    """Give the change by which a former vehicle is current again."""
    change = status_changed(replace(vehicle, slot=slot), status, at=at, request_id=request_id)
    change.details = details
    return change


async def save(store: Store, account_id: int, *changes: Change) -> None:
    """Write changes in a transaction of their own."""

    async def work(transaction: WriteTransaction) -> None:
        await transaction.save_changes(changes)

    await store.write(account_id, work)


async def wait_until(
    condition: Callable[[], Awaitable[bool]], *, seconds_max: float = 10, every_s: float = 0.005
) -> None:
    """Return once the condition holds, at which it looks every so often. Raises TimeoutError."""
    async with asyncio.timeout(seconds_max):
        while not await condition():  # noqa: ASYNC110 - another process has no event for us
            await asyncio.sleep(every_s)


async def get_one(store: Store, account_id: int, vin: str = HUMMER) -> Vehicle:
    """Give the one current vehicle with this VIN."""
    (vehicle,) = await store.read(account_id).list_by_vin(vin)
    return vehicle
