"""A plugin that runs the tests of PostgreSQL on a Citus cluster: ``pytest -p tests.on_cluster --citus PG_CONFIG``.

Tests of SQLite, of replicas, of databases that only look like a cluster's, and of what only plain PostgreSQL does are
left out.
"""

import pytest

_OF_PLAIN_POSTGRES = {"platform", "replica", "replica_server", "replicated_server", "second_server", "spread_database"}
_OF_POSTGRES = {"cluster", "on_postgres", "postgres_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--citus", metavar="PG_CONFIG", required=True, help="the pg_config of a PostgreSQL with Citus")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = {item for item in items if not runs_on_cluster(item)}
    config.hook.pytest_deselected(items=[*out])
    items[:] = [item for item in items if item not in out]


def runs_on_cluster(item: pytest.Item) -> bool:
    """Say whether a test has something to tell about a cluster."""
    fixtures = {*getattr(item, "fixturenames", ())}
    if item.get_closest_marker("plain_postgres") is not None or fixtures & _OF_PLAIN_POSTGRES:
        return False
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return parameters.get("engine") == "postgres" or bool(fixtures & _OF_POSTGRES) or _names_postgres(item)


def _names_postgres(item: pytest.Item) -> bool:
    """Say whether the file of a test has an engine of its own, and it is PostgreSQL."""
    engine = getattr(getattr(item, "module", None), "engine", None)
    function = getattr(engine, "__wrapped__", None) or getattr(engine, "_get_wrapped_function", lambda: None)()
    return function is not None and "postgres" in function.__code__.co_consts
