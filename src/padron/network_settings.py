"""Checks the settings that say how clients reach the server: its root path, and the origins of pages that may call."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from padron.domain.quoting import quote

ROOT_LENGTH_MAX = 200
ORIGINS_MAX = 64
# The first parts of the server's own addresses. Below a root path that begins like one, an address would be ambiguous
# for a proxy that removes the root path.
OWN_PARTS = ("api", "console", "docs", "errors", "openapi.json", "livez", "readyz", ".well-known")

PORT_MAX = 65_535

_match_root = re.compile(r"(?:/[A-Za-z0-9._~-]+)+").fullmatch
_match_origin = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?").fullmatch
_match_listen = re.compile(r"(?:\[([0-9A-Fa-f:.%]{2,64})\]|([0-9A-Za-z._-]{1,255})):([0-9]{1,5})").fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}


def find_root_fault(text: str) -> str | None:
    """Give the fault of a root path, or None. The text follows the name of the setting in a message."""
    parts = text.split("/")[1:]
    if len(text) > ROOT_LENGTH_MAX:
        return f" has {len(text)} characters. At most {ROOT_LENGTH_MAX} are allowed."
    if text.endswith("/"):
        return f" is {quote(text)}: leave out the slash at the end. Without a root path, leave out the setting."
    if _match_root(text) is None or any(part in {".", ".."} for part in parts):
        return (
            f" is {quote(text)}: use a path such as /padron, with a slash at the start, and between slashes only "
            "A-Z, a-z, 0-9, -, _, ~ and dots within a name."
        )
    if parts[0] in OWN_PARTS:
        return f" is {quote(text)}, but the server has its own addresses below /{parts[0]}. Choose another name."
    return None


def find_origins_fault(text: str) -> str | None:
    """Give the fault of a list of origins, or None. The text follows the name of the setting in a message."""
    origins = list_origins(text)
    if len(origins) > ORIGINS_MAX:
        return f" has {len(origins)} origins. At most {ORIGINS_MAX} are allowed."
    for origin in origins:
        if origin == "*":
            return (
                " is *, which would let the pages of every site call the register. "
                "Name the origins, such as https://fleet.example."
            )
        if _match_origin(origin) is None or not _has_usual_port(origin):
            return (
                f" has {quote(origin)}, which is not an origin as browsers send it. Use https://HOST or "
                "https://HOST:PORT, without a path, and leave out the port 443 (with http, 80)."
            )
    return None


def list_origins(text: str) -> list[str]:
    """Give the origins of a list, in lower case as browsers send them."""
    return [part.strip(" ").lower() for part in text.split(",")]


class ListenAddress(NamedTuple):
    """Where to listen. Port 0 means any free port."""

    host: str
    port: int


def find_listen_fault(text: str) -> str | None:
    """Give the fault of an address to listen on, or None. The text follows the name of the setting in a message."""
    if parse_listen(text) is None:
        return f" is {quote(text)}: use HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464."
    return None


def parse_listen(text: str) -> ListenAddress | None:
    """Give the host and the port of a text such as ``127.0.0.1:9464``; None for any other text."""
    match = _match_listen(text)
    if match is None or int(match[3]) > PORT_MAX:
        return None
    return ListenAddress(match[1] or match[2], int(match[3]))


def _has_usual_port(origin: str) -> bool:
    """Say whether a browser would show this port. It leaves out a scheme's default port."""
    try:
        parts = urlsplit(origin)
        return parts.port != 0 and parts.port != _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return False
