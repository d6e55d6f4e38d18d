"""Cells that a spreadsheet program would take for formulas, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.files.defusing import arm_text, defuse_text

texts = st.text() | st.text(alphabet="'=+-@\t\ra", max_size=6)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "'=1", "''@a"])
def test_a_formula_gets_an_apostrophe_before_it(text: str) -> None:
    assert defuse_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a", "a=1", "'", "''", "'a", "it's", " =1", "1-2"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert defuse_text(text) == text
    assert arm_text(text) == text


@given(texts)
def test_what_is_defused_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    assert not defuse_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert arm_text(defuse_text(text)) == text


@given(texts, texts)
def test_no_two_texts_are_defused_to_the_same(one: str, other: str) -> None:
    assert (defuse_text(one) == defuse_text(other)) == (one == other)
