"""Below a root path: addresses are taken with and without it, and every address that is given out has it."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from padron.http.docs.guides import find_guides
from padron.http.reach import Reach, set_root_path
from padron.http.routes import ROUTES
from padron.service.runtime import build_runtime
from tests.cast import HUMMER, make_cast
from tests.conftest import OpenStore, SteppedClock
from tests.http.api import STATUS, VEHICLE, Api, Reply
from tests.http.conftest import run_api
from tests.http.operations_api import OPERATION, RESULTS, declare
from tests.http.plans_api import BULK, give
from tests.http.test_addresses import send_raw
from tests.http.test_pages import Page

pytestmark = pytest.mark.long("postgres")

ROOT = "/fleet/padron"
SOME_PAGES = ["/errors", "/errors/bad-parameters", "/docs/browsers-and-proxies", "/docs/0001-framework"]
PAGES = ["/docs", *SOME_PAGES[:2], *(f"/docs/{name}" for name in find_guides())]
LARGE = ["/docs", "/openapi.json"]
EVENTS = {"url": "https://receiver.example/hook", "eventTypes": ["vehicle.status_changed"]}


@pytest.fixture
async def api(open_store: OpenStore, clock: SteppedClock) -> AsyncIterator[Api]:
    runtime = build_runtime(await open_store(), clock)
    async with run_api(runtime, await make_cast(runtime), Reach(root_path=ROOT)) as api:
        yield api
    set_root_path("")


async def post(api: Api, target: str, body: object, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.acme.send("POST", target, json.dumps(body), named)


@pytest.mark.parametrize(
    "target", ["/livez", "/readyz", "/errors", *(pytest.param(one, marks=pytest.mark.long) for one in LARGE)]
)
async def test_an_address_is_taken_with_and_without_the_root_path(api: Api, target: str) -> None:
    for root in ("", ROOT):
        assert (await api.nobody.get(root + target)).status == 200


async def test_a_vehicle_is_the_same_with_and_without_the_root_path(api: Api) -> None:
    await api.acme.put(ROOT + VEHICLE, {"plate": "RTA412C"})
    assert (await api.acme.patch(ROOT + STATUS, {"vehicleStatusId": 3})).status == 204
    assert (await api.acme.get(STATUS)).body["vehicleStatusId"] == 3
    assert (await api.acme.get(ROOT + STATUS)).without() == (await api.acme.get(STATUS)).without()


PATHS = [
    (ROOT, 200), (f"{ROOT}/", 200), ("/", 200), (f"{ROOT}{ROOT}/livez", 404), ("/fleet/livez", 404),
    ("/fleet/padron2/livez", 404), (f"{ROOT}livez", 404), (f"{ROOT}//livez", 404), (f"/{ROOT}/livez", 404),
    ("/Fleet/padron/livez", 404), ("/fleet%2Fpadron/livez", 404), ("/x/../fleet/padron/livez", 404),
]  # fmt: skip


async def test_only_the_whole_root_path_counts_and_only_once(api: Api) -> None:
    for target, status in PATHS:
        assert await send_raw(api, "GET", target) == status, target


async def test_a_repeated_request_is_the_same_with_and_without_the_root_path(api: Api) -> None:
    first = await post(api, "/api/v2/webhooks", EVENTS, Idempotency_Key="k")
    again = await post(api, f"{ROOT}/api/v2/webhooks", EVENTS, Idempotency_Key="k")
    assert (first.status, again.status, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert again.headers["location"] == first.headers["location"]


async def test_every_location_has_the_root_path_and_leads_somewhere(api: Api) -> None:
    await api.acme.register()
    await declare(api.acme)
    replies = [
        await post(api, "/api/v2/webhooks", EVENTS),
        await post(api, f"{OPERATION}/runs", {"vins": [HUMMER]}),
        await api.acme.patch(STATUS, {"vehicleStatusId": 4, "effectiveAt": give(24)}),
        await api.acme.send("POST", "/api/v2/imports", b"vin\n", {"Content-Type": "text/csv"}),
        await api.nobody.get("/", Accept="text/html"),
        key := await post(api, "/api/v2/keys", {"label": "x", "scopes": ["vehicles:read"]}),
        await post(api, f"/api/v2/keys/{key.body['id']}/rotate", {}),
        await post(api, "/api/v2/invitations", {"email": "ana@fleet.example", "name": "Ana", "role": "viewer"}),
        await post(api, "/api/v2/views", {"name": "All", "query": "", "shared": True}),
        await post(api, "/api/v2/selections", {"vehicles": [{"vin": HUMMER}]}),
        file := await api.acme.send("POST", "/api/v2/import-files", b"vin\n", {"Content-Type": "text/csv"}),
        await post(api, f"/api/v2/import-files/{file.body['id']}/imports", {}),
    ]
    for reply in replies:
        location = reply.headers["location"]
        assert location.startswith(f"{ROOT}/"), location
        assert (await api.acme.get(location)).status == 200
    declared = [route for route in ROUTES for one in route.answers.values() if "Location" in one.headers]
    assert len({route.name for route in declared}) == len(replies)


async def test_every_error_names_its_page_below_the_root_path(api: Api) -> None:
    await api.acme.register()
    await declare(api.acme)
    errors = [
        await api.nobody.get(STATUS),
        await api.acme.get("/nowhere"),
        await api.acme.send("DELETE", STATUS),
        await api.acme.patch(STATUS, {"vehicleStatusId": 2}),
        await api.acme.get("/docs", Host="a b"),
    ]
    members = [reply.body for reply in errors]
    bulk = await post(api, BULK, {"vehicles": [{"vin": "x", "vehicleStatusId": 3}]})
    results = await post(api, RESULTS, {"results": [{"claimId": "0" * 32, "outcome": "succeeded", "result": None}]})
    members += [*bulk.body["results"], *results.body["results"]]
    assert len(members) == 7
    for member in members:
        assert member["type"].startswith(f"{ROOT}/errors/"), member
        assert (await api.nobody.get(member["type"])).status == 200


async def test_the_document_is_of_the_server_below_the_root_path(api: Api) -> None:
    document = (await api.nobody.get("/openapi.json")).body
    assert [server["url"] for server in document["servers"]] == [ROOT]
    assert "/livez" in document["paths"]
    types = [one["value"]["type"] for one in document["components"]["examples"].values()]
    assert all(one.startswith(f"{ROOT}/errors/") for one in types)
    start = (await api.nobody.get("/")).body
    assert [start[name] for name in ("documentation", "openapi", "errors")] == [
        f"{ROOT}/docs", f"{ROOT}/openapi.json", f"{ROOT}/errors",
    ]  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.slow_callback("parses whole pages")
@pytest.mark.parametrize("read", [SOME_PAGES, pytest.param(PAGES, marks=pytest.mark.long)], ids=["some", "every"])
async def test_every_link_of_every_page_has_the_root_path_once_and_leads_somewhere(api: Api, read: list[str]) -> None:
    found = set()
    for path in read:
        page = Page(await api.nobody.get(path))
        for _, attributes in page.elements:
            for name in ("src", "href", "action"):
                link = attributes.get(name, "#")
                if link.startswith(("#", "https:")):
                    continue
                assert link.startswith(f"{ROOT}/"), f"{path}: {link}"
                found.add(link.partition("#")[0].removeprefix(ROOT))
        assert '"/errors/' not in page.text, path
    assert {"/docs/browsers-and-proxies", "/errors/bad-parameters", "/openapi.json"} <= found
    for target in found - {*PAGES}:
        for root in ("", ROOT):
            assert (await api.nobody.get(root + target)).status == 200, target


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.slow_callback("renders a whole page")
async def test_the_lines_of_curl_and_the_links_beside_them_have_the_root_path(api: Api) -> None:
    html = (await api.nobody.get(f"{ROOT}/docs", Host="fleet.example")).content.decode()
    links = re.findall(' (?:src|href|action)="([^"]*)"', html)
    assert len(links) > len(ROUTES)
    assert all(link.startswith((f"{ROOT}/", "#", "https:")) for link in links)
    page = unescape(html)
    assert re.findall("<body[^>]*>", page) == [f'<body data-server="http://fleet.example{ROOT}">']
    commands = re.findall('<code class="curl">(.*?)</code>', page, re.DOTALL)
    assert len(commands) > len(ROUTES)
    assert all(f"'http://fleet.example{ROOT}/" in command for command in commands)
    assert f"{ROOT}{ROOT}" not in page


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_without_a_root_path_nothing_has_one(open_store: OpenStore, clock: SteppedClock, api: Api) -> None:
    assert (await api.nobody.get("/nowhere")).body["type"] == f"{ROOT}/errors/path-not-found"
    runtime = build_runtime(await open_store(), clock)
    async with run_api(runtime, api.cast) as plain:
        assert (await plain.nobody.get(f"{ROOT}/livez")).status == 404
        assert (await plain.nobody.get("/nowhere")).body["type"] == "/errors/path-not-found"
        assert (await plain.nobody.get("/openapi.json")).body["servers"][0]["url"] == "/"
        assert f'href="{ROOT}' not in (await plain.nobody.get("/docs")).content.decode()
