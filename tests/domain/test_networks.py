"""The networks that a key may be used from: what is one, and which addresses are within."""

from ipaddress import ip_network

import pytest

from padron.domain.addresses import NETWORKS_MAX, is_within, parse_address, parse_networks
from padron.domain.errors import Code, PadronError
from tests.tables import each_row


def test_networks_and_single_addresses_are_read_each_once() -> None:
    given = ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "192.0.2.0/24", "::ffff:10.0.0.0/104", "2001:DB8::/32"]
    found = ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32", "10.0.0.0/8"]
    assert parse_networks(given) == tuple(map(ip_network, found))
    assert parse_networks([]) == ()


@each_row(
    "text", ["", "x", "192.0.2.1/24", "192.0.2.0/33", "192.0.2", "2001:db8::1/32", "any", "192.0.2.0/24,", "٣.0.0.0/8"]
)
def test_what_is_no_network_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(PadronError) as refusal:
        parse_networks(["192.0.2.0/24", text])
    assert refusal.value.code is Code.BAD_PARAMETERS
    assert f"'{text}' is not a network" in refusal.value.detail


def test_there_may_be_only_so_many_networks() -> None:
    networks = [f"10.{number}.0.0/16" for number in range(NETWORKS_MAX + 1)]
    assert len(parse_networks(networks[1:])) == NETWORKS_MAX
    with pytest.raises(PadronError, match="at most 32 networks, not 33"):
        parse_networks(networks)


@each_row(
    "address, within",
    [
        ("192.0.2.255", True), ("192.0.3.0", False), ("::ffff:192.0.2.1", True), ("2001:db8:ffff::1", True),
        ("2001:db9::1", False), ("", False), ("/run/padron.sock", False),
    ],
)  # fmt: skip
def test_an_address_is_compared_in_its_one_form(address: str, within: bool) -> None:  # noqa: FBT001
    assert is_within(parse_address(address), parse_networks(["192.0.2.0/24", "2001:db8::/32"])) is within
