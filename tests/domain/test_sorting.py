"""Sort keys: equal for texts that are one but for case, and in the order in which people file texts."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.sorting import give_field_key, give_sort_key
from padron.domain.vehicle import FIELDS, fold_text
from tests.tables import each_row

INDEX_ENTRY_BYTES_MAX = 2_704  # of PostgreSQL; a page of 8 KB has room for three
letters = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.text(letters, max_size=30) | st.text("aAáÁñ01929 -_~(ßøﬁ１", max_size=12)


@given(texts, texts)
def test_two_texts_have_one_key_exactly_if_they_differ_by_case_alone(one: str, other: str) -> None:
    assert (give_sort_key(one) == give_sort_key(other)) == (fold_text(one) == fold_text(other))


@given(texts)
def test_the_key_of_a_folded_text_is_the_texts_own(text: str) -> None:
    assert give_sort_key(fold_text(text)) == give_sort_key(text)


@given(texts)
def test_how_a_text_is_composed_makes_no_difference(text: str) -> None:
    assert give_sort_key(unicodedata.normalize("NFD", text)) == give_sort_key(text)


@given(st.integers(0, 10**40), st.integers(0, 10**40), st.text("ab -", max_size=3))
def test_numbers_sort_by_their_value(one: int, other: int, before: str) -> None:
    first, second = (give_sort_key(f"{before}{number}") for number in (one, other))
    assert (first < second) == (one < other)


@given(st.text("ab", max_size=3), st.text("áéb", max_size=3), st.text("ab1 -", min_size=1, max_size=3))
def test_an_accent_counts_less_than_anything_after_it(start: str, end: str, more: str) -> None:
    bare = unicodedata.normalize("NFD", start + end).replace("\u0301", "")
    assert give_sort_key(bare) <= give_sort_key(start + end) < give_sort_key(bare + more)


# By the Unicode Collation Algorithm with numbers by value; signs among themselves by their code only.
@each_row(
    "filed",
    [
        ["Abarth", "alamo", "Álamo", "Alamo 2", "Álamos", "Zorro"],
        ["nandu", "Ñandú", "nave", "ñu", "obra"],
        ["Unidad 2", "Unidad 02", "Unidad 10", "Unidad 10 b", "Unidad 10b", "Unidad 100", "Unidad B"],
        ["-1", "1", "1.5", "1.10", "A1"],
        ["2", "9", "10", "99", "100", "999999999", "1000000000", "9" * 18, "1" + "0" * 18],
        ["0", "1", "001", "01", "2"],
        ["@home", "[y]", "_z", "{a}", "~b", "#5", "(x)", "5", "a"],
        ["¡Alto!", "«x»", "1", "alto"],
        ["Æon", "af", "\u0142aba", "lac", "odin", "Øre", "ørn", "oz"],
        ["\uff21\uff22\uff23 1", "abd"],
        ["Zürich", "zurigo"],
        ["Ёлка", "жук"],
        ["Zebra", "車"],
        ["1ª", "1B"],
    ],
)
def test_texts_are_in_the_order_in_which_people_file_them(filed: list[str]) -> None:
    keys = [give_sort_key(text) for text in filed]
    assert sorted(keys) == keys
    assert len(set(keys)) == len(keys)


def test_most_texts_are_their_own_key() -> None:
    assert give_sort_key("Flota Norte, S.A. (2)"[:17]) == "flota norte, s.a."


def test_plates_sort_letter_by_letter() -> None:
    assert give_field_key("plate", "RTA10C") == "rta10c" < give_field_key("plate", "RTA2C")


@each_row("text", ["\ufdfa", "0" * 2, "10", "é", "\U0001f697", "a1", "\u0390", "\U0001d160\U0001d1bf"])
def test_no_text_outgrows_an_index_entry(text: str) -> None:
    longest = max(field.length_max or 0 for field in FIELDS)
    key = give_sort_key((text * longest)[:longest])
    # Four letters grow to twelve bytes each when folded: there are few of them, so PostgreSQL can compress these.
    assert len(set(key)) < 8 or len(key.encode()) < INDEX_ENTRY_BYTES_MAX - 100
