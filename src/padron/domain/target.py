"""Where webhooks may go: the rules for URLs and addresses (trust: webhook targets). Nothing here looks up names.

An address is allowed when it is public or in a network that the operator named. Only in such a network may a target
use plain http or a port other than 443.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from urllib.parse import SplitResult, urlsplit

from padron.domain.errors import Code, PadronError

URL_LENGTH_MAX = 2_048

IPAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HTTPS_PORT = 443
_HTTP_PORT = 80
_PORT_MAX = 65_535
_HOST_LENGTH_MAX = 253
# The list is explicit, because Python's is_global differs between versions and misses some of these networks.
_REFUSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "161.26.0.0/16",  # IBM Cloud's own services
        "166.8.0.0/14",  # IBM Cloud's own services
        "168.63.129.16/32",  # Azure's own service, which every machine in Azure can reach
        "169.254.0.0/16",  # link-local, with the metadata service of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # the rest is loopback, mapped, NAT64, unique local, link-local, multicast …
_REFUSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which contains an IPv4 address
        "3fff::/20",  # documentation
    )
)
_match_url = re.compile(r"[!-\[\]-~]+").fullmatch  # printable ASCII without space and backslash
_match_host = re.compile(
    r"[0-9A-Za-z_](?:[0-9A-Za-z_-]*[0-9A-Za-z_])?(?:\.[0-9A-Za-z_](?:[0-9A-Za-z_-]*[0-9A-Za-z_])?)*"
)
_match_bracketed = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]+)?").fullmatch
_match_number = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+").fullmatch
_LABEL_LENGTH_MAX = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookTarget:
    """The parts of a URL. ``address`` is set when the host is written as an address."""

    is_plain: bool  # http
    host: str  # lower case; an IPv6 address without its brackets
    port: int
    address: IPAddress | None

    @property
    def needs_allowed_network(self) -> bool:
        """Say whether the target is allowed only in a network that the operator named."""
        return self.is_plain or self.port != _HTTPS_PORT


def parse_target(url: str, allowed: Sequence[Network]) -> WebhookTarget:
    """Give the parts of a target's URL. Raises ``bad_parameters``; does not check to which addresses its name leads."""
    if len(url) > URL_LENGTH_MAX:
        raise _refuse(f"has {len(url)} characters: at most {URL_LENGTH_MAX} are allowed")
    if _match_url(url) is None or "#" in url:
        raise _refuse("has a character that is not allowed, such as a space or #: encode it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse("is not well-formed") from None
    _check_parts(parts)
    is_plain = parts.scheme == "http"
    if port is None:
        port = _HTTP_PORT if is_plain else _HTTPS_PORT
    if not 0 < port <= _PORT_MAX or parts.netloc.endswith(":"):
        raise _refuse("has no usable port")
    address = _parse_host(parts.netloc, parts.hostname or "")
    target = WebhookTarget(is_plain=is_plain, host=parts.hostname or "", port=port, address=address)
    if address is not None:
        check_addresses(target, [address], allowed)
    elif target.needs_allowed_network and not allowed:
        raise _refuse("must use https and port 443: this server allows no other")
    return target


def check_addresses(target: WebhookTarget, addresses: Iterable[IPAddress], allowed: Sequence[Network]) -> None:
    """Raise ``bad_parameters`` unless the target may use every address. One bad address is enough to refuse."""
    found = list(addresses)
    if not found:
        raise _refuse("has a host that has no address")
    for address in found:
        if any(address in network for network in allowed):
            continue
        if not is_public(address):
            raise _refuse("leads to an address that is not public")
        if target.needs_allowed_network:
            raise _refuse("must use https and port 443: this server allows no other for public addresses")


def is_public(address: IPAddress) -> bool:
    """Say whether an address belongs to the public internet and contains no other address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None:
        return False
    return address in _PUBLIC_V6 and not any(address in network for network in _REFUSED_V6)


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _refuse("must begin with https://")
    if "@" in parts.netloc:
        raise _refuse("must not contain a user or a password")


def _parse_host(netloc: str, host: str) -> IPAddress | None:
    """Give the address when the host is written as an address, or None for a name."""
    if netloc.startswith("["):
        if _match_bracketed(netloc) is None:
            raise _refuse("has a host that is not an IPv6 address")
        try:
            return IPv6Address(host)
        except ValueError:
            raise _refuse("has a host that is not an IPv6 address") from None
    bare = host.removesuffix(".")
    labels = bare.split(".")
    if (
        _match_host.fullmatch(bare) is None
        or len(bare) > _HOST_LENGTH_MAX
        or any(len(label) > _LABEL_LENGTH_MAX for label in labels)
    ):
        raise _refuse("has a host that is neither a name nor an address")
    # Some programs read every host that ends in a number as an IPv4 address (127.1, 2130706433, 0x7f.1, 0177.0.0.1).
    # Only the form that all programs read alike is allowed.
    if _match_number(labels[-1]) is None:
        return None
    try:
        return ip_address(host)
    except ValueError:
        raise _refuse("has an IPv4 address that is not written as four decimal numbers") from None


def _refuse(why: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, f"The url {why}.")
