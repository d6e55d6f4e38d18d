"""Cursors: what went in comes out, for the same question only, and rubbish is refused."""

import base64
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.change import START, Place
from padron.domain.errors import Code, PadronError
from padron.domain.query import Position, VehicleQuery
from padron.domain.sorting import give_field_key
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Details, VehicleVersion, fold_text
from padron.service.changes.cursors import (
    Continued,
    continue_list,
    format_feed_cursor,
    format_history_cursor,
    format_list_cursor,
    format_numbers,
    parse_feed_cursor,
    parse_history_cursor,
    parse_numbers,
    parse_seen,
)
from tests.cast import HUMMER, JEEP, NOON, make_vehicle
from tests.tables import each_row

QUERY = VehicleQuery(filters={"brandName": "Jeep", "doors": 4}, sort="ownerName", limit=10)
LENGTH_MAX = 1_700  # of the 2,048 bytes that an address may have
EPOCH, OTHER_EPOCH = "0123cdef", "0123cdee"
SEEN = Place(number=42, mark=7)
ids = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=300)


def make_cursor(parts: list[object]) -> str:
    return EPOCH + base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def open_cursor(cursor: str) -> list[object]:
    text = cursor.removeprefix(EPOCH)
    return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[object])


def make_version(details: Details | None = None) -> VehicleVersion:
    return VehicleVersion(vehicle=make_vehicle(), details=details or {}, began=1, valid_from=NOON, valid_to=None)


def refuse(query: VehicleQuery, cursor: str) -> None:
    with pytest.raises(PadronError, match="cursor") as caught:
        continue_list(EPOCH, query, cursor)
    assert caught.value.code is Code.BAD_PARAMETERS


@given(texts, ids, ids)
def test_a_place_comes_back_as_it_was_and_one_row_more_is_asked_for(key: str, vehicle_id: int, began: int) -> None:
    position = Position(key=give_field_key("ownerName", key), vehicle_id=vehicle_id, began=began)
    version = make_version({"ownerName": key} if key else {})
    asked = continue_list(EPOCH, QUERY, format_list_cursor(EPOCH, QUERY, version, position))
    assert asked == Continued(query=replace(QUERY, after=position, limit=11), told=START)


@each_row("sort, key", [(None, None), ("doors", -1), ("doors", 30), ("updatedAt", 0), ("vin", "A")])
def test_each_kind_of_order_has_its_kind_of_place(sort: str | None, key: str | int | None) -> None:
    query = replace(QUERY, sort=sort)
    position = Position(key=key, vehicle_id=1, began=1)
    assert (
        continue_list(EPOCH, query, format_list_cursor(EPOCH, query, make_version(), position)).query.after == position
    )


def test_the_longest_value_of_any_letter_leaves_room_for_an_address() -> None:
    letters: dict[object, str] = {'"': '"', "\\": "\\"}  # escaped in JSON; then one letter of each length
    # From U+20000 on there are but ideographs and what nobody uses, of two lengths.
    for code in (*range(0x20, 0x7F), *range(0xA0, 0xD800), *range(0xE000, 0x20000), *range(0x20000, 0x110000, 19)):
        letter = chr(code)
        letters.setdefault((len(letter.encode()), len(fold_text(letter).encode())), letter)
    assert any(len(fold_text(letter).encode()) == 12 for letter in letters.values())
    for letter, field in itertools.product(letters.values(), (field for field in FIELDS if field.is_text)):
        text = letter * (field.length_max or 0)
        query = replace(QUERY, sort=field.name, descending=True)
        position = Position(key=give_field_key(field.name, text), vehicle_id=2**63 - 1, began=2**63 - 1)
        cursor = format_list_cursor(EPOCH, query, make_version({field.name: text}), position)
        assert len(cursor) < LENGTH_MAX, ascii(letter)
        assert continue_list(EPOCH, query, cursor).query.after == position


def test_without_a_cursor_the_list_begins_at_its_beginning() -> None:
    assert continue_list(EPOCH, QUERY, None) == Continued(query=replace(QUERY, limit=11), told=START)


@each_row(
    "other",
    [
        replace(QUERY, filters={"brandName": "Jeep"}),
        replace(QUERY, filters={"brandName": "Ford", "doors": 4}),
        replace(QUERY, filters={"modelName": "Jeep", "doors": 4}),
        replace(QUERY, status=VehicleStatus.SOLD),
        replace(QUERY, sort="legalName"),
        replace(QUERY, descending=True),
    ],
)
def test_a_cursor_of_another_question_is_refused(other: VehicleQuery) -> None:
    refuse(other, format_list_cursor(EPOCH, QUERY, make_version(), Position(key="x", vehicle_id=1, began=1)))


def test_the_size_of_the_page_is_no_part_of_the_question() -> None:
    cursor = format_list_cursor(EPOCH, QUERY, make_version(), Position(key="x", vehicle_id=1, began=1))
    assert continue_list(EPOCH, replace(QUERY, limit=3), cursor).query.limit == 4


def test_a_list_goes_on_from_a_state_that_includes_what_its_pages_did() -> None:
    position = Position(key="x", vehicle_id=1, began=1)
    cursor = format_list_cursor(EPOCH, QUERY, make_version(), position, SEEN)
    asked = continue_list(EPOCH, QUERY, cursor)
    assert asked.told == SEEN
    assert replace(asked, told=START) == continue_list(
        EPOCH, QUERY, format_list_cursor(EPOCH, QUERY, make_version(), position)
    )


def test_a_list_of_the_past_goes_on_at_the_same_cut_and_knows_which_change_it_is() -> None:
    past = replace(QUERY, as_of=NOON)
    position = Position(key="", vehicle_id=1, began=1)
    cursor = format_list_cursor(EPOCH, replace(past, up_to=42), make_version(), position, SEEN)
    assert continue_list(EPOCH, past, cursor) == Continued(
        query=replace(past, up_to=42, after=position, limit=11), told=SEEN
    )
    refuse(past, format_list_cursor(EPOCH, past, make_version(), position))


@each_row("number", [-1, 2**63, True, "1", 1.0, None])
def test_a_cursor_that_includes_what_cannot_be_is_refused(number: object) -> None:
    cursor = format_list_cursor(EPOCH, QUERY, make_version(), Position(key="x", vehicle_id=1, began=1))
    parts = open_cursor(cursor)
    for mark in (7, -1, 2**32, True, "1", 1.0, None):
        refuse(QUERY, make_cursor([*parts, number, mark]))
    refuse(QUERY, make_cursor([*parts, 7]))
    refuse(QUERY, make_cursor([*parts, 7, 7, 7]))


@given(ids, st.integers(0, 2**32 - 1))
def test_a_place_in_the_feed_comes_back(number: int, mark: int) -> None:
    place = Place(number=number, mark=mark)
    cursor = format_feed_cursor(EPOCH, place)
    assert parse_feed_cursor(EPOCH, cursor) == parse_seen(EPOCH, cursor) == place
    assert len(cursor) <= 100


@each_row("place", [(-1, 7), (2**63, 7), (True, 7), ("1", 7), (1.0, 7), (1, -1), (1, 2**32), (1, True), (1, "7"), (1,)])
def test_a_place_that_the_feed_cannot_have_is_refused(place: tuple[object, ...]) -> None:
    with pytest.raises(PadronError, match="cursor") as caught:
        parse_feed_cursor(EPOCH, make_cursor(["feed", *place]))
    assert caught.value.code is Code.BAD_PARAMETERS


def test_the_mark_tells_changes_apart_by_request_instant_and_vehicle() -> None:
    place = Place.after(7, request_id="r-1", at=NOON, vin=HUMMER)
    others = [
        Place.after(7, request_id="r-2", at=NOON, vin=HUMMER),
        Place.after(7, request_id="r-1", at=NOON + timedelta(microseconds=1), vin=HUMMER),
        Place.after(7, request_id="r-1", at=NOON, vin=JEEP),
    ]
    assert len({one.mark for one in (place, *others)}) == 4
    zone = timezone(timedelta(hours=-6))
    assert Place.after(7, request_id="r-1", at=NOON.astimezone(zone), vin=HUMMER) == place


FORMS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "feed": (format_feed_cursor(EPOCH, SEEN), parse_feed_cursor),
    "seen": (format_feed_cursor(EPOCH, SEEN), parse_seen),
    "history": (format_history_cursor(EPOCH, 7), parse_history_cursor),
    "numbers": (format_numbers(EPOCH, "imports", 7), lambda epoch, text: parse_numbers(epoch, "imports", text, 1)),
    "list": (
        format_list_cursor(EPOCH, QUERY, make_version(), Position(key="x", vehicle_id=1, began=1)),
        lambda epoch, text: continue_list(epoch, QUERY, text),
    ),
}


@each_row("form", FORMS)
def test_a_cursor_of_another_epoch_or_of_before_epochs_is_gone(form: str) -> None:
    cursor, parse = FORMS[form]
    parse(EPOCH, cursor)
    for gone in (OTHER_EPOCH + cursor[len(EPOCH) :], cursor[len(EPOCH) :]):
        with pytest.raises(PadronError, match="Start again") as caught:
            parse(EPOCH, gone)
        assert caught.value.code is Code.CURSOR_GONE


@given(st.text(max_size=80))
def test_rubbish_is_refused(text: str) -> None:
    refuse(QUERY, text)
    with pytest.raises(PadronError):
        parse_history_cursor(EPOCH, text)


@given(ids)
def test_a_number_of_a_history_comes_back(number: int) -> None:
    assert parse_history_cursor(EPOCH, format_history_cursor(EPOCH, number)) == number


def test_a_history_without_a_cursor_begins_with_the_newest() -> None:
    assert parse_history_cursor(EPOCH, None) is None
