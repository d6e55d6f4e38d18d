"""The functions that meet text from outside, each with the text of a size that would take it longest."""

import base64
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from padron.delivery.sender import escape_text, parse_retry_after
from padron.domain import account, idempotency, instants, quoting, status, target, vehicle, vin
from padron.domain.errors import PadronError
from padron.domain.file_reading import ReadingOptions
from padron.files.columns import fold_name
from padron.files.csv_rows import CsvRows
from padron.files.defusing import arm_text, defuse_text
from padron.files.headers import HeaderSearch
from padron.files.json_rows import JsonRows
from padron.http import calls, routing
from padron.http.answers.problem import ProblemError
from padron.http.edge import heads
from padron.http.requests import bodies, conditions, json_faults, queries
from padron.http.shapes.operations import ResultsBody
from padron.service.changes import cursor_texts, cursors
from padron.service.vehicles import questions, vins
from padron.wiring import read_clock

_NOW = read_clock()
_LIFE = "0123abcd"  # of a register: what its cursors begin with


@dataclass(frozen=True, kw_only=True)
class Hard:
    """A call over a text of a size; ``size`` is what the shorter one is measured with."""

    make: Callable[[int], Callable[[], object]]
    size: int = 4_096


def _try(function: Callable[..., object], *given: object) -> Callable[[], object]:
    def call() -> None:
        with suppress(PadronError, ProblemError, ValueError):
            function(*given)

    return call


def _read_file(kind: Any, content: bytes) -> Callable[[], object]:  # noqa: ANN401
    def call() -> None:
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            with suppress(PadronError):
                sum(1 for _ in kind(file, len(content), ReadingOptions()))

    return call


def _describe_body(content: bytes) -> Callable[[], object]:
    return _try(bodies.decode_shape, ResultsBody, content)


def _ask(query_string: bytes) -> Callable[[], object]:
    call: Any = SimpleNamespace(request=SimpleNamespace(query=query_string))
    return _try(queries.read_query, call, queries.LIST_PARAMETERS)


def _guard(headers: list[tuple[bytes, bytes]]) -> Callable[[], object]:
    return _try(calls.guard_headers, {"query_string": b"", "raw_path": b"/", "headers": headers})


def _check_head(fill: Callable[[int], bytes]) -> Callable[[int], Callable[[], object]]:
    """Check a head as when it is complete, and as when its end has not arrived."""

    def make(size: int) -> Callable[[], object]:
        beginning = _LINE + fill(size)
        checks = (_try(heads.check_head, beginning + heads.END), _try(heads.check_beginning, beginning, 0))
        return lambda: [check() for check in checks]

    return make


def _find_path(raw: bytes) -> Callable[[], object]:
    return lambda: routing._split(raw)


def _hand(function: Callable[[str], object], text: Callable[[int], str]) -> Callable[[int], Callable[[], object]]:
    return lambda size: _try(function, text(size))


_LINE = b"GET / HTTP/1.1\r\n"
_HEADS: dict[str, Callable[[int], bytes]] = {
    "names": lambda size: b"a" * size,
    "values": lambda size: b"a:" + b" " * size,
    "colons": lambda size: b":" * size,
    "many": lambda size: b"a:\r\n" * (size // 4),
    "carriage-returns": lambda size: b"\r" * size,
    "line-feeds": lambda size: b"\n" * size,
    "line-ends": lambda size: b"\r\n" * (size // 2),
    "controls": lambda size: b"a:" + b"\0" * size,
    "continued": lambda size: b"a: b\r\n " * (size // 7),
    "without-colon": lambda size: b"a\r\n" * (size // 3),
    "last-wrong": lambda size: b"a: b\r\n" * (size // 6) + b"\0",
    "upgrades": lambda size: b"upgrade:\r" * (size // 9),
}
_RESULT = b'{"results": [{"claimId": "a", "outcome": "failed", "result": %s}]}'
_TEXTS: dict[str, Callable[[int], str]] = {
    "spaces": lambda size: " " * size,
    "spaces_between": lambda size: "a" + " " * size + "b",
    "letters": lambda size: "a" * size,
    "digits": lambda size: "9" * size,
    "commas": lambda size: "," * size,
    "quotes": lambda size: '"' * size,
    "semicolons": lambda size: ";" * size,
    "accents": lambda size: "a" + "\u0316\u0300" * (size // 2),
    "invisible": lambda size: "\u200b" * size,
    "surrogates": lambda size: "\ud800" * size,
    "dots": lambda size: "a." * (size // 2),
    "brackets": lambda size: "[" * size,
    "percents": lambda size: "%41" * (size // 3),
    "hyphens": lambda size: "-" * size,
    "apostrophes": lambda size: "'" * size,
    "colons": lambda size: ":" * size,
}
_OF_TEXT: dict[str, Callable[[str], object]] = {
    "parse_vin": vin.parse_vin,
    "list_vin_faults": vin.list_vin_faults,
    "suggest_vin": vin.suggest_vin,
    "describe_vin": lambda text: vins.describe_vin(text, _NOW),
    "parse_plate": vehicle.parse_plate,
    "check_text": lambda text: vehicle.check_text("x", text, 300),
    "check_name": lambda text: account.check_name("x", text, 100),
    "parse_credential": account.parse_credential,
    "check_key": idempotency.check_key,
    "parse_instant": lambda text: instants.parse_instant("x", text),
    "parse_number": lambda text: questions.parse_number("x", text, 0, 9),
    "parse_target": lambda text: target.parse_target("https://" + text, ()),
    "parse_retry_after": lambda text: parse_retry_after(text, _NOW),
    "escape_text": lambda text: escape_text(text, 1_024),
    "fold_name": fold_name,
    "find_header": lambda text: HeaderSearch(ReadingOptions()).take(1, [text]),
    "quote": quoting.quote,
    "show_word": quoting.show_word,
    "parse_validators": lambda text: conditions.parse_validators(text.encode("latin-1", "replace")),
    "parse_status_text": status.parse_status_text,
    "suggest_plate": vehicle.suggest_plate,
    "defuse_text": defuse_text,
    "arm_text": arm_text,
    "suggest_name": lambda text: json_faults.suggest_name(text, frozenset({"vehicleStatusId", "reason"})),
    "parse_feed_cursor": lambda text: cursors.parse_feed_cursor(_LIFE, text),
    "decode_cursor": lambda text: cursor_texts.decode_cursor(
        _LIFE, _LIFE + base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()
    ),
    "check_content_type": lambda text: bodies._check_content_type(
        b"application/json;" + text.encode("latin-1", "replace")
    ),
    "check_coding": lambda text: calls._check_coding(b"x", text.encode("latin-1", "replace"), "identity"),
}

FUNCTIONS: dict[str, Hard] = {
    **{
        f"{name}-{kind}": Hard(make=_hand(function, text))
        for name, function in _OF_TEXT.items()
        for kind, text in _TEXTS.items()
    },
    "headers-many": Hard(make=lambda size: _guard([(b"a", b"b" * 50)] * size)),
    "headers-64-long": Hard(make=lambda size: _guard([(b"a", b"b" * size)] * 64)),
    "query-many": Hard(make=lambda size: _ask(b"&".join(b"a%d=1" % number for number in range(size)))),
    "query-long-name": Hard(make=lambda size: _ask(b"a" * size + b"=1")),
    "query-semicolons": Hard(make=lambda size: _ask(b";" * size)),
    **{f"head-{kind}": Hard(make=_check_head(fill), size=1 << 16) for kind, fill in _HEADS.items()},
    "head-long-address": Hard(make=lambda size: _try(heads.check_beginning, b"GET /" + b"a" * size, 0), size=1 << 16),
    "head-spaces-for-an-address": Hard(
        make=lambda size: _try(heads.check_head, b"GET " + b" " * size + b"HTTP/1.1\r\n\r\n"), size=1 << 16
    ),
    "head-unparsable": Hard(
        make=lambda size: _try(heads.explain_unparsable, _LINE + b"a: b\r\n" * (size // 6) + heads.END), size=1 << 16
    ),
    "head-upgrades": Hard(
        make=lambda size: lambda: heads.simplify(_LINE + b"\r\nupgrade:" * (size // 10) + heads.END), size=1 << 16
    ),
    "head-tabs": Hard(
        make=lambda size: lambda: heads.simplify(_LINE + b"a:" + b"\t" * size + b"x\r\n" + heads.END), size=1 << 16
    ),
    "head-whole-address": Hard(
        make=lambda size: _try(heads.split_target, "GET", b"http://" + b"a" * size), size=1 << 16
    ),
    "head-empty-lines": Hard(make=lambda size: lambda: heads.skip_empty_lines(b"\r\n" * size), size=1 << 16),
    "path-slashes": Hard(make=lambda size: _find_path(b"/" * size)),
    "path-percents": Hard(make=lambda size: _find_path(b"/%41" * (size // 4))),
    "body-lone-surrogates": Hard(make=lambda size: _describe_body(_RESULT % (b'"' + b"\\ud800" * (size // 6)))),
    "body-pairs-then-cut": Hard(make=lambda size: _describe_body(b'{"' + b"\\ud83d\\ude97" * (size // 12))),
    "body-backslashes": Hard(make=lambda size: _describe_body(b'{"' + b"\\\\" * (size // 2))),
    "body-unknown-name": Hard(make=lambda size: _describe_body(b'{"' + b"a" * size + b'": 1}')),
    "body-unknown-name-of-places": Hard(make=lambda size: _describe_body(b'{"' + b" - at `$" * (size // 8) + b'": 1}')),
    "body-lines-then-wrong": Hard(make=lambda size: _describe_body(b"\n" * size + b"x")),
    "body-twice-many": Hard(
        make=lambda size: _try(bodies._check_no_member_twice, b"[" + b'{"a": 1},' * (size // 9) + b'{"a": 1, "a": 1}]')
    ),
    "body-twice-wide": Hard(
        make=lambda size: _try(
            bodies._check_no_member_twice,
            b"{" + b",".join(b'"%d": 1' % number for number in range(size // 9)) + b', "x": 1, "x": 1}',
        )
    ),
    "body-twice-long-paths": Hard(
        make=lambda size: _try(
            bodies._check_no_member_twice,
            (b'{"' + b"n" * (size // 200) + b'": ') * 190 + b'{"a": 1, "a": 1}' + b"}" * 190,
        )
    ),
    "csv-quotes-that-stay-open": Hard(
        make=lambda size: _read_file(CsvRows, b"vin,plate\n" + b'a","b\n' * (size // 6)), size=1 << 12
    ),
    "csv-blank-lines": Hard(make=lambda size: _read_file(CsvRows, b"vin\n" + b"\n" * size), size=1 << 16),
    "csv-one-line": Hard(make=lambda size: _read_file(CsvRows, b"vin\n" + b"," * size), size=1 << 18),
    "csv-many-names": Hard(make=lambda size: _read_file(CsvRows, b"," * size + b"\n"), size=1 << 16),
    "csv-accents": Hard(
        make=lambda size: _read_file(CsvRows, ("a" + "\u0316\u0300" * (size // 4)).encode() + b"\n"), size=1 << 16
    ),
    "json-blank-lines": Hard(make=lambda size: _read_file(JsonRows, b"{}\n" + b"\n" * size), size=1 << 16),
    "json-names": Hard(
        make=lambda size: _read_file(JsonRows, b"{" + b",".join(b'"%d": 1' % n for n in range(size // 9)) + b"}"),
        size=1 << 12,
    ),
}
