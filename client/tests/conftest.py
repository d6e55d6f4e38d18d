"""What the tests of the client may ask for. They run against servers that are processes of their own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from padron_client import AsyncClient, Client
from tests import conftest as of_the_server
from tests.conftest import pytest_pycollect_makeitem
from tests.e2e.program import Fleet, make_fleets, run_server

__all__ = ["pytest_pycollect_makeitem"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """A server with an account, and a key that may do everything."""

    url: str
    fleet: Fleet

    @property
    def key(self) -> str:
        return self.fleet.token

    @property
    def vin(self) -> str:
        return self.fleet.vins[0]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have the options of the server's tests, also when none of these run.

    pytest knows a conftest.py by its path, so it loads this one only once.
    """
    path = str(Path(of_the_server.__file__))
    if not pluginmanager.has_plugin(path):
        pluginmanager.register(of_the_server, path)


@pytest.fixture(scope="module")
async def register(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Register]:
    """A server on SQLite that the tests of a module share."""
    folder = tmp_path_factory.mktemp("register")
    url = f"sqlite:///{folder / 'padron.db'}"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=120)
    async with run_server(url, folder) as server:
        yield Register(url=f"http://127.0.0.1:{server.port}", fleet=fleet)


@pytest.fixture
def client(register: Register) -> Iterator[Client]:
    with Client(register.url, register.key) as client:
        yield client


@pytest.fixture
async def async_client(register: Register) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(register.url, register.key) as client:
        yield client
