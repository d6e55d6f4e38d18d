"""What a VIN says by itself, without network or register: its form, its check digit, and its maker.

Region and country come from the tables of ``vininfo``, which follow ISO 3780. The maker comes from
our table, and the rest from the domain.
"""

from dataclasses import dataclass
from datetime import datetime

from vininfo import Vin as CountryTable  # type: ignore[import-untyped]

from padron.domain.vin import (
    Vin,
    VinFault,
    binds_check_digit,
    compute_check_digit,
    list_model_years,
    list_vin_faults,
    parse_vin,
    suggest_vin,
)
from padron.service.vehicles.makers import find_maker

UNKNOWN_MAKER = "unknown"  # shown for a maker that no table has


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckDigit:
    """Place 9 and its expected value. ``is_binding`` is true where the law requires a check digit."""

    given: str
    expected: str
    is_binding: bool

    @property
    def fits(self) -> bool:
        """Say whether the two are the same."""
        return self.given == self.expected

    @property
    def warning(self) -> str | None:
        """A warning when the VIN is probably mistyped. None otherwise."""
        if self.fits or not self.is_binding:
            return None
        return (
            f"The check digit (character 9) is {self.given}, but {self.expected} is expected. "
            "A character is probably mistyped. The VIN is accepted anyway."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class VinDescription:
    """What a well-formed VIN says. Unknown values are None. The likelier model years are first."""

    vin: Vin
    check_digit: CheckDigit
    wmi: str
    region: str | None
    country: str | None
    maker: str
    model_years: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class BadVin:
    """The faults of a text that is not a VIN, and the VIN that was probably meant."""

    text: str
    faults: list[VinFault]
    likely: VinDescription | None


def describe_vin(text: str, now: datetime) -> VinDescription | BadVin:
    """Give what a text says as a VIN, or its faults. Raises nothing: any text has an answer."""
    faults = list_vin_faults(text)
    if not faults:
        return _decode(parse_vin(text), now)
    likely = suggest_vin(text)
    return BadVin(text=text, faults=faults, likely=None if likely is None else _decode(likely, now))


def give_check_digit(vin: Vin) -> CheckDigit:
    """Give a VIN's check digit and the expected one."""
    return CheckDigit(given=vin[8], expected=compute_check_digit(vin), is_binding=binds_check_digit(vin))


def _decode(vin: Vin, now: datetime) -> VinDescription:
    table = CountryTable(vin)
    maker = None if table.region is None else find_maker(vin)
    return VinDescription(
        vin=vin,
        check_digit=give_check_digit(vin),
        wmi=vin[:3],
        region=table.region,
        country=table.country,
        maker=UNKNOWN_MAKER if maker is None else maker.name,
        model_years=list_model_years(vin, now.year + 1, is_light=maker is not None and maker.is_light),
    )
