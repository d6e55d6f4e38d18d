"""What `make test` leaves out for `make test-long`: these tests bear the mark, and say which run they are in."""

import pytest


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
