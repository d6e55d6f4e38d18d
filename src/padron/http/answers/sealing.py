"""Encrypts a kept answer that shows a secret which the register itself keeps only as a hash.

The key is made from the caller's own token and Idempotency-Key. The register has a hash of the token, so nobody who
reads the database or a backup can open the answer. Whoever repeats the request has the token.
"""

import base64
import hashlib
import re

from padron.domain.account import KEY_PATTERN
from padron.domain.errors import Code, PadronError
from padron.domain.sessions import INVITATION_PREFIX

_SEALED = b"own:"
_find_token = re.compile(f"{KEY_PATTERN}|{INVITATION_PREFIX}".encode()).search


def shows_token(body: bytes) -> bool:
    """Say whether an answer shows an API key, or a link that opens a session."""
    return _find_token(body) is not None


def seal_for(caller: str, idempotency_key: str, body: bytes) -> bytes:
    """Give an answer as it is to be kept for the caller with this token."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - few answers need it

    return _SEALED + Fernet(_make_key(caller, idempotency_key)).encrypt(body)


def open_for(caller: str, idempotency_key: str, kept: bytes) -> bytes:
    """Give an answer that was kept. Raises ``answer_lost`` for a caller with another token."""
    if not kept.startswith(_SEALED):
        return kept
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415

    try:
        return Fernet(_make_key(caller, idempotency_key)).decrypt(kept.removeprefix(_SEALED))
    except InvalidToken:
        raise PadronError(
            Code.ANSWER_LOST,
            "The first request with this Idempotency-Key took effect. Its answer shows a secret, and can be repeated "
            "only for the same token. Read the current state, then decide.",
        ) from None


def _make_key(caller: str, idempotency_key: str) -> bytes:
    text = f"padron kept answer\n{caller}\n{idempotency_key}"
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
