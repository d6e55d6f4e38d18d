"""The console's places: what the menu and the palette lead to, and which scope each needs."""

from dataclasses import dataclass

from padron.domain.account import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuPlace:
    """One place. ``key`` names its text. Those of the account are in the visitor's menu, the others at the top."""

    key: str
    path: str
    scope: Scope
    is_of_account: bool = False

    def is_here(self, path: str) -> bool:
        """Say whether a page belongs to this place."""
        return path == self.path or path.startswith(f"{self.path}/")


PLACES: tuple[MenuPlace, ...] = (
    MenuPlace(key="place.overview", path="/console/overview", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.vehicles", path="/console/vehicles", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.scan", path="/console/scan", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.gate", path="/console/gate", scope=Scope.GATE_CHECK),
    MenuPlace(key="place.selections", path="/console/selections", scope=Scope.VEHICLES_BULK),
    MenuPlace(key="place.plans", path="/console/plans", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.imports", path="/console/imports", scope=Scope.VEHICLES_BULK),
    MenuPlace(key="place.operations", path="/console/operations", scope=Scope.OPERATIONS_RUN),
    MenuPlace(key="place.duplicates", path="/console/duplicates", scope=Scope.VEHICLES_REPAIR),
    MenuPlace(key="place.times", path="/console/time-in-status", scope=Scope.VEHICLES_READ),
    MenuPlace(key="place.people", path="/console/people", scope=Scope.ACCOUNT_MANAGE, is_of_account=True),
    MenuPlace(key="place.keys", path="/console/keys", scope=Scope.ACCOUNT_MANAGE, is_of_account=True),
    MenuPlace(key="place.webhooks", path="/console/webhooks", scope=Scope.WEBHOOKS_MANAGE, is_of_account=True),
    MenuPlace(key="place.deleted", path="/console/deleted", scope=Scope.VEHICLES_DELETE, is_of_account=True),
    MenuPlace(key="place.erasure", path="/console/erasure", scope=Scope.VEHICLES_ERASE, is_of_account=True),
    MenuPlace(key="place.account", path="/console/account", scope=Scope.ACCOUNT_MANAGE, is_of_account=True),
)
