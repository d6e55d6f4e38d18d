"""What is said about a head that is not right; and what is let through has one meaning, also to other parsers."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.http.answers.problem import ProblemError
from padron.http.edge import heads
from padron.http.edge.heads import Framing
from padron.http.edge.intake import Intake
from tests.tables import each_row

LINE = b"GET /livez HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
MALFORMED = "The request line is malformed. Send a method, an address and HTTP/1.1, with one space between."
LINE_END = "A line of the head does not end with CR LF. End each line with both."
HEADERS = "A request may have at most 64 headers, with at most 16384 bytes."
TARGET = "The address has more than 2048 bytes."
VISIBLE = "The address has a character that is not visible ASCII. Write it in percent-encoding."
VERSIONS = "The server speaks HTTP/1.1 and HTTP/1.0."
FRAGMENT = "The address has a fragment, which begins with #. Send the address without it."
CONTINUED = "A header is continued on a second line. Send each header on one line."
MANY = b"A: b\r\n" * 64


def say(check: object, *given: object, **named: object) -> tuple[int, str]:
    """Give the status and the sentence with which something is refused."""
    with pytest.raises(ProblemError) as caught:
        check(*given, **named)  # type: ignore[operator]
    assert (b"connection", b"close") in caught.value.headers
    return caught.value.problem.status, caught.value.detail


def tell_header(shown: str) -> str:
    return (
        f"The header {shown} is malformed. Send a name, a colon without a space before it, and a value without "
        "control characters."
    )


@each_row(
    "head, status, sentence",
    [
        (b"GET /livez\r\n", 400, MALFORMED),
        (b"GET\t/livez HTTP/1.1\r\n", 400, MALFORMED),
        (b"GET  HTTP/1.1\r\n", 400, MALFORMED),
        (b"G(T /livez HTTP/1.1\r\n", 400, MALFORMED),
        (b"A" * 33 + b" /livez HTTP/1.1\r\n", 400, MALFORMED),
        (b"GET /livez HTTP/2.0\r\n", 400, f"The request line ends with 'HTTP/2.0'. {VERSIONS}"),
        (b"GET /livez HTTP/1.2\r\n", 400, f"The request line ends with 'HTTP/1.2'. {VERSIONS}"),
        (b"GET /livez \xf1\x01\r\n", 400, f"The request line ends with 'ñ<U+0001 CONTROL CHARACTER>'. {VERSIONS}"),
        (b"GET /livez#x HTTP/1.1\r\n", 400, FRAGMENT),
        (b"GET /livez\x7f HTTP/1.1\r\n", 400, VISIBLE),
        (b"GET /liv ez HTTP/1.1\r\n", 400, VISIBLE),
        (b"GET /\xf1 HTTP/1.1\r\n", 400, VISIBLE),
        (b"TRACE / HTTP/1.1\r\n", 405, "The server takes no TRACE requests."),
        (b"CONNECT x:1 HTTP/1.1\r\n", 405, "The server takes no CONNECT requests."),
        (b"GET /" + b"p" * 2_048 + b" HTTP/1.1\r\n", 414, TARGET),
        (LINE[:-2] + b"\n", 400, LINE_END),
        (LINE + b"A: b\nC: d\r\n", 400, LINE_END),
        (LINE + b"A: b\rC: d\r\n", 400, LINE_END),
        (LINE + MANY + HOST, 431, HEADERS),
        (LINE + b"A: " + b"v" * (16_384 - 5 + 1) + b"\r\n", 431, HEADERS),
        (LINE + HOST + b" more\r\n", 400, CONTINUED),
        (LINE + HOST + b"\tmore\r\n", 400, CONTINUED),
        (LINE + b"A B: v\r\n", 400, tell_header("'A B'")),
        (LINE + b"A : v\r\n", 400, tell_header("'A '")),
        (LINE + b"nonsense\r\n", 400, tell_header("'nonsense'")),
        (LINE + b": v\r\n", 400, tell_header("''")),
        (LINE + b"A: \x00\r\n", 400, tell_header("'A'")),
        (LINE + b"\xf1: v\r\n", 400, tell_header("'ñ'")),
        (LINE + b"A\x00" + b"b" * 99 + b": v\r\n", 400, tell_header(f"'A<U+0000 NULL>{'b' * 38}…' (101 characters)")),
    ],
)  # fmt: skip
def test_a_head_that_is_not_right_is_refused_by_its_first_fault(head: bytes, status: int, sentence: str) -> None:
    assert say(heads.check_head, head + b"\r\n") == (status, sentence)


@each_row(
    "head",
    [
        LINE + b"\r\n",
        LINE + MANY + b"\r\n",
        LINE + b"A: " + b"v" * (16_384 - 5) + b"\r\n\r\n",
        b"GET /" + b"p" * 2_047 + b" HTTP/1.0\r\n\r\n",
        b"A" * 32 + b" * HTTP/1.1\r\n\r\n",
        LINE + b"!#$%&'*+-.^_`|~09azAZ:\t \x80\xff\r\n\r\n",
    ],
)
def test_a_right_head_within_the_limits_is_let_through(head: bytes) -> None:
    heads.check_head(head)


@each_row(
    "beginning, status, sentence",
    [
        (b"\x16\x03\x01\x02", 400, MALFORMED),
        (b"GET /\x00", 400, MALFORMED),
        (b"\n", 400, LINE_END),
        (b"GET / HTTP/1.1\n", 400, LINE_END),
        (b"GET / HTTP/1.1\r\r", 400, LINE_END),
        (LINE + b"A: b\n", 400, LINE_END),
        (LINE + b"A: b\rC", 400, LINE_END),
        (b"nonsense\r\n", 400, MALFORMED),
        (b"GET / HTTP/3.0\r\n", 400, f"The request line ends with 'HTTP/3.0'. {VERSIONS}"),
        (b"TRACE / HTTP/1.1\r\n", 405, "The server takes no TRACE requests."),
        (b"GET /" + b"p" * 3_000, 414, TARGET),
        (b"p" * 3_000, 400, MALFORMED),
        (LINE + MANY + b"A: b\r\n", 431, HEADERS),
        (LINE + b"A: " + b"v" * 17_000, 431, HEADERS),
    ],
)
def test_what_can_never_be_a_head_is_refused_before_its_end(beginning: bytes, status: int, sentence: str) -> None:
    assert say(heads.check_beginning, beginning, 0) == (status, sentence)


@given(st.data())
def test_a_beginning_is_refused_in_pieces_when_it_is_refused_in_one(data: st.DataObject) -> None:
    """The places where it is cut may only change the sentence."""
    beginning = data.draw(st.text("GEAT /:\r\n\t\x00\x7f\xf1H1.", max_size=60)).encode("latin-1")
    beginning = data.draw(st.sampled_from([b"", b"GET / HTTP/1.1", LINE, LINE + HOST])) + beginning

    def is_refused(ends: list[int]) -> bool:
        searched = 0
        try:
            for end in ends:
                heads.check_beginning(beginning[:end], searched)
                searched = end
        except ProblemError:
            return True
        return False

    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(beginning) - 1, 1)), max_size=5)))
    assert is_refused([*cuts, len(beginning)]) == is_refused([len(beginning)])


@each_row(
    "fields, is_old, sentence",
    [
        ([], False, "The request must have exactly one Host header with a host name."),
        ([(b"host", b"x"), (b"host", b"x")], False, "The request must have exactly one Host header with a host name."),
        ([(b"host", b"x y")], False, "The request must have exactly one Host header with a host name."),
        ([(b"host", b"x"), (b"content-length", b"1"), (b"transfer-encoding", b"chunked")], False,
         "The request has Content-Length and Transfer-Encoding. Send only one of them."),
        ([(b"host", b"x"), (b"content-length", b"1"), (b"content-length", b"1")], False,
         "The request has Content-Length more than once. Send it once."),
        ([(b"host", b"x"), (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"x")], False,
         "The request has Transfer-Encoding more than once. Send it once."),
        ([(b"host", b"x"), (b"content-length", b"+1")], False, "Content-Length is '+1'. Send the number of bytes."),
        ([(b"host", b"x"), (b"content-length", b"1" * 19)], False,
         f"Content-Length is '{'1' * 19}'. Send the number of bytes."),
        ([(b"host", b"x"), (b"content-length", b"")], False, "Content-Length is ''. Send the number of bytes."),
        ([(b"host", b"x"), (b"transfer-encoding", b"chunked")], True,
         "HTTP/1.0 has no Transfer-Encoding. Send Content-Length, or use HTTP/1.1."),
        ([(b"host", b"x"), (b"transfer-encoding", b"gzip, chunked")], False,
         "Transfer-Encoding is 'gzip, chunked'. The server takes only chunked."),
        ([(b"host", b"x"), (b"transfer-encoding", b"")], False,
         "Transfer-Encoding is ''. The server takes only chunked."),
    ],
)  # fmt: skip
def test_fields_with_two_meanings_are_refused(
    fields: list[tuple[bytes, bytes]], *, is_old: bool, sentence: str
) -> None:
    assert say(heads.check_fields, tuple(fields), dict(fields), is_old=is_old) == (400, sentence)


@each_row(
    "fields, framing",
    [
        ([(b"host", b"x")], Framing.LENGTH),
        ([(b"host", b"x"), (b"content-length", b"007")], Framing.LENGTH),
        ([(b"host", b"x"), (b"transfer-encoding", b"CHUNKED")], Framing.CHUNKED),
        ([(b"host", b"x"), (b"a", b"1"), (b"a", b"2")], Framing.LENGTH),
    ],
)
def test_fields_with_one_meaning_say_how_the_body_ends(fields: list[tuple[bytes, bytes]], framing: Framing) -> None:
    assert heads.check_fields(tuple(fields), dict(fields), is_old=False) is framing


@each_row(
    "method, target, path, query, host",
    [
        ("GET", b"/a/b?c?d", b"/a/b", b"c?d", None),
        ("GET", b"//a", b"//a", b"", None),
        ("GET", b"http://x/a?b", b"/a", b"b", b"x"),
        ("GET", b"HTTPS://x", b"/", b"", b"x"),
        ("GET", b"http://x?y=/a/b", b"/", b"y=/a/b", b"x"),
        ("GET", b"http://[::1]:80/a", b"/a", b"", b"[::1]:80"),
        ("OPTIONS", b"*", b"*", b"", None),
    ],
)
def test_an_address_is_split_as_a_proxy_splits_it(
    method: str, target: bytes, path: bytes, query: bytes, host: bytes | None
) -> None:
    assert heads.split_target(method, target) == (path, query, host)


@each_row("host", [b"me@x", b"me:secret@x:80", b"x:", b"x:port", b"x:123456", b"[::1", b"a,b", b"%61", b"x\\y"])
def test_the_host_of_a_whole_address_is_checked_as_strictly_as_the_header(host: bytes) -> None:
    assert say(heads.split_target, "GET", b"http://" + host + b"/a")[0] == 400
    assert say(heads.check_fields, ((b"host", host),), {b"host": host}, is_old=False)[0] == 400


@each_row("space", [b"\t", b" ", b" \t", b"\t ", b"\t\t \t"])
@each_row("name, value", [(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"5"), (b"A", b"b\tc")])
def test_white_space_around_a_value_is_no_part_of_it(space: bytes, name: bytes, value: bytes) -> None:
    intake = Intake()
    intake.take_head(LINE + name + b":" + space + value + space + b"\r\n" + HOST + b"\r\n")
    assert intake.fields == ((name.lower(), value), (b"host", b"x"))


@each_row("target", [b"*", b"livez", b"x:80", b"?a", b"ftp://x/a", b"http:/a", b"http://", b"http:///a"])
def test_an_address_without_a_slash_is_refused(target: bytes) -> None:
    sentence = "The address does not begin with a slash. Send the path, such as /docs."
    assert say(heads.split_target, "GET", target) == (400, sentence)


_NAMES = st.sampled_from([b"A", b"host", b"X-Odd", b"content-length", b"Transfer-Encoding", b"!#$~", b"Connection"])
_VALUES = st.one_of(
    st.sampled_from([b"x", b"chunked", b"5", b"", b" \t", b"close", b"Upgrade", b"5, 5", b"\x80\xff"]),
    st.text(st.characters(max_codepoint=255), max_size=8).map(lambda text: text.encode("latin-1")),
)
_FIELDS = st.builds(
    lambda name, space, value: name + b":" + space + value, _NAMES, st.sampled_from([b"", b" "]), _VALUES
)
_LINES = st.one_of(
    st.just(LINE[:-2]),
    st.builds(
        lambda method, target, version: b" ".join([method, target.encode("latin-1"), version]),
        st.sampled_from([b"GET", b"PATCH", b"POST", b"HEAD", b"OPTIONS", b"get", b"PROPFIND", b"X"]),
        st.text(st.characters(max_codepoint=255), max_size=6).map(lambda text: "/" + text),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"]),
    ),
)


def read_by_padron(head: bytes) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]] | None:
    """Give method, address and headers of a head that is let through; None for one that is refused."""
    intake = Intake()
    try:
        intake.take_head(head)
        heads.check_fields(intake.fields, dict(intake.fields), is_old=intake.version == "1.0")
    except ProblemError:
        return None
    finally:
        intake.close()
    return intake.method.encode(), intake.target, list(intake.fields)


@given(_LINES, st.lists(_FIELDS, max_size=3))
def test_what_is_let_through_has_the_same_meaning_to_another_parser(line: bytes, fields: list[bytes]) -> None:
    head = b"\r\n".join([line, HOST[:-2], *fields, b"", b""])
    read = read_by_padron(head)
    if read is None:
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target, list(request.headers)) == read


def test_what_is_right_is_let_through() -> None:
    """The property above would hold if nothing were let through."""
    head = b"PATCH /a?b HTTP/1.1\r\nHost: x\r\nX-Odd:\ta\xff \t\r\nContent-Length: 2\r\n\r\n"
    assert read_by_padron(head) == (
        b"PATCH", b"/a?b", [(b"host", b"x"), (b"x-odd", b"a\xff"), (b"content-length", b"2")],
    )  # fmt: skip


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade", b"UPGRADE"])
def test_an_upgrade_is_not_taken_for_another_protocol(name: bytes) -> None:
    head = LINE + HOST + b"Connection: Upgrade\r\n" + name + b": h2c\r\nContent-Length: 2\r\n\r\n"
    intake = Intake()
    data: list[bytes] = []
    intake.take_data = data.append
    intake.take_head(head)
    intake.expect_body(2)
    assert not intake.is_complete
    assert intake.take_body(b"{}GET") == b"GET"
    assert (intake.is_complete, data) == (True, [b"{}"])
    intake.close()


@each_row("data, rest", [(b"", b""), (b"\r", b"\r"), (b"\r\nG", b"G"), (b"\r\n" * 9 + b"\r", b"\r"), (b"\n", b"\n")])
def test_empty_lines_before_a_request_are_skipped(data: bytes, rest: bytes) -> None:
    assert heads.skip_empty_lines(data) == rest
