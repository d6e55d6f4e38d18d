"""PADRON_READ_DATABASE_URL and how far behind it may be: both are for PostgreSQL, and for one replica."""

import pytest

from padron.config import SettingsError, give_environment, read_settings
from tests.tables import each_row

PRIMARY = {"PADRON_DATABASE_URL": "postgresql://padron@db-1/padron"}
REPLICA = "postgresql://reader:secret@db-2/padron"


def test_without_the_setting_there_is_no_replica() -> None:
    settings = read_settings(PRIMARY)
    assert (settings.read_database_url, settings.read_staleness_s) == ("", 2.0)
    assert read_settings(give_environment(settings)) == settings


def test_both_reach_other_processes_as_they_are() -> None:
    settings = read_settings({**PRIMARY, "PADRON_READ_DATABASE_URL": REPLICA, "PADRON_READ_STALENESS_S": "0.5"})
    assert (settings.read_database_url, settings.read_staleness_s) == (REPLICA, 0.5)
    assert read_settings(give_environment(settings)) == settings
    assert ":secret@" not in repr(settings)


def test_the_options_count_before_the_variables() -> None:
    settings = read_settings(
        {**PRIMARY, "PADRON_READ_DATABASE_URL": "postgresql://elsewhere/padron", "PADRON_READ_STALENESS_S": "1"},
        {"read_database_url": REPLICA, "read_staleness_s": "10"},
    )
    assert (settings.read_database_url, settings.read_staleness_s) == (REPLICA, 10.0)


@each_row(
    "text",
    [
        "sqlite:///padron.db",
        "oracle://db-2/padron",
        "db-2",
        "postgresql://reader:secret@db-2,db-3/padron",
        "postgresql://reader:secret@/padron?host=db-2,db-3",
        "postgresql://reader:secret@/padron?host=db-2%2Cdb-3",
    ],
)
def test_what_is_not_one_replica_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(SettingsError, match=r"PADRON_READ_DATABASE_URL (is|has|names)") as refused:
        read_settings({**PRIMARY, "PADRON_READ_DATABASE_URL": text})
    assert "secret" not in str(refused.value)


def test_a_sqlite_file_has_no_replica() -> None:
    with pytest.raises(SettingsError, match="--read-database-url names a replica of PostgreSQL"):
        read_settings({"PADRON_DATABASE_URL": "sqlite:///padron.db"}, {"read_database_url": REPLICA})
    with pytest.raises(SettingsError, match="the database is a SQLite file"):
        read_settings({"PADRON_READ_DATABASE_URL": REPLICA})


@each_row("text", ["0", "0.1", "-1", "301", "two", "1e1", "nan", "inf", "٢", "2 ", "1.", "2s"])
def test_staleness_is_seconds_within_limits(text: str) -> None:
    with pytest.raises(SettingsError, match=r"PADRON_READ_STALENESS_S is .*: use seconds from 0.2 to 300"):
        read_settings({**PRIMARY, "PADRON_READ_STALENESS_S": text})
