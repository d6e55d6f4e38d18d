"""The settings that say how clients reach the server: TLS, proxies, root path and origins, checked at the start."""

from ipaddress import ip_network

import pytest

from padron.config import SettingsError, give_environment, read_settings
from padron.http.routes import ROUTES
from padron.network_settings import ORIGINS_MAX, OWN_PARTS, ROOT_LENGTH_MAX
from tests.tables import each_row

ALL = {
    "PADRON_TLS_CERT": "server.pem",
    "PADRON_TLS_KEY": "/etc/padron/server.key",
    "PADRON_FORWARDED_ALLOW": "10.1.0.0/16, fd00:1::/64,127.0.0.1",
    "PADRON_ROOT_PATH": "/fleet/padron",
    "PADRON_CORS_ORIGINS": "https://a.example, HTTPS://B.example:8443",
}


def test_without_the_settings_there_is_plain_http_and_nobody_is_believed() -> None:
    settings = read_settings({})
    assert (settings.tls_cert, settings.tls_key, settings.root_path) == ("", "", "")
    assert settings.proxy_networks == ()
    assert settings.origins == frozenset()


def test_all_of_them_reach_other_processes_as_they_are() -> None:
    settings = read_settings(ALL)
    assert settings.proxy_networks == tuple(ip_network(one) for one in ("10.1.0.0/16", "fd00:1::/64", "127.0.0.1/32"))
    assert settings.origins == {"https://a.example", "https://b.example:8443"}
    assert settings.root_path == "/fleet/padron"
    assert (settings.tls_cert, settings.tls_key) == ("server.pem", "/etc/padron/server.key")
    assert read_settings(give_environment(settings)) == settings


def test_the_options_count_before_the_variables() -> None:
    settings = read_settings(
        ALL,
        {
            "tls_cert": "other.pem",
            "tls_key": "other.key",
            "forwarded_allow": "192.0.2.1",
            "root_path": "/other",
            "cors_origins": "http://localhost:3000",
        },
    )
    assert (settings.tls_cert, settings.tls_key, settings.root_path) == ("other.pem", "other.key", "/other")
    assert settings.proxy_networks == (ip_network("192.0.2.1/32"),)
    assert settings.origins == {"http://localhost:3000"}


@each_row(
    "environment, options, said",
    [
        ({"PADRON_TLS_CERT": "a.pem"}, {}, "PADRON_TLS_CERT is set without its key. Name the file with --tls-key"),
        ({"PADRON_TLS_KEY": "a.key"}, {}, "PADRON_TLS_KEY is set without its certificate"),
        ({}, {"tls_cert": "a.pem"}, "--tls-cert is set without its key"),
        ({}, {"tls_key": "a.key"}, "--tls-key is set without its certificate. Name the file with --tls-cert"),
    ],
)
def test_certificate_and_key_are_set_together(environment: dict[str, str], options: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_settings(environment, {**options})


def test_certificate_and_key_may_come_from_an_option_and_a_variable() -> None:
    settings = read_settings({"PADRON_TLS_KEY": "a.key"}, {"tls_cert": "a.pem"})
    assert (settings.tls_cert, settings.tls_key) == ("a.pem", "a.key")


@each_row("text", ["/padron", "/a/b-c/d_e~1", "/v1.2", f"/{'x' * (ROOT_LENGTH_MAX - 1)}", "/.known"])
def test_a_root_path_is_taken_as_it_is(text: str) -> None:
    assert read_settings({"PADRON_ROOT_PATH": text}).root_path == text


@each_row(
    "text",
    [
        "/", "padron", "/padron/", "//padron", "/a//b", "/.", "/..", "/a/../b", "/a/.", "/a b", "/padrón", "/a%2Fb",
        "/a?b", "/a#b", "/a;b", "https://a.example/padron", "/a\n", "/<b>", '/"', f"/{'x' * ROOT_LENGTH_MAX}",
        " /padron", *(f"/{part}" for part in OWN_PARTS), "/api/padron",
    ],
)  # fmt: skip
def test_what_is_no_root_path_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^PADRON_ROOT_PATH (is|has) "):
        read_settings({"PADRON_ROOT_PATH": text})


def test_a_root_path_cannot_begin_like_any_address_of_the_server() -> None:
    assert {route.path.split("/")[1] for route in ROUTES} - {""} | {"console"} == set(OWN_PARTS)


@each_row(
    "text",
    [
        "https://a.example",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
        "https://a.example:80",
    ],
)
def test_an_origin_is_taken_as_browsers_send_it(text: str) -> None:
    assert read_settings({"PADRON_CORS_ORIGINS": text}).origins == {text}


@each_row(
    "text",
    [
        "*", "null", "a.example", "https://a.example/", "https://a.example/app", "https://*.example", "https://",
        "file://x", "https://a.example:443", "http://a.example:80", "https://a.example:0", "https://a.example:99999",
        "https://user@a.example", "https://a.example,", "https://a.example https://b.example", "https://añil.example",
        "ftp://a.example", "https://a.example\n", "https://[::1", ",".join(["https://a.example"] * (ORIGINS_MAX + 1)),
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^PADRON_CORS_ORIGINS (is|has) "):
        read_settings({"PADRON_CORS_ORIGINS": text})


@each_row("text", ["*", "10.1.0.0/8", "proxy.example", "10.0.0.0/8,", "true"])
def test_what_is_no_network_of_proxies_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"PADRON_FORWARDED_ALLOW has .*, which is not a network"):
        read_settings({"PADRON_FORWARDED_ALLOW": text})
