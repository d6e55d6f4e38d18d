"""Scanning: a barcode leads to its vehicle, or into a list of many. A photo is read here, a live picture by the script.

Nothing changes by scanning, so what the script has read comes in an address. Registering is an action of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.pages.errors import STATUSES
from padron.console.pages.vehicle import SCANNED
from padron.console.replies import allow_camera, redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.vin import describe_bad_vin, parse_vin, suggest_vin
from padron.files.pictures import PICTURE_BYTES_MAX, can_read_pictures
from padron.mounting import MountedReply
from padron.service.people.sessions import read_session
from padron.service.scanning.scanning import FoundVin, find_texts, scan_picture
from padron.service.vehicles.registration import Registration, put_vehicle
from padron.service.vehicles.vins import give_check_digit

MANY = "many"  # the field that says that a list is scanned

_PATH = "/console/scan"
_BAD_REQUEST = 400
_EXPLAINED = frozenset({
    Code.BAD_PARAMETERS, Code.OVERLOADED, Code.SERVER_FULL, Code.SCANNING_UNAVAILABLE, Code.VEHICLE_LIMIT_REACHED,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanResult:
    """What the page says besides how to scan. ``detail`` is of a refusal, ``listed`` the list with what was added."""

    found: Sequence[FoundVin] = ()
    typed: str = ""
    listed: str | None = None
    added_count: int | None = None
    problem: str = ""
    detail: str = ""
    status: int = 200
    note: str = ""


async def show_scan(visit: PageVisit) -> MountedReply:
    """GET /console/scan: what to scan with, or what the script has read and what somebody has typed."""
    texts = [text.strip() for text in visit.query.get_all("text")]
    if not texts:
        return _show(visit, ScanResult())
    found = await find_texts(visit.runtime, visit.principal, texts)
    if not found:
        detail = describe_bad_vin(texts[0])
        return _show(
            visit, ScanResult(typed=texts[0], problem="scan.not_a_vin", detail=detail, status=_BAD_REQUEST)
        )  # fmt: skip
    return _lead(visit, found)


async def show_scan_again(visit: PageVisit) -> MountedReply:
    """Give the page with the list as it was before the session ended. A photo must be taken again."""
    return _show(visit, ScanResult(note="sign_in.typed_again"))


async def read_photo(visit: PageVisit) -> MountedReply:
    """POST /console/scan: read the barcodes of a photo."""
    try:
        picture = await _receive(visit)
        await _confirm(visit)
        scanned = await scan_picture(visit.runtime, visit.principal, picture)
        await _confirm(visit)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return _show(visit, _refuse("scan.not_read", error))
    if not scanned.vins:
        return _show(visit, ScanResult(problem="scan.no_vin" if scanned.barcode_count else "scan.no_barcode"))
    if _is_for_many(visit):
        return _add(visit, scanned.vins)
    return _lead(visit, scanned.vins)


async def register(visit: PageVisit) -> MountedReply:
    """POST /console/scan/vehicles: register a vehicle. Only its VIN is known yet."""
    try:
        vin = parse_vin(visit.form.get("vin"))
        await put_vehicle(
            visit.runtime, visit.principal, Registration(vin=vin, edits={}, request_id=visit.request_id)
        )  # fmt: skip
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return _show(visit, _refuse("scan.not_registered", error))
    return _open_vehicle(visit, vin)


async def _receive(visit: PageVisit) -> bytes:
    """Give the photo. Raises ``bad_parameters`` for none, and for a large one before all of it has arrived."""
    upload = visit.upload
    if upload is None or not upload.file_name:
        raise PadronError(Code.BAD_PARAMETERS, "There is no picture. Choose one.")
    picture = bytearray()
    async for piece in upload.read_file():
        picture += piece
        if len(picture) > PICTURE_BYTES_MAX:
            detail = f"The picture has more than {PICTURE_BYTES_MAX // 1_000_000} MB. Take a smaller one."
            raise PadronError(Code.BAD_PARAMETERS, detail)
        visit.request.hold_bytes(len(picture))
    return bytes(picture)


async def _confirm(visit: PageVisit) -> None:
    """Raise ``session_ended`` for who was signed out meanwhile: sending a photo takes long, and so may reading it."""
    if visit.token is not None:
        await read_session(visit.runtime, visit.token, visit.visitor)


def _lead(visit: PageVisit, found: Sequence[FoundVin]) -> MountedReply:
    """Lead to the only vehicle, or let the visitor choose."""
    if len(found) == 1 and len(found[0].vehicles) == 1:
        return _open_vehicle(visit, found[0].vin)
    return _show(visit, ScanResult(found=found))


def _open_vehicle(visit: PageVisit, vin: str) -> MountedReply:
    return redirect(visit, f"/console/vehicles/{vin}", [Pair(SCANNED, "1")])


def _add(visit: PageVisit, found: Sequence[FoundVin]) -> MountedReply:
    """Add the VINs to the list, each once."""
    lines = visit.form.get("list").split()
    listed_before = {line.upper() for line in lines}
    new = [one.vin for one in found if one.vin not in listed_before]
    listed = "".join(f"{line}\n" for line in (*lines, *new))
    return _show(visit, ScanResult(listed=listed, added_count=len(new)))


def _refuse(problem: str, error: PadronError) -> ScanResult:
    return ScanResult(problem=problem, detail=error.detail, status=STATUSES.get(error.code, _BAD_REQUEST))


def _is_for_many(visit: PageVisit) -> bool:
    return bool(visit.query.get(MANY) or visit.form.get(MANY)) and visit.may(Scope.VEHICLES_BULK)


def _show(visit: PageVisit, given: ScanResult) -> MountedReply:
    typed_list = visit.form.get("list")
    page = show(
        visit,
        "scan.html",
        status=given.status,
        is_for_many=_is_for_many(visit),
        can_read=can_read_pictures(),
        given=given,
        listed=typed_list if given.listed is None else given.listed,
        likely=suggest_vin(given.typed),
        check_digit=give_check_digit,
    )
    return allow_camera(page)


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_scan, scope=Scope.VEHICLES_READ),
    ConsoleRoute(
        method="POST", path=_PATH, endpoint=read_photo, scope=Scope.VEHICLES_READ, takes_file=True,
        show_again=show_scan_again,
    ),
    ConsoleRoute(method="POST", path=f"{_PATH}/vehicles", endpoint=register, scope=Scope.VEHICLES_WRITE),
)  # fmt: skip
