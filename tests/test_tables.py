"""A table is one test, and no row of it is left out or stays without a name when it fails."""

import inspect

import pytest

from tests.tables import each_row


def test_every_row_is_tried_and_each_failure_names_its_row() -> None:
    tried = []

    @each_row("number, rest", [(1, 0), (2, 0), (3, 1), (4, 1)])
    def check(number: int, rest: int) -> None:
        tried.append(number)
        assert number % 2 == rest

    with pytest.raises(ExceptionGroup, match="2 of 4 rows failed") as caught:
        check()
    assert tried == [1, 2, 3, 4]
    notes = [failure.__notes__ for failure in caught.value.exceptions]
    assert notes == [["Row 1: number=1, rest=0"], ["Row 4: number=4, rest=1"]]


def test_what_one_row_alone_raises_is_raised_as_it_is() -> None:
    @each_row("text", ["a", "b"])
    def check(text: str) -> None:
        if text == "b":
            pytest.fail("no")

    with pytest.raises(pytest.fail.Exception, match="no") as caught:
        check()
    assert caught.value.__notes__ == ["Row 2: text='b'"]


async def test_a_test_that_waits_can_have_a_table() -> None:
    tried = []

    @each_row("text", ["a", "b"])
    async def check(text: str) -> None:
        tried.append(text)
        assert text == "a"

    with pytest.raises(AssertionError) as caught:
        await check()
    assert (tried, caught.value.__notes__) == (["a", "b"], ["Row 2: text='b'"])


def test_every_row_of_two_tables_meets_every_other() -> None:
    tried = []

    @each_row("one", [1, 2])
    @each_row("other", ["a", "b"])
    def check(one: int, other: str) -> None:
        tried.append((one, other))

    check()
    assert tried == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]


def test_the_fixtures_of_a_test_are_left_to_pytest() -> None:
    @each_row("row", [1, 2])
    def check(fixture: str, row: int) -> None:
        assert (fixture, row) == ("given", 1)

    assert [*inspect.signature(check).parameters] == ["fixture"]
    with pytest.raises(AssertionError):
        check(fixture="given")


def test_a_table_has_rows_and_a_test_takes_their_values() -> None:
    with pytest.raises(AssertionError, match="without rows"):
        each_row("row", [])
    with pytest.raises(KeyError):
        each_row("row", [1])(lambda other: other)
    with pytest.raises(ValueError, match="zip"):
        each_row("one, other", [(1, 2, 3)])
