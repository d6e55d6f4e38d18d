"""What the tests of a cluster ask for. Without ``--citus`` (tests/on_cluster.py) they are not collected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.citus_nodes import Cluster, run_cluster
from tests.kept_connections import KEPT


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if config.getoption("citus", None) is not None or collection_path.name == "conftest.py" else True


@pytest.fixture(scope="session")
def own_cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A cluster apart from the other tests': its nodes are killed."""
    with run_cluster(pytestconfig.getoption("citus")) as cluster:
        yield cluster


@pytest.fixture
def cluster(own_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster on which the tests' databases are. No test inherits a connection whose nodes were killed."""
    yield own_cluster
    KEPT.forget_all()


@pytest.fixture
def primary(cluster: Cluster) -> Cluster:
    return cluster


@pytest.fixture
def url(database: str) -> str:
    """The register's address, which is the coordinator's."""
    return database
