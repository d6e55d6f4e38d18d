"""padron users: people are added, get in, change, and are gone again."""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from padron.config import read_settings
from padron.domain.errors import PadronError
from padron.domain.passkeys import Party
from padron.domain.sessions import Visitor
from padron.service.passkeys.adding import begin_adding, finish_adding
from padron.service.people.invitations import accept_invitation, sign_in_with_link
from padron.service.people.members import suspend_own_member
from padron.service.people.passwords import PasswordHashing
from padron.service.people.sessions import NewSession, read_session, sign_in_with_password
from padron.service.people.users import get_user
from padron.service.runtime import Runtime
from padron.wiring import use_runtime
from tests.authenticators import Device
from tests.cli.conftest import Cli, check_sentence

pytestmark = pytest.mark.usefixtures("acme")

T = TypeVar("T")

ANA = "ana@acme.example"
ADD = ("users", "add", ANA, "--name", "Ana Ruiz", "--account", "Acme", "--role", "owner")
PASSWORD = "correct horse battery"
PARTY = Party(host="padron.test", origin="https://padron.test")
DESK = Visitor(address="192.0.2.7", agent="Firefox")


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hash of a password cost nearly nothing."""
    defaults = PasswordHashing.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "memory_kib", 8)


def ask(work: Callable[[Runtime], Awaitable[T]]) -> T:
    async def run() -> T:
        async with use_runtime(read_settings({})) as runtime:
            return await work(runtime)

    return asyncio.run(run())


def sign_in(password: str = PASSWORD, email: str = ANA) -> NewSession:
    return ask(lambda runtime: sign_in_with_password(runtime, email, password, DESK))


def is_live(new: NewSession) -> bool:
    try:
        ask(lambda runtime: read_session(runtime, new.token, DESK))
    except PadronError:
        return False
    return True


def take_token(link: str) -> str:
    return link.rpartition("/console/invitation/")[2]


def type_password(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


def test_an_added_person_sets_a_password_with_the_link(cli: Cli) -> None:
    added = cli(*ADD, "--url", "https://padron.example/", "--json").document
    assert added["accounts"] == [{"account": "Acme", "role": "owner", "suspendedAt": None}]
    assert added["link"].startswith("https://padron.example/console/invitation/padron_invitation_")
    left = datetime.fromisoformat(added["linkExpiresAt"]) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    new = ask(lambda runtime: accept_invitation(runtime, take_token(added["link"]), PASSWORD, DESK))
    assert new.session.user is not None
    assert new.session.user.user_id == added["id"]
    assert is_live(sign_in())


def test_without_an_address_the_path_of_the_link_is_printed(cli: Cli) -> None:
    lines = cli(*ADD).out.splitlines()
    assert lines[-1].startswith("/console/invitation/padron_invitation_")
    assert "works once, until 20" in lines[-2]


def test_passkeys_are_shown_and_end_when_a_reset_is_used(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def add_passkey(runtime: Runtime) -> None:
        new = await sign_in_with_password(runtime, ANA, PASSWORD, DESK)
        options = await begin_adding(runtime, new.session, PARTY, "Blue phone", "", DESK)
        await finish_adding(runtime, new.session, PARTY, "Blue phone", Device().make(options), DESK)

    type_password(monkeypatch, PASSWORD.encode())
    cli(*ADD, "--password-stdin")
    assert cli("users", "show", ANA, "--json").document["passkeys"] == []
    ask(add_passkey)
    assert "Blue phone" in cli("users", "show", ANA).out
    link = cli("users", "reset", ANA, "--json").document["link"]
    (shown,) = cli("users", "show", ANA, "--json").document["passkeys"]
    assert (shown["name"], shown["host"], shown["usedAt"]) == ("Blue phone", PARTY.host, None)
    ask(lambda runtime: accept_invitation(runtime, take_token(link), PASSWORD, DESK))
    assert cli("users", "show", ANA, "--json").document["passkeys"] == []


def test_a_known_person_becomes_a_member_of_another_account(cli: Cli) -> None:
    cli("accounts", "add", "Beta")
    cli(*ADD)
    added = cli("users", "add", "ANA@acme.example", "--account", "Beta", "--json").document
    assert [(one["account"], one["role"]) for one in added["accounts"]] == [("Acme", "owner"), ("Beta", "viewer")]
    assert len(cli("users", "list", "--json").document["users"]) == 1
    check_sentence(cli(*ADD), 2, "There is already a person")


def test_a_new_person_needs_a_name_and_a_known_account(cli: Cli) -> None:
    check_sentence(cli("users", "add", ANA, "--account", "Acme"), 2, "add one with --name")
    check_sentence(cli("users", "add", ANA, "--name", "Ana", "--account", "Nobody"), 1, "no account named 'Nobody'")
    check_sentence(cli("users", "add", "ana", "--name", "Ana"), 1, "name@example.com")
    assert cli("users", "list", "--json").document == {"users": []}


def test_a_password_comes_from_standard_input_and_is_checked_before_anybody_is_added(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_glass = (*ADD, "--break-glass", "--password-stdin", "--json")
    type_password(monkeypatch, b"password1234\n")
    check_sentence(cli(*break_glass), 1, "tried first")
    type_password(monkeypatch, b"\xff\xfe")
    check_sentence(cli(*break_glass), 2, "not UTF-8")
    assert cli("users", "list", "--json").document == {"users": []}
    type_password(monkeypatch, f"{PASSWORD}\r\nnot this\n".encode())
    added = cli(*break_glass).document
    assert (added["breakGlass"], added["link"]) == (True, None)
    assert is_live(sign_in())


def test_who_is_suspended_is_shown_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    type_password(monkeypatch, PASSWORD.encode())
    cli(*ADD, "--password-stdin")
    cli("users", "add", "eva@acme.example", "--name", "Eva", "--account", "Acme", "--role", "viewer")
    owner = sign_in().session.principal

    async def suspend(runtime: Runtime) -> None:
        await suspend_own_member(runtime, owner, "r-1", (await get_user(runtime, "eva@acme.example")).user_id)

    ask(suspend)
    assert "Acme (viewer, suspended)" in cli("users", "list").out
    (account,) = cli("users", "show", "eva@acme.example", "--json").document["accounts"]
    assert account["suspendedAt"] is not None


def test_people_are_listed_and_shown_without_anything_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    type_password(monkeypatch, PASSWORD.encode())
    user_id = cli(*ADD, "--password-stdin", "--json").document["id"]
    cli("users", "add", "eva@acme.example", "--name", "Eva")
    listed = cli("users", "list").out
    assert "Acme (owner)" in listed
    assert "without a password" in listed
    assert [one["id"] for one in cli("users", "list", "--account", "Acme", "--json").document["users"]] == [user_id]
    for shown in (cli("users", "show", ANA).out, cli("users", "show", user_id).out):
        assert "Ana Ruiz" in shown
        assert "argon2" not in shown
    assert cli("users", "show", user_id, "--json").document["email"] == ANA
    check_sentence(cli("users", "show", "nobody@acme.example"), 1, "no person")


def test_a_person_gets_another_name_address_and_role(cli: Cli) -> None:
    cli(*ADD)
    assert "Ana María" in cli("users", "change", ANA, "--name", "Ana María", "--email", "am@acme.example").out
    check_sentence(cli("users", "change", "am@acme.example"), 2, "--name or --email")
    check_sentence(cli("users", "role", "am@acme.example", "viewer", "--account", "Acme"), 1, "last owner")
    answer = cli("users", "role", "am@acme.example", "viewer", "--account", "Acme", "--force", "--json")
    assert answer.document["accounts"] == [{"account": "Acme", "role": "viewer", "suspendedAt": None}]
    assert cli("users", "remove", "am@acme.example", "--account", "Acme", "--json").document["accounts"] == []
    check_sentence(cli("users", "remove", "am@acme.example", "--account", "Acme"), 1, "no person")
    check_sentence(cli("users", "role", ANA, "boss", "--account", "Acme"), 2, "boss")


def test_a_link_signs_in_once_and_a_reset_ends_what_was_open(cli: Cli) -> None:
    cli(*ADD)
    link = cli("users", "link", ANA).out.splitlines()[-1]
    new = ask(lambda runtime: sign_in_with_link(runtime, take_token(link), DESK))
    assert is_live(new)
    with pytest.raises(PadronError):
        ask(lambda runtime: sign_in_with_link(runtime, take_token(link), DESK))
    reset = cli("users", "reset", ANA, "--json").document
    assert reset["userId"] == cli("users", "show", ANA, "--json").document["id"]
    ask(lambda runtime: accept_invitation(runtime, take_token(reset["link"]), PASSWORD, DESK))
    assert not is_live(new)


def test_sessions_are_listed_and_ended_and_a_disabled_person_has_none(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_password(monkeypatch, PASSWORD.encode())
    cli(*ADD, "--password-stdin")
    first = sign_in()
    (shown,) = cli("users", "sessions", ANA, "--json").document["sessions"]
    assert (shown["id"], shown["by"], shown["address"]) == (first.session.session_id, "password", DESK.address)
    assert DESK.agent in cli("users", "sessions", ANA).out
    assert cli("users", "sessions", ANA, "--end", "--json").document == {"ended": 1}
    assert not is_live(first)
    second = sign_in()
    check_sentence(cli("users", "disable", ANA), 1, "last owner")
    assert "is disabled" in cli("users", "disable", ANA, "--force").out
    assert not is_live(second)
    with pytest.raises(PadronError):
        sign_in()
    assert cli("users", "enable", ANA, "--json").document["disabledAt"] is None
    assert "no session" in cli("users", "sessions", ANA).out
    assert is_live(sign_in())


def test_erasing_asks_first_and_leaves_the_id_alone(cli: Cli) -> None:
    user_id = cli(*ADD, "--json").document["id"]
    check_sentence(cli("users", "erase", ANA), 2, "--yes")
    check_sentence(cli("users", "erase", ANA, "--yes", "eva"), 1, "Nothing was erased")
    check_sentence(cli("users", "erase", ANA, "--yes", ANA), 1, "last owner")
    assert user_id in cli("users", "erase", ANA, "--yes", ANA, "--force").out
    shown = cli("users", "show", user_id, "--json").document
    assert (shown["email"], shown["name"], shown["accounts"]) == (None, None, [])
    check_sentence(cli("users", "show", ANA), 1, "no person")
    check_sentence(cli("users", "reset", user_id), 1, "no person")
