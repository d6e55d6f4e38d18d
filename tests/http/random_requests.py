"""Random requests for the calls that the fast path answers, and for those beside them: good, odd and bad ones.

``@NAME@`` stands for the token of that name, because each register has tokens of its own.
"""

import json
import random
from dataclasses import dataclass
from datetime import timedelta

from padron.domain.account import format_key_id, format_token
from padron.domain.vin import VIN_LENGTH
from tests.cast import NOON, UNKNOWN_VIN, make_vin

VEHICLES = 6
SEVERAL_VIN = make_vin(VEHICLES)
TOKENS = ("acme", "gamma", "beta", "revoked")
_UNKNOWN_TOKEN = format_token(format_key_id(1, "A" * 12), "B" * 43)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What is sent at once or in pieces: one request, or several in one write."""

    pieces: tuple[bytes, ...]
    methods: tuple[str, ...]


class RandomRequests:
    """Makes up requests that often meet: few vehicles, few statuses, and ETags that were given before."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._etags = ['"1"', '"v1r1"']
        self._last: tuple[bytes, bytes] = (b"", b"")  # the fields of the last request, and its body
        self.number = 0

    def learn(self, etag: str) -> None:
        """Remember an ETag that was answered."""
        self._etags = [*self._etags[-20:], etag]

    def make(self) -> Sent:
        self.number += 1
        chance = self._dice.random()
        method, head, body = self._make_one()
        if chance < 0.12:
            other = self._make_one()
            return Sent(pieces=(head + body + other[1] + other[2],), methods=(method, other[0]))
        if chance < 0.2:
            return Sent(pieces=self._cut(head, body), methods=(method,))
        return Sent(pieces=(head + body,), methods=(method,))

    def _cut(self, head: bytes, body: bytes) -> tuple[bytes, ...]:
        whole = head + body
        place = self._dice.choice([len(head), len(head) + len(body) // 2, self._dice.randrange(1, len(whole)), 1])
        pieces = (whole[:place], whole[place:])
        return tuple(piece for piece in pieces if piece)

    def _make_one(self) -> tuple[str, bytes, bytes]:
        """Give method, head and body. Clients often send the fields of their last request, so many requests do."""
        if self._last[0] and self._dice.random() < 0.3:
            method, target = self._make_call()
            fields, body = self._last
            if fields.count(b"Content-Length: %d\r\n" % len(body)) == 1 and self._dice.random() < 0.5:
                length, body = b"Content-Length: %d\r\n" % len(body), self._body()
                fields = fields.replace(length, b"Content-Length: %d\r\n" % len(body))
            self._last = fields, body
            return method, f"{method} {target} HTTP/1.1\r\n".encode() + fields, body
        method, head, body = self._make_new()
        self._last = head.partition(b"\r\n")[2], body
        return method, head, body

    def _make_new(self) -> tuple[str, bytes, bytes]:
        pick = self._dice.choice
        method, target = self._make_call()
        lines = ["Host: x"]
        if self._dice.random() < 0.02:
            lines = pick([[], ["Host: x", "Host: y"], ["Host: x y"], ["host:x"], ["Host: x "]])
        lines += self._authorization()
        has_body = method in {"PATCH", "POST", "PUT"} or self._dice.random() < 0.05
        body = self._body() if has_body else b""
        lines += self._conditions(method)
        if has_body:
            lines += self._content_type()
        if self._dice.random() < 0.25:
            lines.append(pick(_OTHERS))
        if has_body:
            framing, body = self._frame(body)
            lines += framing
        version = "HTTP/1.0" if self._dice.random() < 0.05 else "HTTP/1.1"
        self._dice.shuffle(lines)
        head = "\r\n".join([f"{method} {target} {version}", *lines, "", ""])
        return method, head.encode("latin-1"), body

    def _make_call(self) -> tuple[str, str]:
        vin, pick, chance = self._vin(), self._dice.choice, self._dice.random()
        if chance < 0.45:
            call = "PATCH", f"/api/v2/vehicles/{vin}/status{pick(['', '', '', '', '?x=1', '?', '?operation=a'])}"
        elif chance < 0.6:
            call = "GET", f"/api/v2/vehicles/{vin}/status{pick(['', '', '', '?x=1', '?', '?asOf=now'])}"
        elif chance < 0.75:
            call = "GET", f"/api/v2/gate/{vin}{pick(_GATE_QUERIES)}"
        elif chance < 0.85:
            call = "GET", pick(_READS).format(vin=vin)
        else:
            path = pick([f"/api/v2/vehicles/{vin}/status", f"/api/v2/gate/{vin}?operation=dispatch"])
            call = pick(["HEAD", "HEAD", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PROPFIND"]), path
        if self._dice.random() < 0.05:
            method, target = call
            odd = [f"{target}/", f"/{target}", f"http://x{target}", target.upper(), target.replace("/api", "//api"),
                   target.replace("vehicles", "vehicl%65s"), target.replace("api", "%61pi")]  # fmt: skip
            return method, pick(odd)
        return call

    def _vin(self) -> str:
        pick, chance = self._dice.choice, self._dice.random()
        vin = str(make_vin(self._dice.randrange(VEHICLES)))
        if chance < 0.75:
            return vin
        if chance < 0.85:
            return pick([str(SEVERAL_VIN), str(UNKNOWN_VIN), vin.lower()])
        place = self._dice.randrange(VIN_LENGTH)
        letter = pick(["O", "I", "Q", "-", "%2F", "%41", "%C3%B1", "%00", "_", ".", ""])
        return pick([vin[:place] + letter + vin[place + 1 :], vin + "1", vin[:16], "A" * VIN_LENGTH, "refusals", "."])

    def _authorization(self) -> list[str]:
        chance = self._dice.random()
        if chance < 0.7:
            return ["Authorization: Bearer @acme@"]
        return self._dice.choice(
            [
                [],
                ["Authorization: Bearer @gamma@"],
                ["Authorization: Bearer @gamma@"],
                ["Authorization: Bearer @beta@"],
                ["Authorization: Bearer @revoked@"],
                [f"Authorization: Bearer {_UNKNOWN_TOKEN}"],
                ["Authorization: Bearer nonsense"],
                ["Authorization: Bearer \xf1"],
                ["Authorization: Bearer"],
                ["Authorization: Bearer "],
                ["Authorization:"],
                ["authorization: bearer @acme@"],
                ["AUTHORIZATION:BEARER   @acme@"],
                ["Authorization: Bearer\t@acme@"],
                ["Authorization: Bearer @acme@  "],
                ["Authorization: Basic QWxhZGRpbjpvcGVu"],
                ["Authorization: Bearer @acme@", "Authorization: Bearer @beta@"],
                ["Authorization: Bearer @acme@", "Authorization: Bearer @acme@"],
            ]
        )

    def _conditions(self, method: str) -> list[str]:
        pick = self._dice.choice
        if self._dice.random() > 0.3:
            return []
        name = "If-Match" if (method in {"PATCH", "PUT"}) != (self._dice.random() < 0.1) else "If-None-Match"
        etag = pick(self._etags)
        values = [etag, etag, etag, f"W/{etag}", f"{etag}, {pick(self._etags)}", "*", "x", '"', "", f"{etag},", "W/*"]
        lines = [f"{name}: {pick(values)}"]
        if self._dice.random() < 0.1:
            lines.append(f"{name}: {pick(values)}")
        return lines

    def _content_type(self) -> list[str]:
        if self._dice.random() < 0.6:
            return ["Content-Type: application/json"]
        return self._dice.choice(_CONTENT_TYPES)

    def _body(self) -> bytes:
        pick, chance = self._dice.choice, self._dice.random()
        status = self._dice.choice([0, 1, 1, 3, 4, 5, 9])
        if chance < 0.6:
            return json.dumps({"vehicleStatusId": status}).encode()
        later = (NOON + timedelta(days=pick([1, 400, -400, 90_000]))).strftime("%Y-%m-%dT%H:%M:%SZ")
        documents: list[object] = [
            {"vehicleStatusId": status, "reason": pick(["Ñandú", "", "x" * 501, "a\0b", 1, None])},
            {"vehicleStatusId": status, "reason": "x" * pick([16_000, 16_340, 16_352, 16_353, 16_400])},
            {"vehicleStatusId": pick([2, 10, -1, 3.0, "3", True, None, [], 10**30])},
            {"vehicleStatusId": status, "effectiveAt": later},
            {"vehicleStatusId": status, "until": later},
            {"vehicleStatusId": status, "more": 1},
            {},
            [],
            None,
        ]
        if chance < 0.85:
            return json.dumps(pick(documents)).encode()
        return pick(_RAW_BODIES)

    def _frame(self, body: bytes) -> tuple[list[str], bytes]:
        chance = self._dice.random()
        if chance < 0.75:
            return [f"Content-Length: {len(body)}"], body
        if chance < 0.91:
            half = len(body) // 2
            parts = self._dice.choice([[body], [body[:half], body[half:]]])
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
            return ["Transfer-Encoding: chunked"], chunks + b"0\r\n\r\n"
        too_large = ["Content-Length: 16385"], b""
        return self._dice.choice([([], b""), (["Content-Length: 0"], b""), (["Content-Length: x"], body), too_large])


_READS = [
    "/api/v2/vehicles/{vin}", "/api/v2/vehicles/{vin}?asOf=2026-01-01T00:00:00Z", "/api/v2/vehicles/{vin}?x=1",
    "/api/v2/vehicles/{vin}/history?limit=2", "/api/v2/vehicle-statuses", "/api/v2/vehicles?limit=3",
    "/api/v2/vehicles?limit=0", "/api/v2/vehicles?asOf=2026-01-01T00:00:00Z", "/api/v2/vehicles?sort=vin&limit=200",
]  # fmt: skip
_GATE_QUERIES = [
    "?operation=dispatch", "?operation=dispatch", "?operation=dispatch", "?operation=fines", "", "?", "?operation",
    "?operation=", "?operation=a&operation=b", "?operation=a&x=1", "?x=1", "?operation=%00", "?operation=%ff",
    "?operation=a+b", "?operation=%C3%B1", "?operation=" + "x" * 101, "?Operation=a", "?operation=a&",
    "?operation=a;b=c",
]  # fmt: skip
_CONTENT_TYPES: list[list[str]] = [
    [],
    ["Content-Type: application/json; charset=utf-8"],
    ["Content-Type: application/json;charset=latin-1"],
    ["Content-Type: APPLICATION/JSON"],
    ["Content-Type: text/plain"],
    ["Content-Type: application/merge-patch+json"],
    ["Content-Type:"],
    ["Content-Type: \xf1"],
    ["Content-Type: application/json", "Content-Type: application/json"],
    ["Content-Type: application/json", "Content-Type: text/plain"],
]
_OTHERS = [
    "Accept-Encoding: gzip", "Accept-Encoding: identity;q=0", "Accept: text/html", "Expect: 100-continue",
    "Expect: more", "Origin: https://example.com", "Connection: close", "Connection: Close", "Connection: keep-alive",
    "Content-Encoding: gzip", "Content-Encoding: identity", "Upgrade: h2c", "Idempotency-Key: a", "X-Odd: \xf1\t\x80",
    "Padron-After: nonsense", "Cookie: a=b", "Prefer: return=minimal",
    "If-Modified-Since: Sat, 28 Nov 2026 18:00:00 GMT",
    "X-Forwarded-For: 1.2.3.4", "Range: bytes=0-1",
]  # fmt: skip
_RAW_BODIES = [
    b"", b" ", b"{", b"nonsense", b"\xef\xbb\xbf{}", b'{"vehicleStatusId": 3', b'{"vehicleStatusId": 3} x',
    b'{"vehicleStatusId": 3, "vehicleStatusId": 4}', b'{"vehicleStatusId": 3, "reason": "\xff"}', b"[" * 2_000,
    b" " * 16_385, b" " * 16_385, b'{"vehicleStatusId": 03}', b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    b'\t{"vehicleStatusId"\r\n:\n4}\n',
]  # fmt: skip
