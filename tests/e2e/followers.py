"""Those who follow the feed, in pages or as a stream, and go on from their cursor whenever they were cut off."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

from tests.e2e.client import build_request, connect
from tests.e2e.program import Fleet

WAIT_S = 5
PAGES = (3, 40, 500)  # sizes

Json = dict[str, Any]


class Follower:
    """Keeps what the feed told: every change of an account, each once, in order, without a gap."""

    query = ""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.start: str | None = None  # the cursor to begin from
        self.cursor: str | None = None  # the one to go on from
        self.changes: list[Json] = []

    @property
    def last_number(self) -> int:
        return int(self.changes[-1]["number"]) if self.changes else 0

    def take(self, change: Json) -> None:
        assert change["number"] == self.last_number + 1, f"{change['number']} came after {self.last_number}."
        self.changes.append(change)

    async def prepare(self, port: int) -> None:
        """Find out from where to follow: here from the beginning."""

    def give_target(self, after: str | None) -> str:
        return f"/api/v2/changes?wait={WAIT_S}{self.query}" + (f"&after={after}" if after else "")

    async def follow_pages(self, port: int) -> None:
        """Ask for some pages, and hang up."""
        await self.prepare(port)
        async with connect(port) as connection:
            for _ in range(random.randint(5, 100)):
                target = self.give_target(self.cursor or self.start) + f"&limit={random.choice(PAGES)}"
                answer = await connection.request("GET", target, token=self.fleet.token)
                assert answer.status == 200, answer.body
                for change in answer.document["changes"]:
                    self.take(change)
                self.cursor = answer.document["nextCursor"]

    async def follow_stream(self, port: int) -> None:
        """Read some events as a browser's EventSource does, and hang up: the id of the last is all that it keeps."""
        await self.prepare(port)
        left = random.randint(50, 500)
        async for event in read_stream(port, self.give_target(self.start), self.fleet.token, self.cursor):
            if "data" in event:
                change = json.loads(event["data"])
                assert event["event"] == change["type"]
                self.take(change)
                left -= 1
            self.cursor = event.get("id", self.cursor)
            if not left:
                return


class Mirror(Follower):
    """Keeps the set of operational vehicles: the list at first, and then what the feed says of it."""

    query = "&operationalChanged=true"

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self.operational: set[str] = set()

    def take(self, change: Json) -> None:
        assert change["number"] > self.last_number, f"{change['number']} came after {self.last_number}."
        assert change["operationalChanged"] is True
        self.changes.append(change)
        if change["operational"]:
            self.operational.add(change["vin"])
        else:
            self.operational.discard(change["vin"])

    async def prepare(self, port: int) -> None:
        """Load the list once, keeping the feed's cursor of its first page."""
        if self.start is None:
            self.operational, self.start = await list_operational(port, self.fleet)


async def list_operational(port: int, fleet: Fleet) -> tuple[set[str], str]:
    """Give the operational vehicles, and the cursor from which the feed goes on."""
    vins: set[str] = set()
    first_cursor: str | None = None
    next_page: str | None = ""
    async with connect(port) as connection:
        while next_page is not None:
            target = f"/api/v2/vehicles?operational=true&limit=40{next_page}"
            page = (await connection.request("GET", target, token=fleet.token)).document
            vins.update(vehicle["vin"] for vehicle in page["vehicles"])
            first_cursor = first_cursor or page["cursor"]
            next_page = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert first_cursor is not None
    return vins, first_cursor


async def read_stream(port: int, target: str, token: str, last_id: str | None) -> AsyncIterator[dict[str, str]]:
    """Give the fields of each event until the server ends the stream. Raises as ``connect`` when it is cut off."""
    request = build_request("GET", target, token=token).removesuffix(b"\r\n") + b"Accept: text/event-stream\r\n"
    if last_id is not None:
        request += b"Last-Event-ID: %s\r\n" % last_id.encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        unread = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            *blocks, unread = (unread + (await reader.readexactly(size + 2))[:-2]).split(b"\n\n")
            for block in blocks:
                lines = [line.partition(": ") for line in block.decode().splitlines() if not line.startswith(":")]
                yield {name: value for name, _, value in lines}
    finally:
        writer.close()
