"""All pages and actions of the console. A new page adds its module's routes here."""

from padron.console.declarations import ConsoleRoute
from padron.console.pages import entering, files, live, openid, profile, signing_in, status_change, vehicle, vehicles
from padron.console.pages.fleet import gate, overview, plans, times

ROUTES: tuple[ConsoleRoute, ...] = (
    *files.ROUTES,
    *signing_in.ROUTES,
    *entering.ROUTES,
    *openid.ROUTES,
    *profile.ROUTES,
    *live.ROUTES,
    *overview.ROUTES,
    *plans.ROUTES,
    *gate.ROUTES,
    *times.ROUTES,
    *vehicles.ROUTES,
    *vehicle.ROUTES,
    *status_change.ROUTES,
)
