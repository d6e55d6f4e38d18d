"""A register of one account, with the protocol of a local gate, and the faults that a trial asks for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from padron_client.conformance.http_server import CutError, HttpServer, Reply, Request

KEY = "padron_conformance_nobody"
_PREFIX = "/api/v2/"
_HEARTBEAT_S = 0.1
_LOOK_S = 0.005


@dataclass
class Faults:
    """What goes wrong. Each trial sets some of them, and may take them away again."""

    withhold_after: int | None = None  # feed and streams give nothing after this number
    hold_streams: bool = False  # streams give heartbeats alone
    cut_streams: bool = False  # streams end at once
    cut_set: bool = False  # a set ends before its last line
    skip: int | None = None  # the feed lacks the change with this number
    repeat: bool = False  # streams give each change twice
    hang: set[str] = field(default_factory=set)  # these calls get no answer
    cut: set[str] = field(default_factory=set)  # the connection of these calls is cut
    answer_late_s: dict[str, float] = field(default_factory=dict)  # handled at once, answered so much later
    busy: set[str] = field(default_factory=set)  # these calls get 503 with Retry-After: 1
    strict_off: bool = False
    end_leases: bool = False  # every lease has ended: renewals get 404


@dataclass
class Lease:
    """A lease, and the last change that its holder acknowledged."""

    lease_id: str
    seconds: float
    acknowledged: int = -1


@dataclass(frozen=True)
class Change:
    """A change of a vehicle. ``former`` is the VIN that it had before, where that changed."""

    vin: str
    former: str | None = None


@dataclass(frozen=True)
class Call:
    """A call that came, as soon as it came."""

    name: str  # set, head, page, stream, lease, renew, gate
    at: float


class Register:
    """Vehicles, changes and leases. ``changes[n]`` is the change with the number n + 1."""

    def __init__(self, operable: set[str], refused: set[str]) -> None:
        self.operable = operable
        self.refused = refused
        self.epoch = 1
        self.changes: list[Change] = []
        self.leases: dict[str, Lease] = {}
        self.faults = Faults()
        self.calls: list[Call] = []
        self._server = HttpServer(self._answer)
        self._numbers = 0

    # ---------------------------------------------------------------- what a trial does

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def number(self) -> int:
        """The number of the last change."""
        return len(self.changes)

    def format_cursor(self, number: int) -> str:
        """Give the cursor after a change."""
        return f"e{self.epoch}n{number}"

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self) -> None:
        """Be away."""
        await self._server.stop()

    def set_operable(self, vin: str, *, operable: bool) -> float:
        """Change a vehicle and give the instant."""
        for vins, belongs in ((self.operable, operable), (self.refused, not operable)):
            (vins.add if belongs else vins.discard)(vin)
        self.changes.append(Change(vin))
        return time.monotonic()

    def move(self, former: str, vin: str) -> float:
        """Give an operable vehicle another VIN, and give the instant. A change of core data says so, once."""
        self.operable.discard(former)
        self.operable.add(vin)
        self.changes.append(Change(vin, former))
        return time.monotonic()

    def restore(self, number: int, operable: set[str], refused: set[str]) -> None:
        """Go back to a backup, in which only these changes had been made. Cursors from before are gone."""
        del self.changes[number:]
        self.operable, self.refused = operable, refused
        self.epoch += 1

    def count_calls(self, *names: str) -> int:
        """Give how many calls of these names came."""
        return sum(call.name in names for call in self.calls)

    # ---------------------------------------------------------------- the calls

    async def _answer(self, request: Request) -> Reply:
        name = _name_call(request)
        self.calls.append(Call(name, time.monotonic()))
        if name in self.faults.hang:
            await asyncio.sleep(3_600)
        if name in self.faults.cut:
            raise CutError
        if name in self.faults.busy:
            return _refuse(503, "Unavailable", "Retry-After: 1")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _refuse(401, "InvalidApiKey")
        reply = await self._handle(name, request)
        await asyncio.sleep(self.faults.answer_late_s.get(name, 0))
        return reply

    async def _handle(self, name: str, request: Request) -> Reply:
        if name == "set":
            lines = self._list_set(request.query.get("of", "operable"))
            return Reply(parts=_send(lines), media_type="application/x-ndjson")
        if name == "head":
            return Reply(document=self._give_head())
        if name in {"page", "stream"}:
            return await self._follow(name, request)
        if name in {"lease", "renew", "end"}:
            return self._keep_lease(name, request)
        if name == "gate":
            return self._judge(request)
        return _refuse(404, "NotFound")

    def _give_head(self) -> dict[str, object]:
        return {"number": self.number, "cursor": self.format_cursor(self.number)}

    def _list_set(self, of: str) -> list[bytes]:
        vins = sorted(self.operable if of == "operable" else self.refused)
        head = (
            f'{{"of":"{of}","cursor":"{self.format_cursor(self.number)}","number":{self.number},'
            f'"operable":{len(self.operable)},"refused":{len(self.refused)}}}'
        )
        lines = [head, *(f'"{vin}"' for vin in vins), f'{{"end":{len(vins)}}}']
        if self.faults.cut_set:
            del lines[-2:]
        return [f"{line}\n".encode() for line in lines]

    async def _follow(self, name: str, request: Request) -> Reply:
        after = request.headers.get("last-event-id") or request.query.get("after", "")
        epoch, _, number = after.removeprefix("e").partition("n")
        if not (epoch.isdigit() and number.isdigit()):
            return _refuse(400, "BadParameters")
        seen = request.headers.get("padron-after", "")
        if int(epoch) != self.epoch or int(number) > self.number or (seen and not seen.startswith(f"e{epoch}n")):
            return _refuse(410, "CursorGone")
        if name == "stream":
            return Reply(parts=self._stream(int(number)), media_type="text/event-stream")
        return await self._page(
            int(number), int(request.query.get("wait", "0")), int(request.query.get("limit", "100"))
        )

    def _list_changes(self, after: int) -> list[tuple[int, dict[str, object]]]:
        until = self.number if self.faults.withhold_after is None else min(self.faults.withhold_after, self.number)
        return [
            (number, self._describe(number)) for number in range(after + 1, until + 1) if number != self.faults.skip
        ]

    def _describe(self, number: int) -> dict[str, object]:
        change = self.changes[number - 1]
        is_allowed = change.vin in self.operable
        described: dict[str, object] = {
            "type": "vehicle.status_changed",
            "number": number,
            "vin": change.vin,
            "operational": change.vin not in self.refused,  # of the vehicle, and not the gate's verdict on the VIN
            "operationalChanged": True,
            "allowed": is_allowed,
        }
        if change.former is not None:
            described |= {
                "type": "vehicle.info_changed",
                "operationalChanged": False,
                "former": {"vin": change.former, "plate": None},
                "current": {"vin": change.vin, "plate": "ABC1234"},
                "formerAllowed": change.former in self.operable,
            }
        return described

    async def _page(self, after: int, wait_s: int, limit: int) -> Reply:
        until = time.monotonic() + wait_s
        while not (found := self._list_changes(after)) and time.monotonic() < until:  # noqa: ASYNC110 - faults change it too
            await asyncio.sleep(_LOOK_S)
        some = found[:limit]
        last = some[-1][0] if some else after
        document = {
            "changes": [change for _, change in some],
            "nextCursor": self.format_cursor(last),
            "more": len(found) > limit,
        }
        return Reply(document=document)

    async def _stream(self, after: int) -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        if self.faults.cut_streams:
            return
        epoch, beat_at = self.epoch, time.monotonic()
        while epoch == self.epoch:
            found = [] if self.faults.hold_streams else self._list_changes(after)
            for number, change in found:
                block = _format_event(self.format_cursor(number), change)
                yield block + block if self.faults.repeat else block
                after = number
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + _HEARTBEAT_S
                yield f"id: {self.format_cursor(after)}\n: waiting\n\n".encode()
            await asyncio.sleep(_LOOK_S)

    def _keep_lease(self, name: str, request: Request) -> Reply:
        if self.faults.strict_off:
            return _refuse(409, "StrictGatesOff")
        body = request.read_json()
        if name == "lease":
            self._numbers += 1
            lease = Lease(f"l{self._numbers}", float(body.get("seconds", 2)))
            self.leases[lease.lease_id] = lease
            return Reply(201, self._describe_lease(lease))
        found = self.leases.get(request.path.rpartition("/")[2])
        if found is None or self.faults.end_leases:
            return _refuse(404, "GateLeaseNotFound")
        if name == "end":
            del self.leases[found.lease_id]
            return Reply(204)
        epoch, _, number = str(body.get("cursor", "")).removeprefix("e").partition("n")
        if not number.isdigit() or int(epoch) != self.epoch:
            return _refuse(410, "CursorGone")
        found.acknowledged = max(found.acknowledged, int(number))
        return Reply(document=self._describe_lease(found))

    def _describe_lease(self, lease: Lease) -> dict[str, object]:
        return {"leaseId": lease.lease_id, "seconds": lease.seconds, **self._give_head()}

    def _judge(self, request: Request) -> Reply:
        results = []
        for vin in request.read_json().get("vins", []):
            is_operable = vin in self.operable
            verdict = {"vin": vin, "allowed": is_operable}
            if not is_operable:
                verdict["reason"] = "notActive" if vin in self.refused else "unknown"
            results.append(verdict)
        return Reply(document={"results": results, "cursor": self.format_cursor(self.number)})


def _name_call(request: Request) -> str:
    path = request.path.removeprefix(_PREFIX)
    is_stream = "text/event-stream" in request.headers.get("accept", "")
    if path.startswith("gate-leases/"):
        return {"PUT": "renew", "DELETE": "end"}.get(request.method, "other")
    names = {
        ("GET", "gate-set"): "set",
        ("GET", "changes/last"): "head",
        ("GET", "changes"): "stream" if is_stream else "page",
        ("POST", "gate-leases"): "lease",
        ("POST", "gate"): "gate",
    }
    return names.get((request.method, path), "other")


def _refuse(status: int, detail: str, *headers: str) -> Reply:
    document = {"status": status, "errorDetail": detail}
    return Reply(status, document, media_type="application/problem+json", headers=headers)


def _format_event(cursor: str, change: dict[str, object]) -> bytes:
    return f"id: {cursor}\nevent: {change['type']}\ndata: {json.dumps(change)}\n\n".encode()


async def _send(lines: list[bytes]) -> AsyncIterator[bytes]:
    for place in range(0, len(lines), 1_000):
        yield b"".join(lines[place : place + 1_000])
