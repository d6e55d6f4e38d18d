"""Addresses of clients: their one form, and the part of them that a limit is about."""

from ipaddress import IPv4Address, IPv6Address, ip_address

IpAddress = IPv4Address | IPv6Address

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
