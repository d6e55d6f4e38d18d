"""What somebody typed, quoted in a sentence: letters stay, what cannot be seen is named, the line is one line."""

import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.account import check_name
from padron.domain.errors import PadronError
from padron.domain.instants import parse_instant
from padron.domain.quoting import (
    LENGTH_MAX,
    PATH_LENGTH_MAX,
    is_invisible,
    name_code_point,
    quote,
    quote_character,
    quote_path,
    show_word,
)
from padron.domain.status import parse_status_text
from padron.domain.vehicle import check_text, parse_plate
from padron.domain.vin import describe_bad_vin, list_vin_faults
from padron.files.parsing import parse_integer
from tests import effort
from tests.tables import each_row

SOURCES = Path(__file__).parent.parent.parent / "src" / "padron"
VIN = "3LNHL2GC1BR262548"


@each_row(
    "text, shown",
    [
        ("José", "'José'"),
        ("Peña Nieto, ¿qué?", "'Peña Nieto, ¿qué?'"),
        ("Straße Æsir Łódź", "'Straße Æsir Łódź'"),
        ("車両 차량 รถ गाड़ी", "'車両 차량 รถ गाड़ी'"),
        ("سيارة", "'سيارة'"),
        ("רכב", "'רכב'"),
        ("🚗 €5 ±½", "'🚗 €5 ±½'"),
        ("Jose\u0301", "'Jose\u0301'"),  # the mark has its letter
        ("a b", "'a b'"),
        ("", "''"),
        (r"C:\fleet\nuevo.csv", r"'C:\fleet\nuevo.csv'"),
        ("O'Brien", '"O\'Brien"'),
        ('a "b"', "'a \"b\"'"),
        ('O\'Brien "x"', "'O'Brien \"x\"'"),
        ("a\u200bb", "'a<U+200B ZERO WIDTH SPACE>b'"),
        ("\ufeffvin", "'<U+FEFF ZERO WIDTH NO-BREAK SPACE>vin'"),
        ("a\u200db", "'a<U+200D ZERO WIDTH JOINER>b'"),
        ("a\u00adb", "'a<U+00AD SOFT HYPHEN>b'"),
        ("a\u2060b", "'a<U+2060 WORD JOINER>b'"),
        ("a\u00a0b", "'a<U+00A0 NO-BREAK SPACE>b'"),
        ("a\u2007b", "'a<U+2007 FIGURE SPACE>b'"),
        ("a\u202fb", "'a<U+202F NARROW NO-BREAK SPACE>b'"),
        ("a\u3000b", "'a<U+3000 IDEOGRAPHIC SPACE>b'"),
        ("\u202excod.csv", "'<U+202E RIGHT-TO-LEFT OVERRIDE>xcod.csv'"),
        ("a\u200eb", "'a<U+200E LEFT-TO-RIGHT MARK>b'"),
        ("a\u061cb", "'a<U+061C ARABIC LETTER MARK>b'"),
        ("a\u2066b\u2069", "'a<U+2066 LEFT-TO-RIGHT ISOLATE>b<U+2069 POP DIRECTIONAL ISOLATE>'"),
        ("a\nb", "'a<U+000A LINE FEED>b'"),
        ("a\r\n", "'a<U+000D CARRIAGE RETURN><U+000A LINE FEED>'"),
        ("a\tb", "'a<U+0009 CHARACTER TABULATION>b'"),
        ("a\0b", "'a<U+0000 NULL>b'"),
        ("\x1b[31m", "'<U+001B ESCAPE>[31m'"),
        ("\x7f", "'<U+007F DELETE>'"),
        ("\x85", "'<U+0085 NEXT LINE>'"),
        ("\x9b", "'<U+009B CONTROL CHARACTER>'"),
        ("\u2028", "'<U+2028 LINE SEPARATOR>'"),
        ("\u0301a", "'<U+0301 COMBINING ACUTE ACCENT>a'"),
        (" \u0301", "' <U+0301 COMBINING ACUTE ACCENT>'"),
        ("\u200b\u0301", "'<U+200B ZERO WIDTH SPACE><U+0301 COMBINING ACUTE ACCENT>'"),
        ("a\u034fb", "'a<U+034F COMBINING GRAPHEME JOINER>b'"),
        ("❤\ufe0f", "'❤<U+FE0F VARIATION SELECTOR-16>'"),
        ("\u3164", "'<U+3164 HANGUL FILLER>'"),
        ("\u2800", "'<U+2800 BRAILLE PATTERN BLANK>'"),
        ("a\U000e0041", "'a<U+E0041 TAG LATIN CAPITAL LETTER A>'"),
        ("\ud83d", "'<U+D83D LONE SURROGATE>'"),
        ("caf\udce9.csv", "'caf<U+DCE9 LONE SURROGATE>.csv'"),
        ("\ue000", "'<U+E000 PRIVATE USE CHARACTER>'"),
        ("\uffff", "'<U+FFFF UNASSIGNED CODE POINT>'"),
    ],
)
def test_letters_stay_and_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    assert quote(text) == shown


def test_more_marks_than_a_language_needs_are_named() -> None:
    assert quote("e" + "\u0301" * 4) == "'e" + "\u0301" * 4 + "'"
    assert quote("e" + "\u0301" * 5) == "'e" + "\u0301" * 4 + "<U+0301 COMBINING ACUTE ACCENT>'"


def test_a_long_text_is_cut_and_its_length_is_said() -> None:
    assert quote("é" * LENGTH_MAX) == f"'{'é' * LENGTH_MAX}'"
    assert quote("é" * 12_345) == f"'{'é' * LENGTH_MAX}…' (12,345 characters)"
    assert quote("abcdef", 3) == "'abc…' (6 characters)"
    assert show_word("abcdef", 3) == "abc…"
    assert show_word("PÄTCH\n") == "PÄTCH<U+000A LINE FEED>"


def test_of_a_long_path_the_end_is_shown() -> None:
    assert quote_path(Path("Álamo") / "flota año.csv") == "'Álamo/flota año.csv'"
    shown = quote_path("/x" * 3_000 + "/flota.csv")
    assert shown.startswith("'…")
    assert shown.endswith("/flota.csv'")
    assert len(shown) == PATH_LENGTH_MAX + 2


@each_row(
    "character, shown",
    [
        ("O", "'O'"), ("'", '"\'"'), (" ", "' '"), ("-", "'-'"),
        ("Á", "'Á' (U+00C1 LATIN CAPITAL LETTER A WITH ACUTE)"),
        ("\u0410", "'\u0410' (U+0410 CYRILLIC CAPITAL LETTER A)"),
        ("\uff13", "'\uff13' (U+FF13 FULLWIDTH DIGIT THREE)"),
        ("\u0301", "'\u25cc\u0301' (U+0301 COMBINING ACUTE ACCENT)"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"), ("\xa0", "U+00A0 NO-BREAK SPACE"), ("\ud800", "U+D800 LONE SURROGATE"),
    ],
)  # fmt: skip
def test_one_character_is_named_unless_it_is_ascii(character: str, shown: str) -> None:
    assert quote_character(character) == shown


@given(
    st.text(alphabet=st.characters(), max_size=300)
    | st.text(alphabet="\ud800\u0301\u200b\u2028\n\x85'\" a", max_size=300)
)
def test_whatever_the_text_it_is_one_line_bounded_and_can_be_sent(text: str) -> None:
    for shown in (quote(text), quote_path(text), show_word(text)):
        assert len(shown.splitlines()) <= 1
        assert len(shown) < 13 * PATH_LENGTH_MAX
        assert not any(is_invisible(character) for character in shown)
        shown.encode()
    assert len(quote(text)) < 13 * LENGTH_MAX + 800


@pytest.mark.campaign
def test_every_code_point_is_either_a_sign_or_named() -> None:
    for code_point in (*range(0x3000), *range(0x3000, sys.maxunicode + 1, effort.CODE_POINT_STEP)):
        character = chr(code_point)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or (
            unicodedata.category(character) == "Zs" and character != " "
        ):
            assert is_invisible(character), hex(code_point)
            assert re.fullmatch(r"U\+[0-9A-F]{4,6} [A-Z0-9 ()-]+", name_code_point(character))


@each_row("text", ["a", "\u0301", "\u200b", "é\u0301", "\ud800", "\n"])
def test_it_takes_no_longer_for_a_long_text(text: str) -> None:
    began = perf_counter()
    quote(text * 5_000_000)
    assert perf_counter() - began < 1


@each_row(
    "character, position", [("\u200b", 9), ("\ufeff", 1), ("\xa0", 18), ("\u202c", 18), ("\u2028", 4), ("\0", 17)]
)  # fmt: skip
def test_a_vin_with_a_character_that_cannot_be_seen_says_which_and_where(character: str, position: int) -> None:
    said = describe_bad_vin(VIN[: position - 1] + character + VIN[position - 1 :])
    assert said == (
        f"The VIN's character {position} is {name_code_point(character)}, which cannot be seen: "
        f"a VIN has only digits and letters, so delete it. Perhaps {VIN}, whose check digit fits."
    )


def test_a_vin_with_a_letter_that_looks_like_another_says_which() -> None:
    assert describe_bad_vin("3\u0410" + VIN[2:]).startswith(
        "The VIN's character 2 is '\u0410' (U+0410 CYRILLIC CAPITAL LETTER A): a VIN has only"
    )


def test_a_long_text_that_is_no_vin_has_few_faults() -> None:
    assert len(list_vin_faults("\u200b" * 100_000)) <= 41


REFUSALS: list[tuple[str, Callable[[str], object]]] = [
    ("a plate", parse_plate),
    ("a status", parse_status_text),
    ("an account", lambda text: check_name("The account's name", text, 10)),
    ("an instant", lambda text: parse_instant("from", text)),
    ("an integer", lambda text: parse_integer("doors", text)),
]


@each_row("parse", [one for _, one in REFUSALS])
def test_a_refusal_shows_the_letters_of_what_it_refuses(parse: Callable[[str], object]) -> None:
    with pytest.raises(PadronError) as caught:
        parse("Jos\u00e9 \u200b\u00f1")
    assert "José <U+200B ZERO WIDTH SPACE>ñ" in caught.value.detail


def test_a_text_with_a_control_names_it() -> None:
    with pytest.raises(PadronError, match=re.escape("ownerName contains U+0007 BELL, which is not printable")):
        check_text("ownerName", "a\x07", 10)


def test_no_sentence_of_the_program_escapes_letters() -> None:
    """``!a``, ``!r`` and ``ascii()`` show somebody's text as Python does, not as it was typed."""
    wrong = re.compile(r"![ar]\}|(?<![.\w])ascii\(")
    found = [
        f"{path.relative_to(SOURCES)}:{number}"
        for path in sorted(SOURCES.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if wrong.search(line)
    ]
    # A log is for machines too: what could steer a terminal stays an escape there.
    assert [one.split(":")[0] for one in found] == ["cli/logs.py"]
