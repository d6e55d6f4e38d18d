"""Hashes passwords with argon2id, on threads, with a limit on how many at the same time.

One hash takes 46 MiB and tens of milliseconds of a core. So the limit is on memory and on time: whoever sends many
passwords gets 503, and the calls of the API keep their cores.
"""

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from padron.domain.errors import Code, PadronError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 256
MEMORY_KIB = 47_104  # the first choice of OWASP's Password Storage Cheat Sheet, with one pass more
PASSES = 2
AT_ONCE = 2
WAITING_MAX = 30

_SALT_BYTES = 16
_HASH_BYTES = 32

T = TypeVar("T")


class PasswordHashing:
    """Makes and checks the hashes of passwords, for one process."""

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        at_once: int = AT_ONCE,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._room = at_once + waiting_max
        self._threads = ThreadPoolExecutor(at_once, "padron-password")
        self._tasks: set[asyncio.Task[object]] = set()
        self._running = 0
        self._counting = Lock()
        self.hash_count = 0  # hashes that were begun
        self.at_once_seen = 0  # the most at the same time
        salt, digest = (_encode(secrets.token_bytes(length)) for length in (_SALT_BYTES, _HASH_BYTES))
        # It has the form of a hash, so a check of it takes as long as any other, but it belongs to no password.
        self._decoy = f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher, Type  # noqa: PLC0415 - most commands start faster without it

        return PasswordHasher(
            time_cost=self._passes,
            memory_cost=self._memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )

    async def hash(self, password: str) -> str:
        """Give the hash to store. Raises ``server_full``."""
        return await self._run(lambda: self._hasher.hash(normalize_password(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether a password belongs to a hash. Raises ``server_full``.

        Without a hash the answer is no. It takes as long as with one, so that nobody learns who has a password.
        """
        chosen = self._decoy if password_hash is None else password_hash
        return await self._run(lambda: self._verify(chosen, password)) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Say whether a hash was made with other parameters than the present ones."""
        return self._hasher.check_needs_rehash(password_hash)

    async def close(self) -> None:
        """Wait for the hashes under way."""
        if self._tasks:
            await asyncio.wait([*self._tasks])
        self._threads.shutdown()

    def _verify(self, password_hash: str, password: str) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 - as above

        try:
            return self._hasher.verify(password_hash, normalize_password(password))
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if len(self._tasks) >= self._room:
            raise PadronError(
                Code.SERVER_FULL, "The server checks too many passwords at the moment. Try again shortly."
            )
        self.hash_count += 1
        task: asyncio.Task[T] = asyncio.create_task(self._hash_on_thread(work), name="padron-password")
        self._tasks.add(task)  # the room is taken until the thread is done, even if the caller hangs up
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _hash_on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._count(work))

    def _count(self, work: Callable[[], T]) -> T:
        with self._counting:
            self._running += 1
            self.at_once_seen = max(self.at_once_seen, self._running)
        try:
            return work()
        finally:
            with self._counting:
                self._running -= 1


def normalize_password(password: str) -> bytes:
    """Give the bytes that are hashed. The same letters typed on another keyboard give the same bytes (NFC)."""
    cut = password[: 4 * PASSWORD_LENGTH_MAX]  # no valid password is longer, whatever its form
    return unicodedata.normalize("NFC", cut).encode("utf-8", "surrogatepass")


def _encode(raw: bytes) -> str:
    return b64encode(raw).rstrip(b"=").decode()
