"""What the sender connects to, how it asks, and how little of the answer it takes."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest

from padron.delivery import sender as sender_module
from padron.delivery.guard import Resolver
from padron.delivery.sender import HttpSender, escape_text, parse_retry_after
from padron.domain.target import IPAddress
from padron.domain.webhook import ANSWER_KEPT_MAX
from padron.service.webhooks.sending import Message
from tests.cast import NOON
from tests.delivery.receiver import Received, Receiver, always, reply, run_receiver
from tests.listening import listen
from tests.tables import each_row

LOOPBACK = (IPv4Network("127.0.0.1/32"),)
NAME = "receiver.example"


class Names:
    """A resolver that answers each question with the next of its answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[IPAddress]:
        assert host
        assert port
        self.asked += 1
        return [ip_address(text) for text in self.answers[(self.asked - 1) % len(self.answers)]]


def give_now() -> datetime:
    return datetime.now(UTC)


def make_message(url: str) -> Message:
    return Message(endpoint_id="e", url=url, headers={"webhook-id": "msg_1"}, body=b'{"type":"webhook.test"}')


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as one:
        yield one


_FIRST_DELIVERY = """
import asyncio, sys
from tests.delivery.test_guard import LOOPBACK, HttpSender, give_now, make_message, run_receiver

async def deliver():
    async with run_receiver() as receiver:
        before = {*sys.modules}
        async with HttpSender(LOOPBACK, give_now) as sender:
            answer = await sender.send(make_message(receiver.url))
        print(answer.status, len(receiver.received), sorted({*sys.modules} - before))

asyncio.run(deliver())
"""


def test_the_first_delivery_imports_nothing_on_the_event_loop() -> None:
    done = subprocess.run([sys.executable, "-c", _FIRST_DELIVERY], capture_output=True, text=True, check=False)
    assert done.stdout == "204 1 []\n", done.stderr


async def test_a_message_is_posted_as_it_is(receiver: Receiver) -> None:
    async with HttpSender(LOOPBACK, give_now) as sender:
        answer = await sender.send(make_message(f"{receiver.url}?a=1&b=%20"))
    (message,) = receiver.received
    assert (answer.status, answer.error, answer.is_success) == (204, None, True)
    assert message.path == "/hook?a=1&b=%20"
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert message.headers["user-agent"].startswith("Padron/")
    assert message.headers["content-length"] == str(len(message.body))
    assert message.event == {"type": "webhook.test"}


async def test_without_leave_nothing_on_this_machine_is_reached(receiver: Receiver) -> None:
    async with HttpSender((), give_now, Names(["127.0.0.1"])) as sender:
        for url in (receiver.url, f"https://{NAME}/", f"https://127.0.0.1:{receiver.port}/"):
            answer = await sender.send(make_message(url))
            assert answer.status is None
            assert answer.error is not None
            assert answer.error.startswith("The url ")
    assert receiver.connections == 0


async def test_a_name_that_changes_its_address_never_reaches_what_is_forbidden(receiver: Receiver) -> None:
    rounds = 200
    receiver.answer = always(204, Connection="close")
    async with run_receiver("::1", receiver.port) as forbidden:
        names = Names(["127.0.0.1"], ["::1"], ["127.0.0.1", "::1"], ["::ffff:127.0.0.1"])
        async with HttpSender(LOOPBACK, give_now, names) as sender:
            answers = [await sender.send(make_message(f"http://{NAME}:{receiver.port}/")) for _ in range(rounds)]
        assert forbidden.connections == 0
    assert names.asked == rounds  # once for each connection: there is no second question to answer otherwise
    assert len(receiver.received) == rounds // 4 == sum(answer.is_success for answer in answers)


async def test_the_name_is_kept_in_host(receiver: Receiver) -> None:
    async with HttpSender(LOOPBACK, give_now, Names(["127.0.0.1"])) as sender:
        await sender.send(make_message(f"http://Receiver.Example:{receiver.port}/hook"))
    assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"


async def test_tls_is_spoken_with_the_name_and_to_the_address_that_was_checked() -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(4_096))
        writer.close()

    async with listen(serve) as port, HttpSender(LOOPBACK, give_now, Names(["127.0.0.1"])) as sender:
        answer = await sender.send(make_message(f"https://{NAME}:{port}/"))
    assert answer.error is not None
    assert heard[:2] == b"\x16\x03"  # a TLS handshake
    assert NAME.encode() in heard


async def test_a_second_address_is_tried_when_the_first_does_not_answer(receiver: Receiver) -> None:
    allowed = (IPv4Network("127.0.0.0/8"),)
    async with HttpSender(allowed, give_now, Names(["127.0.0.1", "127.0.0.1"])) as sender:
        answer = await sender.send(make_message("http://receiver.example:1/"))
        assert answer.error is not None
        assert answer.error.startswith("ConnectError")
        assert (await sender.send(make_message(f"http://{NAME}:{receiver.port}/"))).is_success


async def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.answer = always(307, Location=receiver.url)
    async with HttpSender(LOOPBACK, give_now) as sender:
        answer = await sender.send(make_message(receiver.url))
    assert (answer.status, answer.is_success) == (307, False)
    assert len(receiver.received) == 1


async def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with HttpSender(LOOPBACK, give_now) as sender:
            assert (await sender.send(make_message(receiver.url))).is_success
        assert proxy.connections == 0


async def test_of_a_long_answer_the_first_escaped_kilobyte_is_kept(receiver: Receiver) -> None:
    receiver.answer = always(500, b"no\x00\r\n\xff<b>" + b"x" * 1_000_000)
    async with HttpSender(LOOPBACK, give_now) as sender:
        answer = await sender.send(make_message(receiver.url))
    assert answer.status == 500
    assert answer.body.startswith(r"no\x00\r\n\xff<b>xx")
    assert len(answer.body) == ANSWER_KEPT_MAX
    assert answer.body.isprintable()


async def test_an_answer_without_an_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "ANSWER_S_MAX", 5.0)
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x" * 8_192)
                await asyncio.sleep(0.001)
                await writer.drain()
        gone.set()
        writer.close()

    async with listen(serve) as port:
        async with HttpSender(LOOPBACK, give_now) as sender:
            answer = await sender.send(make_message(f"http://127.0.0.1:{port}/"))
        await asyncio.wait_for(gone.wait(), 5)
    assert (answer.status, answer.error) == (200, None)


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early\r\n\r\n"])
async def test_a_receiver_that_drips_is_given_up_in_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(sender_module, "ANSWER_S_MAX", 0.2)
    never = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(beginning)
        await never.wait()
        writer.close()

    async with listen(serve) as port:
        async with HttpSender(LOOPBACK, give_now) as sender:
            answer = await sender.send(make_message(f"http://127.0.0.1:{port}/"))
            assert (answer.status, answer.error) == (None, "There was no answer within 0 seconds.")
            assert timedelta(seconds=0.2) <= answer.duration < timedelta(seconds=2)
            assert (await sender.send(make_message(receiver.url))).is_success
        never.set()


@pytest.mark.parametrize(
    "wrong", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 99999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" * 9_000]
)
async def test_an_answer_that_is_not_http_is_a_failure(receiver: Receiver, wrong: bytes) -> None:
    async def answer(_: Received) -> bytes:
        return wrong or reply(204)[:5]

    async def hang_up(message: Received) -> bytes | None:
        return None if wrong == b"" else await answer(message)

    receiver.answer = hang_up
    async with HttpSender(LOOPBACK, give_now) as sender:
        got = await sender.send(make_message(receiver.url))
    assert got.status is None
    assert got.error is not None
    assert got.error.isprintable()


async def test_a_name_that_does_not_exist_is_a_failure() -> None:
    async with HttpSender(LOOPBACK, give_now) as sender:
        answer = await sender.send(make_message("https://receiver.invalid/"))
    assert answer.status is None
    assert answer.error is not None


async def test_the_resolver_gives_each_address_once() -> None:
    resolver = Resolver()
    assert await resolver("127.0.0.1", 443) == [IPv4Address("127.0.0.1")]
    resolver.close()


@each_row(
    "text, seconds",
    [
        ("0", 0), ("120", 120), (" 5 ", 5), ("Sun, 01 Mar 2026 12:01:00 GMT", 60), ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60), ("Sun Mar  1 12:01:00 2026", 60), ("Sun Mar 01 12:01:00 2026", 60),
        ("sun, 01 mar 2026 12:01:00 GMT", 60), ("Sun, 01 Mar 2026 12:00:60 GMT", 60),
        ("Mon Mar  2 11:59:59 2026", 86_399), ("Sunday, 01-Mar-99 12:01:00 GMT", 0),
        ("Saturday, 01-Mar-76 12:01:00 GMT", 86_400),
        ("Tue Nov  6 08:49:37 1994", 0),
        ("Sun, 01 Mar 9999 12:01:00 GMT", 86_400), ("Fri, 31 Dec 9999 23:59:60 GMT", None), ("86401", 86_400),
        ("1" * 30, 86_400), ("9" * 10_000, 86_400), ("0" * 10_000 + "7", 7),
        ("-1", None), ("1.5", None), ("soon", None), ("", None), ("\uff11", None), ("1_0", None), ("+5", None),
        ("5s", None),
        ("Sun, 01 Mar 2026 12:01:00", None), ("Sun, 30 Feb 2026 12:01:00 GMT", None), ("2026-03-01T12:01:00Z", None),
        ("Sun, 01 Mar 2026 12:01:00 +0000", None), ("Sun, 01 Mar 2026 25:01:00 GMT", None),
        ("Sun, 00 Mar 2026 12:01:00 GMT", None), ("Sun, 01 Foo 2026 12:01:00 GMT", None),
        ("Sunday, 01-Mar-2026 12:01:00 GMT", None), ("Sun Mar  1 12:01:00 2026 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert parse_retry_after(text, NOON) == expected


def test_an_escape_is_never_cut_in_two() -> None:
    assert escape_text("abc\x00", 6) == "abc"
    assert escape_text("abc\x00", 7) == r"abc\x00"


async def serve_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begin: bytes, more: bytes) -> None:
    """Answer with a beginning, and then go on with more for as long as anybody reads."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        while not reader.at_eof() and more:
            writer.write(more)
            await writer.drain()
    writer.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "begin, more, status",
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500, None),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, None),
        (b"", b"HTTP/1.1 103 Early Hints\r\n" + b"Link: <x>\r\n" * 20 + b"\r\n", None),
        (HEAD, b"A: b\r\n" * 1_000, None),
        (HEAD + b"A: ", b"b" * 8_192, None),
        (HEAD, b"Set-Cookie: a\r\n continued\r\n" * 100, None),
        (CHUNKED, b"1\r\nx\r\n" * 1_000, 200),
        (CHUNKED, b"1;" + b"x" * 3_000 + b"\r\nx\r\n", 200),
        (CHUNKED + b"1;", b"x" * 8_192, 200),
        (CHUNKED + b"0\r\n", b"Trailer: x\r\n" * 1_000, 200),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", b"x" * 65_536, 200),
        (HEAD + b"\r\n", b"x" * 65_536, 200),
        (HEAD + b"Content-Length: 99\r\n\r\nHTTP/1.", b"HTTP/1." * 100, 200),
        (b"\r\n" * 10, b"\r\n" * 4_000, None),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_an_answer_without_end_takes_little_of_the_process(begin: bytes, more: bytes, status: int | None) -> None:
    async with listen(lambda r, w: serve_bytes(r, w, begin, more)) as port, HttpSender(LOOPBACK, give_now) as sender:
        await sender.send(make_message(f"http://127.0.0.1:{port}/"))  # so that what is made once is made
        started_s = time.thread_time()
        answer = await sender.send(make_message(f"http://127.0.0.1:{port}/"))
        assert time.thread_time() - started_s < 0.5  # the server's part is in it
    assert answer.status == status
    assert (answer.error is None) == (status is not None)
    assert answer.is_success == (status == 200)
    assert len(answer.body) <= ANSWER_KEPT_MAX


@pytest.mark.parametrize("beginning", [b"Content-Length: 9\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"])
@pytest.mark.parametrize("status", [200, 204, 500])
async def test_a_status_counts_though_the_body_never_ends(beginning: bytes, status: int) -> None:
    never = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\n" % status + beginning)
        await never.wait()
        writer.close()

    async with listen(serve) as port:
        async with HttpSender(LOOPBACK, give_now) as sender:
            answer = await sender.send(make_message(f"http://127.0.0.1:{port}/"))
        never.set()
    assert (answer.status, answer.error, answer.is_success) == (status, None, status < 300)
    assert answer.duration < timedelta(seconds=4)
    assert answer.body == ("" if status == 204 else "x")


@pytest.mark.parametrize("cut", [b"Content-Length: 9\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"])
async def test_a_status_counts_though_the_body_breaks_off_or_is_malformed(receiver: Receiver, cut: bytes) -> None:
    async def answer(_: Received) -> bytes:
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + cut

    receiver.answer = answer
    async with HttpSender(LOOPBACK, give_now) as sender:
        assert (await sender.send(make_message(receiver.url))).is_success


async def test_a_few_early_hints_are_passed_over_and_the_connection_is_kept(receiver: Receiver) -> None:
    async def answer(_: Received) -> bytes:
        return b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 5 + reply(204)

    receiver.answer = answer
    async with HttpSender(LOOPBACK, give_now) as sender:
        for _ in range(20):
            assert (await sender.send(make_message(receiver.url))).status == 204
    assert receiver.connections == 1
