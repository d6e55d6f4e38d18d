"""The register as a whole: what an operator does with it after a backup was restored."""

import secrets

from padron.service.changes.cursors import EPOCH_LENGTH
from padron.service.runtime import Runtime


async def renew_register(runtime: Runtime) -> str:
    """Begin a new life of the register, and give its epoch: every cursor given before is gone from then on.

    A server that runs meanwhile keeps the epoch that it read when it started.
    """
    epoch = secrets.token_hex(EPOCH_LENGTH // 2)
    await runtime.store.directory.renew_epoch(epoch)
    return epoch
