"""The real program takes the tokens of a provider on this machine, and reads the file of providers again at SIGHUP."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from padron.config import read_settings
from tests.cast import wait_until
from tests.delivery.receiver import Received, Receiver, reply, run_receiver
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.secure import Program, run_program
from tests.issuers import Issuer, describe, make_claims, make_header, make_rsa
from tests.starting import run_program as run_command

RESOURCE = "https://padron.example"
FILE = """\
resource = "{resource}"
[providers.ci]
issuer = "{issuer}"
[[providers.ci.grants]]
account = "{account}"
scopes = {scopes}
when = {{ groups = "fleet" }}
"""


class LiveIssuer:
    """An issuer whose documents a real server gives."""

    def __init__(self, receiver: Receiver) -> None:
        self.issuer = f"http://127.0.0.1:{receiver.port}/realms/fleet"
        receiver.answer = self._answer

    def issue(self) -> str:
        now_s = int(time.time())
        return Issuer().issue(make_claims(iss=self.issuer, iat=now_s, exp=now_s + 600), make_header())

    async def _answer(self, asked: Received) -> bytes:
        document: object = {"keys": [describe(make_rsa(), kid="rsa")]}
        if asked.path == "/realms/fleet/.well-known/openid-configuration":
            document = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        elif asked.path != "/realms/fleet/keys":
            return reply(404)
        return reply(200, json.dumps(document).encode())


@pytest.fixture
async def issuer() -> AsyncIterator[LiveIssuer]:
    async with run_receiver() as receiver:
        yield LiveIssuer(receiver)


def write_file(folder: Path, issuer: LiveIssuer, fleet: Fleet, *scopes: str) -> Path:
    path = folder / "providers.toml"
    text = FILE.format(resource=RESOURCE, issuer=issuer.issuer, account=fleet.name, scopes=json.dumps(scopes))
    path.write_text(text)
    return path


async def set_status(program: Program, fleet: Fleet, token: str, status: int) -> int:
    async with program.connect() as connection:
        target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
        return (await connection.request("PATCH", target, token=token, body={"vehicleStatusId": status})).status


@pytest.mark.parametrize("engine, workers", [pytest.param("sqlite", 1, marks=pytest.mark.long), ("postgres", 2)])
async def test_a_server_takes_tokens_and_reads_its_providers_again_at_sighup(
    url: str, tmp_path: Path, issuer: LiveIssuer, workers: int
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    path = write_file(tmp_path, issuer, fleet, "vehicles:read", "vehicles:status")
    token = issuer.issue()
    options = ("--providers", str(path), "--workers", str(workers))
    async with run_program(url, tmp_path, *options) as program:
        for status in (3, 4, 1):
            assert await set_status(program, fleet, token, status) == 204
        write_file(tmp_path, issuer, fleet, "vehicles:read")
        program.hang_up()
        await program.wait_for_log("Read the identity providers again: ci", times=workers)
        for _ in range(6):
            assert await set_status(program, fleet, token, 3) == 403
        path.write_text("resource = 7")
        program.hang_up()
        await program.wait_for_log("line 1: resource is not a text.", times=workers)
        for _ in range(6):
            assert await set_status(program, fleet, token, 3) == 403
        assert await set_status(program, fleet, fleet.token, 3) == 204
        assert "no certificate to read again" not in program.read_log()


async def test_a_bad_file_ends_the_start_with_the_line_and_the_key(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_text('resource = "https://padron.example"\n[providers.ci]\nissuer = "http://ci.example"\n')
    url = f"sqlite:///{tmp_path}/p.db"
    outcome = run_command("serve", "--database-url", url, "--providers", str(path))
    assert outcome.status == 2
    assert f"'{path}', line 3: providers.ci.issuer must begin with https://" in outcome.stderr
    assert read_settings({"PADRON_PROVIDERS": str(path)}).providers == str(path)


async def test_a_server_starts_while_its_provider_is_away_and_takes_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/p.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    async with run_receiver() as receiver:
        issuer = LiveIssuer(receiver)
    path = write_file(tmp_path, issuer, fleet, "vehicles:status")
    async with run_program(url, tmp_path, "--providers", str(path)) as program:
        assert await set_status(program, fleet, fleet.token, 3) == 204
        assert await set_status(program, fleet, issuer.issue(), 4) == 503

        async def is_told() -> bool:
            return "The keys of the provider ci cannot be fetched: 127.0.0.1" in program.read_log()

        await wait_until(is_told)
