"""padron keys show, change and rotate; padron accounts rename, disable and enable."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from padron.cli.actors import give_actor
from padron.config import read_settings
from padron.domain.errors import PadronError
from padron.wiring import use_runtime
from tests.cli.conftest import Cli, check_sentence

pytestmark = pytest.mark.usefixtures("acme")

KEY = ("keys", "add", "--account", "Acme", "--name", "till", "--scope", "vehicles:read", "--json")


def opens(token: str, address: str = "192.0.2.7") -> bool:
    """Say whether a server would let a token in from this address."""

    async def ask() -> bool:
        async with use_runtime(read_settings({})) as runtime:
            try:
                await runtime.authenticator.authenticate(token, address)
            except PadronError:
                return False
            return True

    return asyncio.run(ask())


def test_a_rotated_key_and_its_successor_both_open_for_the_overlap(cli: Cli) -> None:
    old = cli(*KEY, "--networks", "192.0.2.0/24,2001:db8::/32").document
    new = cli("keys", "rotate", old["id"], "--account", "Acme", "--overlap", "2h", "--json").document
    assert (new["name"], new["scopes"], new["networks"]) == (old["name"], old["scopes"], old["networks"])
    assert (new["replaces"], new["expiresAt"]) == (old["id"], None)
    assert opens(old["secret"])
    assert opens(new["secret"])
    shown = cli("keys", "show", old["id"], "--json").document
    assert (shown["replacedBy"], shown["expiresAt"]) == (new["id"], new["oldExpiresAt"])
    left = datetime.fromisoformat(shown["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=118) < left <= timedelta(hours=2)
    check_sentence(cli("keys", "rotate", old["id"], "--account", "Acme"), 1, f"already replaced by {new['id']}")


def test_without_an_overlap_the_old_key_ends_at_once(cli: Cli) -> None:
    old = cli(*KEY).document
    answer = cli("keys", "rotate", old["id"], "--account", "Acme", "--overlap", "0", "--expires-in", "90d")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("Authorization: Bearer ")]
    assert opens(line.removeprefix("Authorization: Bearer "))
    assert not opens(old["secret"])


def test_a_key_is_bound_to_networks_and_released(cli: Cli) -> None:
    key = cli(*KEY).document
    assert key["networks"] == []
    assert opens(key["secret"], "203.0.113.9")
    changed = cli("keys", "change", key["id"], "--networks", "192.0.2.0/24", "198.51.100.7", "--name", "shop", "--json")
    assert (changed.document["networks"], changed.document["name"]) == (["192.0.2.0/24", "198.51.100.7/32"], "shop")
    assert not opens(key["secret"], "203.0.113.9")
    assert opens(key["secret"], "198.51.100.7")
    assert "everywhere" in cli("keys", "change", key["id"], "--networks", "any").out
    assert opens(key["secret"], "203.0.113.9")


def test_a_key_is_shown_with_its_last_use_and_without_its_secret(cli: Cli) -> None:
    key = cli(*KEY).document
    assert opens(key["secret"], "192.0.2.7")
    shown = cli("keys", "show", key["id"], "--json").document
    assert shown["lastUsedFrom"] == "192.0.2.7"
    assert datetime.now(UTC) - datetime.fromisoformat(shown["lastUsedAt"]) < timedelta(minutes=1)
    assert key["secret"] not in str(shown)
    text = cli("keys", "show", key["id"]).out
    assert "192.0.2.7" in text
    assert key["secret"] not in text


@pytest.mark.parametrize(
    "command, status, said",
    [
        (["keys", "show", "1kAAAAAAAAAAAA"], 1, "There is no API key"),
        (["keys", "change", "KEY"], 2, "There is nothing to change: use --name, --networks or --requests-per-second."),
        (["keys", "change", "KEY", "--networks", "10.1.2.3/8"], 1, "'10.1.2.3/8' is not a network"),
        (["keys", "change", "KEY", "--networks", ","], 2, "--networks needs at least one network, or any."),
        (["keys", "rotate", "KEY", "--account", "Nobody"], 1, "There is no account named 'Nobody'."),
        (["keys", "rotate", "KEY", "--account", "Acme", "--overlap", "soon"], 2, "--overlap is 'soon'"),
        (["keys", "rotate", "KEY", "--account", "Acme", "--expires-in", "0d"], 2, "--expires-in is '0d'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said(cli: Cli, command: list[str], status: int, said: str) -> None:
    key_id = cli(*KEY).document["id"]
    check_sentence(cli(*(key_id if word == "KEY" else word for word in command)), status, said)


def test_a_renamed_account_keeps_its_keys_and_is_found_by_its_new_name_only(cli: Cli) -> None:
    key = cli(*KEY).document
    assert cli("accounts", "rename", "Acme", "Acme Norte", "--json").document["name"] == "Acme Norte"
    assert opens(key["secret"])
    assert len(cli("keys", "list", "--account", "Acme Norte", "--json").document["keys"]) == 1
    check_sentence(cli("accounts", "rename", "Acme", "x"), 1, "There is no account named 'Acme'.")
    cli("accounts", "add", "Beta")
    check_sentence(cli("accounts", "rename", "Acme Norte", "Beta"), 1, "already an account named 'Beta'")
    check_sentence(cli("accounts", "rename", "Acme Norte", "a\nb"), 1, "printable characters")


def test_a_disabled_account_opens_to_nobody_until_it_is_enabled(cli: Cli) -> None:
    key = cli(*KEY).document
    assert cli("accounts", "disable", "Acme", "--json").document["disabledAt"] is not None
    assert not opens(key["secret"])
    assert "disabled since" in cli("accounts", "list").out
    assert cli("keys", "list", "--account", "Acme").status == 0
    assert cli("accounts", "disable", "Acme").status == 0
    assert cli("accounts", "enable", "Acme", "--json").document["disabledAt"] is None
    assert opens(key["secret"])
    assert "enabled" in cli("accounts", "list").out
    check_sentence(cli("accounts", "disable", "Nobody"), 1, "There is no account named 'Nobody'.")


def test_a_key_gets_a_rate_of_its_own_and_loses_it(cli: Cli) -> None:
    key = cli(*KEY).document
    assert key["requestsPerSecond"] is None
    changed = cli("keys", "change", key["id"], "--requests-per-second", "20", "--json").document
    assert changed["requestsPerSecond"] == 20
    assert "20" in cli("keys", "show", key["id"]).out
    assert cli("keys", "change", key["id"], "--name", "shop", "--json").document["requestsPerSecond"] == 20
    check_sentence(cli("keys", "change", key["id"], "--requests-per-second", "-1"), 1, "own rate is -1")
    freed = cli("keys", "change", key["id"], "--requests-per-second", "0", "--json").document
    assert freed["requestsPerSecond"] is None


def test_what_operators_do_is_shown_newest_first(cli: Cli) -> None:
    key = cli(*KEY).document
    cli("keys", "change", key["id"], "--name", "shop")
    cli("keys", "revoke", key["id"])
    cli("accounts", "rename", "Acme", "Acme Norte")
    cli("accounts", "disable", "Acme Norte")
    events = cli("accounts", "events", "Acme Norte", "--json").document["events"]
    assert [one["type"] for one in events] == [
        "accountDisabled", "accountRenamed", "keyRevoked", "keyChanged", "keyAdded", "accountAdded",
    ]  # fmt: skip
    assert [one["number"] for one in events] == [6, 5, 4, 3, 2, 1]
    assert {one["by"] for one in events} == {give_actor()}
    assert (events[1]["details"], events[3]["details"]) == ({"name": "Acme Norte"}, {"label": "shop"})
    assert {one["subject"] for one in events[2:5]} == {key["id"]}
    assert key["secret"] not in repr(events)
    shown = cli("accounts", "events", "Acme Norte", "--limit", "1").out
    assert "accountDisabled" in shown
    assert "keyAdded" not in shown
    check_sentence(cli("accounts", "events", "Acme Norte", "--limit", "0"), 2, "use 1 to 500")
    check_sentence(cli("accounts", "events", "Nobody"), 1, "no account named")
