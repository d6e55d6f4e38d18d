"""What a VIN tells by itself, with no network and no look at the register: its form, its check digit, who made it.

Region and country come from the tables of ``vininfo``, which follow ISO 3780, the maker from ours; the rest is the
domain's.
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

UNKNOWN_MAKER = "unknown"  # what is said of a maker that no table has


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckDigit:
    """Place 9, and what it would have to be. ``is_binding`` where the maker had to give one by law."""

    given: str
    expected: str
    is_binding: bool

    @property
    def fits(self) -> bool:
        """Say whether the two are the same."""
        return self.given == self.expected

    @property
    def warning(self) -> str | None:
        """One sentence when the VIN is probably mistyped; None otherwise."""
        if self.fits or not self.is_binding:
            return None
        return (
            f"The check digit, character 9, is {self.given} and would be {self.expected}: "
            "a character is probably mistyped. The VIN is taken all the same."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class VinDescription:
    """What a well-formed VIN tells. What its first characters do not say is None; years are the likelier first."""

    vin: Vin
    check_digit: CheckDigit
    wmi: str
    region: str | None
    country: str | None
    maker: str
    model_years: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class BadVin:
    """What is wrong in a text that is no VIN, where, and the VIN that was probably meant."""

    text: str
    faults: list[VinFault]
    likely: VinDescription | None


def describe_vin(text: str, now: datetime) -> VinDescription | BadVin:
    """Give what a text tells as a VIN, or what is wrong with it. Raises nothing: any text has an answer."""
    faults = list_vin_faults(text)
    if not faults:
        return _decode(parse_vin(text), now)
    likely = suggest_vin(text)
    return BadVin(text=text, faults=faults, likely=None if likely is None else _decode(likely, now))


def give_check_digit(vin: Vin) -> CheckDigit:
    """Give a VIN's check digit and what it would have to be."""
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
