"""What both engines do for repairing duplicates, as parts of the interfaces in ``base``.

That a vehicle ceases to be current, or is so again, is a change like any other and goes through ``save_changes``.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Protocol

from padron.domain.duplicates import DuplicateGroup, DuplicateQuery
from padron.domain.vehicle import Details, Vehicle, VehicleVersion


class RepairTransaction(Protocol):
    """The part of a write transaction that is about former vehicles and slots."""

    async def lock_former(self, vehicle_ids: Sequence[int]) -> list[Vehicle]:
        """Give those of these vehicles that are former, by id, locked. Lock the current ones with their VINs first."""
        ...

    async def load_former_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the last core data of vehicles that are locked already, by vehicle id."""
        ...

    async def move_vehicles(self, slots: Mapping[int, int]) -> None:
        """Give current vehicles that are locked other slots, in order. What a caller sees of them stays as it is."""
        ...


class RepairReader(Protocol):
    """The part of a reader that is about duplicates."""

    async def list_duplicates(self, query: DuplicateQuery) -> list[DuplicateGroup]:
        """Give the VINs that several current vehicles have, in order, with these vehicles, of one instant.

        At most ``vins_max`` groups, and ``rows_max`` vehicles: then the last group has some of its vehicles only.
        """
        ...

    async def has_vehicle(self, vehicle_id: int, vin: str) -> bool:
        """Say whether a vehicle has this VIN, or had it when it became former."""
        ...


def gather_groups(rows: Sequence[tuple[VehicleVersion, int]]) -> list[DuplicateGroup]:
    """Give the groups of rows that come by VIN, each with how many vehicles its VIN has."""
    return [
        DuplicateGroup(vin=vin, count=group[0][1], versions=[version for version, _ in group])
        for vin, group in ((vin, list(part)) for vin, part in groupby(rows, key=lambda row: row[0].vehicle.vin))
    ]
