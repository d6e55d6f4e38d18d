"""The frame around the pages: below a path, over a real connection, with several accounts, and its size."""

import gzip
import http.client
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

import padron.console
from padron.console.app import build_console
from padron.domain.people import Role
from padron.http.watching.tally import Tally
from padron.service.people.members import add_member, remove_member
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import Store
from tests.cast import HUMMER, Cast, make_cast
from tests.console.browser import FORM, Document, House
from tests.console.conftest import furnish, run_console
from tests.http.serving import serve_in_thread

SCRIPT_LINES_MAX = 500


@dataclass(frozen=True, kw_only=True)
class Received:
    status: int
    headers: http.client.HTTPMessage
    html: str


async def test_below_a_path_every_address_has_it(runtime: Runtime, cast: Cast) -> None:
    async with run_console(runtime, "/padron") as http_client:
        house = await furnish(http_client, runtime, cast)
        await house.register(HUMMER)
        for path in ("/console/vehicles?q=1", f"/console/vehicles/{HUMMER}/status", "/console/profile", "/console/x"):
            for prefix in ("", "/padron"):
                page = (await house.owner.get(prefix + path)).page
                for element in page.elements:
                    for name in ("href", "src", "action"):
                        target = element.attributes.get(name, "/padron/console")
                        assert target.startswith(("/padron/console", "#")), target
        assert (await house.owner.get("/padron/console")).location == "/padron/console/overview"
        door = await house.open_browser().get("/padron/console/profile")
        assert door.location == "/padron/console/sign-in?next=/console/profile"
        entered = await house.open_browser().post(
            "/padron/console/sign-in/key", {"token": cast.acme.token, "next": "/console/profile"}
        )
        assert entered.location == "/padron/console/profile"


@pytest.mark.both_engines
async def test_a_member_of_several_accounts_chooses_one(house: House) -> None:
    user = house.people[Role.VIEWER]
    beta = house.cast.beta.account
    await add_member(house.runtime, user, beta.account_id, Role.OWNER)
    await house.register(HUMMER)
    page = (await house.viewer.get("/console/vehicles")).page
    names = {"".join(one.text) for one in page.list_all("button", name="account")}
    assert names == {house.cast.acme.account.name, beta.name}
    assert HUMMER in page.text
    chosen = await house.viewer.post("/console/account", {"account": str(beta.account_id)})
    assert chosen.status == 303
    assert HUMMER not in (await house.viewer.get("/console/vehicles")).text
    foreign = await house.editor.post("/console/account", {"account": str(beta.account_id)})
    assert foreign.status == 403
    assert (await house.editor.post("/console/account", {"account": "x"})).status == 400
    await remove_member(house.runtime, user, beta.account_id, beta.name, force=True)
    assert (await house.viewer.get("/console/vehicles")).status == 303


def test_over_a_real_connection_pages_files_and_forms_come_whole(
    open_store: Callable[[], Awaitable[Store]], clock: Callable[[], datetime]
) -> None:
    tokens: list[str] = []
    tally = Tally()

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await open_store(), clock)
        tokens.append((await make_cast(runtime)).acme.token)
        return runtime

    def send(method: str, path: str, body: str | None = None, cookie: str = "") -> Received:
        headers = {"cookie": cookie, "sec-fetch-site": "same-origin", "accept-encoding": "gzip"}
        if body is not None:
            headers["content-type"] = FORM
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers["content-encoding"] == "gzip":
            content = gzip.decompress(content)
        return Received(status=answer.status, headers=answer.headers, html=content.decode())

    with (
        serve_in_thread(open_runtime, tally=tally, mounts=[build_console()]) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection,
    ):
        door = send("GET", "/console/sign-in")
        assert door.status == 200
        (sheet,) = Document(door.html).list_all("link", rel="stylesheet")
        assert "--accent" in send("GET", sheet.attributes["href"]).html
        entered = send("POST", "/console/sign-in/key", urlencode({"token": tokens[0]}))
        assert entered.status == 303
        cookie = "; ".join(one.partition(";")[0] for one in entered.headers.get_all("set-cookie", []))
        assert "Vehicles" in send("GET", "/console/vehicles", cookie=cookie).html
        large = send("POST", "/console/preferences", "x=" + "x" * 70_000, cookie)
        assert large.status == 413
        assert "could not be read" in large.html
        assert large.headers["connection"] == "close"
    routes = {key[1] for key in tally.give_families()[0].samples}
    assert "/console/assets/{version}/{name}" in routes
    assert not any("console.css" in str(route) for route in routes)


def test_the_scripts_stay_small() -> None:
    folder = Path(padron.console.__file__).parent / "assets"
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in folder.glob("*.js"))
    assert 0 < lines <= SCRIPT_LINES_MAX


async def test_the_servers_own_address_leads_a_browser_here_and_tells_a_program_the_same_as_before(
    house: House,
) -> None:
    browser = await house.open_browser().send("GET", "/", None, {"accept": "text/html,*/*;q=0.8"})
    assert (browser.status, browser.location, browser.headers["vary"]) == (302, "/console", "accept")
    program = await house.open_browser().send("GET", "/", None, {"accept": "*/*"})
    assert (program.status, program.headers["vary"]) == (200, "accept")
    assert json.loads(program.html)["documentation"] == "/docs"
