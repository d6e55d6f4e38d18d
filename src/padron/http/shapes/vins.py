"""The JSON form of the facts that a VIN contains, and of the VINs that a picture contains."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.barcode import Symbology
from padron.service.scanning.scanning import ScannedPicture
from padron.service.vehicles.vins import BadVin, VinDescription, give_check_digit

TEXT_SHOWN_MAX = 100  # characters that are shown of a text that is not a VIN


class VinFaultShape(Struct, rename="camel", omit_defaults=True):
    """One fault. ``position`` counts from 1, and is missing for a wrong length. ``likely`` was probably meant."""

    detail: str
    position: int | UnsetType = UNSET
    likely: str | UnsetType = UNSET


class CheckDigitShape(Struct, rename="camel", omit_defaults=True):
    """Character 9, and the right check digit. ``warning`` is present if the digit is required and wrong."""

    given: str
    expected: str
    fits: bool
    binding: Annotated[bool, Meta(description="Whether the law requires a check digit: in North America and in China.")]
    warning: str | UnsetType = UNSET


class VinDetails(Struct, rename="camel", omit_defaults=True):
    """The facts in a well-formed VIN. A member that its characters do not show is missing."""

    vin: str
    check_digit: CheckDigitShape
    wmi: Annotated[str, Meta(description="World manufacturer identifier: the first three characters.")]
    model_years: Annotated[list[int], Meta(description="The years that character 10 can mean, the most likely first.")]
    region: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    maker: Annotated[str | UnsetType, Meta(description="The maker, or `unknown` when no table has it.")] = UNSET


class VinShape(Struct, rename="camel", omit_defaults=True):
    """What a text says as a VIN: ``details`` if it is well-formed, or otherwise ``faults`` and perhaps ``likely``."""

    vin: str
    well_formed: bool
    details: VinDetails | UnsetType = UNSET
    faults: list[VinFaultShape] | UnsetType = UNSET
    likely: Annotated[VinDetails | UnsetType, Meta(description="The VIN that was probably meant.")] = UNSET


class ScannedVinShape(Struct, rename="camel", omit_defaults=True):
    """A VIN in a picture. ``symbology`` is the kind of its barcode."""

    vin: str
    symbology: Symbology
    registered: Annotated[bool, Meta(description="Whether the account has a current vehicle with this VIN.")]
    warning: Annotated[str | UnsetType, Meta(description="Present if a required check digit does not fit.")] = UNSET


class ScanShape(Struct, rename="camel"):
    """The VINs in a picture. ``barcodeCount`` counts the barcodes without a VIN too."""

    vins: list[ScannedVinShape]
    barcode_count: int


def shape_vin(described: VinDescription | BadVin) -> VinShape:
    """Give the JSON form of a text's description."""
    if isinstance(described, VinDescription):
        return VinShape(vin=described.vin, well_formed=True, details=_shape_details(described))
    faults = [
        VinFaultShape(
            detail=fault.detail,
            position=UNSET if fault.position is None else fault.position,
            likely=UNSET if fault.likely is None else fault.likely,
        )
        for fault in described.faults
    ]
    likely = UNSET if described.likely is None else _shape_details(described.likely)
    return VinShape(vin=described.text[:TEXT_SHOWN_MAX], well_formed=False, faults=faults, likely=likely)


def shape_scan(scanned: ScannedPicture) -> ScanShape:
    """Give the JSON form of what was found in a picture."""
    vins = [
        ScannedVinShape(
            vin=one.vin,
            symbology=one.symbology,
            registered=bool(one.vehicles),
            warning=give_check_digit(one.vin).warning or UNSET,
        )
        for one in scanned.vins
        if one.symbology is not None
    ]
    return ScanShape(vins=vins, barcode_count=scanned.barcode_count)


def _shape_details(description: VinDescription) -> VinDetails:
    digit = description.check_digit
    return VinDetails(
        vin=description.vin,
        check_digit=CheckDigitShape(
            given=digit.given,
            expected=digit.expected,
            fits=digit.fits,
            binding=digit.is_binding,
            warning=digit.warning or UNSET,
        ),
        wmi=description.wmi,
        model_years=description.model_years,
        region=description.region or UNSET,
        country=description.country or UNSET,
        maker=description.maker,
    )
