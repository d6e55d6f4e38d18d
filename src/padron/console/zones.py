"""The time zones that people can choose."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

UTC_ZONE = ZoneInfo("UTC")

_AREAS = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@cache
def list_zones() -> tuple[str, ...]:
    """Give the names to choose from, in their order. It reads the disk the first time."""
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(_AREAS)))


@cache
def _load(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def find_zone(name: str | None) -> ZoneInfo | None:
    """Give the zone with a name, or None for any other text."""
    return _load(name) if name and name in list_zones() else None
