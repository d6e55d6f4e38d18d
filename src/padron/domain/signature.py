"""How a message is signed (Standard Webhooks 1.0.0): secrets, and the headers of one attempt. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret, not a secret
SECRET_BYTES = 32


def format_secret(key: bytes) -> str:
    """Give the text form of a signing key."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def sign_message(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Give one signature: ``v1,`` and the HMAC-SHA-256 of ``<id>.<timestamp>.<body>`` in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def give_headers(secrets: Iterable[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Give the three headers, with one signature for each secret. There are two secrets during a replacement."""
    timestamp_s = int(at.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(sign_message(secret, message_id, timestamp_s, body) for secret in secrets),
    }
