"""The pages for people and the probes: they need nothing from anywhere else."""

import re
import shlex
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import unquote

import pytest
from PIL import Image

from padron.domain.account import Scope
from padron.domain.status import STATUS_TEXTS
from padron.http.answers.problems import ALL_PROBLEMS
from padron.http.docs.events import EVENTS
from padron.http.docs.guides import find_guides
from padron.http.docs.markdown import render_guide, render_markdown
from padron.http.docs.reference import write_json
from padron.http.routes import ROUTES
from tests.conftest import SteppedClock
from tests.http.api import Api, Reply
from tests.http.conftest import SharedApis
from tests.tables import each_row

pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"]),
    pytest.mark.usefixtures("engine"),
    pytest.mark.slow_callback("parses whole pages"),
]
GUIDES = [f"/docs/{name}" for name in find_guides()]
PAGES = ["/docs", "/errors", "/errors/bad-parameters", "/errors/internal-error", *GUIDES]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, whether they are closed, and the text that it shows."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "wbr", "img"})

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self.commands: list[str] = []
        self._open: list[str] = []
        assert reply.status == 200
        self.feed(reply.content.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "code" and ("class", "curl") in attrs:
            self.commands.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._open[-1] != "p":
            raise AssertionError("a paragraph was closed by what is inside of it")
        assert self._open.pop() == tag, f"</{tag}> in {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self._texts.append(data)
        if self._open[-1:] == ["code"] and self.elements[-1] == ("code", {"class": "curl"}):
            self.commands[-1] += data

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    @cached_property
    def text(self) -> str:
        return "".join(self._texts)

    @cached_property
    def ids(self) -> list[str]:
        return [found["id"] for _, found in self.elements if "id" in found]


Pages = dict[str, tuple[Reply, Page]]


@pytest.fixture(scope="module")
async def pages(shared_apis: SharedApis, shared_clock: SteppedClock) -> Pages:
    """Every page and what a browser makes of it: the same for all tests, and long to make."""
    api = await shared_apis.lend("sqlite", shared_clock)
    replies = {path: await api.nobody.get(path) for path in PAGES}
    return {path: (reply, Page(reply)) for path, reply in replies.items()}


async def test_every_page_needs_this_server_alone_and_allows_nothing_inside_of_it(pages: Pages) -> None:
    for path, (reply, page) in pages.items():
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        assert reply.headers["content-security-policy"] == POLICY
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        for tag, found in page.elements:
            assert tag not in {"style", "iframe", "img", "object", "base", "form"} or found.get("role") == "search"
            assert not any(name == "style" or name.startswith("on") for name in found), f"{path}: <{tag} {found}>"
            for name in ("src", "href", "action"):
                link = found.get(name, "/")
                assert re.match("/[^/]|/$|#|https://", link), f"{path}: {link}"
                assert tag == "a" or link.startswith("/"), f"{path}: {link}"
        (script,) = page.find("script")
        assert script["src"].startswith("/docs/assets/docs.js?v=")


async def test_the_links_of_every_page_lead_somewhere(api: Api, pages: Pages) -> None:
    found: set[str] = set()
    for path, (_, page) in pages.items():
        assert len({*page.ids}) == len(page.ids), path
        for link in {one["href"] for one in (*page.find("a"), *page.find("link"))}:
            target, _, section = link.partition("#")
            if target.startswith("https:"):
                continue
            if target and target not in pages:
                if target not in found:
                    assert (await api.nobody.get(target)).status == 200, f"{path}: {link}"
                found.add(target)
            elif section:
                assert unquote(section) in pages[target or path][1].ids, f"{path}: {link}"


async def test_a_page_is_sound_for_a_screen_reader(pages: Pages) -> None:
    for _, page in pages.values():
        assert page.find("html", lang="en")
        assert len(page.find("h1")) == 1
        assert len(page.find("main", id="main")) == 1
        assert page.find("a", href="#main")
        assert all(found.get("aria-label") for found in page.find("nav"))
        assert all(found.get("aria-label") for found in page.find("input"))
        assert all(found.get("tabindex") == "0" for found in page.find("pre"))  # so that keys can scroll them


async def test_the_style_sheet_and_the_script_can_be_kept_for_good_and_name_no_host(api: Api, pages: Pages) -> None:
    _, page = pages["/docs"]
    (sheet,), (script,) = page.find("link", rel="stylesheet"), page.find("script")
    for target, media_type in ((sheet["href"], "text/css"), (script["src"], "text/javascript")):
        reply = await api.nobody.get(target)
        assert reply.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"https?:|@import|url\(|eval|innerHTML|document\.write", reply.content.decode())
    assert (await api.nobody.get("/docs/assets/docs.html")).code == (404, "PathNotFound")


async def test_the_documentation_has_every_operation_every_shape_and_an_example_of_each_answer(
    api: Api, pages: Pages
) -> None:
    _, page = pages["/docs"]
    document = (await api.nobody.get("/openapi.json")).body
    for route in ROUTES:
        assert route.name in page.ids
        assert route.summary in page.text
    for event in EVENTS:
        assert event.name in page.ids
        assert event.event_type in page.text
    for name in document["components"]["schemas"]:
        assert f"shape-{name}" in page.ids
    for routes in document["paths"].values():
        for route in routes.values():
            for answer in route["responses"].values():
                for content in answer.get("content", {}).values():
                    if "example" in content:
                        example = content["example"]
                        assert (example if isinstance(example, str) else write_json(example)) in page.text


async def test_the_statuses_and_the_scopes_are_on_the_page(pages: Pages) -> None:
    text = pages["/docs"][1].text
    for status in STATUS_TEXTS.values():
        assert status.name in text
        assert status.nombre in text
    assert all(scope.value in text for scope in Scope)


async def test_markdown_is_rendered_and_html_in_it_is_shown_as_text(pages: Pages) -> None:
    _, page = pages["/docs"]
    assert "`" not in page.text.replace("`<", "")
    assert page.find("em")
    assert render_markdown("a `<b>` <script>alert(1)</script> [x](javascript:alert(1))") == (
        "<p>a <code>&lt;b&gt;</code> &lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1))</p>\n"
    )
    rendered = render_guide("# T\n\n## A `b`, c\n\n[in](x.md) ![i](/i.png) [out](../src/y.py)", {"x.md": "/x"}.get)
    assert rendered.sections == [("a-b-c", "A b, c")]
    assert (
        rendered.html == '<h1 id="t">T</h1>\n<h2 id="a-b-c">A <code>b</code>, c</h2>\n<p><a href="/x">in</a>  out</p>\n'
    )


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("fleet.example", marks=pytest.mark.long),
        pytest.param("127.0.0.1:8080", marks=pytest.mark.long),
        "[::1]:9000",
        "a~b_c.example:1",
    ],
)
async def test_the_lines_of_curl_name_the_address_that_was_asked(api: Api, host: str) -> None:
    reply = await api.nobody.get("/docs", Host=host, X_Forwarded_Host="evil.example", X_Forwarded_Proto="https")
    page = unescape(reply.content.decode())
    assert re.findall("<body[^>]*>", page) == [f'<body data-server="http://{host}">']
    commands = re.findall('<code class="curl">(.*?)</code>', page, re.DOTALL)
    assert len(commands) > len(ROUTES)
    assert all(f"'http://{host}/" in command for command in commands)
    assert "@@server@@" not in page
    assert "evil.example" not in page


@each_row("host", ["a'b", 'a"b', "a<b>", "a b", "a/b", "a\\b", "@@server@@", "a,b", "é.example"])
async def test_an_address_that_could_be_more_than_one_is_refused(api: Api, host: str) -> None:
    assert (await api.nobody.get("/docs", Host=host)).code == (400, "BadHost")


async def test_a_line_of_curl_does_what_it_says(api: Api, pages: Pages) -> None:
    """Each line, read as a shell reads it and sent as curl sends it, is understood: it is neither 400 nor 415."""
    await api.acme.register("3LNHL2GC1BR262548")
    _, page = pages["/docs"]
    commands = [one.partition("\n")[2] if one.startswith("export") else one for one in page.commands]
    assert len(commands) > len(ROUTES)
    Image.new("L", (40, 40)).save(picture := BytesIO(), "JPEG")
    files = {"@fleet.csv": b"vin,plate\n", "@photo.jpg": picture.getvalue()}
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        (url,) = [word for word in words if word.startswith("http")]
        headers = [words[place + 1].split(": ") for place, word in enumerate(words) if word == "-H"]
        data = [words[place + 1] for place, word in enumerate(words) if word in {"-d", "--data-binary"}]
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if data else "GET"
        kept = {name: value for name, value in headers if name != "Authorization"}
        if kept.get("Accept") == "text/event-stream":
            continue  # it would not end
        body = files.get(data[0], data[0]) if data else None
        reply = await api.acme.send(method, url.removeprefix("http://padron.test"), body, kept)
        assert reply.status not in {400, 405, 413, 415, 500}, f"{command}: {reply.content.decode()}"


async def test_the_errors_are_sorted_by_status(api: Api) -> None:
    page = await api.nobody.get("/errors")
    table = page.content.decode().partition("<tbody>")[2]
    statuses = [int(number) for number in re.findall(r'class="status bad">(\d+)<', table)]
    assert statuses == sorted(statuses)
    assert len(statuses) == len(ALL_PROBLEMS)


async def test_the_start_leads_a_browser_to_the_documentation_and_tells_a_program_where_it_is(api: Api) -> None:
    browser = await api.nobody.get("/", Accept="text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    assert (browser.status, browser.headers["location"], browser.headers["vary"]) == (302, "/docs", "accept")
    for accept in ("*/*", "application/json"):
        program = await api.nobody.get("/", Accept=accept)
        assert program.status == 200
        assert program.headers["vary"] == "accept"
        for name in ("documentation", "openapi", "errors"):
            assert (await api.nobody.get(program.body[name])).status == 200


async def test_another_sites_script_is_given_nothing(api: Api) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("OPTIONS", "GET"):
        for path in ("/", "/docs", "/api/v2/vehicles"):
            reply = await api.acme.send(method, path, headers=origin)
            assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_the_process_lives_and_the_database_answers(api: Api) -> None:
    for path in ("/livez", "/readyz"):
        reply = await api.nobody.get(path)
        assert (reply.status, reply.body) == (200, {"status": "ok"})


@pytest.mark.own_register
async def test_without_its_database_the_process_lives_and_is_not_ready(api: Api) -> None:
    await api.store.close()
    assert (await api.nobody.get("/livez")).status == 200
    reply = await api.nobody.get("/readyz")
    assert reply.code == (503, "StoreUnavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert [trouble["code"] for trouble in reply.body["troubles"]] == ["database_unreachable"]
