"""How the client connects: by TLS, through a proxy, and to nothing that it should not."""

from pathlib import Path

import httpx2
import pytest

from client.tests.scripted import Answer, give, run_scripted
from padron_client import AsyncClient, Client, ConnectionFailed, Retries
from tests.certificates import Authority
from tests.e2e.program import make_fleets
from tests.e2e.secure import run_program

ONCE = Retries(count=0)


async def test_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'padron.db'}"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    authority = Authority(tmp_path)
    options = authority.issue("served").options
    async with run_program(url, tmp_path, *options, trust=authority.trust()) as server:
        address = f"https://127.0.0.1:{server.port}"
        async with AsyncClient(address, fleet.token, verify=authority.trust()) as client:
            assert (await client.get_vehicle(fleet.vins[0])).operational
        async with AsyncClient(address, fleet.token, retries=ONCE) as client:
            with pytest.raises(ConnectionFailed, match="certificate verify failed"):
                await client.get_vehicle(fleet.vins[0])


def test_a_proxy_is_used_if_it_is_named() -> None:
    with run_scripted() as proxy, Client("http://padron.invalid", "k", proxy=proxy.url) as client:
        proxy.script(give({"operations": []}))
        assert client.list_operations().operations == []
        assert proxy.seen[0].headers["host"] == "padron.invalid"


def test_the_environment_names_a_proxy_only_if_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_scripted() as proxy, run_scripted() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        for scripted in (proxy, server):
            scripted.script(give({"operations": []}))
        with Client(server.url, "k") as client:
            client.list_operations()
        assert (len(proxy.seen), len(server.seen)) == (1, 0)
        with Client(server.url, "k", trust_env=False) as client:
            client.list_operations()
        assert (len(proxy.seen), len(server.seen)) == (1, 1)


def test_a_redirect_is_not_followed_so_the_key_stays_here() -> None:
    with run_scripted() as server, run_scripted() as other, Client(server.url, "k") as client:
        server.script(Answer(status=307, headers={"location": f"{other.url}/api/v2/operations"}))
        with pytest.raises(Exception, match="307"):
            client.list_operations()
        assert other.seen == []


def test_an_answer_that_is_not_what_its_encoding_says_is_not_repeated() -> None:
    broken = Answer(status=200, headers={"content-encoding": "gzip"}, body=b"not gzip")
    with run_scripted() as server, Client(server.url, "k") as client:
        server.script(broken)
        with pytest.raises(ConnectionFailed, match="DecodingError"):
            client.list_operations()
        assert len(server.seen) == 1


def test_connections_are_kept_and_bounded() -> None:
    with run_scripted() as server, Client(server.url, "k", connections=1) as client:
        server.script(give({"operations": []}))
        for _ in range(3):
            client.list_operations()
        assert len(server.clients) == 1


def test_http_2_is_off_unless_it_is_asked_for() -> None:
    with Client("https://padron.invalid", "k") as client:
        transport = client._transport._client._transport
        assert isinstance(transport, httpx2.HTTPTransport)
        assert not transport._pool._http2
