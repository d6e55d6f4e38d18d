"""padron accounts and padron keys."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from padron.config import read_settings
from padron.domain.errors import PadronError
from padron.wiring import use_runtime
from tests.cli.conftest import Cli, check_sentence

pytestmark = pytest.mark.usefixtures("acme")

KEY = ("keys", "add", "--account", "Acme", "--name", "k")
ALL = ["vehicles:read", "vehicles:status", "vehicles:write"]


def authenticate(token: str) -> list[str] | None:
    """Give the scopes of a token, as a server would see them, or None when it is not valid."""

    async def ask() -> list[str] | None:
        async with use_runtime(read_settings({})) as runtime:
            try:
                return sorted((await runtime.authenticator.authenticate(token)).scopes)
            except PadronError:
                return None

    return asyncio.run(ask())


def test_an_account_is_added_and_listed(cli: Cli) -> None:
    added = cli("accounts", "add", "Beta", "--json")
    assert (added.status, added.err) == (0, "")
    assert (added.document["id"], added.document["name"]) == (2, "Beta")
    assert [one["name"] for one in cli("accounts", "list", "--json").document["accounts"]] == ["Acme", "Beta"]
    table = cli("accounts", "list")
    assert table.status == 0
    assert [line.split()[1] for line in table.out.splitlines()] == ["Name", "Acme", "Beta"]


def test_a_name_that_is_taken_or_cannot_be_used_is_refused(cli: Cli) -> None:
    check_sentence(cli("accounts", "add", "Acme"), 1, "There is already an account named 'Acme'. Choose another name.")
    check_sentence(cli("accounts", "add", "a\nb", "--json"), 1, "printable characters")


def test_markup_in_a_name_is_shown_as_it_is(cli: Cli) -> None:
    cli("accounts", "add", "[red]Beta[/red]")
    assert "[red]Beta[/red]" in cli("accounts", "list").out


def test_a_new_keys_token_opens_the_register_with_its_scopes(cli: Cli) -> None:
    document = cli(*KEY, "--scope", "vehicles:read", "--json").document
    assert document["secret"].startswith(f"padron_{document['id']}_")
    assert document["expiresAt"] is None
    assert authenticate(document["secret"]) == ["vehicles:read"]


def test_without_json_the_token_stands_on_a_line_that_can_be_pasted(cli: Cli) -> None:
    answer = cli(*KEY, "--scope", "vehicles:read")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("Authorization: Bearer ")]
    assert authenticate(line.removeprefix("Authorization: Bearer ")) == ["vehicles:read"]


@pytest.mark.parametrize(
    "scopes",
    [
        ["--scope", "vehicles:read", "--scope", "vehicles:write", "--scope", "vehicles:status"],
        ["--scope", "vehicles:read", "vehicles:write", "vehicles:status"],
        ["--scope", "vehicles:read,vehicles:write, vehicles:status"],
        ["--scope=vehicles:read,vehicles:write", "--scope", "vehicles:status", "vehicles:read"],
    ],
    ids=["repeated", "several", "commas", "mixed"],
)
def test_scopes_can_be_given_in_every_usual_way(cli: Cli, scopes: list[str]) -> None:
    assert cli(*KEY, *scopes, "--json").document["scopes"] == ALL


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--scope", "vehicles:fly"], "'vehicles:fly': choose from vehicles:read"),
        (["--scope", ","], "at least one scope"),
        ([], "--scope requires an argument"),
    ],
)
def test_scopes_that_do_not_exist_are_wrong_usage(cli: Cli, arguments: list[str], said: str) -> None:
    check_sentence(cli(*KEY, *arguments), 2, said)
    assert cli("keys", "list", "--account", "Acme", "--json").document == {"keys": []}


def test_expires_in_takes_seconds_minutes_hours_days_and_weeks(cli: Cli) -> None:
    times = []
    for text in ("90s", "15m", "12h", "90d", "60w"):
        document = cli(*KEY, "--scope", "vehicles:read", "--expires-in", text, "--json").document
        times.append(datetime.fromisoformat(document["expiresAt"]) - datetime.now(UTC))
    assert all(earlier < later for earlier, later in pairwise(times))
    assert abs(times[3] - timedelta(days=90)) < timedelta(minutes=1)


def test_expires_in_refuses_nonsense(cli: Cli) -> None:
    for text in ("0d", "90", "d", "-1d", "1.5h", "1y", "٣d", "9999999999w", "90 d", ""):
        check_sentence(cli(*KEY, "--scope", "vehicles:read", f"--expires-in={text}"), 2, "--expires-in is")


def test_a_revoked_key_no_longer_opens_the_register(cli: Cli) -> None:
    document = cli(*KEY, "--scope", "vehicles:read", "--json").document
    assert cli("keys", "revoke", document["id"], "--json").document == {"id": document["id"], "revoked": True}
    assert authenticate(document["secret"]) is None
    (listed,) = cli("keys", "list", "--account", "Acme", "--json").document["keys"]
    assert listed["revokedAt"] is not None
    assert "secret" not in listed
    assert document["id"] in cli("keys", "list", "--account", "Acme").out
    assert cli("keys", "revoke", document["id"]).status == 0


def test_what_does_not_exist_is_refused(cli: Cli) -> None:
    check_sentence(cli("keys", "list", "--account", "Nobody"), 1, "There is no account named 'Nobody'.")
    check_sentence(cli("keys", "revoke", "1kAAAAAAAAAAAA", "--json"), 1, "There is no API key")


def test_strict_gates_are_switched_and_recorded(cli: Cli) -> None:
    for state in ("on", "on", "off"):
        assert cli("accounts", "strict-gates", "Acme", state, "--json").document == {"strictGates": state}
    assert cli("accounts", "strict-gates", "Acme", "on").out == "Strict gates of the account Acme are on.\n"
    events = cli("accounts", "events", "Acme", "--json").document["events"]
    switched = [one["details"]["on"] for one in events if one["type"] == "strictGatesSwitched"]
    assert switched == ["true", "false", "true"]  # newest first; the same again is no event
    assert cli("accounts", "strict-gates", "Acme", "maybe").status == 2
