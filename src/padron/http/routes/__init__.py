"""All operations, the hot one first: the router looks from the top."""

from padron.http.operations import Operation
from padron.http.routes import (
    bulk,
    changes,
    claims,
    exports,
    gate,
    imports,
    operations,
    pages,
    runs,
    statuses,
    system,
    vehicles,
    webhooks,
)

OPERATIONS: tuple[Operation, ...] = (
    *statuses.OPERATIONS,
    *bulk.OPERATIONS,
    *exports.OPERATIONS,
    *vehicles.OPERATIONS,
    *imports.OPERATIONS,
    *gate.OPERATIONS,
    *changes.OPERATIONS,
    *claims.OPERATIONS,
    *runs.OPERATIONS,
    *operations.OPERATIONS,
    *webhooks.OPERATIONS,
    *system.OPERATIONS,
    *pages.OPERATIONS,
)
