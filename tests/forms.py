"""The forms of a test, one for each engine, and which of them a run leaves out (tests/README.md)."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ENGINES = ("sqlite", "postgres")

# A form of tests on PostgreSQL: their database looks like one that Citus spreads (tests/spread.py). It is long, except
# in files with the mark ``spread``. These folders have it, but for files about what a cluster does not have.
SPREAD = "spread"
_SPREAD_FOLDERS = [Path(__file__).parent / name for name in ("http", "service", "delivery", "store")]
_NOT_SPREAD_FILES = {
    # the schema itself, of before and of later, and the plans of one database
    "test_bulk_scope.py", "test_closed_sets.py", "test_counters.py", "test_distribution.py", "test_newer_schemas.py",
    "test_ports.py", "test_postgres_plans.py", "test_schema.py",
    # what asks Citus' own functions, or holds which calls wait for each other; these run on a real cluster
    "test_archiving.py", "test_deletion.py", "test_doctor.py", "test_gate_questions.py",
    # a database whose role or server another one takes over
    "test_postgres_outages.py", "test_replica.py", "test_replicas.py", "test_server_troubles.py",
}  # fmt: skip


# Left out between two edits, beside campaigns and PostgreSQL.
_SLOW_FILES = {
    # start many processes
    "test_background_imports.py", "test_generators.py", "test_import_options.py", "test_import_places.py",
    "test_imports.py", "test_scan_vins.py",
    # wait for what happens after a time
    "test_authority.py", "test_deadlines.py", "test_rate_limits.py", "test_waiting.py", "test_webhooks.py",
    # do much: render every page, read large lists, cancel at every step
    "test_clock.py", "test_cuts.py", "test_export_vehicles.py", "test_limits_at_once.py", "test_pages.py",
    "test_root_path.py",
}  # fmt: skip
_POSTGRES_FIXTURES = {"postgres_server", "replicated_server", "replica_server", "on_postgres"}


def can_be_spread(path: Path) -> bool:
    """Say whether the tests of a file also run on a database that looks like a cluster's."""
    return path.name not in _NOT_SPREAD_FILES and any(path.is_relative_to(folder) for folder in _SPREAD_FOLDERS)


def is_long(item: pytest.Item) -> bool:
    """Say whether `make test` leaves out a test: it bears the mark, for every engine or for the one that it runs on."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return is_form_long(item.iter_markers(), parameters)


def is_form_long(marks: Iterable[pytest.Mark], parameters: Mapping[str, object]) -> bool:
    engine, marks = parameters.get("engine"), list(marks)
    if engine == SPREAD and not any(mark.name == "spread" for mark in marks):
        return True
    forms = {"postgres", SPREAD} if engine == SPREAD else {engine}
    return any(mark.name == "long" and (not mark.args or not forms.isdisjoint(mark.args)) for mark in marks)


def is_slow(item: pytest.Item) -> bool:
    """Say whether a test is left out between two edits."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    fixtures = {*getattr(item, "fixturenames", ())}
    takes_long = is_long(item) or item.get_closest_marker("campaign") is not None or is_slow_file(item.path)
    return parameters.get("engine") in {"postgres", SPREAD} or takes_long or not fixtures.isdisjoint(_POSTGRES_FIXTURES)


def is_slow_file(path: Path) -> bool:
    """Say whether a file's tests are left out between two edits; the rules of the domain never are."""
    return path.name in _SLOW_FILES and path.parent.name != "domain"
