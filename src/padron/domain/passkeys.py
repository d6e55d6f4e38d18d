"""Passkeys: what is kept of one, for which host it works, and the challenge that a browser signs.

A challenge belongs to the browser that asked for it, and to its purpose: only a digest of all three is stored. So a
signed challenge that was stolen helps in no other browser, and one to sign in adds no passkey.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from padron.domain.addresses import parse_address

CHALLENGE_LASTS = timedelta(minutes=5)
CHALLENGES_MAX = 10_000  # that nobody has answered yet, in the whole register
NETWORK_CHALLENGES_MAX = 100  # of one network
CONFIRMED_FOR = timedelta(minutes=10)  # after a sign-in, a person need not prove again who they are
PASSKEY_NAME_LENGTH_MAX = 100
ANSWER_LENGTH_MAX = 16_384
CREDENTIAL_ID_BYTES_MAX = 1_023  # WebAuthn Level 3, 4: Credential ID

_match_base64url = re.compile("[0-9A-Za-z_-]{1,1364}").fullmatch
_SIGN_IN = "sign in"
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Passkey:
    """A passkey of a person. It works only for the host under which it was made."""

    credential_id: bytes
    user_id: str
    host: str
    public_key: bytes  # as COSE_Key (RFC 9052)
    sign_count: int  # 0 where the device does not count
    name: str
    added_at: datetime
    used_at: datetime | None

    @property
    def number(self) -> str:
        """The credential's id as a text, for forms."""
        return encode_base64url(self.credential_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """Whom a browser makes a passkey for: the host that it compares, and the origin that it signs."""

    host: str
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """What a browser signs. ``browser`` is a secret of the browser that asked, and ``purpose`` what it is for."""

    raw: bytes
    browser: str
    purpose: str = _SIGN_IN

    @property
    def sha256(self) -> bytes:
        """The name under which it is stored."""
        return hashlib.sha256(f"{self.purpose} {self.browser} ".encode() + self.raw).digest()


def give_adding_purpose(user_id: str) -> str:
    """Give the purpose of a challenge with which this person adds a passkey."""
    return f"add {user_id}"


def give_party(origin: str, resource: str) -> Party | None:
    """Give whom a browser at an origin makes passkeys for; None where passkeys do not work.

    ``resource`` is the server's own address if the operator configured it. Then no other host is believed. Browsers
    make passkeys for names only, so none work under an IP address.
    """
    if resource and origin != _find_origin(resource):
        return None
    host = urlsplit(origin).hostname or ""
    return Party(host=host, origin=origin) if host and parse_address(host) is None else None


def _find_origin(address: str) -> str:
    """Give the origin of an address as browsers write it: in small letters, without the usual port."""
    parts = urlsplit(address)
    port = "" if parts.port in {None, _USUAL_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def went_backwards(passkey: Passkey, count: int) -> bool:
    """Say whether a device counted no further than before. Then there may be two devices with the same secret.

    A device that does not count always says 0.
    """
    return (count > 0 or passkey.sign_count > 0) and count <= passkey.sign_count


def parse_credential_id(text: str) -> bytes | None:
    """Give the bytes of a credential's id, or None for a text that cannot be one."""
    if _match_base64url(text) is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if encode_base64url(raw) == text else None


def encode_base64url(raw: bytes) -> str:
    """Give bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
