"""PADRON_WEBHOOK_ALLOW and --webhook-allow: which networks webhooks may reach besides the public internet."""

from ipaddress import ip_network

import pytest

from padron.config import SettingsError, give_environment, read_settings
from tests.tables import each_row


def test_without_the_setting_no_network_is_allowed() -> None:
    assert read_settings({}).webhook_networks == ()


def test_networks_stand_between_commas_and_reach_other_processes_as_they_are() -> None:
    settings = read_settings({"PADRON_WEBHOOK_ALLOW": "10.1.0.0/16, fd00:1::/64,127.0.0.1"})
    assert settings.webhook_networks == tuple(ip_network(one) for one in ("10.1.0.0/16", "fd00:1::/64", "127.0.0.1/32"))
    assert read_settings(give_environment(settings)) == settings


def test_the_option_counts_before_the_variable() -> None:
    settings = read_settings({"PADRON_WEBHOOK_ALLOW": "10.1.0.0/16"}, {"webhook_allow": "127.0.0.0/8"})
    assert settings.webhook_networks == (ip_network("127.0.0.0/8"),)


@each_row("text", ["10.1.0.0/8", "10.0.0.0/33", "*", "localhost", "10.0.0.0/8,", "10.0.0.0/8 fd00::/8", "true"])
def test_what_is_no_network_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="PADRON_WEBHOOK_ALLOW"):
        read_settings({"PADRON_WEBHOOK_ALLOW": text})
