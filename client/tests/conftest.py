"""What the tests of the client may ask for. They run against servers that are processes of their own."""

from pathlib import Path

import pytest

from tests import conftest as of_the_server
from tests.conftest import pytest_pycollect_makeitem

__all__ = ["pytest_pycollect_makeitem"]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have the options of the server's tests, also when none of these run.

    pytest knows a conftest.py by its path, so it loads this one only once.
    """
    path = str(Path(of_the_server.__file__))
    if not pluginmanager.has_plugin(path):
        pluginmanager.register(of_the_server, path)
