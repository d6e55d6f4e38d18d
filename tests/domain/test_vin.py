"""The form of a VIN, and what a refusal says about it."""

import csv
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import Code, PadronError
from padron.domain.vin import (
    VIN_LENGTH,
    VIN_PATTERN,
    Vin,
    binds_check_digit,
    compute_check_digit,
    describe_bad_vin,
    fits_check_digit,
    list_model_years,
    list_vin_faults,
    parse_vin,
    suggest_vin,
)
from tests.tables import each_row

VIN_LETTERS = "".join(sorted({*string.ascii_uppercase} - {*"IOQ"}))
VIN_CHARACTERS = VIN_LETTERS + VIN_LETTERS.lower() + string.digits
vins = st.text(VIN_CHARACTERS, min_size=VIN_LENGTH, max_size=VIN_LENGTH)
positions = st.integers(0, VIN_LENGTH - 1)

_LINES = (Path(__file__).parent / "vins.csv").read_text(encoding="utf-8").splitlines()
REAL_VINS = [row["vin"] for row in csv.DictReader(_LINES)]


def refuse(text: str) -> str:
    """Give the detail of the refusal that there must be."""
    with pytest.raises(PadronError) as caught:
        parse_vin(text)
    assert caught.value.code is Code.BAD_PARAMETERS
    return caught.value.detail


def replace_at(text: str, position: int, character: str) -> str:
    return text[:position] + character + text[position + 1 :]


@each_row("vin", REAL_VINS)
def test_the_vins_of_real_vehicles_are_taken_as_they_are(vin: str) -> None:
    assert parse_vin(vin) == vin


def test_the_list_of_real_vins_is_not_empty() -> None:
    assert len(REAL_VINS) == 40


@given(vins)
def test_a_vin_is_given_in_upper_case_and_nothing_else_about_it_changes(text: str) -> None:
    vin = parse_vin(text)
    assert vin == text.upper()
    assert len(vin) == VIN_LENGTH
    assert vin.isascii()


@given(vins)
def test_letter_case_makes_no_difference(text: str) -> None:
    assert parse_vin(text.lower()) == parse_vin(text.upper()) == parse_vin(text.swapcase())


@given(vins)
def test_parsing_a_vin_again_changes_nothing(text: str) -> None:
    assert parse_vin(parse_vin(text)) == parse_vin(text)


@given(vins, st.integers(0, VIN_LENGTH - 1))
def test_a_shorter_text_is_refused_and_its_length_is_named(text: str, length: int) -> None:
    assert f"has {length} characters" in refuse(text[:length])


@given(vins, st.text(VIN_CHARACTERS, min_size=1, max_size=40))
def test_a_longer_text_is_refused_and_its_length_is_named(text: str, more: str) -> None:
    assert f"has {VIN_LENGTH + len(more)} characters" in refuse(text + more)


@given(vins, positions, st.sampled_from("IOQioq"))
def test_a_forbidden_letter_is_named_with_its_place_and_the_digit_that_was_meant(
    text: str, position: int, letter: str
) -> None:
    digit = {"I": "1", "O": "0", "Q": "0"}[letter.upper()]
    detail = refuse(replace_at(text, position, letter))
    assert f"character {position + 1} is '{letter}'" in detail
    assert f"no letter {letter.upper()}; digit {digit}?" in detail


def test_the_sentence_about_a_letter_is_the_documented_one() -> None:
    assert "character 4 is 'O': a VIN has no letter O; digit 0?" in refuse("1C4OJEAG2EC476429")


@given(vins, positions, st.characters().filter(lambda character: character not in VIN_CHARACTERS))
def test_any_other_character_is_refused_and_its_place_is_named(text: str, position: int, character: str) -> None:
    assert f"character {position + 1} is" in refuse(replace_at(text, position, character))


@each_row(
    "trap",
    ["\u017f", "\u0131", "\u00df", "\uff21", "\uff11", "\u212a", "\u0661", "\u00b2", "-", " ", "\t", "\n", "\0", "_"],
)
@each_row("position", [0, 8, 16])
def test_what_only_looks_like_a_vin_character_after_folding_is_refused(trap: str, position: int) -> None:
    assert f"character {position + 1} is" in refuse(replace_at("1C4RJEAG2EC476429", position, trap))


def test_a_sharp_s_does_not_make_two_letters_of_one() -> None:
    refuse("1C4RJEAG2EC4764\u00df")  # 16 characters, 17 in upper case


def test_a_line_end_after_the_vin_is_refused() -> None:
    refuse("1C4RJEAG2EC476429\n")


@given(st.text(max_size=60))
def test_a_text_is_either_a_vin_or_refused_with_a_printable_sentence(text: str) -> None:
    try:
        vin = parse_vin(text)
    except PadronError as error:
        assert error.detail.isprintable()  # noqa: PT017 - either outcome is right
        assert error.detail.endswith((".", "?"))  # noqa: PT017
        assert len(error.detail) < 300  # noqa: PT017
    else:
        assert {*vin} <= {*VIN_LETTERS, *string.digits}


def test_the_first_wrong_character_is_the_one_that_is_named() -> None:
    assert "character 2 is 'O'" in describe_bad_vin("1O4RJEAI")


def test_the_pattern_of_the_document_says_the_same_as_the_parser() -> None:
    characters = VIN_PATTERN.removeprefix("^[").removesuffix("]{17}$")
    assert characters == "A-HJ-NPR-Za-hj-npr-z0-9"


@given(vins, st.sets(positions, min_size=1, max_size=4), st.data())
def test_the_vin_that_was_meant_is_found_behind_letters_that_look_like_digits(
    text: str, places: set[int], data: st.DataObject
) -> None:
    meant, typed = [*text.upper()], [*text]
    for place in places:
        letter = data.draw(st.sampled_from("IOQioq"))
        typed[place], meant[place] = letter, {"I": "1", "O": "0", "Q": "0"}[letter.upper()]
    assert suggest_vin("".join(typed)) == "".join(meant)


@given(vins, st.lists(st.tuples(st.integers(0, VIN_LENGTH), st.sampled_from(" -.")), min_size=1, max_size=6))
def test_the_vin_that_was_meant_is_found_between_what_separates_its_parts(
    text: str, separators: list[tuple[int, str]]
) -> None:
    typed = text
    for place, separator in separators:
        typed = typed[:place] + separator + typed[place:]
    assert suggest_vin(typed) == text.upper()
    assert f"Perhaps {text.upper()}" in refuse(typed)


@each_row(
    "typed",
    [
        "I1C4RJEAG2EC476429", "i1c4rjeag2ec476429", "VIN: 1C4RJEAG2EC476429", "vin 1C4RJEAG2EC476429",
        "VIN1C4RJEAG2EC476429", "NIV:1C4RJEAG2EC476429", "NIV: 1C4 RJEAG 2EC 476429",
        "N.I.V. 1C4RJEAG2EC476429", "VIN no. 1C4RJEAG2EC476429", "VIN #1C4RJEAG2EC476429",
        "VIN:I1C4RJEAG2EC476429", "*1C4RJEAG2EC476429*", "(1C4RJEAG2EC476429)", "'1C4RJEAG2EC476429",
        "1C4-RJEAG2EC-476429", "1C4\u2010RJEAG2EC\u2014476429", "\u200b1C4RJEAG2EC476429\ufeff",
        "1C4RJEAG2\u00a0EC476429", "1C4RJEAG2EC476429\r\n", "\t1C4RJEAG2EC476429", "VIN: IC4RJEAG2EC476429",
        "I1C4RJEAG2EC476429 ", "1.C.4.R.J.E.A.G.2.E.C.476429",
    ],
)  # fmt: skip
def test_the_vin_is_found_behind_labels_and_what_a_scanner_puts_before_it(typed: str) -> None:
    assert suggest_vin(typed) == "1C4RJEAG2EC476429"


@each_row(
    "text",
    [
        "1C4RJEAG2EC476429",
        "1C4RJEAG2EC47642",
        "II1C4RJEAG2EC476429",
        "X1C4RJEAG2EC476429",
        "1C4RJEAG2EC476429I",
        "VIN VIN 1C4RJEAG2EC476429",
        "SERIAL 1C4RJEAG2EC476429",
        "\uff11C4RJEAG2EC476429",
        "1C4RJEAG2EC476429 1C4RJEAG2EC47642",
        "1C4RJEAG2EC47642_",
        "1C4RJEAG2EC47642\u00df",
        "",
        "O" * 17 + "-" * 24,
    ],
)
def test_nothing_is_suggested_for_a_vin_or_where_the_correction_does_not_make_one(text: str) -> None:
    assert suggest_vin(text) is None


def test_every_fault_is_listed_and_a_wrong_length_last() -> None:
    faults = list_vin_faults("1O4-I")
    assert [(fault.position, fault.likely) for fault in faults] == [(2, "0"), (4, None), (5, "1"), (None, None)]
    assert list_vin_faults("1C4RJEAG2EC476429") == []


@each_row("vin", [*REAL_VINS, "1M8GDM9AXKP042788", "11111111111111111"])
def test_the_check_digits_of_real_north_american_vehicles_fit(vin: str) -> None:
    assert fits_check_digit(Vin(vin))


@pytest.mark.parametrize("vin", ["WVWZZZ3CZEE140287", "WP0ZZZ99ZTS392124", "1FA6P8TH8F1234567"])
def test_a_check_digit_that_does_not_fit_is_no_refusal(vin: str) -> None:
    assert not fits_check_digit(Vin(vin))
    assert parse_vin(vin) == vin


@given(vins)
def test_the_computed_check_digit_always_fits_and_no_other_does(text: str) -> None:
    vin = text.upper()
    expected = compute_check_digit(Vin(vin))
    fitting = [digit for digit in "0123456789X" if fits_check_digit(Vin(replace_at(vin, 8, digit)))]
    assert fitting == [expected]


@pytest.mark.parametrize(
    "vin, binds", [("1C4RJEAG2EC476429", True), ("3LNHL2GC1BR262548", True), ("WP0ZZZ99ZTS392124", False)]
)
def test_the_check_digit_binds_north_america_only(vin: str, *, binds: bool) -> None:
    assert binds_check_digit(Vin(vin)) is binds


def test_the_model_year_of_real_vehicles_comes_first() -> None:
    for row in csv.DictReader(_LINES):
        years = list_model_years(Vin(row["vin"]), 2027, is_light=True)
        assert years[0] == int(row["modelYear"]), row


@each_row(
    "vin, years",
    [
        ("1M8GDM9AXKP042788", [1989, 2019]),  # place 7 is a digit and the check digit fits
        ("WVWZZZ3CZEE140287", [2014, 1984]),  # not North America's rules: the later is likelier
        ("WVWZZZ3CZUE140287", []),  # U stands for no year
        ("WVWZZZ3CZVE140287", [2027, 1997]),  # the latest year that there can be
        ("WVWZZZ3CZWE140287", [1998]),  # a year later
        ("1C4RJEAG2XC476429", [1999]),  # 2029 is too far ahead
    ],
)
def test_the_tenth_place_stands_for_years_thirty_apart(vin: str, years: list[int]) -> None:
    assert list_model_years(Vin(vin), 2027, is_light=True) == years
    assert list_model_years(Vin(vin), 2027, is_light=False) == sorted(years, reverse=True)
