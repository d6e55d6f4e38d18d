"""Cells that a spreadsheet program would take for formulas, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.files.defusing import arm_text, defuse_text
from padron.files.writers import encode_csv
from tests.tables import each_row

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
texts = st.text() | st.text(alphabet="'\"=+-@\t\r\n;,\uff1da", max_size=8)


@each_row(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\ta", "\r1", "\nx", "=cmd|' /C calc'!A0", "'=1", "''@a", '"=1', *SIGNS],
)
def test_a_formula_gets_an_apostrophe_before_it(text: str) -> None:
    assert defuse_text(text) == f"'{text}"


@each_row(
    "text, defused",
    [
        ("a;=cmd", "a;'=cmd"),
        ("a,-b", "a,'-b"),
        ("a\t@b", "a\t'@b"),
        ("a\n+b", "a\n'+b"),
        ("a\r=b", "a\r'=b"),
        ("a;\uff1db", "a;'\uff1db"),
        ('a;"=cmd;b', "a;'\"=cmd;b"),
        ("a;'=b", "a;''=b"),
        (";=1;;=2", ";'=1;;'=2"),
        ("\n=1", "'\n'=1"),
    ],
)
def test_a_formula_gets_one_wherever_a_program_may_see_a_cell_begin(text: str, defused: str) -> None:
    assert defuse_text(text) == defused
    assert arm_text(defused) == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("other", [",", ";", "\t"])
@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=3))
def test_no_cell_is_a_formula_whatever_separator_a_file_is_opened_with(
    delimiter: str, other: str, rows: list[tuple[str, str]]
) -> None:
    data = encode_csv([["id", *map(defuse_text, row)] for row in rows], delimiter).decode()
    for line in data.replace("\r", "\n").split("\n"):  # a program that does not see the quotation marks where they are
        for cell in line.split(other):
            assert not cell.lstrip('"').startswith(tuple(SIGNS)), data


@each_row(
    "cell, text",
    [('="00712"', "00712"), ('=""', ""), ('="a""b"', 'a"b'), ('="it\'s"', "it's"), ('="=1"', "=1")],
)
def test_a_text_mark_is_read_as_the_text_behind_it(cell: str, text: str) -> None:
    assert arm_text(cell) == text
    assert arm_text(defuse_text(cell)) == cell  # a register's own text that looks like one


@each_row("cell", ['="', '="a', '="a"b"', "=1", '="a"&"b"'])
def test_what_only_begins_like_a_text_mark_stays(cell: str) -> None:
    assert arm_text(cell) == cell


@each_row("text", ["", "a", "a=1", "'", "''", "'a", "it's", " =1", "1-2", "a; =b", "a - b", "a,b", "a|=b"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert defuse_text(text) == text
    assert arm_text(text) == text


@given(texts)
def test_what_is_defused_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    assert not defuse_text(text).startswith(("\t", "\r", "\n", *SIGNS))
    assert arm_text(defuse_text(text)) == text


@given(texts, texts)
def test_no_two_texts_are_defused_to_the_same(one: str, other: str) -> None:
    assert (defuse_text(one) == defuse_text(other)) == (one == other)
