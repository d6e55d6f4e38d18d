"""Requests whose body has no certain end, and what could smuggle a second request past a proxy: see malformed.py."""

from tests.e2e.malformed import GET, HOST, LIVE, Case, refuse

BODY = b'{"vehicleStatusId": 3}'
SIZE = b"%d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
_KEY = b"Authorization: Bearer @KEY@\r\n"
_ADDRESS = b"PATCH /api/v2/vehicles/@VIN@/status HTTP/1.%d\r\n"
_CHUNK = b"16\r\n" + BODY + b"\r\n"
_END = b"0\r\n\r\n"


def with_lines(*lines: bytes, body: bytes = BODY, minor: int = 1) -> bytes:
    """Give a status call with these headers besides host and key."""
    return _ADDRESS % minor + HOST + _KEY + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def with_chunks(body: bytes) -> bytes:
    return with_lines(CHUNKED, body=body)


_LENGTHS = {
    "a plus": [b"Content-Length: +22"],
    "a minus": [b"Content-Length: -22"],
    "minus zero": [b"Content-Length: -0"],
    "hex": [b"Content-Length: 0x16"],
    "hex without 0x": [b"Content-Length: 1f"],
    "octal": [b"Content-Length: 0o26"],
    "an underscore": [b"Content-Length: 2_2"],
    "a space between": [b"Content-Length: 2 2"],
    "a tab between": [b"Content-Length: 2\t2"],
    "a comma": [b"Content-Length: 22,"],
    "a list of equals": [b"Content-Length: 22, 22"],
    "a list": [b"Content-Length: 22, 23"],
    "a fraction": [b"Content-Length: 22.0"],
    "an exponent": [b"Content-Length: 2e1"],
    "a word": [b"Content-Length: chunked"],
    "nothing": [b"Content-Length:"],
    "quotes": [b'Content-Length: "22"'],
    "19 digits": [b"Content-Length: " + b"9" * 19],
    "40 digits": [b"Content-Length: " + b"9" * 40],
    "2 to the 64th and 22": [b"Content-Length: 18446744073709551638"],
    "19 zeros before": [b"Content-Length: " + SIZE.rjust(21, b"0")],
    "digits of another script": ["Content-Length: ٢٢".encode()],
    "superscript digits": ["Content-Length: ²²".encode("latin-1")],
    "twice the same": [b"Content-Length: 22", b"Content-Length: 22"],
    "twice": [b"Content-Length: 22", b"Content-Length: 5"],
    "twice in two cases": [b"Content-Length: 22", b"content-length: 5"],
    "twice, one empty": [b"Content-Length: 22", b"Content-Length:"],
    "Transfer-Encoding beside": [b"Content-Length: 22", CHUNKED],
    "Transfer-Encoding before": [CHUNKED, b"Content-Length: 22"],
    "0 and Transfer-Encoding": [b"Content-Length: 0", CHUNKED],
    "Transfer-Encoding: identity beside": [b"Content-Length: 22", b"Transfer-Encoding: identity"],
    "an empty Transfer-Encoding beside": [b"Content-Length: 22", b"Transfer-Encoding:"],
}
_CODINGS = {
    "twice chunked": [CHUNKED, CHUNKED],
    "chunked, then another": [CHUNKED, b"Transfer-Encoding: x"],
    "another, then chunked": [b"Transfer-Encoding: x", CHUNKED],
    "identity, then chunked": [b"Transfer-Encoding: identity", CHUNKED],
    "twice in two cases": [CHUNKED, b"transfer-encoding: CHUNKED"],
    "gzip, chunked": [b"Transfer-Encoding: gzip, chunked"],
    "chunked, chunked": [b"Transfer-Encoding: chunked, chunked"],
    "chunked, gzip": [b"Transfer-Encoding: chunked, gzip"],
    "chunked, identity": [b"Transfer-Encoding: chunked, identity"],
    "chunked and a comma": [b"Transfer-Encoding: chunked,"],
    "a comma and chunked": [b"Transfer-Encoding: ,chunked"],
    "xchunked": [b"Transfer-Encoding: xchunked"],
    "chunkedx": [b"Transfer-Encoding: chunkedx"],
    "chunk": [b"Transfer-Encoding: chunk"],
    "identity": [b"Transfer-Encoding: identity"],
    "gzip": [b"Transfer-Encoding: gzip"],
    "nothing": [b"Transfer-Encoding:"],
    "quotes": [b'Transfer-Encoding: "chunked"'],
    "a parameter": [b"Transfer-Encoding: chunked;q=1"],
    "obs-text": [b"Transfer-Encoding: chunked\xa0"],
    "obs-text before": [b"Transfer-Encoding: \x85chunked"],
    "a long s": ["Transfer-Encoding: \u017fchunked".encode()],
    "a Kelvin sign": ["Transfer-Encoding: chun\u212aed".encode()],
    "a vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "a NUL": [b"Transfer-Encoding: chunked\x00"],
    "a CR": [b"Transfer-Encoding: chunked\r"],
    "a line that goes on": [b"Transfer-Encoding:\r\n chunked"],
    "a space before the colon": [b"Transfer-Encoding : chunked"],
    "a hidden second line": [b"A: v\nTransfer-Encoding: chunked"],
    "a hidden second line by CR": [b"A: v\rTransfer-Encoding: chunked"],
}
_CHUNKS = {
    "no hex digit": b"g\r\n" + BODY,
    "a minus": b"-16\r\n" + BODY + b"\r\n" + _END,
    "a plus": b"+16\r\n" + BODY + b"\r\n" + _END,
    "0x": b"0x16\r\n" + BODY + b"\r\n" + _END,
    "a space before": b" 16\r\n" + BODY + b"\r\n" + _END,
    "a tab before": b"\t16\r\n" + BODY + b"\r\n" + _END,
    "a space between": b"1 6\r\n" + BODY + b"\r\n" + _END,
    "a comma": b"16,16\r\n" + BODY + b"\r\n" + _END,
    "an underscore": b"1_6\r\n" + BODY + b"\r\n" + _END,
    "a fraction": b"16.0\r\n" + BODY + b"\r\n" + _END,
    "no size": b"\r\n" + BODY + b"\r\n" + _END,
    "17 digits": b"1" * 17 + b"\r\n" + BODY,
    "17 digits that overflow to 22": b"10000000000000016\r\n" + BODY + b"\r\n" + _END,
    "a thousand digits": b"f" * 1_000 + b"\r\n",
    "an extension without a semicolon": b"16 a\r\n" + BODY + b"\r\n" + _END,
    "LF behind the size": b"16\n" + BODY + b"\r\n" + _END,
    "CR behind the size": b"16\r" + BODY + b"\r\n" + _END,
    "CR CR LF behind the size": b"16\r\r\n" + BODY + b"\r\n" + _END,
    "LF in an extension": b"16;a\nb\r\n" + BODY + b"\r\n" + _END,
    "CR in an extension": b"16;a\rb\r\n" + BODY + b"\r\n" + _END,
    "a NUL in an extension": b"16;a\x00b\r\n" + BODY + b"\r\n" + _END,
    "nothing behind the data": b"16\r\n" + BODY + _END,
    "LF behind the data": b"16\r\n" + BODY + b"\n" + _END,
    "CR behind the data": b"16\r\n" + BODY + b"\r" + _END,
    "two bytes behind the data": b"16\r\n" + BODY + b"XX" + _END,
    "more data than the size says": b"15\r\n" + BODY + b"\r\n" + _END,
    "LF all over": b"16\n" + BODY + b"\n0\n\n",
    "bare data": BODY,
    "an extension of 100 KB": b"16;" + b"a" * 100_000 + b"\r\n" + BODY + b"\r\n" + _END,
    "a quoted extension of 100 KB": b'16;a="' + b"a" * 100_000 + b'"\r\n' + BODY + b"\r\n" + _END,
    "an extension without an end": b"16;" + b"a" * 100_000,
    "trailers without an end": _CHUNK + b"0\r\n" + b"A: v\r\n" * 20_000,
    "a trailer of 100 KB": _CHUNK + b"0\r\nA: " + b"v" * 100_000 + b"\r\n\r\n",
    "a trailer without a colon": _CHUNK + b"0\r\nnonsense\r\n\r\n",
    "a trailer with a space before its colon": _CHUNK + b"0\r\nA : v\r\n\r\n",
    "LF behind the last chunk": _CHUNK + b"0\n\n",
    "a NUL in a trailer": _CHUNK + b"0\r\nA: \x00\r\n\r\n",
    "a request for a chunk": GET,
    "a request for the second chunk": _CHUNK + GET,
}

REFUSED_BODIES = [
    *(refuse(f"Content-Length: {name}", with_lines(*lines)) for name, lines in _LENGTHS.items()),
    *(refuse(f"Transfer-Encoding: {name}", with_lines(*lines, body=_CHUNK + _END)) for name, lines in _CODINGS.items()),
    *(refuse(f"a chunk: {name}", with_chunks(body)) for name, body in _CHUNKS.items()),
    refuse("Transfer-Encoding on HTTP/1.0", with_lines(CHUNKED, body=_CHUNK + _END, minor=0)),
    refuse("both on HTTP/1.0", with_lines(CHUNKED, b"Content-Length: 22", body=_CHUNK + _END, minor=0)),
    refuse("CL.TE", with_lines(b"Content-Length: 6", CHUNKED, body=_END + b"G" + GET)),
    refuse("TE.CL", with_lines(CHUNKED, b"Content-Length: 4", body=b"5c\r\n" + GET + _END)),
    refuse("TE.TE by case", with_lines(CHUNKED, b"Transfer-encoding: cow", body=b"5c\r\n" + GET + _END)),
    refuse("TE.TE by a space", with_lines(CHUNKED, b"Transfer-Encoding : x", body=b"5c\r\n" + GET + _END)),
    refuse("CL.0 behind GET", LIVE + HOST + b"Content-Length: 9x\r\n\r\n" + GET),
    refuse("two lengths behind GET", LIVE + HOST + b"Content-Length: 0\r\nContent-Length: 41\r\n\r\n" + GET),
    refuse("GET with a coding", LIVE + HOST + b"Transfer-Encoding: chunked, x\r\n\r\n" + GET),
    refuse("a body declared as huge", with_lines(b"Content-Length: " + b"9" * 18), 413, "BodyTooLarge"),
    refuse("a body of 16 KB and 1", with_lines(b"Content-Length: 16385"), 413, "BodyTooLarge"),
    refuse("a chunk of 17 KB", with_chunks(b"4400\r\n" + b" " * 0x4400 + b"\r\n" + _END), 413, "BodyTooLarge"),
    refuse("a slash in a trailer's name", with_chunks(_CHUNK + b"0\r\nA/B: v\r\n\r\n")),
]

_RIGHT_CHUNKS = {
    "an extension": b"16;a=b\r\n" + BODY + b"\r\n" + _END,
    "a quoted extension": b'16;a="b;c"\r\n' + BODY + b"\r\n" + _END,
    "many chunks": b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + _END,
    "zeros before the size": b"0000000000000016\r\n" + BODY + b"\r\n" + _END,
    "a trailer": _CHUNK + b"0\r\nA: v\r\n\r\n",
    "a trailer that names a host": _CHUNK + b"0\r\nHost: y\r\nAuthorization: Bearer z\r\n\r\n",
    "a last chunk with an extension": _CHUNK + b"0;a=b\r\n\r\n",
    "many zeros at the end": _CHUNK + b"0000\r\n\r\n",
}
ANSWERED_BODIES = [
    *(Case(name=f"right: a chunk: {name}", data=with_chunks(body), status=204) for name, body in _RIGHT_CHUNKS.items()),
    Case(name="right: zeros before the length", data=with_lines(b"Content-Length: 00022"), status=204),
    Case(name="right: spaces around the length", data=with_lines(b"Content-Length: \t 22 \t"), status=204),
    Case(name="right: HTTP/1.0 with a length", data=with_lines(b"Content-Length: 22", minor=0), status=204),
    Case(
        name="right: CHUNKED in capitals",
        data=with_lines(b"TRANSFER-ENCODING: CHUNKED", body=_CHUNK + _END),
        status=204,
    ),
    Case(
        name="right: Expect with the body", data=with_lines(b"Expect: 100-continue", b"Content-Length: 22"), status=204
    ),
    Case(name="right: another Expect", data=with_lines(b"Expect: 200-ok", b"Content-Length: 22"), status=204),
    Case(
        name="right: Upgrade with a body",
        data=with_lines(
            b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA", b"Content-Length: 22"
        ),
        status=204,
    ),
    Case(
        name="right: Upgrade with a chunked body",
        data=with_lines(b"Connection: Upgrade", b"Upgrade: h2c", CHUNKED, body=_CHUNK + _END),
        status=204,
    ),
    Case(
        name="a body that looks like a request",
        data=with_lines(b"Content-Length: %d" % len(GET), body=GET),
        status=400,
        error="BadParameters",
    ),
    Case(
        name="a chunked body that looks like a request",
        data=with_chunks(b"%x\r\n%b\r\n0\r\n\r\n" % (len(GET), GET)),
        status=400,
        error="BadParameters",
    ),
    Case(name="no body", data=with_lines(body=b""), status=400, error="BadParameters"),
    Case(name="an empty chunked body", data=with_chunks(_END), status=400, error="BadParameters"),
    Case(
        name="a slash in a VIN",
        data=b"GET /api/v2/vehicles/1M8%2FGDM9AXKP042788/status HTTP/1.1\r\n" + HOST + _KEY + b"\r\n",
        status=400,
        error="BadParameters",
    ),
    Case(
        name="a slash in a VIN of right length",
        data=b"GET /api/v2/vehicles/1M8GDM9AXKP0427%2f/status HTTP/1.1\r\n" + HOST + _KEY + b"\r\n",
        status=400,
        error="BadParameters",
    ),
]
