"""The register as a whole: whether it can be used, and what an operator does after a backup was restored."""

import secrets

from padron.service.changes.cursors import EPOCH_LENGTH
from padron.service.runtime import Runtime


async def check_register(runtime: Runtime) -> None:
    """Return when the database answers with the schema of this program. Raises ``store_unavailable``."""
    await runtime.store.check()


def is_replica_fresh(runtime: Runtime) -> bool | None:
    """Say whether a replica takes reads now, as far as this process knows; None when there is none."""
    return runtime.store.is_replica_fresh


async def renew_register(runtime: Runtime) -> str:
    """Begin a new life of the register, and give its epoch: every cursor given before is gone from then on.

    A server that runs meanwhile keeps the epoch that it read when it started.
    """
    epoch = secrets.token_hex(EPOCH_LENGTH // 2)
    await runtime.store.directory.renew_epoch(epoch)
    return epoch
