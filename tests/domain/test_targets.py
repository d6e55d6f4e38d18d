"""Which URLs and addresses webhooks may go to: the table that the guard is held to."""

from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.target import URL_LENGTH_MAX, Network, check_addresses, is_public, parse_target
from tests.tables import each_row

LOCAL: tuple[Network, ...] = (IPv4Network("10.1.0.0/16"), IPv4Network("127.0.0.0/8"), IPv6Network("fd00:1::/64"))

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "161.25.255.255",
    "161.27.0.0",
    "166.7.255.255",
    "166.12.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "2001:4860:4860::8888",
    "2001:200::1",
    "2400:cb00::1",
    "2003::1",
]
NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "161.26.0.10",
    "166.8.0.0",
    "166.11.255.255",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "64:ff9b::168.63.129.16",
    "fd20:ce::254",
    "fd00:42::42",
    "169.254.0.1",
    "169.254.0.23",
    "169.254.42.42",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::1111%1",
]
REFUSED_URLS = [
    "", "https", "https:", "https://", "https:///path", "//fleet.example/", "fleet.example", "/hook",
    "http://fleet.example/", "http://fleet.example:443/", "ftp://fleet.example/", "file:///etc/passwd",
    "gopher://fleet.example/", "javascript:alert(1)", "data:text/plain,x", "unix:///var/run/x.sock",
    "https://fleet.example:80/", "https://fleet.example:8443/", "https://fleet.example:22/",
    "https://fleet.example:0/",
    "https://fleet.example:65536/", "https://fleet.example:-1/", "https://fleet.example:x/",
    "https://fleet.example:/",
    "https://fleet.example:443:443/", "https://user@fleet.example/", "https://user:password@fleet.example/",
    "https://@fleet.example/", "https://fleet.example@127.0.0.1/", "https://fleet.example:443@127.0.0.1/",
    "https://127.0.0.1/", "https://127.0.0.1:443/", "https://127.1/", "https://127.0.1/", "https://127/",
    "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7f.1/", "https://0x7f.0.0.1/",
    "https://0X7F.0.0.1/", "https://0177.0.0.1/", "https://0177.0.0.01/", "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://127.0.0.0x1/", "https://00000127.0.0.1/", "https://1.1.1.1.1/", "https://1.1.1.256/", "https://1.1.1/",
    "https://fleet.1/", "https://fleet.0x1/", "https://fleet.0x/", "https://3232235777/", "https://0/",
    "https://0.0.0.0/",
    "https://169.254.169.254/latest/meta-data/", "https://10.0.0.5/", "https://192.168.1.1/", "https://100.64.0.1/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
    "https://[2001::1]/", "https://[ff02::1]/", "https://[v1.fe80]/", "https://[127.0.0.1]/", "https://[]/",
    "https://[::1/",
    "https://::1/", "https://[::1]x/", "https://[2606:4700::1111]:8443/", "https://1.1.1.1:8443/",
    "https://[1::2::3]/",
    "https://fleet.example\\@127.0.0.1/", "https://fleet.example /", " https://fleet.example/",
    "https://fleet.example/\n",
    "https://fleet.example/\r\nX: y", "https://fleet.example/\x00", "https://fleet.example/ä",
    "https://flööt.example/",
    "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/", "https://ⓕleet.example/",
    "https://fleet%2eexample/", "https://%31%32%37.0.0.1/",
    "https://fleet.example/#fragment", "https://fleet.example#@127.0.0.1/", "https://-fleet.example/",
    "https://fleet-.example/",
    "https://fleet..example/", "https://.fleet.example/", "https://fleet.example../", f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/", "https://fleet,example/", "https://fl*eet.example/", "https://fleet.example;x/",
    "https://localhost:8080/", "http://localhost/", f"https://fleet.example/{'x' * URL_LENGTH_MAX}",
]  # fmt: skip
ALLOWED_URLS = [
    "https://fleet.example", "https://fleet.example/", "HTTPS://Fleet.Example/Hook?x=1&y=%20",
    "https://fleet.example:443/a",
    "https://fleet.example./", "https://a_b.fleet.example/", "https://xn--fltt-5qa.example/", "https://1.1.1.1/",
    "https://[2606:4700::1111]/", "https://[2606:4700::1111]:443/", "https://1.fleet.example/",
    "https://0x7f.example/",
    "https://localhost/",
]  # fmt: skip
LOCAL_URLS = [
    "http://10.1.2.3/", "http://10.1.2.3:8080/hook", "https://10.1.255.255:1/", "http://127.0.0.1:65535/",
    "http://[fd00:1::5]:8080/", "http://receiver.internal:8080/", "http://receiver.internal/",
    "https://receiver.internal:8443/",
]  # fmt: skip
STILL_REFUSED_URLS = [
    "http://10.2.0.1/", "http://127.1/", "http://0x7f.0.0.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/",
    "http://[::1]/", "http://169.254.169.254/", "http://user@127.0.0.1/", "http://1.1.1.1/", "https://1.1.1.1:8443/",
    "http://[fd00:2::1]/",
]  # fmt: skip


@each_row("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_public(ip_address(text))


@each_row("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@each_row("url", REFUSED_URLS)
def test_a_url_that_could_lead_astray_is_refused(url: str) -> None:
    with pytest.raises(PadronError) as refusal:
        parse_target(url, ())
    assert refusal.value.code is Code.BAD_PARAMETERS


@each_row("url", ALLOWED_URLS)
def test_a_public_url_is_allowed(url: str) -> None:
    assert parse_target(url, ()).port == 443


@each_row("url", LOCAL_URLS)
def test_in_a_network_that_the_operator_named_http_and_any_port_are_allowed(url: str) -> None:
    parse_target(url, LOCAL)
    with pytest.raises(PadronError):
        parse_target(url, ())


@each_row("url", STILL_REFUSED_URLS)
def test_naming_a_network_opens_no_other(url: str) -> None:
    with pytest.raises(PadronError):
        parse_target(url, LOCAL)


@each_row("bad", ["127.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"])
def test_one_bad_address_refuses_them_all(bad: str) -> None:
    target = parse_target("https://fleet.example/", ())
    good = ip_address("1.1.1.1")
    check_addresses(target, [good, good], ())
    for addresses in ([good, ip_address(bad)], [ip_address(bad), good], [ip_address(bad)], []):
        with pytest.raises(PadronError):
            check_addresses(target, addresses, ())


def test_a_name_with_a_plain_target_needs_every_address_in_a_named_network() -> None:
    target = parse_target("http://receiver.internal:8080/", LOCAL)
    check_addresses(target, [ip_address("10.1.0.1"), ip_address("fd00:1::1")], LOCAL)
    with pytest.raises(PadronError):
        check_addresses(target, [ip_address("10.1.0.1"), ip_address("1.1.1.1")], LOCAL)


def test_the_table_is_as_large_as_promised() -> None:
    urls = {*REFUSED_URLS, *ALLOWED_URLS, *LOCAL_URLS, *STILL_REFUSED_URLS}
    assert len(urls) + len({*PUBLIC, *NOT_PUBLIC}) >= 120
