"""Lets servers go first: a change of the schema that cannot get a lock soon is given up, and tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

ATTEMPTS_MAX = 30
PAUSE_S = 1.0

# A statement that waits for a lock makes everybody wait who comes after it. Servers wait for 1.5 seconds.
LOCK_TIMEOUT = "lock_timeout = '1s'"

T = TypeVar("T")


async def give_way(connection: asyncpg.Connection, work: Callable[[], Awaitable[T]]) -> T:
    """Do ``work``, which waits for locks for a second only, until it succeeds: at most thirty times.

    It is also undone and tried again when a server's statement waits for it in turn.
    """
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await work()
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await connection.execute("ROLLBACK")
            await asyncio.sleep(PAUSE_S)
    return await work()
