"""The register as a whole: its readiness, and its renewal after an operator restored a backup."""

import secrets

from padron.service.changes.cursors import EPOCH_LENGTH
from padron.service.runtime import Runtime


async def check_register(runtime: Runtime) -> None:
    """Return when the database answers with the schema of this program. Raises ``store_unavailable``."""
    await runtime.store.check()


def is_replica_fresh(runtime: Runtime) -> bool | None:
    """Say whether a replica takes reads now, as far as this process knows. None means there is no replica."""
    return runtime.store.is_replica_fresh


async def renew_register(runtime: Runtime) -> str:
    """Begin a new life of the register, and give its epoch. Every earlier cursor is then gone.

    A server that is running keeps the epoch that it read when it started.
    """
    epoch = make_epoch()
    await runtime.store.directory.renew_epoch(epoch)
    return epoch


def make_epoch() -> str:
    """Give a name for a new life of the register."""
    return secrets.token_hex(EPOCH_LENGTH // 2)
