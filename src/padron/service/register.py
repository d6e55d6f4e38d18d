"""The register as a whole: its readiness, and its renewal after an operator restored a backup."""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.domain.trouble import Trouble, TroubleCode, TroubledError
from padron.service.changes.cursor_texts import EPOCH_LENGTH
from padron.service.runtime import Runtime
from padron.store.backups import BackupState

STALLED_S_MAX = 20.0  # longer than any write waits, for a lock or for a slow disk
BACKUP_AGE_S_MAX = 30.0  # it is a second while the folder works
READY_S_MAX = 0.9  # for the whole answer, whatever the database does


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """What is wrong with the register now, and what is known of its parts."""

    troubles: tuple[Trouble, ...]
    is_replica_fresh: bool | None  # None: there is no replica
    is_being_checked: bool | None  # None: there is no check of the database, or none yet

    @property
    def is_ready(self) -> bool:
        """Say whether calls can be answered."""
        return not any(trouble.is_fatal for trouble in self.troubles)


async def find_readiness(runtime: Runtime) -> Readiness:
    """Give what is wrong with the register now, within a second."""
    store = runtime.store
    code: TroubleCode | None = None
    try:
        async with asyncio.timeout(READY_S_MAX):
            await store.check()
    except TroubledError as error:
        code = error.trouble.code
    except PadronError as error:
        is_other = error.code is Code.SCHEMA_MISMATCH
        code = TroubleCode.MIGRATIONS_PENDING if is_other else TroubleCode.DATABASE_UNREACHABLE
    except TimeoutError:
        code = TroubleCode.DATABASE_UNREACHABLE
    is_fresh = store.is_replica_fresh
    found = (
        code,
        TroubleCode.REPLICA_BEHIND if is_fresh is False else None,
        TroubleCode.NODE_FAILING if store.failing_node_count else None,
        TroubleCode.BACKUP_FAILING if store.backup is not None and _is_failing(store.backup.state, runtime) else None,
    )
    return Readiness(
        troubles=tuple(Trouble(code=one) for one in found if one is not None),
        is_replica_fresh=is_fresh,
        is_being_checked=store.is_being_checked,
    )


def _is_failing(backup: BackupState, runtime: Runtime) -> bool:
    age_s = backup.give_age_s(runtime.clock())
    is_behind = age_s is not None and age_s > BACKUP_AGE_S_MAX  # a folder that hangs gives no error
    return is_behind or bool(backup.trouble or backup.check_trouble)


async def watch_register(runtime: Runtime) -> None:
    """Look for trouble that no call would notice. Raises ``store_unavailable`` when there is some."""
    await runtime.store.watch()


async def follow_record(runtime: Runtime) -> bool:
    """Bring what pages by an instant read closer to the record. Say whether there may be more to do at once."""
    return await runtime.store.follow_record()


async def restart_orders(runtime: Runtime) -> None:
    """Forget what pages by an instant read, so that the server builds it again."""
    await runtime.store.restart_orders()


async def examine_register(runtime: Runtime) -> bool:
    """Check the whole database for damage, with a low priority. Say whether the check came to its end."""
    return await runtime.store.examine()


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
