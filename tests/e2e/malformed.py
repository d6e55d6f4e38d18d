"""Malformed and hostile requests, each with its right answer, and odd ones that are right after all.

``@VIN@`` and ``@KEY@`` stand for a vehicle that there is and for a key that may do everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass

LIVE = b"GET /livez HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
GET = LIVE + HOST + b"\r\n"
CONTROLS = (*range(0x20), 0x7F)
HEADER_BYTES_MAX = 16_384
TARGET_BYTES_MAX = 2_048


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A request, and the answer to it. ``error`` is the documented name of a refusal."""

    name: str
    data: bytes
    status: int
    error: str = ""


def refuse(name: str, data: bytes, status: int = 400, error: str = "MalformedRequest") -> Case:
    return Case(name=name, data=data, status=status, error=error)


def with_line(line: bytes) -> bytes:
    return line + b"\r\n" + HOST + b"\r\n"


def with_header(header: bytes) -> bytes:
    return LIVE + HOST + header + b"\r\n\r\n"


_LINES = {
    "nothing but a word": b"nonsense",
    "empty": b" ",
    "spaces": b"   ",
    "a tab for a space": b"GET\t/livez HTTP/1.1",
    "a tab for the second space": b"GET /livez\tHTTP/1.1",
    "two spaces": b"GET  /livez HTTP/1.1",
    "two spaces before the version": b"GET /livez  HTTP/1.1",
    "a space before": b" GET /livez HTTP/1.1",
    "a space behind": b"GET /livez HTTP/1.1 ",
    "a tab behind": b"GET /livez HTTP/1.1\t",
    "no address": b"GET HTTP/1.1",
    "an empty address": b"GET  HTTP/1.1",
    "no version": b"GET /livez",
    "no method": b"/livez HTTP/1.1",
    "a space in the address": b"GET /li vez HTTP/1.1",
    "a fragment": b"GET /livez#here HTTP/1.1",
    "a fragment alone": b"GET # HTTP/1.1",
    "a fragment in a query": b"GET /livez?a#b HTTP/1.1",
    "obs-text in the address": b"GET /livez\xf1 HTTP/1.1",
    "UTF-8 in the address": "GET /livezñ HTTP/1.1".encode(),
    "obs-text in the method": b"G\xcbT /livez HTTP/1.1",
    "a separator in the method": b"G(T /livez HTTP/1.1",
    "a colon in the method": b"GET: /livez HTTP/1.1",
    "a slash in the method": b"G/T /livez HTTP/1.1",
    "a method of 33 letters": b"A" * 33 + b" /livez HTTP/1.1",
    "HTTP/0.9": b"GET /livez HTTP/0.9",
    "HTTP/1.2": b"GET /livez HTTP/1.2",
    "HTTP/2.0": b"GET /livez HTTP/2.0",
    "HTTP/2": b"GET /livez HTTP/2",
    "HTTP/9.9": b"GET /livez HTTP/9.9",
    "HTTP/1.10": b"GET /livez HTTP/1.10",
    "HTTP/01.1": b"GET /livez HTTP/01.1",
    "HTTP/1,1": b"GET /livez HTTP/1,1",
    "HTTP/1.": b"GET /livez HTTP/1.",
    "HTTP/": b"GET /livez HTTP/",
    "HTTP": b"GET /livez HTTP",
    "http/1.1": b"GET /livez http/1.1",
    "Http/1.1": b"GET /livez Http/1.1",
    "HTTPS/1.1": b"GET /livez HTTPS/1.1",
    "RTSP/1.0": b"DESCRIBE /livez RTSP/1.0",
    "ICE/1.0": b"SOURCE /livez ICE/1.0",
    "SIP/2.0": b"OPTIONS sip:x SIP/2.0",
    "HTTP/1.1 with a minus": b"GET /livez HTTP/-1.1",
    "an authority": b"GET x:80 HTTP/1.1",
    "a relative address": b"GET livez HTTP/1.1",
    "a relative address with dots": b"GET ../livez HTTP/1.1",
    "a query alone": b"GET ?a HTTP/1.1",
    "another scheme": b"GET ftp://x/livez HTTP/1.1",
    "a scheme without slashes": b"GET http:/livez HTTP/1.1",
    "a script": b"GET javascript:alert(1) HTTP/1.1",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM",
    "a greeting of SSH": b"SSH-2.0-OpenSSH_9.6",
    "a greeting of SMTP": b"EHLO padron.test",
    "a command of Redis": b"*1\r\n$4\r\nPING",
    "a command of memcached": b"stats items",
    "a PROXY line": b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 80\r\n" + LIVE.rstrip(),
    "a status line": b"HTTP/1.1 200 OK",
    "a byte order mark": b"\xef\xbb\xbfGET /livez HTTP/1.1",
}
_HELLO = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(32)) + b"\x00" * 100
_LINE_ENDS = {
    "bare LF": GET.replace(b"\r\n", b"\n"),
    "bare LF behind the line": GET.replace(b"\r\n", b"\n", 1),
    "bare LF behind a header": LIVE + b"Host: x\n\r\n",
    "bare LF before the end": LIVE + HOST + b"\n",
    "bare LF between headers": LIVE + HOST + b"A: 1\nB: 2\r\n\r\n",
    "bare CR": GET.replace(b"\r\n", b"\r") + b"\r\n\r\n",
    "bare CR between headers": LIVE + HOST + b"A: 1\rB: 2\r\n\r\n",
    "bare CR at the end of a header": LIVE + HOST + b"A: 1\r\r\n\r\n",
    "CR CR LF": GET.replace(b"\r\n", b"\r\r\n"),
    "LF CR": GET.replace(b"\r\n", b"\n\r"),
    "a LF before the request": b"\n" + GET,
    "a CR before the request": b"\r" + GET,
    "two LFs before the request": b"\n\n" + GET,
    "LF and LF at the end": LIVE + HOST.rstrip() + b"\n\n",
    "a form feed": LIVE + b"Host: x\f\n\r\n",
}
_HEADERS = {
    "no name": b": v",
    "no colon": b"nonsense",
    "a space before the colon": b"A : v",
    "a tab before the colon": b"A\t: v",
    "a space before the name": b" A: v",
    "a tab before the name": b"\tA: v",
    "a space in the name": b"A B: v",
    "a line that goes on": b"A: v\r\n more",
    "a line that goes on by a tab": b"A: v\r\n\tmore",
    "a line of spaces": b"A: v\r\n   ",
    "obs-text in the name": b"\xc1: v",
    "UTF-8 in the name": "ñ: v".encode(),
    "a separator in the name": b"A(B): v",
    "a quote in the name": b'A"B: v',
    "a slash in the name": b"A/B: v",
    "a brace in the name": b"{A}: v",
    "a comma in the name": b"A,B: v",
    "a semicolon in the name": b"A;B: v",
    "an equals sign in the name": b"A=B: v",
    "an at sign in the name": b"A@B: v",
    "a bracket in the name": b"[A]: v",
    "a NUL behind the value": b"A: v\x00",
    "an ESC before the value": b"A:\x1bv",
    "Transfer-Encoding with a space before its colon": b"Transfer-Encoding : chunked",
    "Content-Length with a space before its colon": b"Content-Length : 5",
    "Host with a space before its colon": b"Host : x",
}
_HOSTS = {
    "none": b"",
    "two": HOST + HOST,
    "two that differ": HOST + b"Host: y\r\n",
    "two in two cases": HOST + b"HOST: x\r\n",
    "empty": b"Host:\r\n",
    "a space": b"Host:  \r\n",
    "a list": b"Host: x, y\r\n",
    "a user": b"Host: me@x\r\n",
    "a path": b"Host: x/y\r\n",
    "a query": b"Host: x?y\r\n",
    "a fragment": b"Host: x#y\r\n",
    "a backslash": b"Host: x\\y\r\n",
    "a scheme": b"Host: http://x\r\n",
    "a space between": b"Host: x y\r\n",
    "a port that is none": b"Host: x:http\r\n",
    "a port of six digits": b"Host: x:123456\r\n",
    "a negative port": b"Host: x:-1\r\n",
    "two ports": b"Host: x:1:2\r\n",
    "an open bracket": b"Host: [::1\r\n",
    "a closed bracket": b"Host: ::1]\r\n",
    "letters in brackets": b"Host: [xyz]\r\n",
    "an address without brackets": b"Host: ::1\r\n",
    "percent-encoding": b"Host: %78\r\n",
    "obs-text": b"Host: padr\xf3n.test\r\n",
    "quotes": b'Host: "x"\r\n',
}
_NEVER = {
    "TRACE": b"TRACE /livez HTTP/1.1",
    "TRACE of HTTP/1.0": b"TRACE /livez HTTP/1.0",
    "CONNECT to an authority": b"CONNECT padron.test:443 HTTP/1.1",
    "CONNECT to a path": b"CONNECT /livez HTTP/1.1",
    "a method in lower case": b"get /livez HTTP/1.1",
    "a method in both cases": b"Get /livez HTTP/1.1",
    "an unknown method": b"BREW /livez HTTP/1.1",
    "a long unknown method": b"A" * 32 + b" /livez HTTP/1.1",
    "an unknown method with signs": b"!$%&'*+-.^_`|~ /livez HTTP/1.1",
    "the method of the HTTP/2 preface": b"PRI /livez HTTP/1.1",
    "TRACE in lower case": b"trace /livez HTTP/1.1",
}


def _list_controls() -> Iterator[Case]:
    """Give each control character in each part of a head."""
    for code in CONTROLS:
        byte = bytes([code])
        for part, data in (
            ("the method", with_line(b"GE" + byte + b"T /livez HTTP/1.1")),
            ("the address", with_line(b"GET /li" + byte + b"vez HTTP/1.1")),
            ("the version", with_line(b"GET /livez HTTP/1" + byte + b".1")),
            ("a name", with_header(b"A" + byte + b"B: v")),
            ("a value", with_header(b"A: v" + byte + b"w")),
        ):
            if (code, part) != (ord("\t"), "a value"):
                yield refuse(f"the control character {code:02X} in {part}", data)


def _list_sizes() -> Iterator[Case]:
    many = b"".join(b"X-%d: v\r\n" % number for number in range(64))
    too_large = {
        "65 headers": LIVE + HOST + many + b"\r\n",
        "65 headers of one name": LIVE + HOST + b"A: b\r\n" * 64 + b"\r\n",
        "thousands of headers": LIVE + HOST + b"A:\r\n" * 5_000 + b"\r\n",
        "headers without an end": LIVE + HOST + b"A:\r\n" * 5_000,
        "one byte over 16 KB of headers": LIVE
        + HOST
        + b"A: ".ljust(HEADER_BYTES_MAX - len(HOST) - 1, b"v")
        + b"\r\n\r\n",
        "a header of 20 KB": with_header(b"A: " + b"v" * 20_000),
        "a header of 1 MB": with_header(b"A: " + b"v" * 1_000_000),
        "a name of 20 KB": with_header(b"A" * 20_000 + b": v"),
        "a header of 20 KB without an end": LIVE + HOST + b"A: " + b"v" * 20_000,
        "a cookie of 60 KB in lines": LIVE + HOST + (b"Cookie: " + b"c" * 990 + b"\r\n") * 60 + b"\r\n",
    }
    for name, data in too_large.items():
        yield refuse(name, data, 431, "HeadersTooLarge")
    long = {
        "one byte over 2 KB": b"GET /" + b"p" * TARGET_BYTES_MAX + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "a query of 60 KB": b"GET /livez?" + b"q" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "1 MB": b"GET /" + b"p" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "no end": b"GET /" + b"p" * 60_000,
    }
    for name, data in long.items():
        yield refuse(f"an address of {name}", data, 414, "TargetTooLong")


REFUSED_HEADS = [
    *(refuse(f"a request line: {name}", with_line(line)) for name, line in _LINES.items()),
    *(refuse(f"line ends: {name}", data) for name, data in _LINE_ENDS.items()),
    *(refuse(f"a header: {name}", with_header(header)) for name, header in _HEADERS.items()),
    *(refuse(f"Host: {name}", LIVE + host + b"\r\n", error="BadHost") for name, host in _HOSTS.items()),
    *(refuse(name, with_line(line), 405, "MethodNotAllowed") for name, line in _NEVER.items()),
    *_list_controls(),
    *_list_sizes(),
    refuse("TLS on the plain port", _HELLO),
    refuse("TLS on the plain port, cut off", _HELLO[:11]),
    refuse("a PROXY header of the second version", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x7f\0\0\1" * 3 + GET),
    refuse("a million NULs", b"\0" * 1_000_000),
    refuse("a million letters", b"A" * 1_000_000),
    refuse("a megabyte of line feeds", b"\n" * 1_000_000),
    refuse("random bytes", bytes((place * 7_919 >> 3) & 0xFF for place in range(4_096))),
]

_TOKEN_SIGNS = b"!#$%&'*+-.^_`|~0aZ"
_ODD_HEADS = {
    "an empty line before": b"\r\n" + GET,
    "five empty lines before": b"\r\n" * 5 + GET,
    "HTTP/1.0": b"GET /livez HTTP/1.0\r\n" + HOST + b"\r\n",
    "HTTP/1.0 that would stay": b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n" + HOST + b"\r\n",
    "a whole address": with_line(b"GET http://x/livez HTTP/1.1"),
    "a whole address of https": with_line(b"GET HTTPS://x/livez HTTP/1.1"),
    "a query of odd signs": with_line(b'GET /livez?%zz&[]{}|^"<>\\` HTTP/1.1'),
    "an address of 2 KB": b"GET /livez?" + b"q" * (TARGET_BYTES_MAX - 7) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "64 headers": LIVE + HOST + b"A:\r\n" * 63 + b"\r\n",
    "16 KB of headers": LIVE + HOST + b"A: ".ljust(HEADER_BYTES_MAX - len(HOST) - 2, b"v") + b"\r\n\r\n",
    "an empty value": with_header(b"A:"),
    "a value of spaces and tabs": with_header(b"A: \t \t"),
    "a tab in a value": with_header(b"A: v\tw"),
    "obs-text in a value": with_header(b"A: \x80\xff"),
    "every sign that a name may have": with_header(_TOKEN_SIGNS + b": v"),
    "a value of colons": with_header(b"A:::"),
    "a host with a port": LIVE + b"Host: x:65535\r\n\r\n",
    "a host of IPv6": LIVE + b"Host: [::1]:80\r\n\r\n",
    "no space before the host": LIVE + b"Host:x\r\n\r\n",
    "Upgrade": with_header(b"Connection: Upgrade\r\nUpgrade: websocket"),
    "Upgrade to HTTP/2": with_header(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"
    ),
    "Upgrade without Connection": with_header(b"Upgrade: h2c"),
    "HTTP2-Settings alone": with_header(b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "Expect: 100-continue": with_header(b"Expect: 100-continue"),
    "Expect: something else": with_header(b"Expect: the Spanish Inquisition"),
    "Connection: close": with_header(b"Connection: close"),
    "Connection: many": with_header(b"Connection: close, keep-alive, te, x"),
    "Connection: nonsense": with_header(b"Connection: ,;="),
    "Content-Length: 0": with_header(b"Content-Length: 0"),
    "TE": with_header(b"TE: trailers, deflate;q=0.5"),
    "a range": with_header(b"Range: bytes=0-0,1-1,-5"),
    "ranges without number": with_header(b"Range: bytes=" + b"0-," * 500),
    "a proxy's headers": with_header(b"X-Forwarded-For: ,,,\r\nX-Forwarded-Proto: gopher\r\nForwarded: for=;;;"),
    "another method in a header": with_header(b"X-HTTP-Method-Override: TRACE"),
    "PROXY as a header": with_header(b"Proxy: http://127.0.0.1:1"),
}
ANSWERED_HEADS = [
    *(Case(name=f"odd but right: {name}", data=data, status=200) for name, data in _ODD_HEADS.items()),
    Case(name="a method of WebDAV", data=with_line(b"PROPFIND /livez HTTP/1.1"), status=405, error="MethodNotAllowed"),
    Case(name="dots in a path", data=with_line(b"GET /../livez HTTP/1.1"), status=404, error="PathNotFound"),
    Case(name="two slashes", data=with_line(b"GET //livez HTTP/1.1"), status=404, error="PathNotFound"),
    Case(name="an encoded NUL", data=with_line(b"GET /livez%00 HTTP/1.1"), status=404, error="PathNotFound"),
    Case(name="half an encoding", data=with_line(b"GET /livez% HTTP/1.1"), status=404, error="PathNotFound"),
    Case(name="a backslash", data=with_line(b"GET /\\livez HTTP/1.1"), status=404, error="PathNotFound"),
]
