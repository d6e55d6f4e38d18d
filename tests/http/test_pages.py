"""The pages for people and the probes: they need nothing from anywhere else."""

import re
from html import escape

import pytest

from padron.http.events import EVENTS
from padron.http.routes import OPERATIONS
from tests.http.api import Api

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
PAGES = ["/docs", "/errors", "/errors/bad-parameters", "/errors/internal-error"]

EXAMPLES = {"http://127.0.0.1:8080", "https://fleet.example"}  # a call to this server, and a name that nobody can have


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_names_no_other_host_and_has_no_script(api: Api, path: str) -> None:
    page = await api.nobody.get(path)
    text = page.content.decode()
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {*re.findall(r"https?://[^/\s\"'<]+", text)} <= EXAMPLES
    for match in re.findall(r"""(?:href|src|action)\s*=\s*["']([^"']*)["']""", text):
        assert re.match(r"[/#][^/]?", match), match
    assert not re.search(r"<script|<iframe|<link|<img|@import|url\(|\son\w+\s*=|javascript:", text, re.IGNORECASE)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_forbids_the_browser_everything_that_it_does_not_need(api: Api, path: str) -> None:
    headers = (await api.nobody.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
async def test_the_links_of_a_page_lead_somewhere(api: Api, path: str) -> None:
    text = (await api.nobody.get(path)).content.decode()
    anchors = {*re.findall(r'id="([^"]+)"', text)}
    for link in {*re.findall(r'href="([^"]+)"', text)}:
        if link.startswith("#"):
            assert link[1:] in anchors
        else:
            assert (await api.nobody.get(link)).status == 200, link


async def test_the_documentation_has_every_operation_and_every_shape(api: Api) -> None:
    text = (await api.nobody.get("/docs")).content.decode()
    document = (await api.nobody.get("/openapi.json")).body
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in text
        assert escape(operation.summary).replace("&#x27;", "&#39;") in text
    for event in EVENTS:
        assert f'id="{event.name}"' in text
        assert event.event_type in text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in text


async def test_the_process_lives_and_the_database_answers(api: Api) -> None:
    for path in ("/livez", "/readyz"):
        reply = await api.nobody.get(path)
        assert (reply.status, reply.body) == (200, {"status": "ok"})


async def test_without_its_database_the_process_lives_and_is_not_ready(api: Api) -> None:
    await api.store.close()
    assert (await api.nobody.get("/livez")).status == 200
    reply = await api.nobody.get("/readyz")
    assert reply.code == (503, "StoreUnavailable")
    assert int(reply.headers["retry-after"]) >= 1
