"""Pages are written in portions, and one person's pages hold up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from padron.console import writing
from padron.console.app import build_console
from padron.console.declarations import Access, ConsoleRoute
from padron.console.fields import Pair
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.http.app import build_app
from padron.mounting import MountedReply
from padron.service.runtime import Runtime
from tests.cast import Cast
from tests.console.browser import House
from tests.console.conftest import furnish
from tests.http.asgi import AsgiClient
from tests.http.conftest import run_lifespan

FIELDS = 3_000  # of the long page


class Probe:
    """A console whose pages count the turns of the loop, and can be held."""

    def __init__(self) -> None:
        self.beats = 0
        self.begun_at = 0
        self.at_work = 0
        self.most_at_work = 0
        self.opened = asyncio.Event()

    async def show_long(self, visit: PageVisit) -> MountedReply:
        self.begun_at = self.beats
        return show(visit, "typed.html", path="/console/long", fields=[Pair("name", "text")] * FIELDS)

    async def show_held(self, visit: PageVisit) -> MountedReply:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await self.opened.wait()
        self.at_work -= 1
        return redirect(visit, "/console")

    async def beat(self) -> None:
        while True:
            self.beats += 1
            await asyncio.sleep(0)

    def list_routes(self) -> list[ConsoleRoute]:
        return [
            ConsoleRoute(method="GET", path="/console/long", endpoint=self.show_long, access=Access.PUBLIC),
            ConsoleRoute(method="GET", path="/console/held", endpoint=self.show_held),
            ConsoleRoute(method="GET", path="/console/waiting", endpoint=self.show_held, is_use=False),
        ]


@asynccontextmanager
async def run_probe(runtime: Runtime, cast: Cast, probe: Probe) -> AsyncIterator[House]:
    async def open_runtime() -> Runtime:
        return runtime

    app = build_app(open_runtime, mounts=[build_console(routes=probe.list_routes())])
    async with run_lifespan(app):
        yield await furnish(AsgiClient(app), runtime, cast)


@pytest.fixture
async def probe() -> AsyncIterator[Probe]:
    probe = Probe()
    beating = asyncio.create_task(probe.beat())
    yield probe
    beating.cancel()


async def wait_for_work(probe: Probe, count: int) -> None:
    """Wait until so many held pages are at work."""
    async with asyncio.timeout(30):
        while probe.at_work != count:  # noqa: ASYNC110 - a page that begins too many must be seen as well
            await asyncio.sleep(0.005)


async def test_others_have_the_loop_between_the_portions_of_a_page(
    runtime: Runtime, cast: Cast, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PORTION_S", 1e-6)
    async with run_probe(runtime, cast, probe) as house:
        page = await house.open_browser().get("/console/long", accept_encoding="identity")
    assert page.status == 200
    assert page.html.count('value="text"') == FIELDS
    assert probe.beats - probe.begun_at > FIELDS // 32


async def test_pages_of_one_network_are_written_one_after_the_other(runtime: Runtime, cast: Cast, probe: Probe) -> None:
    async with run_probe(runtime, cast, probe) as house:
        ended: list[int] = []

        async def read() -> None:
            await house.open_browser().get("/console/long", accept_encoding="identity")
            ended.append(probe.beats)

        await asyncio.gather(*(read() for _ in range(12)))
    assert len(set(ended)) == 12


async def test_a_person_has_few_pages_at_once_and_the_rest_wait_or_are_refused(
    runtime: Runtime, cast: Cast, probe: Probe
) -> None:
    async with run_probe(runtime, cast, probe) as house:
        asked = writing.AT_ONCE + writing.WAITING_MAX + 1
        tasks = [asyncio.create_task(house.viewer.get("/console/held")) for _ in range(asked)]
        try:
            done, waiting = await asyncio.wait(tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = [task.result() for task in done]
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            await wait_for_work(probe, writing.AT_ONCE)
            colleague = asyncio.create_task(house.owner.get("/console/held"))
            waiting.add(colleague)
            await wait_for_work(probe, writing.AT_ONCE + 1)
        finally:
            probe.opened.set()
        assert {one.status for one in await asyncio.gather(*waiting)} == {303}
        assert probe.most_at_work == writing.AT_ONCE + 1
        assert (await house.viewer.get("/console/held")).status == 303


async def test_a_wait_for_a_change_is_not_one_of_the_few(runtime: Runtime, cast: Cast, probe: Probe) -> None:
    async with run_probe(runtime, cast, probe) as house:
        tasks = [asyncio.create_task(house.viewer.get("/console/waiting")) for _ in range(writing.AT_ONCE + 3)]
        try:
            await wait_for_work(probe, writing.AT_ONCE + 3)
        finally:
            probe.opened.set()
        await asyncio.gather(*tasks)


async def test_whoever_hung_up_leaves_no_place_taken(runtime: Runtime, cast: Cast, probe: Probe) -> None:
    async with run_probe(runtime, cast, probe) as house:
        tasks = [asyncio.create_task(house.viewer.get("/console/held")) for _ in range(writing.AT_ONCE + 5)]
        try:
            await wait_for_work(probe, writing.AT_ONCE)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            probe.opened.set()
        async with asyncio.timeout(30):
            assert (await house.viewer.get("/console/held")).status == 303
