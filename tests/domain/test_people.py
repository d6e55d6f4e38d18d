"""Roles are fixed sets of scopes, and an e-mail address has one form."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.account import Principal, Scope, format_key_id, format_user_id, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.people import EMAIL_LENGTH_MAX, ROLE_SCOPES, Role, parse_email, parse_role
from padron.domain.sessions import derive_csrf_token, digest_invitation_token, digest_session_token
from tests.tables import each_row

TABLE = {
    Role.VIEWER: "vehicles:read changes:read gate:check",
    Role.EDITOR: "vehicles:read changes:read gate:check vehicles:write vehicles:status",
    Role.MANAGER: "vehicles:read changes:read gate:check vehicles:write vehicles:status vehicles:bulk vehicles:repair "
    "operations:run operations:manage webhooks:manage",
    Role.OWNER: "vehicles:read changes:read gate:check vehicles:write vehicles:status vehicles:bulk vehicles:repair "
    "operations:run operations:manage webhooks:manage vehicles:delete vehicles:erase account:manage",
}


@each_row("role", Role)
def test_a_role_has_the_documented_scopes(role: Role) -> None:
    assert ROLE_SCOPES[role] == {Scope(name) for name in TABLE[role].split()}


def test_each_role_has_all_of_the_one_below_and_an_owner_has_every_scope() -> None:
    sizes = [ROLE_SCOPES[role] for role in Role]
    assert all(lower < higher for lower, higher in pairwise(sizes))
    assert ROLE_SCOPES[Role.OWNER] == {*Scope}


def test_an_unknown_role_is_refused_with_those_that_there_are() -> None:
    assert parse_role("manager") is Role.MANAGER
    with pytest.raises(PadronError, match="viewer, editor, manager, owner") as caught:
        parse_role("Boss")
    assert caught.value.code is Code.BAD_PARAMETERS


@pytest.mark.parametrize("text", [" Ana.Ruiz@Acme.Example", "ANA.RUIZ@ACME.EXAMPLE ", "ana.ruiz@acme.example"])
def test_an_address_has_one_form(text: str) -> None:
    assert parse_email(text) == "ana.ruiz@acme.example"


@each_row("text", ["root@localhost", "a+b@x-y.mx", "o'neil@acme.example", "a@xn--mxico-bsa.mx", "a@1.2"])
def test_unusual_addresses_are_taken(text: str) -> None:
    assert parse_email(text) == text


@each_row(
    "text",
    [
        "", "ana", "@acme.mx", "ana@", "ana@@acme.mx", "a@b@c.mx", "ana @acme.mx", "ana@acme..mx", ".ana@acme.mx",
        "ana.@acme.mx", "ana@-acme.mx", "ana@acme-.mx", "ana@acme.mx.", "ana\n@acme.mx", "ana@acme.mx\n",
        "a" * 65 + "@b.mx",
        "a@" + "b" * 64 + ".mx", "a@" + ".".join(["b" * 60] * 5), '"ana"@acme.mx', "ana@[192.0.2.1]", "<ana@acme.mx>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PadronError) as caught:
        parse_email(text)
    assert caught.value.code is Code.BAD_PARAMETERS


@each_row("text", ["\u017fam@acme.mx", "sam@acme.\u212aom", "jos\u00e9@acme.mx", "ana@m\u00e9xico.mx"])
def test_letters_beyond_ascii_are_refused_before_they_are_folded(text: str) -> None:
    with pytest.raises(PadronError, match="not ASCII"):
        parse_email(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_whatever_is_taken_is_its_own_form(text: str) -> None:
    try:
        email = parse_email(text)
    except PadronError:
        return
    assert parse_email(email) == email
    assert email.isascii()
    assert len(email) <= EMAIL_LENGTH_MAX


def test_a_person_s_id_is_no_key_s() -> None:
    assert is_user_id(format_user_id("A" * 12))
    for other in (format_key_id(7, "A" * 12), "cli", "u", "u" + "A" * 11, "u" + "A" * 13, "uAAAAAAAAAAA\u00c4", ""):
        assert not is_user_id(other)


def test_a_refusal_names_the_key_or_the_role() -> None:
    for actor, named in (("7kAAAAAAAAAAAA", "The API key 7kAAAAAAAAAAAA"), ("uAAAAAAAAAAAA", "Your role")):
        principal = Principal(account_id=7, actor=actor, scopes=frozenset({"vehicles:read"}))
        principal.check_scope(Scope.VEHICLES_READ)
        with pytest.raises(PadronError, match=f"^{named} .*vehicles:write"):
            principal.check_scope(Scope.VEHICLES_WRITE)
        with pytest.raises(PadronError, match=f"^{named} .*none of the scopes vehicles:write, vehicles:bulk"):
            principal.check_either_scope([Scope.VEHICLES_WRITE, Scope.VEHICLES_BULK])


def test_a_token_of_one_kind_is_none_of_another() -> None:
    session, invitation = "padron_session_" + "x" * 43, "padron_invitation_" + "x" * 43
    assert digest_session_token(session) is not None
    assert digest_session_token(invitation) is None
    assert digest_invitation_token(session) is None
    assert digest_invitation_token(invitation) is not None
    for text in ("", session + "x", session[:-1], session + "\n", "x" * 10_000):
        assert digest_session_token(text) is None
    assert derive_csrf_token(session) != derive_csrf_token("padron_session_" + "y" * 43)
