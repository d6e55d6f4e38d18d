"""All operations, the hot one first: the router looks from the top."""

from padron.http.operations import Operation
from padron.http.routes import (
    bulk,
    changes,
    claims,
    duplicates,
    exports,
    gate,
    imports,
    operations,
    pages,
    plans,
    reports,
    runs,
    statuses,
    system,
    vehicles,
    vins,
    webhooks,
)

OPERATIONS: tuple[Operation, ...] = (
    *statuses.OPERATIONS,
    *bulk.OPERATIONS,
    *exports.OPERATIONS,
    *plans.OPERATIONS,
    *vehicles.OPERATIONS,
    *reports.OPERATIONS,
    *duplicates.OPERATIONS,
    *imports.OPERATIONS,
    *gate.OPERATIONS,
    *changes.OPERATIONS,
    *claims.OPERATIONS,
    *runs.OPERATIONS,
    *operations.OPERATIONS,
    *vins.OPERATIONS,
    *webhooks.OPERATIONS,
    *system.OPERATIONS,
    *pages.OPERATIONS,
)
