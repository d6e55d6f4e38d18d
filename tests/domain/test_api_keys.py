"""The form of an API key: every typing error is noticed before anybody asks the database."""

import re
import string
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.account import (
    KEY_ID_RANDOM_LENGTH,
    KEY_PATTERN,
    SECRET_LENGTH,
    ApiKey,
    Credential,
    Principal,
    Scope,
    check_name,
    encode_base62,
    format_key_id,
    format_token,
    hash_secret,
    parse_credential,
    parse_scopes,
)
from padron.domain.errors import Code, PadronError
from tests.cast import NOON, after
from tests.tables import each_row

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
account_ids = st.integers(0, 10**18 - 1)
random_parts = st.text(BASE62, min_size=KEY_ID_RANDOM_LENGTH, max_size=KEY_ID_RANDOM_LENGTH)
secrets = st.text(BASE62, min_size=SECRET_LENGTH, max_size=SECRET_LENGTH)
TOKEN = format_token("7kabcdefGHIJ12", "S" * SECRET_LENGTH)


def make_key(*, expires_in: float | None = None, revoked: bool = False) -> ApiKey:
    return ApiKey(
        account_id=1,
        key_id="1kabcdefGHIJ12",
        label="till",
        scopes=frozenset({"vehicles:read"}),
        networks=(),
        secret_sha256=hash_secret("secret"),
        created_at=NOON,
        expires_at=None if expires_in is None else after(expires_in),
        revoked_at=NOON if revoked else None,
        last_used_at=None,
        last_used_from=None,
        replaced_by=None,
    )


@given(account_ids, random_parts, secrets)
def test_a_key_that_was_formatted_is_taken_apart_again(account_id: int, random_part: str, secret: str) -> None:
    key_id = format_key_id(account_id, random_part)
    token = format_token(key_id, secret)
    assert parse_credential(token) == Credential(account_id=account_id, key_id=key_id, secret=secret)
    assert re.fullmatch(KEY_PATTERN, token)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(BASE62 + "_- "))
def test_each_single_wrong_character_is_noticed(position: int, character: str) -> None:
    typo = TOKEN[:position] + character + TOKEN[position + 1 :]
    assert (parse_credential(typo) is None) == (typo != TOKEN)


def test_each_single_wrong_character_is_noticed_at_each_place() -> None:
    for position, right in enumerate(TOKEN):
        for wrong in BASE62:
            if wrong != right:
                assert parse_credential(TOKEN[:position] + wrong + TOKEN[position + 1 :]) is None, position


def test_each_exchange_of_two_neighbours_is_noticed() -> None:
    token = format_token("7kabcdefGHIJ12", encode_base62(2**255 + 12345678901234567890, SECRET_LENGTH))
    for position in range(len(token) - 1):
        swapped = token[:position] + token[position + 1] + token[position] + token[position + 2 :]
        assert (parse_credential(swapped) is None) == (swapped != token), position


@given(st.text(max_size=120))
def test_no_other_text_is_a_key(text: str) -> None:
    assert parse_credential(text) is None


@each_row(
    "text",
    ["", "padron_", TOKEN[:-1], f"{TOKEN}0", f"{TOKEN}\n", f" {TOKEN}", TOKEN.upper(), TOKEN.replace("7k", "\uff17k")],
)
def test_a_key_has_exactly_its_form(text: str) -> None:
    assert parse_credential(text) is None


@given(st.integers(0, 62**20 - 1))
def test_base62_keeps_every_number_apart(number: int) -> None:
    digits = encode_base62(number, 20)
    value = 0
    for digit in digits:
        value = value * 62 + BASE62.index(digit)
    assert (value, len(digits)) == (number, 20)


def test_the_stored_digest_is_sha_256_of_the_secret() -> None:
    assert hash_secret("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_key_without_an_end_is_usable() -> None:
    assert make_key().is_usable(after(10**9))


def test_a_key_ends_at_the_instant_of_its_end() -> None:
    key = make_key(expires_in=10)
    assert key.is_usable(after(10) - timedelta(microseconds=1))
    assert not key.is_usable(after(10))


def test_a_revoked_key_is_not_usable_even_before_its_end() -> None:
    assert not make_key(expires_in=10, revoked=True).is_usable(after(1))


@each_row("scope", Scope)
def test_a_principal_may_do_what_its_scopes_say_and_nothing_else(scope: Scope) -> None:
    principal = Principal(account_id=1, actor="key", scopes=frozenset({scope.value}))
    principal.check_scope(scope)
    nobody = replace(principal, scopes=frozenset({other.value for other in Scope if other is not scope}))
    with pytest.raises(PadronError, match=scope.value) as caught:
        nobody.check_scope(scope)
    assert caught.value.code is Code.FORBIDDEN


@given(st.sets(st.sampled_from([scope.value for scope in Scope]), min_size=1))
def test_scopes_that_exist_are_taken(names: set[str]) -> None:
    assert parse_scopes(names) == names


@pytest.mark.parametrize("names, said", [([], "at least one"), (["vehicles:read", "fly"], "no scope 'fly':")])
def test_no_scope_and_a_scope_that_does_not_exist_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(PadronError, match=said) as caught:
        parse_scopes(names)
    assert caught.value.code is Code.BAD_PARAMETERS


@each_row("name", ["A", "Acme", "Transportes Ñandú 2", "x" * 10])
def test_a_name_is_printable_text(name: str) -> None:
    check_name("The name", name, 10 if name == "x" * 10 else 100)


@each_row("name", ["", " ", " Acme", "Acme ", "a\nb", "a\x1bb", "x" * 101, "\ud800"])
def test_a_name_that_would_spoil_a_log_line_or_a_table_is_refused(name: str) -> None:
    with pytest.raises(PadronError, match="cannot be used") as caught:
        check_name("The name", name, 100)
    assert caught.value.code is Code.BAD_PARAMETERS
    assert caught.value.detail.isprintable()
