"""Writes pages in portions, so that a page of thousands of cells holds up nobody's call.

Making the largest page takes the event loop some tenths of a second, and one person may ask for hundreds at once. So an
account writes a portion at a time, and rests as long after each. Whoever is not signed in shares the turn of their
network, for nothing else tells strangers apart.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from padron.console.declarations import ConsoleRoute
from padron.console.rendering import render
from padron.console.visits import PageVisit
from padron.domain.addresses import find_network
from padron.domain.errors import Code, PadronError
from padron.mounting import MountedReply
from padron.service.turns import Turns

PORTION_S = 0.008
AT_ONCE = 4  # requests of a person whose rows and pages are in memory
WAITING_MAX = 28  # further ones of the person, which hold nothing yet

_PIECES = 64  # of a page, between two looks at the time


@dataclass(frozen=True, kw_only=True, slots=True)
class PageReply(MountedReply):
    """A page that is still to be written."""

    visit: PageVisit
    template: str
    values: Mapping[str, object]


class PageDesk:
    """Where the pages of one process are written."""

    def __init__(self) -> None:
        self._rooms = Turns(AT_ONCE)
        self._turns = Turns()

    @asynccontextmanager
    async def enter(self, visit: PageVisit, route: ConsoleRoute | None) -> AsyncIterator[None]:
        """Wait until few other requests of the same person are at work, and count among them for the block.

        A file that arrives takes long and holds little in memory, and pages that follow changes have limits of their
        own, so they wait for nobody. Raises ``overloaded`` when too many wait. Their browser may have gone long ago.
        """
        if visit.session is None or (route is not None and (route.takes_file or not route.is_use)):
            yield
            return
        person = visit.principal.actor
        if self._rooms.count(person) >= AT_ONCE + WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "You asked for too many pages at once. Wait until they are there.")
        async with self._rooms.take(person):
            yield

    async def write(self, reply: MountedReply) -> MountedReply:
        """Give an answer with its text."""
        if not isinstance(reply, PageReply):
            return reply
        visit, text = reply.visit, bytearray()
        lane = find_network(visit.visitor.address) if visit.session is None else visit.session.account_id
        pieces = render(visit, reply.template, reply.values)
        is_written = False
        while not is_written:
            async with self._turns.take(lane):
                is_written = _write_portion(pieces, text)
        return MountedReply(status=reply.status, headers=reply.headers, body=bytes(text), problem=reply.problem)


def _write_portion(pieces: Iterator[str], text: bytearray) -> bool:
    """Write until the time of a portion is over. Give True at the end of the page."""
    read_time = asyncio.get_running_loop().time
    end_s = read_time() + PORTION_S
    while some := list(islice(pieces, _PIECES)):
        text += "".join(some).encode()
        if read_time() >= end_s:
            return False
    return True
