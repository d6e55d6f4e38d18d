"""Who is the client of a request that proxies passed on: what counts, what is ignored, and that nothing takes long."""

import time
from ipaddress import IPv4Address, ip_address, ip_network

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.addresses import Networks
from padron.http import app
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.reach import Reach
from padron.http.requests import forwarding
from padron.http.requests.forwarding import ENTRIES_MAX, LastHop, find_client, find_scheme, is_trusted
from padron.http.routes import give_routes
from padron.service.runtime import Runtime, build_runtime
from tests.conftest import OpenStore, SteppedClock
from tests.http.conftest import run_lifespan
from tests.tables import each_row

NETWORKS = tuple(ip_network(one) for one in ("10.0.0.0/8", "192.0.2.7/32", "fd00:1::/32", "::1/128"))
PROXY = "10.0.0.1"


@each_row(
    "header, client",
    [
        (b"203.0.113.5", "203.0.113.5"),
        (b"203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (b"203.0.113.5,10.0.0.2,192.0.2.7", "203.0.113.5"),
        (b"198.51.100.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),  # what stands before may be forged
        (b"10.0.0.9, 203.0.113.5", "203.0.113.5"),
        (b"10.0.0.9, 10.0.0.2", "10.0.0.9"),  # a client within the trusted networks
        (b"203.0.113.5:4711", "203.0.113.5"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"2001:DB8:0:0::0001", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"[2001:db8::1]:443, [fd00:1::5]:80", "2001:db8::1"),
        (b"::ffff:203.0.113.5", "203.0.113.5"),
        (b"203.0.113.5, ::ffff:10.0.0.2", "203.0.113.5"),
        (b" \t203.0.113.5\t , ,, 10.0.0.2 ,", "203.0.113.5"),
        (b"203.0.113.5, unknown", PROXY),
        (b"203.0.113.5, unknown, 10.0.0.2", "10.0.0.2"),
        (b"203.0.113.5, _hidden, 10.0.0.2", "10.0.0.2"),
        (b"203.0.113.5, 10.0.0.256", PROXY),
        (b"203.0.113.5, 010.0.0.2", PROXY),
        (b"203.0.113.5, 10.0.0.2:port", PROXY),
        (b"203.0.113.5, [10.0.0.2", PROXY),
        (b"203.0.113.5, fe80::1%eth0", PROXY),
        (b"203.0.113.5; 10.0.0.2", PROXY),
        (b"203.0.113.5 10.0.0.2", PROXY),
        (b'"203.0.113.5"', PROXY),
        (b"\xff\xfe", PROXY),
        ("203.0.113.\u0665".encode(), PROXY),
        (b"", PROXY),
        (b",,,", PROXY),
        (None, PROXY),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(header: bytes | None, client: str) -> None:
    assert find_client(PROXY, header, NETWORKS) == client
    assert (
        LastHop(PROXY, "http", NETWORKS).find_client({} if header is None else {b"x-forwarded-for": header}) == client
    )


@each_row(
    "peer, trusted",
    [
        ("10.255.0.1", True), ("11.0.0.1", False), ("192.0.2.7", True), ("192.0.2.8", False), ("::1", True),
        ("::ffff:10.0.0.1", True), ("::ffff:11.0.0.1", False), ("fd00:1:2::3", True), ("fd00:2::3", False),
        ("fd00:1::3%eth0", True), ("", False), ("testclient", False), ("10.0.0.1, 10.0.0.2", False),
    ],
)  # fmt: skip
def test_a_peer_is_trusted_by_its_network(peer: str, trusted: bool) -> None:  # noqa: FBT001
    assert is_trusted(peer, NETWORKS) is trusted
    assert LastHop(peer, "http", NETWORKS).is_trusted is trusted
    assert not is_trusted(peer, ())


def test_of_everybody_else_the_headers_are_ignored() -> None:
    headers = {b"x-forwarded-for": b"198.51.100.1", b"x-forwarded-proto": b"https"}
    for peer in (LastHop("203.0.113.5", "http", NETWORKS), LastHop(PROXY, "http", ()), LastHop("", "http", NETWORKS)):
        assert (peer.find_client(headers), peer.find_scheme(headers)) == (peer.address, "http")
    proxy = LastHop(PROXY, "http", NETWORKS)
    assert (proxy.find_client(headers), proxy.find_scheme(headers)) == ("198.51.100.1", "https")


@each_row(
    "header, scheme",
    [
        (b"https", "https"), (b"HTTPS ", "https"), (b"http", "http"), (b"http, https", "https"),
        (b"https,http", "http"),
        (b"wss", "own"), (b"https;", "own"), (b"", "own"), (b"https,", "own"), (b"javascript", "own"), (None, "own"),
    ],
)  # fmt: skip
def test_the_scheme_is_the_last_that_is_named_and_only_http_or_https(header: bytes | None, scheme: str) -> None:
    assert find_scheme("own", header) == scheme


@given(st.binary(max_size=200) | st.text("0123456789abcdef.:,[] %", max_size=200).map(str.encode))
def test_whatever_the_header_is_the_client_is_an_address(header: bytes) -> None:
    assert str(ip_address(find_client(PROXY, header, NETWORKS))) != ""


FORMS = ("{}", " {}", "{}:80", "\t[{}] ", "[{}]:443")


@given(st.lists(st.tuples(st.ip_addresses(network="10.0.0.0/30") | st.ip_addresses(v=4), st.sampled_from(FORMS))))
def test_the_first_strangers_address_from_the_end_is_found_in_every_form(hops: list[tuple[IPv4Address, str]]) -> None:
    header = ",".join(form.format(address) for address, form in hops).encode()
    last = [str(address) for address, _ in hops][-ENTRIES_MAX:]
    strangers = [address for address in last if not is_trusted(address, NETWORKS)]
    assert find_client(PROXY, header, NETWORKS) == [PROXY, *last[:1], *strangers][-1]


@each_row("part", [b"10.0.0.2,", b",", b" ", b"\t,", b"1", b":", b"[", b"1.", b"::1,", b"unknown,"])
def test_a_long_header_takes_no_time(part: bytes) -> None:
    header = part * (64_000 // len(part))
    began = time.process_time()
    for _ in range(20):
        find_client(PROXY, header, NETWORKS)
    assert time.process_time() - began < 0.2


def test_a_chain_is_followed_only_so_far() -> None:
    for count in (ENTRIES_MAX - 1, ENTRIES_MAX, 1_000):
        header = b", ".join([b"203.0.113.5", *(b"10.0.1.%d" % (place % 256) for place in range(count))])
        followed = count < ENTRIES_MAX
        found = find_client(PROXY, header, NETWORKS)
        assert found == "203.0.113.5" if followed else found.startswith("10.0.1.")


def test_a_connection_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def judge(address: str, networks: Networks) -> bool:
        asked.append(address)
        return is_trusted(address, networks)

    monkeypatch.setattr(forwarding, "is_trusted", judge)
    peer = LastHop("203.0.113.5", "http", NETWORKS)
    assert asked == []  # nobody has asked for the client
    for _ in range(3):
        assert peer.find_client({b"x-forwarded-for": b"198.51.100.1"}) == "203.0.113.5"
    assert asked == ["203.0.113.5"]
    assert LastHop("203.0.113.5", "http", ()).find_client({}) == "203.0.113.5"
    assert asked == ["203.0.113.5"]  # without trusted networks there is nothing to judge


async def tell(call: Call) -> Reply:
    return build_json_reply(200, {"client": call.request.client_address, "scheme": call.request.scheme})


TELL = Route(
    name="tell", method="GET", path="/tell", tag="System", public=True, summary="", description="", endpoint=tell,
    answers={200: Success(description="", body=dict)},
)  # fmt: skip
FORGED = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.5, 10.0.0.2"),
          (b"x-forwarded-proto", b"https"), (b"forwarded", b"for=192.0.2.9"), (b"x-real-ip", b"192.0.2.9"),
          (b"x-forwarded-host", b"evil.example")]  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    "networks, peer, client, scheme",
    [
        (NETWORKS, PROXY, "203.0.113.5", "https"),
        (NETWORKS, "203.0.113.9", "203.0.113.9", "http"),
        ((), PROXY, PROXY, "http"),
    ],
    ids=["a proxy", "a stranger", "nobody is trusted"],
)
async def test_a_call_knows_its_client_only_from_a_trusted_proxy(
    open_store: OpenStore, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch,
    networks: Networks, peer: str, client: str, scheme: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(app, "give_routes", lambda start: (*give_routes(start), TELL))
    runtime = build_runtime(await open_store(), clock)

    async def open_runtime() -> Runtime:
        return runtime

    built = app.build_app(open_runtime, reach=Reach(proxies=networks))
    transport = httpx2.ASGITransport(app=built, client=(peer, 4711))
    async with run_lifespan(built), httpx2.AsyncClient(transport=transport, base_url="http://padron.test") as http:
        assert (await http.get("/tell", headers=FORGED)).json() == {"client": client, "scheme": scheme}
        assert (await http.get("/tell")).json() == {"client": peer, "scheme": "http"}
        assert f'data-server="{scheme}://padron.test"' in (await http.get("/docs", headers=FORGED)).text
