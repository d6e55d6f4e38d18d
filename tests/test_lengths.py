"""What `make test` leaves out for `make test-long`: these tests bear the mark, and say which run they are in."""

import pytest

from tests.forms import SPREAD, is_form_long


@pytest.mark.long
def test_a_long_test_is_left_out_of_the_short_run(pytestconfig: pytest.Config) -> None:
    assert not pytestconfig.getoption("short")


@pytest.mark.long("postgres")
def test_one_form_of_a_test_can_be_long(pytestconfig: pytest.Config, engine: str) -> None:
    assert not pytestconfig.getoption("short" if engine == "postgres" else "long")


@pytest.mark.parametrize("length", ["short", pytest.param("long", marks=pytest.mark.long)])
def test_one_row_of_a_table_can_be_long(pytestconfig: pytest.Config, length: str) -> None:
    assert not pytestconfig.getoption("long" if length == "short" else "short")


def test_any_other_test_is_in_the_short_run(pytestconfig: pytest.Config) -> None:
    assert not pytestconfig.getoption("long")


def test_the_form_on_shards_is_long_but_where_a_file_keeps_it() -> None:
    kept, longs = pytest.mark.spread.mark, [pytest.mark.long.mark, pytest.mark.long("postgres").mark]
    assert is_form_long([], {"engine": SPREAD})
    assert not is_form_long([kept], {"engine": SPREAD})
    assert all(is_form_long([kept, long], {"engine": SPREAD}) for long in longs)
    assert not is_form_long([kept, longs[1]], {"engine": "sqlite"})
