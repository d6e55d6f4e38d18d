"""The wire format of what a VIN tells."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.service.vehicles.vins import BadVin, VinDescription

TEXT_SHOWN_MAX = 100  # characters of a text that is no VIN


class VinFaultShape(Struct, rename="camel", omit_defaults=True):
    """One thing that is wrong: where (counted from 1; not given for a wrong length), and what was probably meant."""

    detail: str
    position: int | UnsetType = UNSET
    likely: str | UnsetType = UNSET


class CheckDigitShape(Struct, rename="camel", omit_defaults=True):
    """Character 9, and what it would have to be. ``warning`` is given where it binds and does not fit."""

    given: str
    expected: str
    fits: bool
    binding: Annotated[
        bool, Meta(description="Whether the maker had to give one by law: in North America and in China.")
    ]
    warning: str | UnsetType = UNSET


class VinDetails(Struct, rename="camel", omit_defaults=True):
    """What a well-formed VIN tells. A member that its characters do not say is left out."""

    vin: str
    check_digit: CheckDigitShape
    wmi: Annotated[str, Meta(description="World manufacturer identifier: the first three characters.")]
    model_years: Annotated[list[int], Meta(description="The years that character 10 may stand for, likelier first.")]
    region: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    maker: Annotated[str | UnsetType, Meta(description="Who made it; `unknown` when no table says.")] = UNSET


class VinShape(Struct, rename="camel", omit_defaults=True):
    """What a text tells as a VIN: ``details`` when it is well-formed; ``faults``, and ``likely``, when it is not."""

    vin: str
    well_formed: bool
    details: VinDetails | UnsetType = UNSET
    faults: list[VinFaultShape] | UnsetType = UNSET
    likely: Annotated[VinDetails | UnsetType, Meta(description="The VIN that was probably meant.")] = UNSET


def shape_vin(described: VinDescription | BadVin) -> VinShape:
    """Give the wire form of what a text tells."""
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
