"""People sign in to the real program with real OpenID providers, one for Python and one for Node."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.client import Answer, Connection
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.providers import (
    CLIENT_ID,
    RESOURCE,
    SECRET,
    give_target,
    run_node_provider,
    run_python_provider,
    sign_in_there,
)
from tests.e2e.secure import Program, run_program
from tests.starting import run_program as run_command

FILE = """\
resource = "{resource}"
password_sign_in = false
[providers.corp]
issuer = "{issuer}"
title = "Corporate login"
client_id = "{client_id}"
client_secret_file = "client.secret"
[[providers.corp.grants]]
account = "{account}"
role = "editor"
when = {{ groups = "fleet" }}
"""


@pytest.fixture(params=["python", "node"])
async def issuer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The issuer of a running provider."""
    log = tmp_path / "provider.log"
    if request.param == "node":
        assert request.config.cache is not None
        async with run_node_provider(request.config.cache.mkdir("oidc-provider"), log) as issuer:
            yield issuer
    else:
        async with run_python_provider(tmp_path, log) as issuer:
            yield issuer


def write_files(folder: Path, issuer: str, fleet: Fleet) -> Path:
    secret = folder / "client.secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    path = folder / "providers.toml"
    path.write_text(FILE.format(resource=RESOURCE, issuer=issuer, client_id=CLIENT_ID, account=fleet.name))
    return path


async def get(program: Program, target: str, cookies: dict[str, str] | None = None) -> Answer:
    """Ask for a page as a browser with these cookies, and keep those that the answer sets."""
    kept = {} if cookies is None else cookies
    async with program.connect() as connection:
        cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        await connection.send(f"GET {target} HTTP/1.1\r\nHost: padron.example\r\nCookie: {cookie}\r\n\r\n".encode())
        answer, set_cookies = await read_with_cookies(connection)
    kept.update(set_cookies)
    return answer


async def read_with_cookies(connection: Connection) -> tuple[Answer, dict[str, str]]:
    """Give an answer and its cookies, of which there may be several."""
    reader = connection._reader
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    body = await reader.readexactly(int(dict(pairs).get("content-length", "0")))
    answer = Answer(status=int(first.split(" ")[1]), headers=dict(pairs), body=body, seconds=0)
    cookies = [value.partition(";")[0].partition("=") for name, value in pairs if name == "set-cookie"]
    return answer, {name: value for name, _, value in cookies}


@pytest.mark.timeout(300)
@pytest.mark.long
@pytest.mark.parametrize("engine, workers", [("sqlite", 1), ("postgres", 2)])
async def test_somebody_signs_in_with_a_real_provider_and_a_stranger_does_not(
    url: str, tmp_path: Path, issuer: str, workers: int
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    path = write_files(tmp_path, issuer, fleet)
    options = ("--providers", str(path), "--workers", str(workers))
    async with run_program(url, tmp_path, *options) as program:
        page = await get(program, "/console/sign-in?next=/console/profile")
        assert "Corporate login" in page.body.decode()
        assert "/console/openid/corp?next=/console/profile" in page.body.decode()

        cookies: dict[str, str] = {}
        departed = await get(program, "/console/openid/corp?next=/console/profile", cookies)
        assert departed.status == 303
        back = await sign_in_there(departed.headers["location"], "ana-fleet")
        arrived = await get(program, give_target(back), cookies)
        assert (arrived.status, arrived.headers["location"]) == (303, "/console/profile")
        profile = await get(program, "/console/profile", cookies)
        assert profile.status == 200
        assert "Person ana-fleet" in profile.body.decode()

        again = await get(program, give_target(back), cookies)  # the same address, from the browser's history
        assert again.status == 400
        assert "was finished already" in again.body.decode()

        strangers: dict[str, str] = {}
        departed = await get(program, "/console/openid/corp", strangers)
        back = await sign_in_there(departed.headers["location"], "eva-strangers")
        refused = await get(program, give_target(back), strangers)
        assert refused.status == 400
        assert "gives you a role here" in refused.body.decode()
        assert strangers.get("__Host-padron", "") == ""
    outcome = run_command("users", "list", "--json", "--database-url", url)
    (user,) = json.loads(outcome.stdout)["users"]
    assert (user["name"], user["email"]) == ("Person ana-fleet", "ana-fleet@corp.example")
    assert [(one["account"], one["role"]) for one in user["accounts"]] == [(fleet.name, "editor")]
