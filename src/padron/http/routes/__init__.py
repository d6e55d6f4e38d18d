"""All operations, the hot one first: the router looks from the top."""

from padron.http.operations import Operation
from padron.http.routes import (
    bulk,
    changes,
    claims,
    gate,
    operations,
    pages,
    plans,
    runs,
    statuses,
    system,
    vehicles,
    webhooks,
)

OPERATIONS: tuple[Operation, ...] = (
    *statuses.OPERATIONS,
    *bulk.OPERATIONS,
    *plans.OPERATIONS,
    *vehicles.OPERATIONS,
    *gate.OPERATIONS,
    *changes.OPERATIONS,
    *claims.OPERATIONS,
    *runs.OPERATIONS,
    *operations.OPERATIONS,
    *webhooks.OPERATIONS,
    *system.OPERATIONS,
    *pages.OPERATIONS,
)
