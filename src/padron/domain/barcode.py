"""Which VINs a barcode has. A barcode is exact, so nothing in it is corrected: unlike typed text, it has no O for a 0.

A label may have more than the VIN in its barcode: other fields, separators, or an address of the web.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from padron.domain.errors import PadronError
from padron.domain.vin import VIN_LENGTH, Vin, parse_vin

TEXT_LENGTH_MAX = 5_000  # of a barcode: more than the largest QR code holds
VINS_MAX = 50  # of one picture

_IMPORT_MARK = "I"  # AIAG B-4: before the VIN of an imported vehicle, and the data identifier of ANSI MH10.8.2
_split_parts = re.compile(r"[^0-9A-Za-z]+").split


class Symbology(StrEnum):
    """The kinds of barcode that labels with a VIN have."""

    CODE_39 = "code39"
    CODE_128 = "code128"
    DATA_MATRIX = "dataMatrix"
    QR_CODE = "qrCode"


@dataclass(frozen=True, kw_only=True, slots=True)
class Barcode:
    """One barcode of a picture, and its text."""

    text: str
    symbology: Symbology


@dataclass(frozen=True, kw_only=True, slots=True)
class ScannedVin:
    """A VIN, and the kind of barcode that it was read from."""

    vin: Vin
    symbology: Symbology


def find_vins(text: str) -> list[Vin]:
    """Give the VINs of one barcode, each once. Those are the whole text, or parts of it that have digits too."""
    whole = _find_vin(text.strip())
    if whole is not None:
        return [whole]
    parts = (part for part in _split_parts(text[:TEXT_LENGTH_MAX]) if not part.isalpha())
    found = (_find_vin(part) for part in parts)
    return list(dict.fromkeys(vin for vin in found if vin is not None))


def find_scanned(barcodes: Iterable[Barcode]) -> Sequence[ScannedVin]:
    """Give the VINs of several barcodes, each once, in their order."""
    found: dict[Vin, ScannedVin] = {}
    for barcode in barcodes:
        for vin in find_vins(barcode.text):
            found.setdefault(vin, ScannedVin(vin=vin, symbology=barcode.symbology))
    return list(found.values())[:VINS_MAX]


def _find_vin(text: str) -> Vin | None:
    """Give the VIN that a text is, perhaps after the mark of an import. No VIN begins with that letter."""
    bare = text[1:] if len(text) == VIN_LENGTH + 1 and text[0].upper() == _IMPORT_MARK else text
    if len(bare) != VIN_LENGTH:
        return None
    try:
        return parse_vin(bare)
    except PadronError:
        return None
