"""The fields of a recent request mean the same when they come again, and nothing else passes for them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.account import Principal
from padron.domain.idempotency import Headers
from padron.http.answers.problem import ProblemError
from padron.http.edge import heads
from padron.http.edge.edge import Edge, Responder, Shortcut
from padron.http.edge.intake import Intake
from padron.http.edge.known import FIELDS_BYTES_MAX, FIELDS_MAX, KnownTable, match_line
from padron.service.authentication import Authenticator, Caller
from tests.http.test_pipelining import Target, target
from tests.http.wire import Wire
from tests.tables import each_row

__all__ = ["target"]

DIGEST = b"1" * 32
LINE = b"PATCH /a HTTP/1.1"
FIELDS = b"\r\nHost: x\r\nContent-Length: 21\r\nA: b\r\n\r\n"

_VALUES = st.sampled_from([b"x", b"5", b"12", b"", b"a b", b"close", b"\x80\xff", b"h2c", b"007", b"1" * 18])
_SPACES = st.sampled_from([b"", b" ", b"\t", b" \t "])
_NAMES = st.sampled_from(
    [b"A", b"B", b"Content-Length", b"content-length", b"X-Content-Length", b"Connection", b"Upgrade"]
)
_FIELDS = st.lists(st.builds(lambda *parts: b"%b:%b%b%b" % parts, _NAMES, _SPACES, _VALUES, _SPACES), max_size=4).map(
    lambda lines: b"\r\n".join([b"", b"Host: x", *lines, b"", b""])
)
_NUMBERS = st.sampled_from([b"0", b"3", b"99", b"16384", b"00012", b"123456", b"", b"-1", b"+5", b"5 5", b"1_0", b"x"])


def parse(line: bytes, fields: bytes) -> tuple[str, bytes, Headers, bool] | None:
    """Give method, address and fields of a head that the check and the parser take, and whether the connection stays.

    None for a head that is refused, and for one whose fields are not kept: HTTP/1.0, and a field that comes twice.
    """
    intake = Intake()
    try:
        intake.take_head(line + fields)
        heads.check_fields(intake.fields, dict(intake.fields), is_old=intake.version == "1.0")
    except ProblemError:
        return None
    finally:
        intake.close()
    if intake.version != "1.1" or len(dict(intake.fields)) != len(intake.fields):
        return None
    return intake.method, intake.target, intake.fields, intake.keeps_alive


def keep(fields: bytes) -> KnownTable | None:
    """Give a table that knows some fields; None for fields of a request that is not kept."""
    parsed = parse(LINE, fields)
    if parsed is None or not parsed[3]:
        return None
    table = KnownTable()
    table.keep(fields, parsed[2], dict(parsed[2]), DIGEST)
    return table if len(table) else None


def keep_known(fields: bytes) -> KnownTable:
    table = keep(fields)
    assert table is not None
    return table


@given(_FIELDS, _NUMBERS)
def test_what_is_known_is_what_the_parser_gives(first: bytes, number: bytes) -> None:
    table = keep(first)
    if table is None:
        return
    again = re.sub(rb"(?i)(\r\ncontent-length:[\t ]*)[0-9]+", rb"\g<1>" + number, first)
    for second in (first, again, first):
        same = table.find(second)
        if same is not None:
            parsed = parse(LINE, second)
            assert parsed is not None
            assert (same.fields, same.headers) == (parsed[2], dict(parsed[2]))
            assert same.size == int(same.headers.get(b"content-length", b"0"))
            assert same.digest == DIGEST
    assert table.find(first) is not None


@given(_FIELDS, _FIELDS)
def test_other_fields_are_never_taken_for_the_known_ones(first: bytes, second: bytes) -> None:
    table = keep(first)
    same = None if table is None else table.find(second)
    if same is not None:
        parsed = parse(LINE, second)
        assert parsed is not None
        assert same.fields == parsed[2]


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_bytes_that_nobody_checked_are_only_known_if_all_are_the_same(before: bytes, behind: bytes) -> None:
    for fields in (FIELDS, FIELDS.replace(b"Content-Length: 21\r\n", b"")):
        changed = before + fields + behind
        assert (keep_known(fields).find(changed) is not None) == (changed == fields)


@each_row("number", [b"0", b"7", b"00012", b"16384"])
def test_only_the_length_of_the_body_may_differ(number: bytes) -> None:
    """The properties above would hold if nothing were ever known again."""
    table = keep_known(FIELDS)
    known = table.find(FIELDS)
    same = table.find(FIELDS.replace(b"21", number))
    assert same is not None
    assert (same.size, same.headers[b"content-length"]) == (int(number), number)
    assert same.fields == ((b"host", b"x"), (b"content-length", number), (b"a", b"b"))
    assert known is not None
    assert known.headers[b"content-length"] == b"21", "The fields of an earlier request were altered."
    assert len(table) == 1


@each_row(
    "fields",
    [
        FIELDS.replace(b"21", b"123456"),
        FIELDS.replace(b"21", b""),
        FIELDS.replace(b"21", b"+1"),
        FIELDS.replace(b"21", b"2 1"),
        FIELDS.replace(b"21", b"21\r\nContent-Length: 2"),
        FIELDS.replace(b"21", b"21\r\nTransfer-Encoding: chunked"),
        FIELDS.replace(b"21", b"\0"),
        FIELDS.replace(b"A: b", b"A: c"),
        FIELDS.replace(b"A: b", b"a: b"),
        FIELDS.replace(b"Host: x", b"Host: y"),
        FIELDS.replace(b"\r\nA", b"\nA"),
        b"\r\nHost: x\r\nContent-Length: \r\nA: b\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_whatever_else_differs_is_read_anew(fields: bytes) -> None:
    assert keep_known(FIELDS).find(fields) is None


def test_a_header_whose_name_only_ends_like_that_of_the_length_must_be_the_same() -> None:
    fields = FIELDS.replace(b"Host", b"X-Content-Length: 21\r\nHost")
    assert keep_known(fields).find(fields.replace(b"21", b"22", 1)) is None


def test_no_entry_has_many_bytes_or_fields() -> None:
    room = FIELDS_BYTES_MAX - len(FIELDS)
    assert keep(FIELDS.replace(b"b", b"b" * (room + 1))) is not None
    assert keep(FIELDS.replace(b"b", b"b" * (room + 2))) is None
    more = b"".join(b"X-%d: y\r\n" % number for number in range(FIELDS_MAX))
    assert keep(FIELDS.replace(b"A: b\r\n", more.replace(b"X-0: y\r\nX-1: y\r\n", b""))) is not None
    assert keep(FIELDS.replace(b"A: b\r\n", more.replace(b"X-0: y\r\n", b""))) is None


def give_other(number: int) -> bytes:
    return FIELDS.replace(b"b", b"%d" % number)


def test_a_flood_of_other_fields_leaves_those_that_are_asked_for_and_takes_no_more_room() -> None:
    table = KnownTable(entries_max=10)
    parsed = parse(LINE, FIELDS)
    assert parsed is not None
    table.keep(FIELDS, parsed[2], dict(parsed[2]), DIGEST)
    for number in range(1_000):
        if number % 5 == 0:
            assert table.find(FIELDS) is not None
        table.keep(give_other(number), parsed[2], dict(parsed[2]), DIGEST)
        assert len(table) <= 10
        assert table.find(FIELDS.replace(b"Host: x", b"Host: y")) is None
    assert table.find(give_other(999)) is not None
    assert table.find(give_other(900)) is None


def test_fields_that_nobody_asks_for_any_more_make_room() -> None:
    table = KnownTable(entries_max=10)
    parsed = parse(LINE, FIELDS)
    assert parsed is not None
    for number in range(10):
        table.keep(give_other(number), parsed[2], dict(parsed[2]), DIGEST)
        assert table.find(give_other(number)) is not None
    for number in range(10, 20):
        table.keep(give_other(number), parsed[2], dict(parsed[2]), DIGEST)
    assert [number for number in range(20) if table.find(give_other(number)) is not None] == [*range(10, 20)]


def test_fields_that_are_kept_again_have_one_place() -> None:
    table = keep_known(FIELDS)
    parsed = parse(LINE, FIELDS)
    assert parsed is not None
    table.keep(FIELDS, parsed[2], dict(parsed[2]), b"2" * 32)
    assert len(table) == 1
    known = table.find(FIELDS)
    assert known is not None
    assert known.digest == b"2" * 32


@given(
    st.sampled_from([b"GET", b"PATCH", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"get", b"X"]),
    st.text(st.characters(max_codepoint=255), max_size=12).map(lambda text: text.encode("latin-1")),
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"]),
)
def test_a_plain_line_is_what_the_parser_makes_of_it(method: bytes, target: bytes, version: bytes) -> None:
    line = b"%b /%b %b" % (method, target, version)
    matched = match_line(line)
    if matched is not None:
        parsed = parse(line, FIELDS)
        assert parsed is not None
        path, query, host = heads.split_target(parsed[0], parsed[1])
        assert (matched, host) == ((parsed[0], path, query), None)


@each_row("line", [b"PATCH /api/v2/vehicles/3PADRN00X00000001/status HTTP/1.1", b"GET /a-b.c~_?x=1&y=:- HTTP/1.1"])
def test_the_lines_of_ordinary_clients_are_plain(line: bytes) -> None:
    assert match_line(line) is not None


@each_row(
    "line",
    [
        b"HEAD /a HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET http://x/a HTTP/1.1", b"GET /a HTTP/1.0",
        b"GET /a#b HTTP/1.1", b"GET /%41 HTTP/1.1", b"GET  /a HTTP/1.1", b"GET /a HTTP/1.1\n",
        b"TRACE / HTTP/1.1", b"GET /a?b?c HTTP/1.1",
        b"GET /" + b"a" * 2_048 + b" HTTP/1.1",
    ],
)  # fmt: skip
def test_odd_lines_are_left_to_the_check(line: bytes) -> None:
    assert match_line(line) is None


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give the heads that are checked and parsed."""
    seen: list[bytes] = []
    take_head = Intake.take_head

    def take(intake: Intake, head: bytes) -> None:
        seen.append(head)
        take_head(intake, head)

    monkeypatch.setattr(Intake, "take_head", take)
    return seen


def count_patches(parsed: list[bytes]) -> int:
    return len([head for head in parsed if head.startswith(b"PATCH")])


def test_the_same_fields_are_parsed_once_on_any_connection(
    target: Target, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    begin = Edge.begin

    def note(self: Edge, shortcut: Shortcut, body: bytes, responder: Responder) -> bool:
        begun.append(shortcut.request.method)
        return begin(self, shortcut, body, responder)

    monkeypatch.setattr(Edge, "begin", note)
    for number, status in enumerate((3, 4, 1)):
        with Wire(target.port) as wire:
            for vehicle in (number, number + 10):
                wire.send(target.patch(vehicle, status))
                assert wire.read_final("PATCH").status == 204
                assert target.read_status(vehicle) == status
    assert count_patches(parsed) == 1
    assert begun.count("PATCH") == 6, "A known request was not answered at once."


def test_fields_with_another_key_are_not_known(target: Target, parsed: list[bytes]) -> None:
    with Wire(target.port) as first, Wire(target.port) as second:
        for wire, is_reader, status in ((first, False, 204), (second, True, 403), (first, False, 204)):
            wire.send(target.patch(0, 3, is_reader=is_reader))
            assert wire.read_final("PATCH").status == status
        second.send(target.patch(0, 3, is_reader=True))
        assert second.read_final("PATCH").status == 403
    heads = [head for head in parsed if head.startswith(b"PATCH")]
    assert len(heads) == len({*heads}) + 1, "A reader's first request waits for its key. The second one is kept."


def test_fields_without_a_key_that_was_found_are_not_kept(target: Target, parsed: list[bytes]) -> None:
    made = target.patch(0, 3)
    wrong = re.sub(rb"Bearer [^\r]+", b"Bearer padron_x", made)
    none = re.sub(rb"Authorization: [^\r]+\r\n", b"", made)
    with Wire(target.port) as wire:
        for data in (wrong, none, wrong, none):
            wire.send(data)
            assert wire.read_final("PATCH").status == 401
    assert count_patches(parsed) == 4


def test_the_same_fields_from_another_address_come_from_that_address(
    target: Target, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the fields are known, and nothing of the connection that sent them."""
    seen: list[str] = []
    believe = Authenticator.believe

    def note(self: Authenticator, digest: bytes, caller: Caller | None = None) -> Principal | None:
        assert caller is not None
        seen.append(caller.client_address)
        return believe(self, digest, caller)

    monkeypatch.setattr(Authenticator, "believe", note)
    for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
        with Wire(target.port, source=address) as wire:
            wire.send(target.patch(0, 3))
            assert wire.read_final("PATCH").status == 204
    assert seen == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
    assert count_patches(parsed) == 1


@pytest.mark.parametrize("size", [1, 40, 200])
def test_a_known_request_may_come_in_pieces_and_with_others(target: Target, size: int) -> None:
    numbers = (0, 1, 2, 0)
    everything = b"".join(target.patch(number, status) for number, status in zip(numbers, (3, 4, 5, 6), strict=True))
    with Wire(target.port) as wire:
        wire.send(*(everything[place : place + size] for place in range(0, len(everything), size)), pause_s=0.0005)
        for _ in numbers:
            assert wire.read_final("PATCH").status == 204
    assert [target.read_status(number) for number in (0, 1, 2)] == [6, 4, 5]


def test_a_known_key_that_is_not_the_one_of_now_is_asked_for_again(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(target.patch(0, 3))
        assert wire.read_final("PATCH").status == 204
        wire.send(target.patch(0, 4, is_reader=True))
        assert wire.read_final("PATCH").status == 403
        wire.send(target.patch(0, 5))
        assert wire.read_final("PATCH").status == 204


def test_requests_of_both_kinds_follow_each_other(target: Target) -> None:
    """The parser sees none of a known request, also not its body, so it is ready for the next one."""
    with Wire(target.port) as wire:
        for _ in range(3):
            for status in (3, 4):  # the second one is known
                wire.send(target.patch(0, status))
                assert wire.read_final("PATCH").status == 204
            wire.send(target.patch(1, 4, is_chunked=True))
            assert wire.read_final("PATCH").status == 204
            wire.send(target.get("/api/v2/vehicle-statuses", method="HEAD"))
            assert wire.read_final("HEAD").status == 200


def test_a_body_that_is_too_large_is_refused_as_on_a_first_request(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(target.patch(0, 3))
        assert wire.read_final("PATCH").status == 204
        wire.send(re.sub(rb"Content-Length: [0-9]+", b"Content-Length: 16385", target.patch(0, 3)))
        assert wire.read_final("PATCH").status == 413
        assert wire.read_end()
