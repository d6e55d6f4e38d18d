"""The file with the keys that encrypt the secrets of webhooks. Only its owner may read it.

Each line has one key: 32 bytes in URL-safe base64. The first key encrypts, and every key decrypts. Lines that are empty
or begin with # are comments.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path

KEY_BYTES = 32
FILE_BYTES_MAX = 65_536
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_key() -> str:
    """Give a new key, as a line of the file."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def read_keys(path: Path) -> list[str]:
    """Give the keys of a file, in order. Raises ``secret_key_missing`` for a file that cannot be used."""
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise refuse_file(path, f"cannot be read: {error.strerror or type(error).__name__}") from error
    if len(content) > FILE_BYTES_MAX:
        raise refuse_file(path, f"has more than {FILE_BYTES_MAX} bytes")
    keys = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not _is_key(text):  # the message must not repeat it, because it may be nearly a key
            raise refuse_file(path, f"has no key on line {number}. Make one with padron secrets new-key")
        keys.append(text)
    if not keys:
        raise refuse_file(path, "has no key. Make one with padron secrets new-key")
    return keys


def refuse_file(path: Path, fault: str) -> PadronError:
    """Give the refusal of a file."""
    return PadronError(Code.SECRET_KEY_MISSING, f"The secret file {quote_path(path)} {fault}.")


def _check_mode(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise refuse_file(path, "is not a file")
    if mode & OTHERS:
        raise refuse_file(path, "can be used by others than its owner. Run chmod 600 on it")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
