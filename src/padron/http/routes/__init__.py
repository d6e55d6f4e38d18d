"""All routes. The status call is first, because the router searches from the top."""

from dataclasses import replace

from padron.http.declarations import Route
from padron.http.routes import (
    actors,
    changes,
    docs,
    imports,
    kept_files,
    plans,
    reports,
    resource_metadata,
    selections,
    system,
    views,
    webhooks,
)
from padron.http.routes.account import account, keys, members
from padron.http.routes.operations import cancelling, claims, declaring, gate, gate_leases, gate_sets, runs
from padron.http.routes.statuses import bulk, single
from padron.http.routes.vehicles import counting, deletion, duplicates, erasure, export, scanning, vehicles, vins

ROUTES: tuple[Route, ...] = (
    *single.ROUTES,
    *bulk.ROUTES,
    *export.ROUTES,
    *counting.ROUTES,
    *plans.ROUTES,
    *vehicles.ROUTES,
    *deletion.ROUTES,
    *erasure.ROUTES,
    *reports.ROUTES,
    *duplicates.ROUTES,
    *imports.ROUTES,
    *kept_files.ROUTES,
    *selections.ROUTES,
    *views.ROUTES,
    *gate.ROUTES,
    *gate_sets.ROUTES,
    *gate_leases.ROUTES,
    *changes.ROUTES,
    *actors.ROUTES,
    *claims.ROUTES,
    *runs.ROUTES,
    *cancelling.ROUTES,
    *declaring.ROUTES,
    *scanning.ROUTES,
    *vins.ROUTES,
    *webhooks.ROUTES,
    *account.ROUTES,
    *keys.ROUTES,
    *members.ROUTES,
    *system.ROUTES,
    *resource_metadata.ROUTES,
    *docs.ROUTES,
)


def give_routes(start: str) -> tuple[Route, ...]:
    """Give all routes for a server whose ``GET /`` leads browsers to this page."""
    return tuple(
        replace(route, endpoint=docs.lead_browsers_to(start)) if route.path == "/" else route for route in ROUTES
    )
