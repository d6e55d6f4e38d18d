"""All pages and actions of the console. A new page adds its module's routes here."""

from padron.console.declarations import ConsoleRoute
from padron.console.pages import (
    entering,
    files,
    import_columns,
    imports,
    openid,
    profile,
    selections,
    signing_in,
    status_change,
    vehicle,
    vehicles,
)

ROUTES: tuple[ConsoleRoute, ...] = (
    *files.ROUTES,
    *signing_in.ROUTES,
    *entering.ROUTES,
    *openid.ROUTES,
    *profile.ROUTES,
    *vehicles.ROUTES,
    *vehicle.ROUTES,
    *status_change.ROUTES,
    *selections.ROUTES,
    *imports.ROUTES,
    *import_columns.ROUTES,
)
