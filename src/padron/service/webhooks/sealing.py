"""Encrypts what must not be readable in the database or in a backup: the secrets that sign webhooks.

The form is ``enc:<mark>:<token>``: the mark says which key it needs, and the token is Fernet's (AES-CBC with HMAC).
Text in any other form is not encrypted. Without keys nothing is encrypted, and such text can always be read.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from padron.domain.errors import Code, PadronError
from padron.domain.webhook import MARK_LENGTH, SEALED

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

LOADED_EVERY_S = 2.0  # at most, while a key is missing

LoadKeys = Callable[[], Sequence[str]]


class SecretBox:
    """The keys of this process. They are read again before each encryption, and when one is missing."""

    def __init__(self, load: LoadKeys | None = None) -> None:
        """``load`` gives the keys, the one that encrypts first. It raises ``secret_key_missing``."""
        self._load = load
        self._keys: dict[str, Fernet] = {}  # by mark, the one that encrypts first
        self._loaded_at_s: float | None = None

    @property
    def is_sealing(self) -> bool:
        """Say whether new secrets are encrypted."""
        return self._load is not None

    def read_mark(self) -> str:
        """Give the mark of the key that encrypts. Empty means that nothing is encrypted."""
        self._read()
        return next(iter(self._keys), "")

    def seal(self, text: str) -> str:
        """Give a text as it is to be stored."""
        mark = self.read_mark()
        return f"{SEALED}{mark}:{self._keys[mark].encrypt(text.encode()).decode()}" if mark else text

    def open(self, stored: str) -> str:
        """Give the text that was stored. Raises ``secret_key_missing``."""
        if not stored.startswith(SEALED):
            return stored
        mark, _, token = stored.removeprefix(SEALED).partition(":")
        if not self.has(mark):
            raise give_missing([mark])
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - most processes never need it

        try:
            return self._keys[mark].decrypt(token).decode()
        except InvalidToken as error:
            raise PadronError(
                Code.SECRET_KEY_MISSING, f"A secret that is encrypted with the key {mark} is damaged."
            ) from error

    def has(self, mark: str) -> bool:
        """Say whether there is a key with this mark. If not, the keys are read again, but not all the time."""
        now_s = time.monotonic()
        if mark not in self._keys and (self._loaded_at_s is None or now_s - self._loaded_at_s > LOADED_EVERY_S):
            self._read()
        return mark in self._keys

    def _read(self) -> None:
        self._loaded_at_s = time.monotonic()
        if self._load is not None:
            from cryptography.fernet import Fernet  # noqa: PLC0415

            self._keys = {give_mark(key): Fernet(key) for key in self._load()}


def give_mark(key: str) -> str:
    """Give the name of a key, which says nothing about it."""
    return hashlib.sha256(b"padron secret key " + key.encode()).hexdigest()[:MARK_LENGTH]


def give_missing(marks: Collection[str]) -> PadronError:
    """Give the error about keys that are needed and not there."""
    named = ", ".join(sorted(marks))
    return PadronError(
        Code.SECRET_KEY_MISSING,
        f"Secrets of webhooks are encrypted with a key that the secret file does not have (mark {named}). "
        "Add this key to the file that PADRON_SECRET_FILE names.",
    )
