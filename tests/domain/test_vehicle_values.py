"""A vehicle's values: limits, what is one value in two spellings, and what an edit changes."""

import re
import string
import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import Code, PadronError
from padron.domain.query import FILTER_FIELDS, LIMIT_DEFAULT, LIMIT_MAX, SORT_FIELDS
from padron.domain.vehicle import (
    FIELDS,
    FIELDS_BY_NAME,
    TEXT_PATTERN,
    UPSERT_LENGTH_MAX,
    Field,
    apply_edits,
    check_text,
    end_lines,
    fold_text,
    give_allowed,
    parse_plate,
    parse_value,
    suggest_plate,
)
from tests.tables import each_row

TEXT_FIELDS = [field for field in FIELDS if field.is_text and field.name != "plate"]
NUMBER_FIELDS = [field for field in FIELDS if not field.is_text]
DOCUMENTED_LENGTHS = {
    "customId": 50, "plate": 15, "rfcName": 300, "taxIdentifier": 128, "lessorName": 300, "brandName": 150,
    "modelName": 150, "country": 150, "class": 150, "type": 150, "variation": 150, "cilinders": 150, "axes": 150,
    "vehicleColor": 150, "version": 50, "assemblyPlace": 150, "supplementaryData": 150, "registrationInstitution": 150,
    "plateEntity": 50, "registrationSheet": 150, "observations": 150, "ownerName": 150,
}  # fmt: skip
names = st.sampled_from([field.name for field in FIELDS])
values = st.one_of(st.text(min_size=1, max_size=5), st.integers(0, 30))
details = st.dictionaries(names, values, max_size=6)
edits = st.dictionaries(names, st.one_of(st.none(), values), max_size=6)


def refuse(field: Field, value: str | int, length_max: int | None = None) -> str:
    with pytest.raises(PadronError) as caught:
        parse_value(field, value, length_max)
    assert caught.value.code is Code.BAD_PARAMETERS
    assert caught.value.detail.isprintable()
    return caught.value.detail


def test_the_fields_and_their_limits_are_the_documented_ones() -> None:
    texts = {field.name: field.length_max for field in FIELDS if field.is_text}
    assert texts == {**DOCUMENTED_LENGTHS, "engineNumber": UPSERT_LENGTH_MAX, "legalName": UPSERT_LENGTH_MAX}
    assert UPSERT_LENGTH_MAX == 127  # "shorter than 128"
    assert {field.name: field.number_max for field in NUMBER_FIELDS} == {"stateId": 2**31 - 1, "doors": 30}


def test_each_documented_filter_is_a_filter_and_nothing_else() -> None:
    assert {*FILTER_FIELDS} == {*DOCUMENTED_LENGTHS, "stateId", "doors"}
    assert {*SORT_FIELDS} == {*FIELDS_BY_NAME, "vin", "vehicleStatusId", "statusSince", "createdAt", "updatedAt"}
    assert (LIMIT_DEFAULT, LIMIT_MAX) == (50, 500)


@each_row("field", TEXT_FIELDS)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(field: Field) -> None:
    limit = field.length_max or 0
    assert parse_value(field, "\u00f1" * limit) == "\u00f1" * limit
    assert f"{field.name} has {limit + 1} characters" in refuse(field, "x" * (limit + 1))


@pytest.mark.parametrize("field", NUMBER_FIELDS, ids=lambda field: field.name)
def test_a_number_is_from_0_to_its_limit(field: Field) -> None:
    assert parse_value(field, 0) == 0
    assert parse_value(field, field.number_max) == field.number_max
    assert f"from 0 to {field.number_max}" in refuse(field, -1)
    assert f"from 0 to {field.number_max}" in refuse(field, field.number_max + 1)


@pytest.mark.parametrize("field", NUMBER_FIELDS, ids=lambda field: field.name)
def test_a_number_in_quotes_is_no_number(field: Field) -> None:
    assert "must be an integer" in refuse(field, "3")


@each_row("field", TEXT_FIELDS)
def test_a_number_is_no_text(field: Field) -> None:
    assert "must be text" in refuse(field, 3)


@each_row("field", FIELDS)
def test_the_empty_text_removes_a_value_of_any_kind(field: Field) -> None:
    assert parse_value(field, "") is None


def test_a_tighter_limit_counts() -> None:
    field = FIELDS_BY_NAME["ownerName"]
    assert parse_value(field, "x" * 127, UPSERT_LENGTH_MAX) == "x" * 127
    assert "at most 127" in refuse(field, "x" * 128, UPSERT_LENGTH_MAX)


@given(st.text(string.ascii_letters + string.digits, min_size=4, max_size=10))
def test_a_plate_is_4_to_10_letters_and_digits_in_upper_case(text: str) -> None:
    assert parse_plate(text) == text.upper()
    assert parse_value(FIELDS_BY_NAME["plate"], text) == text.upper()


@each_row(
    "text",
    ["", "ABC", "ABCDEFGHIJK", "AB-12", "AB 12", "ABC\u017f", "ABC\u0131", "\uff21BCD", "ABC1\n", "ÑAND", "AB\u0661C"],
)
def test_a_plate_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(PadronError, match="4 to 10 letters and digits") as caught:
        parse_plate(text)
    assert caught.value.code is Code.BAD_PARAMETERS


@each_row(
    "text, likely",
    [
        ("XYZ-00-00", "XYZ0000"),
        ("xyz 102 a", "XYZ102A"),
        ("xyz\u00a0102\u2013a", "XYZ102A"),
        ("A.B/C_1\u00b72", "ABC12"),
        ("AB-1", None),
        ("ABC-DEFGH-1234", None),
        ("\u00d1A-12", None),
        ("ABC\u017f", None),
        ("", None),
        ("-" * 10**6, None),
    ],
)
def test_a_plate_with_separators_is_refused_with_the_plate_that_was_meant(text: str, likely: str | None) -> None:
    assert suggest_plate(text) == likely
    with pytest.raises(PadronError) as caught:
        parse_plate(text)
    assert caught.value.detail.endswith(f" Perhaps {likely}." if likely else "(A-Z, 0-9).")


@given(st.text(string.ascii_uppercase + string.digits, min_size=4, max_size=10))
def test_a_plate_itself_has_no_other_that_was_meant(text: str) -> None:
    assert suggest_plate(text) is None
    assert suggest_plate("-".join(text)) == text


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb"], ids=ascii)
def test_lines_of_observations_end_with_lf_and_no_other_text_has_lines(text: str) -> None:
    for field in TEXT_FIELDS:
        if field.name == "observations":
            assert parse_value(field, text) == "a\nb"
        elif field.name != "plate":
            assert "not printable" in refuse(field, text)


def test_line_ends_of_observations_count_once_towards_the_length() -> None:
    field = FIELDS_BY_NAME["observations"]
    assert parse_value(field, "\r\n" * 150) == "\n" * 150
    assert "151 characters" in refuse(field, "\r\n" * 151)


@each_row("field", TEXT_FIELDS)
def test_a_fields_documented_pattern_takes_the_very_characters_that_its_values_have(field: Field) -> None:
    taken = re.compile(field.pattern).search
    for code in (*range(0x200), 0x2028, 0xFFFD, 0x10FFFF):
        text = f"ab{chr(code)}c"
        try:
            check_text(field.name, end_lines(text) if field.has_lines else text, 10, allowed=give_allowed(field))
        except PadronError:
            assert taken(text) is None, ascii(text)
        else:
            assert taken(text) is not None, ascii(text)


@pytest.mark.parametrize(
    "codes", [range(0x20), range(0x7F, 0xA0), (0xD800, 0xDFFF)], ids=["C0", "C1", "halves of pairs"]
)
def test_text_with_a_control_character_or_half_a_pair_is_refused_and_named(codes: Iterable[int]) -> None:
    for code in codes:
        with pytest.raises(PadronError, match="not printable") as caught:
            check_text("reason", f"a{chr(code)}b", 10)
        assert caught.value.detail.isprintable(), code


def test_the_documented_pattern_takes_the_very_characters_that_the_check_takes() -> None:
    taken = re.compile(TEXT_PATTERN).search
    for code in (*range(0xD800), *range(0xE000, 0x11000), 0x10FFFF):
        text = f"a{chr(code)}b"
        try:
            check_text("reason", text, 3)
        except PadronError:
            assert taken(text) is None, ascii(text)
        else:
            assert taken(text) is not None, ascii(text)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\tb"], ids=ascii)
def test_line_ends_and_tabs_are_taken_where_they_are_allowed(text: str) -> None:
    check_text("reason", text, 10, allowed="\n\r\t")


def test_only_what_is_allowed_is_allowed() -> None:
    with pytest.raises(PadronError):
        check_text("reason", "a\nb\0", 10, allowed="\n\r\t")


def test_what_is_allowed_counts_towards_the_length() -> None:
    with pytest.raises(PadronError, match="11 characters"):
        check_text("reason", "a" + "\n" * 10, 10, allowed="\n")


@given(st.text(max_size=20))
def test_how_a_text_is_composed_makes_no_difference(text: str) -> None:
    assert fold_text(unicodedata.normalize("NFD", text)) == fold_text(text)


@given(st.text(string.ascii_letters + "áéíóúñüÁÉÍÓÚÑÜ 1-", max_size=20))
def test_letter_case_makes_no_difference(text: str) -> None:
    assert fold_text(text.upper()) == fold_text(text.lower()) == fold_text(text)


@each_row(
    "one, other",
    [
        ("Ñandú", "ñANDÚ"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u03bf\u03b4\u03cc\u03c2", "\u039f\u0394\u038c\u03a3"),
        ("e\u0301", "\u00c9"),
    ],
)
def test_texts_that_differ_by_case_or_composition_alone_fold_to_one(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)


def test_different_letters_stay_different() -> None:
    assert fold_text("año") != fold_text("ano")


@given(details, edits)
def test_applying_the_same_edits_twice_changes_nothing_the_second_time(
    before: dict[str, str | int], edit: dict[str, str | int | None]
) -> None:
    once = apply_edits(before, edit).details
    twice = apply_edits(once, edit)
    assert (twice.details, twice.differences) == (once, {})


@given(details, edits)
def test_the_differences_are_exactly_what_changed(
    before: dict[str, str | int], edit: dict[str, str | int | None]
) -> None:
    edited = apply_edits(before, edit)
    after, differences = edited.details, edited.differences
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert {*differences} == changed
    for name, (former, current) in differences.items():
        assert (former, current) == (before.get(name), after.get(name))


@given(details, edits)
def test_what_is_not_edited_is_kept_and_none_removes(
    before: dict[str, str | int], edit: dict[str, str | int | None]
) -> None:
    after = apply_edits(before, edit).details
    for name in {*before, *edit}:
        assert after.get(name) == (edit[name] if name in edit else before[name])
    assert None not in after.values()


@given(details, edits)
def test_edits_leave_the_former_details_as_they_were(
    before: dict[str, str | int], edit: dict[str, str | int | None]
) -> None:
    copy = dict(before)
    apply_edits(before, edit)
    assert before == copy


@given(details, edits)
def test_edits_can_be_undone_by_their_differences(
    before: dict[str, str | int], edit: dict[str, str | int | None]
) -> None:
    edited = apply_edits(before, edit)
    after, differences = edited.details, edited.differences
    back = apply_edits(after, {name: former for name, (former, _) in differences.items()}).details
    assert back == before
