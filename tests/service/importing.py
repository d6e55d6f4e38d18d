"""Imports rows of cells, and reads what became of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from padron.domain.change import ChangeType
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Details
from padron.files.columns import ImportRow, RowFault
from padron.service.imports.importing import ImportStep, ImportSummary, import_vehicles
from padron.service.runtime import Runtime
from tests.cast import HUMMER, Cast

Cells = dict[str, str]


@dataclass(kw_only=True)
class Imported:
    summary: ImportSummary
    refusals: list[RowFault]
    steps: list[ImportStep]


async def run(
    runtime: Runtime,
    cast: Cast,
    rows: Iterable[Mapping[str, str]],
    **options: Any,  # noqa: ANN401 - handed on as they are
) -> Imported:
    numbered = [ImportRow(line=line, cells=cells) for line, cells in enumerate(rows, start=2)]
    steps: list[ImportStep] = []
    summary = await import_vehicles(
        runtime, cast.acme.principal, numbered, request_id="r-import", on_step=steps.append, **options
    )
    return Imported(summary=summary, refusals=[one for step in steps for one in step.refusals], steps=steps)


def count(imported: Imported) -> dict[str, int]:
    counts_of = imported.summary.counts
    names = ("registered", "updated", "unchanged", "kept_duplicates", "refused")
    counts = {name: getattr(counts_of, name) for name in names}
    assert counts_of.read == sum(counts.values())
    return {name: number for name, number in counts.items() if number}


async def read_all(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> list[tuple[int, VehicleStatus, Details]]:
    found = await runtime.store.read(cast.acme.account.account_id).list_versions_by_vin(vin)
    return [(one.vehicle.slot, one.vehicle.status, one.details) for one in found]


async def list_types(runtime: Runtime, cast: Cast, vin: str = HUMMER) -> list[ChangeType]:
    reader = runtime.store.read(cast.acme.account.account_id)
    vehicles = await reader.list_by_vin(vin)
    return [entry.type for entry in await reader.list_history(vehicles[0].vehicle_id, None, 50)]


async def read_record(runtime: Runtime, cast: Cast) -> tuple[int, list[tuple[str, int]]]:
    """Give the number of the last change, and each vehicle with its revision."""
    reader = runtime.store.read(cast.acme.account.account_id)
    found = await reader.list_vehicles(VehicleQuery(filters={}, limit=500))
    vehicles = [version.vehicle for version, _ in found]
    return await reader.find_last_change(), [(vehicle.vin, vehicle.revision) for vehicle in vehicles]
