"""The one way in which a list is cut into pages: nothing is left out, nothing comes twice, and the end is seen."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import padron
from padron.service.pages import Page, cut_page, look_beyond


@given(count=st.integers(0, 30), limit=st.integers(1, 12))
def test_pages_one_after_the_other_have_every_row_once_and_none_is_empty_but_the_only_one(
    count: int, limit: int
) -> None:
    rows = list(range(count))
    seen: list[int] = []
    cursor: str | None = "0"
    while cursor is not None:
        start = int(cursor)
        page = cut_page(rows[start : start + look_beyond(limit)], limit, lambda last: str(last + 1))
        assert len(page.rows) == min(limit, count - start)
        assert page.more is (start + limit < count)
        seen += page.rows
        cursor = page.next_cursor
        assert page.rows or not count
    assert seen == rows


def test_a_last_page_that_is_full_has_no_cursor_and_asks_for_none() -> None:
    def give_cursor(_: int) -> str:
        raise AssertionError("no row follows")

    assert cut_page([1, 2, 3], 3, give_cursor) == Page(rows=[1, 2, 3], next_cursor=None)


_find_one_more = re.compile(r"\+\s*1\b").search


def list_counts_beyond(source: str) -> list[str]:
    """Give where a module adds one to a limit of rows."""
    if _find_one_more(source) is None:
        return []  # which saves most of the parsing
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and ast.unparse(node.right) == "1"
        and ast.unparse(node.left).lower().endswith(("limit", "_max"))
        and not ast.unparse(node.left).lower().endswith("bytes_max")
    ]


def test_no_list_looks_beyond_its_page_by_hand() -> None:
    room = Path(padron.__file__).parent
    files = [path for name in ("service", "http", "cli") for path in (room / name).rglob("*.py")]
    found = {str(path.relative_to(room)): list_counts_beyond(path.read_text("utf-8")) for path in files}
    assert {name: counts for name, counts in found.items() if counts} == {
        "service/pages.py": ["limit + 1"],  # no pages from here on: each looks whether there is more
        "service/people/password_rules.py": ["UNIT_LENGTH_MAX + 1"],
        "service/statuses/preview.py": ["OPEN_WORK_MAX + 1"],
        "service/statuses/undo.py": ["UNDONE_CHANGES_MAX + 1"],
        "service/vehicles/counting.py": ["BOUNDS.chosen_max + 1", "COUNTED_MAX + 1"],
        "service/vehicles/searching.py": ["bounds.chosen_max + 1"],
    }


@pytest.mark.parametrize("text", ["limit + 1", "query.limit + 1", "ROWS_MAX + 1"])
def test_a_limit_that_is_raised_by_hand_is_noticed(text: str) -> None:
    assert list_counts_beyond(f"found = read({text})") == [text]
