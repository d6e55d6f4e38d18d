"""The register as a whole: its readiness, and its renewal after an operator restored a backup."""

import secrets
from contextlib import suppress

from padron.service.changes.cursors import EPOCH_LENGTH
from padron.service.runtime import Runtime

STALLED_S_MAX = 20.0  # longer than any write waits, for a lock or for a slow disk


async def check_register(runtime: Runtime) -> None:
    """Return when the database answers with the schema of this program. Raises ``store_unavailable``."""
    await runtime.store.check()


async def is_moving(runtime: Runtime) -> bool:
    """Say whether the store's writer moves. A restart may help if it does not.

    A database that is away or refuses its work is no reason: another process would find it as this one does. The
    question is asked anyway, because it must come back, whatever the answer.
    """
    with suppress(Exception):
        await runtime.store.check()
    return runtime.store.stalled_s < STALLED_S_MAX


def is_replica_fresh(runtime: Runtime) -> bool | None:
    """Say whether a replica takes reads now, as far as this process knows. None means there is no replica."""
    return runtime.store.is_replica_fresh


async def renew_register(runtime: Runtime) -> str:
    """Begin a new life of the register, and give its epoch. Every earlier cursor is then gone.

    A server that is running keeps the epoch that it read when it started.
    """
    epoch = secrets.token_hex(EPOCH_LENGTH // 2)
    await runtime.store.directory.renew_epoch(epoch)
    return epoch
