"""padron secrets, and a server that cannot read a secret."""

import asyncio
from pathlib import Path

import pytest

from padron.config import read_settings
from padron.domain.account import Principal, Scope
from padron.domain.webhook import EventType, Filter
from padron.service.accounts import get_account
from padron.service.webhooks.endpoints import add_endpoint
from padron.wiring import use_runtime
from tests.cli.conftest import Cli, check_sentence

FILE = ("--secret-file", "padron.keys")


@pytest.fixture(autouse=True)
def webhook(acme: None) -> str:
    """Give the secret of the account's webhook, which is not encrypted."""
    del acme

    async def add() -> str:
        async with use_runtime(read_settings({})) as runtime:
            account = await get_account(runtime, "Acme")
            principal = Principal(account_id=account.account_id, actor="k", scopes=frozenset(Scope))
            endpoint = await add_endpoint(
                runtime,
                principal,
                url="https://fleet.example/",
                description="",
                chosen=Filter(event_types=frozenset(EventType)),
            )
            return endpoint.secret

    return asyncio.run(add())


def add_key(cli: Cli) -> None:
    """Put a new key before the others."""
    path = Path("padron.keys")
    others = path.read_text() if path.exists() else ""
    path.write_text(cli("secrets", "new-key").out + others)
    path.chmod(0o600)


def list_keys(cli: Cli) -> list[tuple[int, bool, bool]]:
    keys = cli("secrets", "list", *FILE, "--json").document["keys"]
    return [(one["webhooks"], one["inFile"], one["encrypts"]) for one in keys]


def test_secrets_are_encrypted_rotated_and_decrypted_and_a_server_says_what_it_misses(cli: Cli, webhook: str) -> None:
    database = Path("padron.db")
    assert webhook.encode() in database.read_bytes()
    add_key(cli)
    assert list_keys(cli) == [(1, False, False), (0, True, True)]
    assert cli("secrets", "rotate", *FILE, "--json").document == {"webhooks": 1}
    assert list_keys(cli) == [(1, True, True)]
    old = Path("padron.keys").read_text()
    add_key(cli)
    assert sorted(list_keys(cli)) == [(0, True, True), (1, True, False)]
    assert "Changed the secrets of 1 webhook." in cli("secrets", "rotate", *FILE).out
    Path("padron.keys").write_text(old)
    assert sorted(list_keys(cli)) == [(0, True, True), (1, False, False)]
    check_sentence(cli("serve", "--port", "0", *FILE), 1, "a key that the secret file does not have")
    check_sentence(cli("serve", "--port", "0"), 1, "Add this key to the file that PADRON_SECRET_FILE names.")
    check_sentence(cli("secrets", "rotate", *FILE), 1, "a key that the secret file does not have")


def test_secrets_are_stored_in_plain_again_before_the_file_goes(cli: Cli, webhook: str) -> None:
    add_key(cli)
    assert cli("secrets", "rotate", *FILE).status == 0
    assert cli("secrets", "rotate", *FILE, "--plain", "--json").document == {"webhooks": 1}
    Path("padron.keys").unlink()
    assert cli("secrets", "list", "--json").document == {
        "keys": [{"mark": "", "webhooks": 1, "inFile": False, "encrypts": False}]
    }
    assert "not encrypted" in cli("secrets", "list").out
    assert webhook


def test_what_cannot_be_used_is_said(cli: Cli) -> None:
    check_sentence(cli("secrets", "rotate"), 2, "There is no secret file")
    check_sentence(cli("secrets", "rotate", *FILE), 1, "cannot be read: No such file")
    add_key(cli)
    Path("padron.keys").chmod(0o644)
    check_sentence(cli("secrets", "rotate", *FILE), 1, "chmod 600")
    assert len(cli("secrets", "new-key", "--json").document["key"]) == 44
