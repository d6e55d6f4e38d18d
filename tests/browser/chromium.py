"""The system's own Chromium, which does nothing of itself: no updates, no reports, no question to another host.

Its shell without windows is taken if the system has it, because that does the same with less than half of the work.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # a container's user may not make one, and only our own pages are shown
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # so a page has a camera to ask for
    "--use-fake-ui-for-media-stream",
)
MISSING = "Chromium is missing, so no page is shown in a browser. On Debian: apt-get install chromium-headless-shell"


def find_chromium() -> str | None:
    """Give the path of the program, if the system has one."""
    return next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)


@asynccontextmanager
async def run_chromium(path: str, *flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()
