"""Cursors: what went in comes out, for the same question only, and rubbish is refused."""

import base64
import itertools
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import Code, PadronError
from padron.domain.query import Position, VehicleQuery
from padron.domain.sorting import give_field_key
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Details, VehicleVersion, fold_text
from padron.service.cursors import (
    continue_list,
    find_list_seen,
    format_history_cursor,
    format_list_cursor,
    parse_history_cursor,
)
from tests.cast import NOON, make_vehicle

QUERY = VehicleQuery(filters={"brandName": "Jeep", "doors": 4}, sort="ownerName", limit=10)
LENGTH_MAX = 1_700  # of the 2,048 bytes that an address may have
ids = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=300)


def make_version(details: Details | None = None) -> VehicleVersion:
    return VehicleVersion(vehicle=make_vehicle(), details=details or {}, began=1, valid_from=NOON, valid_to=None)


def refuse(query: VehicleQuery, cursor: str) -> None:
    with pytest.raises(PadronError, match="cursor") as caught:
        continue_list(query, cursor)
    assert caught.value.code is Code.BAD_PARAMETERS


@given(texts, ids, ids)
def test_a_place_comes_back_as_it_was_and_one_row_more_is_asked_for(key: str, vehicle_id: int, began: int) -> None:
    position = Position(key=give_field_key("ownerName", key), vehicle_id=vehicle_id, began=began)
    version = make_version({"ownerName": key} if key else {})
    asked = continue_list(QUERY, format_list_cursor(QUERY, version, position))
    assert asked == replace(QUERY, after=position, limit=11)


@pytest.mark.parametrize("sort, key", [(None, None), ("doors", -1), ("doors", 30), ("updatedAt", 0), ("vin", "A")])
def test_each_kind_of_order_has_its_kind_of_place(sort: str | None, key: str | int | None) -> None:
    query = replace(QUERY, sort=sort)
    position = Position(key=key, vehicle_id=1, began=1)
    assert continue_list(query, format_list_cursor(query, make_version(), position)).after == position


def test_the_longest_value_of_any_letter_leaves_room_for_an_address() -> None:
    letters: dict[object, str] = {'"': '"', "\\": "\\"}  # escaped in JSON; then one letter of each length
    for code in (*range(0x20, 0x7F), *range(0xA0, 0xD800), *range(0xE000, 0x110000)):
        letter = chr(code)
        letters.setdefault((len(letter.encode()), len(fold_text(letter).encode())), letter)
    assert any(len(fold_text(letter).encode()) == 12 for letter in letters.values())
    for letter, field in itertools.product(letters.values(), (field for field in FIELDS if field.is_text)):
        text = letter * (field.length_max or 0)
        query = replace(QUERY, sort=field.name, descending=True)
        position = Position(key=give_field_key(field.name, text), vehicle_id=2**63 - 1, began=2**63 - 1)
        cursor = format_list_cursor(query, make_version({field.name: text}), position)
        assert len(cursor) < LENGTH_MAX, ascii(letter)
        assert continue_list(query, cursor).after == position


def test_without_a_cursor_the_list_begins_at_its_beginning() -> None:
    assert continue_list(QUERY, None) == replace(QUERY, limit=11)


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, filters={"brandName": "Jeep"}),
        replace(QUERY, filters={"brandName": "Ford", "doors": 4}),
        replace(QUERY, filters={"modelName": "Jeep", "doors": 4}),
        replace(QUERY, status=VehicleStatus.SOLD),
        replace(QUERY, sort="legalName"),
        replace(QUERY, descending=True),
    ],
    ids=repr,
)
def test_a_cursor_of_another_question_is_refused(other: VehicleQuery) -> None:
    refuse(other, format_list_cursor(QUERY, make_version(), Position(key="x", vehicle_id=1, began=1)))


def test_the_size_of_the_page_is_no_part_of_the_question() -> None:
    cursor = format_list_cursor(QUERY, make_version(), Position(key="x", vehicle_id=1, began=1))
    assert continue_list(replace(QUERY, limit=3), cursor).limit == 4


def test_a_list_goes_on_from_a_state_that_includes_what_its_pages_did() -> None:
    position = Position(key="x", vehicle_id=1, began=1)
    assert find_list_seen(None) == 0
    assert find_list_seen(format_list_cursor(QUERY, make_version(), position)) == 0
    cursor = format_list_cursor(QUERY, make_version(), position, 42)
    assert find_list_seen(cursor) == 42
    assert continue_list(QUERY, cursor) == continue_list(QUERY, format_list_cursor(QUERY, make_version(), position))


@pytest.mark.parametrize("seen", [[0], [-1], [2**63], [True], ["1"], [1.0], [None], [1, 1]], ids=repr)
def test_a_cursor_that_includes_what_cannot_be_is_refused(seen: list[object]) -> None:
    cursor = format_list_cursor(QUERY, make_version(), Position(key="x", vehicle_id=1, began=1))
    parts = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    refuse(QUERY, base64.urlsafe_b64encode(msgspec.json.encode([*parts, *seen])).rstrip(b"=").decode())


@given(st.text(max_size=80))
def test_rubbish_is_refused(text: str) -> None:
    refuse(QUERY, text)
    with pytest.raises(PadronError):
        parse_history_cursor(text)


@given(ids)
def test_a_number_of_a_history_comes_back(number: int) -> None:
    assert parse_history_cursor(format_history_cursor(number)) == number


def test_a_history_without_a_cursor_begins_with_the_newest() -> None:
    assert parse_history_cursor(None) is None
