"""Fills a database for the benchmarks: accounts, each with a key and vehicles whose VINs are made up."""

from datetime import UTC, datetime
from typing import Any

from padron.domain.account import Account, Principal, Scope
from padron.domain.change import Change, ChangeType
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service import accounts
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

CHUNK = 1_000

Listed = dict[str, Any]  # an account: its key as "token", and its "vins"


def make_vin(number: int) -> Vin:
    """Give a well-formed VIN for a number below ten million."""
    return Vin(f"3PADRN00X0{number:07d}")


async def fill(
    runtime: Runtime, name: str, account_count: int, vehicle_count: int, status: VehicleStatus = VehicleStatus.ACTIVE
) -> list[Listed]:
    """Add accounts with ``vehicle_count`` vehicles in all, each with this status; give their keys and VINs."""
    each = vehicle_count // account_count
    listed: list[Listed] = []
    for index in range(account_count):
        account = await accounts.add_account(runtime, f"{name}-{index}")
        key = await accounts.add_key(
            runtime, account, label="bench", scopes=[scope.value for scope in Scope], expires_in=None
        )
        vins = list_vins(index, each)
        await register_all(runtime, account, vins, status)
        listed.append({"token": key.token, "vins": vins})
    return listed


def list_vins(place: int, each: int) -> list[Vin]:
    """Give the VINs of one account of a fleet, by its place among them."""
    return [make_vin(place * each + number) for number in range(each)]


async def register_all(
    runtime: Runtime, account: Account, vins: list[Vin], status: VehicleStatus = VehicleStatus.ACTIVE
) -> None:
    """Register one account's vehicles."""
    principal = Principal(account_id=account.account_id, actor="bench", scopes=frozenset())
    for start in range(0, len(vins), CHUNK):
        await _register(runtime, principal, vins[start : start + CHUNK], status)


async def _register(runtime: Runtime, principal: Principal, vins: list[Vin], status: VehicleStatus) -> None:
    at = datetime.now(UTC)

    async def work(transaction: WriteTransaction) -> None:
        await transaction.save_changes([_make_registration(principal, vin, status, at) for vin in vins])

    await runtime.store.write(principal.account_id, work)


def _make_registration(principal: Principal, vin: Vin, status: VehicleStatus, at: datetime) -> Change:
    vehicle = Vehicle(
        vehicle_id=0, vin=vin, slot=0, status=status, status_since=at, status_by=principal.actor,
        status_reason=None, revision=1, created_at=at, updated_at=at,
    )  # fmt: skip
    details = {
        "plate": f"P{vin[-7:]}",
        "brandName": "Lincoln",
        "modelName": "MKZ",
        "ownerName": "Flota Norte SA",
    }
    return Change(
        type=ChangeType.REGISTERED,
        vehicle=vehicle,
        at=at,
        by=principal.actor,
        request_id="bench",
        details=details,
    )
