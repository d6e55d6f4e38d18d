"""All pages and actions of the console. A new page adds its module's routes here."""

from padron.console.declarations import ConsoleRoute
from padron.console.pages import (
    duplicates,
    entering,
    files,
    import_columns,
    imports,
    live,
    openid,
    passkeys,
    profile,
    scan,
    selections,
    signing_in,
    status_change,
    vehicle,
    vehicles,
    views,
)
from padron.console.pages.data import editing, versions
from padron.console.pages.fleet import gate, overview, plans, times
from padron.console.pages.removal import deletion, erasure
from padron.console.pages.settings import account, deliveries, keys, people, webhooks
from padron.console.pages.work import operations, runs

ROUTES: tuple[ConsoleRoute, ...] = (
    *files.ROUTES,
    *signing_in.ROUTES,
    *entering.ROUTES,
    *openid.ROUTES,
    *profile.ROUTES,
    *passkeys.ROUTES,
    *live.ROUTES,
    *overview.ROUTES,
    *plans.ROUTES,
    *gate.ROUTES,
    *times.ROUTES,
    *vehicles.ROUTES,
    *views.ROUTES,
    *vehicle.ROUTES,
    *status_change.ROUTES,
    *scan.ROUTES,
    *editing.ROUTES,
    *versions.ROUTES,
    *deletion.ROUTES,
    *erasure.ROUTES,
    *selections.ROUTES,
    *duplicates.ROUTES,
    *operations.ROUTES,
    *runs.ROUTES,
    *people.ROUTES,
    *keys.ROUTES,
    *webhooks.ROUTES,
    *deliveries.ROUTES,
    *account.ROUTES,
    *imports.ROUTES,
    *import_columns.ROUTES,
)
