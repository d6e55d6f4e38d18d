"""The ids of authors, and the words for them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.actors import (
    ACTOR_ID_PATTERN,
    ERASED_PERSON,
    ActorKind,
    describe_key,
    describe_person,
    find_self_named,
    format_command_line,
    is_actor_id,
)
from tests.tables import each_row


@given(st.text())
def test_any_name_of_a_system_user_gives_a_short_id_of_plain_characters(system_user: str) -> None:
    actor_id = format_command_line(system_user)
    assert re.fullmatch(r"cli:[0-9A-Za-z._-]{1,32}", actor_id)
    assert is_actor_id(actor_id)
    found = find_self_named(actor_id)
    assert found is not None
    assert (found.actor_id, found.kind, found.called) == (actor_id, ActorKind.COMMAND_LINE, actor_id[4:])


@pytest.mark.parametrize(
    "actor_id, name",
    [("cli", "command line"), ("cli:root", "command line (user root)"), ("cli:1000", "command line (user 1000)")],
)
def test_the_command_line_is_named_with_its_system_user_and_an_earlier_one_without(actor_id: str, name: str) -> None:
    found = find_self_named(actor_id)
    assert found is not None
    assert found.name == name


@each_row(
    "actor_id",
    ["cli:", "cli:a b", "cli:" + "a" * 33, "cli:josé", "cli\n", "clia", "1kcli", "", "t:", "t:a", "t:A:b", "t:a:~b"],
)
def test_what_nobody_writes_names_nobody(actor_id: str) -> None:
    assert find_self_named(actor_id) is None


@pytest.mark.parametrize(
    "actor_id, name",
    [
        ("t:corp:deploy-bot", "token deploy-bot"),
        ("t:corp:auth0|5f7c@clients", "token auth0|5f7c@clients"),
        ("t:corp:~" + "0" * 32, "token of corp"),
    ],
)
def test_the_holder_of_a_token_is_named_by_the_subject_unless_that_is_a_digest(actor_id: str, name: str) -> None:
    found = find_self_named(actor_id)
    assert found is not None
    assert (found.name, found.kind) == (name, ActorKind.TOKEN)
    assert found.called == ("" if "~" in actor_id else name.removeprefix("token "))


def test_a_key_is_named_by_its_label_and_a_person_by_the_name_until_it_is_erased() -> None:
    key = describe_key("1kabc", "fleet-platform")
    assert (key.name, key.called) == ("key fleet-platform", "fleet-platform")
    person = describe_person("u0123456789Ab", "Ana Pérez")
    assert (person.name, person.called, person.is_erased) == ("Ana Pérez", "Ana Pérez", False)
    erased = describe_person("u0123456789Ab", None)
    assert (erased.name, erased.called, erased.is_erased) == (ERASED_PERSON, "", True)


@given(st.text(max_size=60))
def test_no_other_text_is_taken_for_an_id(text: str) -> None:
    assert is_actor_id(text) == (re.fullmatch(ACTOR_ID_PATTERN, text, re.ASCII) is not None and "\n" not in text)
