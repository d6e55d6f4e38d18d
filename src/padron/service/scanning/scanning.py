"""Finds the VINs of a picture or of barcodes that were read elsewhere, and which vehicles of the account have them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from padron.domain.account import Principal, Scope
from padron.domain.barcode import VINS_MAX, Symbology, find_scanned, find_vins
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.files.pictures import read_barcodes
from padron.service.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVin:
    """A VIN, and the account's current vehicles that have it: one, none, or several duplicates.

    ``symbology`` is the kind of barcode, if the server read it.
    """

    vin: Vin
    vehicles: Sequence[Vehicle]
    symbology: Symbology | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScannedPicture:
    """What was found in a picture. Barcodes without a VIN are only counted."""

    vins: Sequence[FoundVin]
    barcode_count: int


def check_may_scan(principal: Principal) -> None:
    """Raise ``forbidden`` unless the principal may read vehicles."""
    principal.check_scope(Scope.VEHICLES_READ)


async def scan_picture(runtime: Runtime, principal: Principal, picture: bytes) -> ScannedPicture:
    """Give the VINs in the barcodes of a picture.

    Raises ``forbidden``, ``scanning_unavailable``, ``bad_parameters`` for a picture that cannot be read, and
    ``overloaded``.
    """
    check_may_scan(principal)
    async with runtime.scans.take(principal.account_id):
        barcodes = await read_barcodes(picture)
    scanned = {one.vin: one.symbology for one in find_scanned(barcodes)}
    found = await _find_vehicles(runtime, principal, scanned)
    return ScannedPicture(vins=found, barcode_count=len(barcodes))


async def find_texts(runtime: Runtime, principal: Principal, texts: Iterable[str]) -> Sequence[FoundVin]:
    """Give the VINs in the texts of barcodes that a browser has read. Raises ``forbidden``."""
    check_may_scan(principal)
    vins = dict.fromkeys(vin for text in texts for vin in find_vins(text))
    return await _find_vehicles(runtime, principal, dict.fromkeys(islice(vins, VINS_MAX)))


async def _find_vehicles(
    runtime: Runtime, principal: Principal, asked: Mapping[Vin, Symbology | None]
) -> Sequence[FoundVin]:  # fmt: skip
    if not asked:
        return []
    view = await runtime.store.read(principal.account_id).gate.load_gate(sorted(asked))
    current: dict[str, list[Vehicle]] = {}
    for vehicle in view.vehicles:
        current.setdefault(vehicle.vin, []).append(vehicle)
    return [
        FoundVin(vin=vin, vehicles=current.get(vin, []), symbology=symbology) for vin, symbology in asked.items()
    ]  # fmt: skip
