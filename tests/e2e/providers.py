"""Real OpenID providers as processes on this machine, and somebody who signs in there with a browser."""

import asyncio
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest

from tests.cast import wait_until

FOLDER = Path(__file__).parent / "openid_provider"
CLIENT_ID = "padron-console"
SECRET = "a-secret-of-the-client"
RESOURCE = "https://padron.example"
REDIRECT = f"{RESOURCE}/console/openid/corp/callback"
INSTALL_S_MAX = 240
STEPS_MAX = 12

_find_address = re.compile(r"(?:Listening|running) on (http://[0-9a-z.]+:\d+)").search
_find_action = re.compile(r'<form[^>]* action="([^"]+)"').search
_find_hidden = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"').findall


def install_node_provider(cache: Path) -> Path:
    """Give the folder of the provider for Node, installed from its lock. Skips the test where that cannot be done."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed, so its provider cannot run")
    lock = (FOLDER / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "node_modules").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm could not install the provider: {done.stderr.strip()[-200:]}")
    shutil.copy(FOLDER / "provider.mjs", folder)
    return folder


@asynccontextmanager
async def run_node_provider(cache: Path, log: Path) -> AsyncIterator[str]:
    """Give the issuer of a running provider for Node."""
    folder = await asyncio.to_thread(install_node_provider, cache)
    async with _run(["node", str(folder / "provider.mjs"), REDIRECT, SECRET], folder, log) as issuer:
        yield issuer


@asynccontextmanager
async def run_python_provider(folder: Path, log: Path) -> AsyncIterator[str]:
    """Give the issuer of a running provider for Python."""
    claims = [
        {"sub": name, "name": f"Person {name}", "email": f"{name}@corp.example", "email_verified": True,
         "groups": name.split("-")}
        for name in ("ana-fleet", "eva-strangers")
    ]  # fmt: skip
    users = [word for one in claims for word in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", "0", "--require-nonce", *users]
    async with _run(command, folder, log) as issuer:
        yield issuer


@asynccontextmanager
async def _run(command: list[str], folder: Path, log: Path) -> AsyncIterator[str]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"}
        )
    try:

        async def listens() -> bool:
            assert process.poll() is None, log.read_text()
            return _find_address(log.read_text()) is not None

        await wait_until(listens, seconds_max=30)
        found = _find_address(log.read_text())
        assert found is not None
        yield found[1]
    finally:
        process.kill()
        process.wait()


async def sign_in_there(url: str, name: str) -> str:
    """Sign in at a provider as somebody, agree to everything, and give the address to which the browser is led."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
        for _ in range(STEPS_MAX):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(RESOURCE):
                    return target
                answer = await browser.get(target)
                continue
            assert answer.status_code == 200, answer.text
            page = answer.text
            action = _find_action(page)
            target = urljoin(str(answer.url), html.unescape(action[1]) if action else "")
            form = {**dict(_find_hidden(page)), "login": name, "password": "x", "sub": name}
            answer = await browser.post(target or str(answer.url), data=form)
    raise AssertionError(answer.text)


def give_target(url: str) -> str:
    """Give path and query of an address."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
