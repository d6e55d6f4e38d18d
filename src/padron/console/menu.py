"""The console's places: what the menu and the palette lead to, and which scope each needs."""

from dataclasses import dataclass

from padron.domain.account import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuPlace:
    """One place. ``key`` names its text."""

    key: str
    path: str
    scope: Scope

    def is_here(self, path: str) -> bool:
        """Say whether a page belongs to this place."""
        return path == self.path or path.startswith(f"{self.path}/")


PLACES: tuple[MenuPlace, ...] = (
    MenuPlace(key="place.overview", path="/console/overview", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.vehicles", path="/console/vehicles", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.plans", path="/console/plans", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.gate", path="/console/gate", scope=Scope.GATE_CHECK),
    MenuPlace(key="times.title", path="/console/time-in-status", scope=Scope.VEHICLES_READ),
)
