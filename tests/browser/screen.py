"""A person's window. It notes whatever no page may do, and fails the test that did it.

A new window costs more than what most tests do in it. So a test leaves its window to the next one that wants the same
language, without any cookie. What the browser has cached stays, as it does between two visits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Error, Page, Request

from padron.console.cookies import SESSION

WIDE = 1280
NARROW = 360
HEIGHT = 800
WAIT_MS = 30_000  # a hang is a failure, but a busy machine is none

# The browser tells a page of each breach of its policy. As an error of the console it is noted with the others.
_TELL_BREACHES = """
document.addEventListener("securitypolicyviolation", (breach) => {
  console.error(`The policy was broken: ${breach.violatedDirective} ${breach.blockedURI}`);
});
"""


class Screen:
    """One window, with a cookie jar of its own."""

    def __init__(self, context: BrowserContext, page: Page, origin: str) -> None:
        self.context = context
        self.page = page
        self.origin = origin
        self.faults: list[str] = []
        self.asked: list[Request] = []
        self._session: CDPSession | None = None
        page.on("console", self._note_message)
        page.on("pageerror", self._note_error)
        page.on("request", self._note_request)

    async def open(self, target: str) -> int:
        """Show a page, and give the answer's status."""
        answer = await self.page.goto(self.origin + target)
        assert answer is not None
        return answer.status

    async def show(self, *, width: int, theme: str) -> None:
        """Give the window another width and the system other colours."""
        await self.page.set_viewport_size({"width": width, "height": HEIGHT})
        dark = theme == "dark"
        await self.page.emulate_media(color_scheme="dark" if dark else "light")

    def take_faults(self) -> list[str]:
        """Give what was noted, and forget it. A test that takes a fault expects it."""
        faults, self.faults = self.faults, []
        return faults

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - what a page says is any JSON
        """Give the value of an expression of JavaScript, which the page's policy does not forbid.

        It waits until the page has its styles: what a click leads to is shown before they are there.
        """
        await self.page.wait_for_load_state()
        if self._session is None:
            self._session = await self.context.new_cdp_session(self.page)
        answer = await self._session.send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def leave(self) -> None:
        """Leave the window as if nobody had been there."""
        self.page.remove_listener("console", self._note_message)
        self.page.remove_listener("pageerror", self._note_error)
        self.page.remove_listener("request", self._note_request)
        if self._session is not None:
            await self._session.detach()
        await self.page.goto(f"{self.origin}/livez")  # so it follows nothing any more
        await self.context.clear_cookies()

    def _note_error(self, error: Error) -> None:
        self.faults.append(f"A script failed: {error}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.text} ({message.location.get('url', '')})")

    def _note_request(self, request: Request) -> None:
        self.asked.append(request)
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and f"{address.scheme}://{address.netloc}" != self.origin:
            self.faults.append(f"Another host was asked: {request.url}")


_Kind = tuple[str, bool]  # a language, and whether scripts run
_left: WeakKeyDictionary[Browser, dict[_Kind, list[Page]]] = WeakKeyDictionary()


async def _make_page(browser: Browser, locale: str, *, scripts: bool) -> Page:
    context = await browser.new_context(
        locale=locale,
        timezone_id="America/Mexico_City",
        viewport={"width": WIDE, "height": HEIGHT},
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    await context.add_init_script(_TELL_BREACHES)
    return await context.new_page()


@asynccontextmanager
async def open_screen(
    browser: Browser,
    origin: str,
    token: str | None = None,
    *,
    locale: str = "en-GB",
    width: int = WIDE,
    theme: str = "light",
    scripts: bool = True,
    is_new: bool = False,
) -> AsyncIterator[Screen]:
    """Give a window of the person with this session. When it is closed, it must have noted no fault.

    One that is new was never used and will not be: for tests of a first visit, or that change more than a page.
    """
    places = _left.setdefault(browser, {}).setdefault((locale, scripts), [])
    page = places.pop() if places and not is_new else await _make_page(browser, locale, scripts=scripts)
    screen = Screen(page.context, page, origin)
    is_kept = False
    try:
        if token is not None:
            safe = origin.replace("http:", "https:")  # the machine counts as safe, but not for who sets cookies here
            await page.context.add_cookies(
                [{"name": SESSION, "value": token, "url": safe, "secure": True, "httpOnly": True}]
            )
        await screen.show(width=width, theme=theme)
        yield screen
        await asyncio.sleep(0)  # what the browser has told already
        is_kept = not is_new
    finally:
        if is_kept:
            await screen.leave()
            places.append(page)
        else:
            await page.context.close()
    assert not screen.faults, "\n".join(screen.faults)
