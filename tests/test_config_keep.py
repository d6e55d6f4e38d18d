"""PADRON_KEEP and PADRON_ARCHIVE_TO: how long data stays, and where archived changes go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.config import SettingsError, give_environment, read_settings
from padron.domain.keeping import AGE_NAMES, DEFAULT_AGES
from tests.tables import each_row

PLACE = {"PADRON_ARCHIVE_TO": "archives"}


def test_without_the_setting_the_ages_are_the_default_ones() -> None:
    assert read_settings({}).keep == DEFAULT_AGES
    assert DEFAULT_AGES.changes is DEFAULT_AGES.runs is DEFAULT_AGES.results is None
    assert str(DEFAULT_AGES) == ""


@each_row("name", AGE_NAMES)
@each_row("text, days", [("7d", 7), ("26w", 182), ("5y", 1_825), ("36525d", 36_525)])
def test_each_age_can_be_set_and_reaches_other_processes_as_it_is(name: str, text: str, days: int) -> None:
    settings = read_settings({"PADRON_KEEP": f"{name}={text}"} | (PLACE if name == "changes" else {}))
    assert settings.keep == replace(DEFAULT_AGES, **{name: timedelta(days=days)})
    assert read_settings(give_environment(settings)) == settings


def test_what_has_a_default_can_be_kept_for_ever() -> None:
    settings = read_settings({"PADRON_KEEP": "refusals=forever, imports=1d"})
    assert settings.keep == replace(DEFAULT_AGES, refusals=None, imports=timedelta(days=1))
    assert read_settings(give_environment(settings)) == settings


@each_row("value", ["", "=", "=0d", "=-1d", "=1.5y", "=90", "=5m", "=36526d", "=101y", "=\uff11d", "=ever"])
def test_what_is_no_age_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"--keep has .*: use runs= and 1d to 36525d, such as 90d"):
        read_settings({}, {"keep": f"runs{value}"})


def test_unknown_and_repeated_names_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"has .chnages., which has no age\. Did you mean changes"):
        read_settings({"PADRON_KEEP": "chnages=5y"})
    with pytest.raises(SettingsError, match="has runs twice"):
        read_settings({"PADRON_KEEP": "runs=1y,runs=2y"})


def test_an_age_of_changes_needs_a_place_and_a_place_needs_an_age() -> None:
    with pytest.raises(SettingsError, match=r"^--keep needs its other half"):
        read_settings({}, {"keep": "changes=5y"})
    with pytest.raises(SettingsError, match=r"^PADRON_ARCHIVE_TO needs its other half"):
        read_settings(PLACE)
    with pytest.raises(SettingsError, match=r"^PADRON_ARCHIVE_TO needs its other half"):
        read_settings({**PLACE, "PADRON_KEEP": "runs=1y"})
