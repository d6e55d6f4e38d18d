"""How words are folded, and that the grams of a word are grams of every text that contains it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import PadronError
from padron.domain.searching import (
    GRAMS_ASKED_MAX,
    SEARCH_LENGTH_MAX,
    choose_grams,
    fold_search,
    give_search_text,
    list_grams,
    matches,
    parse_words,
)
from tests.tables import each_row

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@each_row(
    "typed, stored",
    [("jose", "José"), ("JOSÉ", "jose"), ("nunez", "Núñez"), ("STRASSE", "Straße"), ("aero", "Ærø"), ("lodz", "Łódź"),
     ("\uff21\uff22", "ab"), ("e\u0301", "é"), ("é", "e"), ("\u0131Ş\u0131K", "isik"), ("ΣΑΣ", "σας"), ("²", "2")],
)  # fmt: skip
def test_letter_case_accents_and_widths_do_not_count(typed: str, stored: str) -> None:
    assert fold_search(typed) == fold_search(stored)


@given(texts)
def test_a_folded_text_is_its_own_fold(text: str) -> None:
    assert fold_search(fold_search(text)) == fold_search(text)


@given(before=texts, part=texts, after=texts)
def test_a_part_of_a_text_is_found_in_it(before: str, part: str, after: str) -> None:
    words = fold_search(part).split()
    assert matches(fold_search(before + part + after), words) or "\u0345" in before + part + after


@given(before=texts, word=texts, after=texts)
def test_the_grams_of_a_word_are_grams_of_every_text_that_has_it(before: str, word: str, after: str) -> None:
    for one in fold_search(word).split():
        text = fold_search(before) + one + fold_search(after)
        assert set(list_grams([one])) <= set(list_grams(text.split()))


@given(texts)
def test_grams_are_numbers_of_sixteen_bits_in_order(text: str) -> None:
    grams = list_grams(fold_search(text).split())
    assert grams == sorted(set(grams))
    assert all(0 <= gram < 64_000 for gram in grams)


def test_letters_and_digits_of_a_gram_are_told_apart() -> None:
    signs = "0123456789abcdefghijklmnopqrstuvwxyz"
    assert len({list_grams([f"{one}{other}x"])[0] for one in signs for other in signs}) == len(signs) ** 2


def test_words_of_one_or_two_characters_have_no_grams() -> None:
    assert choose_grams(["a", "bc"]) == []
    assert len(choose_grams(["abc"])) == 1
    assert choose_grams(["xyz99999999"]) == list_grams(["xyz999"])  # the same one again and again proposes no less


def test_a_word_that_many_vehicles_have_gives_few_grams() -> None:
    common = ["flota norte 0412"] + ["flota sur 0999"] * 9
    assert choose_grams(["flota", "0412"], ["flota 0412"] + ["flota"] * 99) == choose_grams(["0412"])
    assert choose_grams(["flota", "0412"], common) == list_grams(["412"])  # a tenth of the vehicles has the word
    assert choose_grams(["flota", "0412"], []) == choose_grams(["flota", "0412"])
    assert len(choose_grams(["flota", "lota"], common)) == 1  # at least one, if all vehicles have all words


def test_few_grams_of_a_long_search_are_asked_for() -> None:
    words = parse_words("".join(chr(0x61 + number * number % 26) for number in range(SEARCH_LENGTH_MAX)))
    assert 1 <= len(choose_grams(words)) <= GRAMS_ASKED_MAX < len(list_grams(words))
    assert set(choose_grams(words)) <= set(list_grams(words))


def test_no_word_reaches_from_one_value_into_the_next() -> None:
    text = give_search_text(
        "3PADR000000000001", {"plate": "ABC123", "customId": "U-1", "ownerName": "José", "doors": 4}
    )
    assert text.split("\n") == ["3padr000000000001", "abc123", "u-1", "jose"]
    assert not matches(text, ["123u"])


def test_each_word_counts_once_in_the_order_of_the_search() -> None:
    assert parse_words("  Norte\u00a0flota NORTE ") == ("norte", "flota")


@each_row("text", ["", " ", "\u0301", "a" * 101, "a b c d e f g h i j k", "a\nb", "\ud800"])
def test_a_search_for_nothing_or_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(PadronError, match="q"):
        parse_words(text)
