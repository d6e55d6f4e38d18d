"""All operations, the hot one first: the router looks from the top."""

from padron.http.operations import Operation
from padron.http.routes import (
    bulk,
    changes,
    claims,
    duplicates,
    gate,
    operations,
    pages,
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
    *vehicles.OPERATIONS,
    *reports.OPERATIONS,
    *duplicates.OPERATIONS,
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
