"""The maker and the kind of a vehicle, by its world manufacturer identifier (ISO 3780).

The table is NHTSA's, which covers vehicles sold in the United States, trucks and trailers included.
``tools/build_makers.py`` writes it. For other vehicles the table of ``vininfo`` is used. Only whole
identifiers count. The first two characters name the country, not the maker: 1N4 is Nissan's, and
1NP is Peterbilt's.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vininfo.dicts import WMI  # type: ignore[import-untyped]

from padron.domain.vin import Vin

_LOW_VOLUME = "9"  # as the third character: a maker of under 1,000 vehicles a year, named by places 12 to 14
_WMI_LENGTH = 3
# The kinds of vehicle for which place 7 says which thirty years the model year is in (49 CFR
# 565.15(b)).
_LIGHT = frozenset({"car", "mpv", "lightTruck"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """A maker's published name. ``is_light`` is true for cars and light trucks, if the kind is known."""

    name: str
    is_light: bool


def find_maker(vin: Vin) -> Maker | None:
    """Give the maker of a vehicle, or None when no table has it."""
    wmi = vin[:_WMI_LENGTH]
    is_low_volume = wmi.endswith(_LOW_VOLUME)
    found = _read_table().get(wmi + vin[11:14] if is_low_volume else wmi)
    if found is not None:
        return found
    name = None if is_low_volume else WMI.get(wmi)
    return None if name is None else Maker(name=name, is_light=False)


@cache
def _read_table() -> dict[str, Maker]:
    text = files("padron.service.vehicles").joinpath("makers.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {wmi: Maker(name=name, is_light=kind in _LIGHT) for wmi, kind, name in rows}
