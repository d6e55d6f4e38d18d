"""In this room the processes that read files are started as the program starts them."""

from collections.abc import Iterator

import pytest

from tests.readers import started_readers


@pytest.fixture(scope="package", autouse=True)
def _started_readers() -> Iterator[None]:
    with started_readers():
        yield
