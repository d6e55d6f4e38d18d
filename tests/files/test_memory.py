"""What is remembered of rows: exactly, and with a sentence when there is no room for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import Code, PadronError
from padron.files.memory import VinLine, open_memory
from tests.cast import make_vin


@given(st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=6))
def test_a_vin_is_told_with_the_line_where_it_came_first(chunks: list[list[int]]) -> None:
    firsts: dict[str, int] = {}
    line = 1
    with open_memory() as memory:
        for numbers in chunks:
            vins = [VinLine(make_vin(number), line + place) for place, number in enumerate(numbers)]
            line += len(vins)
            again = memory.add_vins(vins)
            for vin, at in vins:
                firsts.setdefault(vin, at)
            assert again == {at: firsts[vin] for vin, at in vins if firsts[vin] != at}


def test_copies_are_counted_by_all_that_a_row_says() -> None:
    with open_memory() as memory:
        counts = [memory.count_copy(row) for row in [("a", 1), ("a", "1"), ("a", 1), ("a", None), ("a", 1)]]
    assert counts == [1, 1, 2, 1, 3]


def test_a_full_temporary_folder_is_told() -> None:
    with open_memory() as memory:
        memory._connection.execute("PRAGMA max_page_count = 8")
        with pytest.raises(PadronError, match="temporary folder") as refused:
            memory.add_vins([VinLine(make_vin(number), number) for number in range(5_000)])
    assert refused.value.code is Code.STORE_UNAVAILABLE
