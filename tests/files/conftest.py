"""In this room the processes that read files are started as the program starts them."""

from collections.abc import Iterator

import pytest

from tests.readers import started_readers


# For each module: what is for a package lasts until all tests are over, because no folder here is one to pytest. Then
# every later import of other rooms would start its process as well, at four times the cost.
@pytest.fixture(scope="module", autouse=True)
def _started_readers() -> Iterator[None]:
    with started_readers():
        yield
