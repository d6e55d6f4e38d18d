"""Who sent a request that a proxy passed on: plain functions of addresses, header bytes and trusted networks.

``X-Forwarded-For`` is a list to which each proxy adds the address that it got the request from. Anybody can send the
header, so only the part that trusted proxies wrote counts, and it is read from the end. The server decides once for
each connection whether its peer is trusted. If the peer is not, the server ignores these headers.
"""

import re
from collections.abc import Mapping

from padron.domain.addresses import IpAddress, Networks, is_within, parse_address

ENTRIES_MAX = 32  # no longer chain of proxies is followed, so a list of any length takes the same short time

_SPACES = b" \t"
# An address as proxies write it: IPv4 or IPv6 in brackets, each perhaps with a port, or plain IPv6.
_match_entry = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})"
).fullmatch


class LastHop:
    """The other end of a connection, and what the headers of its requests say about the client behind it.

    Nothing is computed until somebody asks. Keep the peer as long as the connection, so that it is judged only once.
    """

    __slots__ = ("_is_trusted", "_networks", "address", "scheme")

    def __init__(self, address: str, scheme: str, networks: Networks) -> None:
        """``scheme`` is the connection's own: http, or https with TLS. ``networks`` are those of trusted proxies."""
        self.address = address
        self.scheme = scheme
        self._networks = networks
        self._is_trusted: bool | None = None if networks else False

    @property
    def is_trusted(self) -> bool:
        """Say whether the peer is a trusted proxy."""
        if self._is_trusted is None:
            self._is_trusted = is_trusted(self.address, self._networks)
        return self._is_trusted

    def find_client(self, headers: Mapping[bytes, bytes]) -> str:
        """Give the address of the client that sent a request with these headers."""
        if not self.is_trusted:
            return self.address
        return find_client(self.address, headers.get(b"x-forwarded-for"), self._networks)

    def find_scheme(self, headers: Mapping[bytes, bytes]) -> str:
        """Give the scheme that the client of a request with these headers used: http or https."""
        return find_scheme(self.scheme, headers.get(b"x-forwarded-proto")) if self.is_trusted else self.scheme


UNKNOWN_HOP = LastHop("", "http", ())


def is_trusted(peer: str, networks: Networks) -> bool:
    """Say whether a connection comes from a trusted proxy. Text that is not an address is not trusted."""
    return bool(networks) and is_within(parse_address(peer), networks)


def find_client(peer: str, forwarded_for: bytes | None, networks: Networks) -> str:
    """Give the address of a trusted peer's client: the last entry that is not the address of a trusted proxy.

    ``forwarded_for`` holds all lines of the header, with commas between them. If all entries are trusted, the first
    one is the client. An entry that is not an address, such as ``unknown``, ends the search, because all entries
    before it may be forged. The client is then the address that was found last.
    """
    found = parse_address(peer)
    end = 0 if forwarded_for is None else len(forwarded_for)
    for _ in range(ENTRIES_MAX):
        if forwarded_for is None or end < 0:
            break
        comma = forwarded_for.rfind(b",", 0, end)
        entry = forwarded_for[comma + 1 : end].strip(_SPACES)
        end = comma
        if not entry:  # an empty element of a list means nothing (RFC 9110, 5.6.1)
            continue
        address = _parse_entry(entry)
        if address is None:
            break
        found = address
        if not is_within(address, networks):
            break
    return peer if found is None else str(found)


def find_scheme(own: str, forwarded_proto: bytes | None) -> str:
    """Give the scheme of a trusted peer's client: the last one in ``X-Forwarded-Proto``, if it is http or https.

    ``own`` is the scheme of the connection.
    """
    if forwarded_proto is None:
        return own
    named = forwarded_proto[forwarded_proto.rfind(b",") + 1 :].strip(_SPACES).lower()
    return named.decode() if named in {b"http", b"https"} else own


def _parse_entry(entry: bytes) -> IpAddress | None:
    match = _match_entry(entry)
    return None if match is None else parse_address((match[1] or match[2] or match[3]).decode())
