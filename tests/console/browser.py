"""A browser without a screen: it keeps cookies, follows redirects, and reads pages as a parser of HTML does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urlencode

from padron.domain.people import Role, User
from padron.domain.vin import parse_vin
from padron.service.runtime import Runtime
from padron.service.vehicles.registration import Registration, put_vehicle
from tests.cast import Cast
from tests.http.asgi import AsgiClient

FORM = "application/x-www-form-urlencoded"
Fields = Mapping[str, str | Sequence[str]]
_WITHOUT_END = frozenset({"br", "hr", "img", "input", "link", "meta"})


@dataclass(frozen=True, kw_only=True)
class Element:
    tag: str
    attributes: Mapping[str, str]
    text: list[str] = field(default_factory=list)


class Document(HTMLParser):
    """The elements of a page in their order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _WITHOUT_END:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        for element in self._open:
            element.text.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def list_all(self, tag: str, **attributes: str) -> list[Element]:
        """Give the elements with this tag and these attributes."""
        return [
            element
            for element in self.elements
            if element.tag == tag and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def read_hidden(self) -> dict[str, str]:
        """Give the hidden fields of the page, but for the token."""
        return {
            one.attributes["name"]: one.attributes.get("value", "")
            for one in self.list_all("input", type="hidden")
            if one.attributes.get("name", "_csrf") != "_csrf"
        }


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An answer as the browser shows it."""

    status: int
    headers: Mapping[str, str]
    html: str

    @cached_property
    def page(self) -> Document:
        return Document(self.html)

    @property
    def text(self) -> str:
        return self.page.text

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


class Browser:
    """One browser. It says where its requests come from, as every present one does.

    ``sign_in`` gives the token of a session. It is asked when the browser is first used, because most tests need only
    one of the many people.
    """

    def __init__(
        self,
        http: AsgiClient,
        token: str | None = None,
        language: str = "en",
        sign_in: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._http = http
        self._sign_in = sign_in
        self._signing_in = asyncio.Lock()
        self.language = language
        self.cookies: dict[str, str] = {} if token is None else {"__Host-padron": token}
        self.set: list[str] = []  # each cookie as the last answer set it

    async def open(self) -> str:
        """Sign in, if that is still to be done, and give the token of the session."""
        async with self._signing_in:
            if self._sign_in is not None:
                self.cookies["__Host-padron"] = await self._sign_in()
                self._sign_in = None
        return self.cookies.get("__Host-padron", "")

    async def get(self, target: str, **headers: str) -> Shown:
        return await self.send("GET", target, None, headers)

    async def post(self, target: str, fields: Fields | None = None, **headers: str) -> Shown:
        given = {"sec-fetch-site": "same-origin", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return await self.send("POST", target, urlencode(fields or {}, doseq=True), given)

    async def follow(self, shown: Shown) -> Shown:
        assert shown.status == 303, shown.html
        return await self.get(shown.location)

    async def send(self, method: str, target: str, content: str | bytes | None, headers: Mapping[str, str]) -> Shown:
        await self.open()
        every = {
            "accept-language": self.language,
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **({} if content is None else {"content-type": FORM}),
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in every.items() if value]
        answer = await self._http.request(method, target, content, pairs)
        self.set = [one for one in answer.headers.get("set-cookie", "").split(", ") if one]
        for cookie in self.set:
            name, _, value = cookie.partition(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return Shown(status=answer.status, headers=answer.headers, html=answer.content.decode("utf-8", "replace"))


@dataclass(frozen=True, kw_only=True)
class House:
    """Who is there: people of Acme by their role, a stranger of Beta, and a key of Acme that only reads."""

    runtime: Runtime
    cast: Cast
    http: AsgiClient
    people: Mapping[Role, User]
    browsers: Mapping[Role, Browser]
    stranger: Browser
    reader: Browser

    @property
    def owner(self) -> Browser:
        return self.browsers[Role.OWNER]

    @property
    def editor(self) -> Browser:
        return self.browsers[Role.EDITOR]

    @property
    def viewer(self) -> Browser:
        return self.browsers[Role.VIEWER]

    def open_browser(self, language: str = "en") -> Browser:
        """Give a browser of nobody."""
        return Browser(self.http, language=language)

    async def register(self, vin: str, **values: str | int | None) -> None:
        """Register a vehicle of Acme."""
        asked = Registration(vin=parse_vin(vin), edits=values, request_id="r-register")
        await put_vehicle(self.runtime, self.cast.acme.principal, asked)
