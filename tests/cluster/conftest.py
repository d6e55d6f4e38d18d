"""What the tests of a cluster ask for. Without ``--citus`` (tests/on_cluster.py) they are not collected."""

from pathlib import Path

import pytest

from tests.citus_nodes import Cluster
from tests.postgres import Postgres


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if config.getoption("citus", None) is not None or collection_path.name == "conftest.py" else True


@pytest.fixture
def cluster(postgres_server: Postgres) -> Cluster:
    """The cluster on which the tests' databases are."""
    assert isinstance(postgres_server, Cluster)
    return postgres_server


@pytest.fixture
def url(database: str) -> str:
    """The register's address, which is the coordinator's."""
    return database
