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
    MenuPlace(key="place.vehicles", path="/console/vehicles", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.selections", path="/console/selections", scope=Scope.VEHICLES_BULK),
    MenuPlace(key="place.imports", path="/console/imports", scope=Scope.VEHICLES_BULK),
)
