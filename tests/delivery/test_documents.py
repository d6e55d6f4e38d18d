"""Documents of identity providers, fetched from a real server: within time and size, and from nowhere else."""

import asyncio
import ssl
from pathlib import Path

import pytest

from padron.delivery import documents
from padron.delivery.documents import DOCUMENT_BYTES_MAX, ProviderDocuments
from padron.service.tokens.sources import SourceError
from tests.certificates import NAME, Authority
from tests.delivery.receiver import Received, always, reply, run_receiver
from tests.listening import listen
from tests.tables import each_row

SOURCE = ProviderDocuments()


async def fail(url: str) -> str:
    with pytest.raises(SourceError) as caught:
        await SOURCE.fetch(url)
    return str(caught.value)


async def test_a_document_is_fetched_with_its_query_and_without_a_credential() -> None:
    async with run_receiver() as receiver:
        receiver.answer = always(200, b'{"keys": []}')
        assert await SOURCE.fetch(f"http://127.0.0.1:{receiver.port}/keys?v=1") == b'{"keys": []}'
        (asked,) = receiver.received
    assert asked.path == "/keys?v=1"
    assert asked.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert asked.headers["accept"] == "application/json"
    assert {"authorization", "cookie"}.isdisjoint(asked.headers)


@each_row("status", [201, 204, 301, 302, 404, 500])
async def test_only_200_is_an_answer_and_no_redirect_is_followed(status: int) -> None:
    async with run_receiver() as receiver:
        other = f"http://127.0.0.1:{receiver.port}/other"
        receiver.answer = always(status, b"", Location=other)
        assert f"answered {status} to /keys" in await fail(f"http://127.0.0.1:{receiver.port}/keys")
        assert [message.path for message in receiver.received] == ["/keys"]


@pytest.mark.parametrize("too_many", [0, 1])
async def test_a_document_has_at_most_64_kilobytes(too_many: int) -> None:
    async with run_receiver() as receiver:
        receiver.answer = always(200, b"x" * (DOCUMENT_BYTES_MAX + too_many))
        url = f"http://127.0.0.1:{receiver.port}/"
        if too_many:
            assert f"sent more than {DOCUMENT_BYTES_MAX} bytes" in await fail(url)
        else:
            assert len(await SOURCE.fetch(url)) == DOCUMENT_BYTES_MAX


async def test_a_provider_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "FETCH_S_MAX", 0.1)
    is_over = asyncio.Event()

    async def wait(_: Received) -> bytes:
        await is_over.wait()
        return reply(200)

    async with run_receiver() as receiver:
        receiver.answer = wait
        assert "did not answer within" in await fail(f"http://127.0.0.1:{receiver.port}/")
        is_over.set()


async def test_a_provider_that_hangs_up_or_is_not_there_is_told_in_words() -> None:
    async def hang_up(_: Received) -> None:
        return None

    async with run_receiver() as receiver:
        receiver.answer = hang_up
        url = f"http://127.0.0.1:{receiver.port}/"
        assert f"127.0.0.1:{receiver.port} cannot be asked: " in await fail(url)
    assert "cannot be asked: " in await fail(url)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with run_receiver() as receiver:
        receiver.answer = always(200, b"{}")
        assert await SOURCE.fetch(f"http://127.0.0.1:{receiver.port}/") == b"{}"


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_provider_needs_a_certificate_that_the_machine_trusts(tmp_path: Path, *, is_trusted: bool) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue(NAME)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(pair.certificate, pair.key)
    trusted = authority.trust() if is_trusted else ssl.create_default_context()
    source = ProviderDocuments(lambda: trusted)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, b"{}"))
        await writer.drain()
        writer.close()

    async with listen(answer, served) as port:
        url = f"https://127.0.0.1:{port}/"
        if is_trusted:
            assert await source.fetch(url) == b"{}"
        else:
            with pytest.raises(SourceError, match=r"cannot be asked: .*certificate"):
                await source.fetch(url)
