"""Addresses of clients and networks: their one form, and the part of an address that a limit is about."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
Networks = Sequence[IpNetwork]

NETWORKS_MAX = 32  # of one key: each call from behind a proxy compares its address with all of them

_MAPPED_BITS = 96  # of an IPv6 address, before the IPv4 address that is inside it
_NETWORK_BITS = 64  # of an IPv6 address: one customer has at least such a network, with all its addresses


def parse_address(text: str) -> IpAddress | None:
    """Give the address in its one form: IPv4 inside IPv6 is IPv4, and a zone counts only on this machine.

    None for text that is not an address, such as the path of a socket.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def find_network(text: str) -> str:
    """Give the part of a client's address that a limit is about: an IPv4 address, or the /64 of an IPv6 address.

    Text that is not an address stays as it is.
    """
    address = parse_address(text)
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"
    return text if address is None else str(address)


def parse_networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """Give networks and single addresses, each once. Raises ``bad_parameters`` for a wrong one, or for too many."""
    networks = tuple(dict.fromkeys(_parse_network(text) for text in texts))
    if len(networks) > NETWORKS_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"A key may have at most {NETWORKS_MAX} networks, not {len(networks)}.")
    return networks


def is_within(address: IpAddress | None, networks: Networks) -> bool:
    """Say whether an address is in one of the networks. An unknown address is in none."""
    return address is not None and any(address in network for network in networks)


def _parse_network(text: str) -> IpNetwork:
    try:
        network = ip_network(text)
    except ValueError:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{quote(text)} is not a network. Use the form 192.0.2.0/24 or 2001:db8::/32, without bits behind the "
            "prefix, or a single address.",
        ) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))  # as the addresses of clients are compared
