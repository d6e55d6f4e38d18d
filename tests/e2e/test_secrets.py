"""Secrets of webhooks are encrypted beside a running server, which goes on signing with them."""

from pathlib import Path

import pytest

from padron.secret_files import make_key
from tests.cast import wait_until
from tests.conftest import Select
from tests.delivery.receiver import Receiver, run_receiver
from tests.e2e.client import connect
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server

LOOPBACK = "127.0.0.1/32"


async def tell(server: Server, fleet: Fleet, receiver: Receiver, secret: str, status: int) -> None:
    """Set a status, and wait until the receiver has heard of it, signed with the secret."""
    count = len(receiver.accepted)
    async with connect(server.port) as connection:
        target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
        answer = await connection.request("PATCH", target, token=fleet.token, body={"vehicleStatusId": status})
        assert answer.status == 204

    async def has_heard() -> bool:
        return len(receiver.accepted) > count

    await wait_until(has_heard)
    receiver.accepted[-1].verify(secret)


@pytest.mark.long
async def test_secrets_are_encrypted_and_get_another_key_while_the_server_sends(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    file = tmp_path / "padron.keys"
    first, second = make_key(), make_key()
    file.write_text(first)
    file.chmod(0o600)
    keys = ("--secret-file", str(file))
    body = {"eventTypes": ["vehicle.status_changed"]}
    async with run_receiver() as receiver:
        async with run_server(url, tmp_path, webhook_allow=LOOPBACK) as server, connect(server.port) as connection:
            asked = {**body, "url": receiver.url}
            added = await connection.request("POST", "/api/v2/webhooks", token=fleet.token, body=asked)
            secret = added.document["secret"]
            await tell(server, fleet, receiver, secret, 3)
            assert await server.stop() == 0  # a killed one would hold the webhook for a while
        ((stored,),) = await select("SELECT secret FROM webhook_endpoints")
        assert stored == secret
        workers = 1 if engine == "sqlite" else 2
        async with run_server(url, tmp_path, webhook_allow=LOOPBACK, workers=workers, secret_file=str(file)) as server:
            await tell(server, fleet, receiver, secret, 4)
            assert (await run_command(url, "secrets", "rotate", *keys)).status == 0
            await tell(server, fleet, receiver, secret, 3)
            file.write_text(f"{second}\n{first}\n")
            assert (await run_command(url, "secrets", "rotate", *keys, "--json")).document == {"webhooks": 1}
            file.write_text(f"{second}\n")
            await tell(server, fleet, receiver, secret, 4)
        ((stored,),) = await select("SELECT secret FROM webhook_endpoints")
        assert stored.startswith("enc:")
    refused = await run_command(url, "serve", "--port", "0")
    assert refused.status == 1
    assert "a key that the secret file does not have" in refused.stderr
