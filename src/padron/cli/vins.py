"""``padron vins``: what VINs say about a vehicle, without a database."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from cyclopts import App

from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import UsageError, print_json, print_table
from padron.domain.barcode import find_scanned
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.files.pictures import PICTURE_BYTES_MAX, read_barcodes
from padron.service.vehicles.vins import BadVin, VinDescription, describe_vin
from padron.wiring import read_clock

vins = App(name="vins", help="Check VINs, without a database.")

_DEFAULTS = CommonOptions()


@vins.command(name="check")
def check_vins(*texts: str, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Check VINs: whether each is well-formed, which characters are wrong, and what it says about the vehicle.

    The exit status is 1 if a VIN is not well-formed. A wrong check digit is only a warning.

    Parameters
    ----------
    texts
        The texts to check.
    """
    options.read()
    if not texts:
        raise UsageError("There is no VIN: give one or more.")
    now = read_clock()
    described = [describe_vin(text, now) for text in texts]
    if json:
        print_json({"vins": [_show(one) for one in described]})
    else:
        rows = [_give_row(one) for one in described]
        print_table(("VIN", "Country", "Maker", "Model year", "Remark"), rows, "")
    return 1 if any(isinstance(one, BadVin) for one in described) else 0


@vins.command(name="scan")
def scan_vins(*pictures: Path, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Read the VINs in pictures of barcodes: Code 39, Code 128, Data Matrix and QR. Needs the extra scan.

    The exit status is 1 if a picture has no VIN.

    Parameters
    ----------
    pictures
        JPEG, PNG or WebP files.
    """
    options.read()
    if not pictures:
        raise UsageError("There is no picture: give one or more.")
    found = [(path, find_scanned(asyncio.run(read_barcodes(_read(path))))) for path in pictures]
    if json:
        named = [{"picture": str(path), "vins": [asdict(one) for one in scanned]} for path, scanned in found]
        print_json({"pictures": named})
    else:
        rows = [(str(path), one.vin, one.symbology.value) for path, scanned in found for one in scanned]
        print_table(("Picture", "VIN", "Barcode"), rows, "There is no VIN in any picture.")
    return 0 if all(scanned for _, scanned in found) else 1


def _read(path: Path) -> bytes:
    """Give the bytes of a picture. Raises ``bad_parameters`` for a file that cannot be read, and for a large one."""
    try:
        with path.open("rb") as file:
            picture = file.read(PICTURE_BYTES_MAX + 1)
    except OSError as error:
        raise PadronError(Code.BAD_PARAMETERS, f"{quote_path(path)} cannot be read: {error.strerror}.") from error
    if len(picture) > PICTURE_BYTES_MAX:
        size = PICTURE_BYTES_MAX // 1_000_000
        raise PadronError(Code.BAD_PARAMETERS, f"{quote_path(path)} has more than {size} MB, the maximum.")
    return picture


def _give_row(one: VinDescription | BadVin) -> tuple[str, ...]:
    if isinstance(one, BadVin):
        likely = "" if one.likely is None else f" Perhaps {one.likely.vin}."
        return one.text, "", "", "", " ".join(fault.detail for fault in one.faults) + likely
    years = " or ".join(str(year) for year in one.model_years)
    return one.vin, one.country or one.region or "", one.maker, years, one.check_digit.warning or ""


def _show(one: VinDescription | BadVin) -> dict[str, object]:
    if isinstance(one, BadVin):
        return {
            "vin": one.text,
            "wellFormed": False,
            "faults": [asdict(fault) for fault in one.faults],
            "likely": None if one.likely is None else one.likely.vin,
        }
    digit = one.check_digit
    return {
        "vin": one.vin,
        "wellFormed": True,
        "checkDigit": {"given": digit.given, "expected": digit.expected, "binding": digit.is_binding},
        "warning": digit.warning,
        "region": one.region,
        "country": one.country,
        "maker": one.maker,
        "modelYears": one.model_years,
    }
