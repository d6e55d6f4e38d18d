"""A table of rows that are one test. To set up, report and collect a test costs far more than a row of a pure function.

All rows are tried, and each that fails is named. A row that needs a register, a folder or a mark of its own stays a
form of its test (``pytest.mark.parametrize``).
"""

import asyncio
import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from reprlib import Repr
from typing import Any

import pytest

_FAILURES = (Exception, pytest.fail.Exception)
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 100

Test = Callable[..., Any]


def each_row(names: str, rows: Iterable[object]) -> Callable[[Test], Test]:
    """Call the test with each row of a table, as ``pytest.mark.parametrize`` does, but as one test.

    It may stand above another table: then every row meets every row.
    """
    parameters = [name.strip() for name in names.split(",")]
    table = [_name_values(parameters, row) for row in rows]
    assert table, "A table without rows tests nothing."

    def decorate(test: Test) -> Test:
        @wraps(test)
        def try_rows(*others: object, **fixtures: object) -> None:
            failures = []
            for number, row in enumerate(table, start=1):
                try:
                    test(*others, **fixtures, **row)
                except _FAILURES as failure:
                    failures.append(_name_row(failure, number, row))
            _raise(failures, len(table))

        @wraps(test)
        async def await_rows(*others: object, **fixtures: object) -> None:
            failures = []
            for number, row in enumerate(table, start=1):
                await asyncio.sleep(0)  # all rows in one step of the loop would seem to hold it up
                try:
                    await test(*others, **fixtures, **row)
                except _FAILURES as failure:
                    failures.append(_name_row(failure, number, row))
            _raise(failures, len(table))

        whole: Any = await_rows if inspect.iscoroutinefunction(test) else try_rows
        whole.__signature__ = _without(inspect.signature(test), parameters)  # pytest asks for the others alone
        return whole  # type: ignore[no-any-return]

    return decorate


def _name_values(parameters: list[str], row: Any) -> dict[str, object]:  # noqa: ANN401 - whatever a table holds
    values = (row,) if len(parameters) == 1 else tuple(row)
    return dict(zip(parameters, values, strict=True))


def _name_row(failure: BaseException, number: int, row: dict[str, object]) -> BaseException:
    failure.add_note(f"Row {number}: " + ", ".join(f"{name}={_SHORT.repr(value)}" for name, value in row.items()))
    return failure


def _raise(failures: list[BaseException], count: int) -> None:
    match failures:
        case []:
            pass
        case [failure]:
            raise failure
        case _:
            raise BaseExceptionGroup(f"{len(failures)} of {count} rows failed", failures)


def _without(signature: inspect.Signature, parameters: list[str]) -> inspect.Signature:
    """Give the signature without the table's parameters, each of which the test must take."""
    kept = dict(signature.parameters)
    for name in parameters:
        del kept[name]
    return signature.replace(parameters=[*kept.values()])
