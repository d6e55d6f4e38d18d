"""PADRON_LIMITS and --limits: other limits than the default ones, by their names."""

from dataclasses import replace

import pytest

from padron.config import SettingsError, give_environment, read_settings
from padron.domain.limits import DEFAULT_LIMITS, LIMIT_NAMES, VALUE_MAX
from tests.tables import each_row


def test_without_the_setting_the_limits_are_the_default_ones() -> None:
    assert read_settings({}).limits == DEFAULT_LIMITS
    assert str(DEFAULT_LIMITS) == ""


def test_named_limits_change_and_the_others_stay() -> None:
    settings = read_settings({"PADRON_LIMITS": "vehicles=2000, keys = 5"})
    assert settings.limits == replace(DEFAULT_LIMITS, vehicles=2_000, keys=5)


@each_row("name", LIMIT_NAMES)
def test_each_limit_can_be_set_and_reaches_other_processes_as_it_is(name: str) -> None:
    settings = read_settings({"PADRON_LIMITS": f"{name}=7"})
    assert settings.limits == replace(DEFAULT_LIMITS, **{name: 7})
    assert read_settings(give_environment(settings)) == settings


def test_the_option_counts_before_the_variable() -> None:
    settings = read_settings({"PADRON_LIMITS": "vehicles=2000"}, {"limits": "keys=5"})
    assert settings.limits == replace(DEFAULT_LIMITS, keys=5)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"PADRON_LIMITS has .vehicels., .* Did you mean vehicles"):
        read_settings({"PADRON_LIMITS": "keys=5,vehicels=5"})


def test_a_name_that_is_like_none_gets_the_list() -> None:
    with pytest.raises(SettingsError, match=r"which is not a limit\. The limits are vehicles, keys, "):
        read_settings({}, {"limits": "zzzz=5"})


@each_row(
    "value",
    ["", "=", "=0", "=-1", "=1.5", "=1e3", "=1_000", "=many", "=\uff11", f"={VALUE_MAX + 1}", f"={10**99}"],
)
def test_what_is_no_positive_whole_number_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"--limits has .*: use vehicles= and a whole number from 1 to"):
        read_settings({}, {"limits": f"vehicles{value}"})


def test_a_limit_stands_once() -> None:
    with pytest.raises(SettingsError, match="has vehicles twice"):
        read_settings({"PADRON_LIMITS": "vehicles=5,keys=5,vehicles=6"})
