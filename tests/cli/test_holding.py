"""Whether a server has the SQLite file."""

from pathlib import Path

import pytest

from padron.cli.holding import hold_file, may_be_served
from padron.config import Settings, read_settings
from padron.domain.errors import Code, PadronError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"PADRON_DATABASE_URL": f"sqlite:///{tmp_path}/padron.db"})


def test_a_file_that_is_held_takes_no_other_server_and_is_told_from_one_that_is_free(settings: Settings) -> None:
    assert not may_be_served(settings)
    with hold_file(settings):
        assert may_be_served(settings)
        with pytest.raises(PadronError, match="one SQLite file takes one server") as caught, hold_file(settings):
            pass
        assert caught.value.code is Code.STORE_UNAVAILABLE
    assert not may_be_served(settings)


def test_asking_makes_no_file_and_is_in_no_servers_way(settings: Settings, tmp_path: Path) -> None:
    assert not may_be_served(settings)
    assert list(tmp_path.iterdir()) == []
    with hold_file(settings):
        pass
    assert not may_be_served(settings)
    with hold_file(settings):
        pass


def test_other_servers_of_a_postgresql_are_not_known() -> None:
    assert may_be_served(read_settings({"PADRON_DATABASE_URL": "postgresql://127.0.0.1/padron"}))
