"""The settings of the program. Only this module reads options and environment variables, and only once.

It refuses a wrong value and an unknown ``PADRON_`` variable, and names them. The database URL can contain a password,
so no message of this module repeats more of it than its scheme.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple
from urllib.parse import unquote

from padron.database_urls import SQLITE, find_fault
from padron.domain.keeping import AGE_NAMES, DEFAULT_AGES, AgeError, KeptAges, build_ages, parse_age
from padron.domain.limits import DEFAULT_LIMITS, LIMIT_NAMES, VALUE_MAX, Limits, build_limits, parse_value
from padron.domain.quoting import quote, show_word
from padron.network_settings import (
    PORT_MAX,
    ListenAddress,
    find_listen_fault,
    find_origins_fault,
    find_root_fault,
    list_origins,
    parse_listen,
)

PREFIX = "PADRON_"
STALENESS_S_MIN = 0.2
STALENESS_S_MAX = 300.0

_COMPARED_MAX = 60  # characters: comparing more with the known names takes long

_match_port = re.compile("[0-9]{1,5}").fullmatch
_match_count = re.compile("[0-9]{1,5}").fullmatch
_match_seconds = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?").fullmatch
_match_host = re.compile(r"[0-9A-Za-z._:%-]{1,255}").fullmatch
# The pattern ends at the last @, because a password may contain an @ that should have been percent-encoded. The
# lengths are limited, so that the time to match is linear.
_URL_PASSWORD = re.compile(r"(://[^\s/:@]{0,100}):\S{0,120}@|(\bpassword=)[^\s&'\"]+", re.IGNORECASE)


class LogForm(StrEnum):
    """The form of a line in the log."""

    JSON = "json"
    TEXT = "text"


class Switch(StrEnum):
    """Whether a part of the server works."""

    ON = "on"
    OFF = "off"


class SettingsError(Exception):
    """A wrong setting: its name, what is wrong, and what to do."""


class _GivenSetting(NamedTuple):
    """A setting as it was given: by which option or variable, and its text."""

    source: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What an operator can choose. The printed form does not show the URLs, because they can contain a password."""

    database_url: str = field(default="sqlite:///padron.db", repr=False)
    host: str = "127.0.0.1"
    port: int = 8080  # 0: any free port
    log: LogForm = LogForm.TEXT
    read_database_url: str = field(default="", repr=False)  # of a streaming replica, for reads that may be behind
    read_staleness_s: float = 2.0  # the maximum delay of such reads
    webhook_allow: str = ""  # networks besides the public internet that webhooks may reach, by http and any port too
    tls_cert: str = ""  # files in PEM: the certificate with its chain, and its key; without both, plain HTTP
    tls_key: str = ""
    forwarded_allow: str = ""  # networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    root_path: str = ""  # the path below which a proxy shows the server
    secret_file: str = ""  # a file with keys that encrypt the secrets of webhooks
    cors_origins: str = ""  # the origins of pages that may call the API
    backup_to: str = ""  # the folder of the continuous backup of a SQLite file
    backup_keep_days: int = 7  # any instant since then can be restored
    backup_base_mb: int = 1_024  # of log, after which the continuous backup makes a new base
    limits: Limits = DEFAULT_LIMITS
    keep: KeptAges = DEFAULT_AGES
    archive_to: str = ""  # an existing folder for archived changes; empty: none are archived
    metrics_listen: str = ""  # HOST:PORT of the metrics; empty: none
    access_log: Switch = Switch.ON
    otel: Switch = Switch.OFF  # traces; the variables OTEL_... say where they go
    providers: str = ""  # a file with the identity providers whose tokens are taken

    @property
    def is_sqlite(self) -> bool:
        """Say whether the database is a SQLite file. If not, it is PostgreSQL."""
        return self.database_url.startswith(f"{SQLITE}:")

    @property
    def sqlite_path(self) -> str:
        """Give the path of the SQLite file: relative after three slashes, absolute after four."""
        return unquote(self.database_url.removeprefix(f"{SQLITE}:///"))

    @property
    def webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Give the networks of ``webhook_allow``."""
        return _list_networks(self.webhook_allow)

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Give the networks of ``forwarded_allow``."""
        return _list_networks(self.forwarded_allow)

    @property
    def metrics_address(self) -> ListenAddress | None:
        """Give where the first process serves its metrics; None if nobody asked for them."""
        return parse_listen(self.metrics_listen)

    @property
    def origins(self) -> frozenset[str]:
        """Give the origins of ``cors_origins``."""
        return frozenset(list_origins(self.cors_origins)) if self.cors_origins else frozenset()


_NAMED = (
    "database_url", "host", "port", "log", "webhook_allow", "read_database_url", "read_staleness_s",
    "tls_cert", "tls_key", "secret_file", "forwarded_allow", "root_path", "cors_origins", "backup_to",
    "backup_keep_days", "backup_base_mb", "limits", "metrics_listen", "access_log", "otel",
    "keep", "archive_to", "providers",
)  # fmt: skip
VARIABLES = {f"{PREFIX}{name.upper()}": name for name in _NAMED}

_NAMES = [variable.removeprefix(PREFIX) for variable in VARIABLES]


def read_settings(environment: Mapping[str, str], options: Mapping[str, str | None] | None = None) -> Settings:
    """Give the settings. An option overrides its variable, and a variable overrides the default.

    ``options`` are by field name, with None for an option that is not given. An empty variable counts as unset. Raises
    ``SettingsError``.
    """
    _check_names(environment)
    given: dict[str, _GivenSetting] = {}
    for variable, name in VARIABLES.items():
        if environment.get(variable):
            given[name] = _GivenSetting(variable, environment[variable])
    for name, value in (options or {}).items():
        if value is not None:
            given[name] = _GivenSetting(f"--{name.replace('_', '-')}", value)
    defaults = Settings()
    settings = Settings(
        database_url=_parse_url(*given["database_url"]) if "database_url" in given else defaults.database_url,
        host=_parse_host(*given["host"]) if "host" in given else defaults.host,
        port=_parse_port(*given["port"]) if "port" in given else defaults.port,
        log=_parse_log(*given["log"]) if "log" in given else defaults.log,
        webhook_allow=(
            _parse_networks(*given["webhook_allow"]) if "webhook_allow" in given else defaults.webhook_allow
        ),
        read_database_url=(
            _parse_read_url(*given["read_database_url"]) if "read_database_url" in given else defaults.read_database_url
        ),
        read_staleness_s=(
            _parse_staleness(*given["read_staleness_s"]) if "read_staleness_s" in given else defaults.read_staleness_s
        ),
        tls_cert=_pick(given, "tls_cert", _parse_file),
        tls_key=_pick(given, "tls_key", _parse_file),
        secret_file=_pick(given, "secret_file", _parse_file),
        forwarded_allow=_pick(given, "forwarded_allow", _parse_networks),
        root_path=_pick(given, "root_path", _parse_root_path),
        cors_origins=_pick(given, "cors_origins", _parse_origins),
        backup_to=_pick(given, "backup_to", _parse_file),
        backup_keep_days=_pick_count(given, "backup_keep_days", defaults.backup_keep_days),
        backup_base_mb=_pick_count(given, "backup_base_mb", defaults.backup_base_mb),
        limits=_parse_limits(*given["limits"]) if "limits" in given else defaults.limits,
        keep=_parse_ages(*given["keep"]) if "keep" in given else defaults.keep,
        archive_to=_pick(given, "archive_to", _parse_file),
        metrics_listen=_pick(given, "metrics_listen", _parse_listen),
        access_log=_parse_switch(*given["access_log"]) if "access_log" in given else defaults.access_log,
        otel=_parse_switch(*given["otel"]) if "otel" in given else defaults.otel,
        providers=_pick(given, "providers", _parse_file),
    )
    _check_tls(given)
    _check_archive(settings, given)
    if settings.backup_to and not settings.is_sqlite:
        raise SettingsError(
            f"{given['backup_to'][0]} is for a SQLite file, and the database is PostgreSQL, which has its own tools "
            "for a continuous backup. Leave it out, and see docs/backup.md."
        )
    if settings.read_database_url and settings.is_sqlite:
        raise SettingsError(
            f"{given['read_database_url'][0]} names a replica of PostgreSQL, but the database is a SQLite file. "
            "Leave it out, or set PADRON_DATABASE_URL to the primary of the replica."
        )
    return settings


def give_environment(settings: Settings) -> dict[str, str]:
    """Give the environment variables from which another process reads the same settings."""
    return {variable: str(getattr(settings, name)) for variable, name in VARIABLES.items()}


def hide_passwords(text: str) -> str:
    """Give the text for a message or a log, with the password of every URL in it replaced."""
    return _URL_PASSWORD.sub(lambda match: f"{match[1]}:***@" if match[1] else f"{match[2]}***", text)


def _check_names(environment: Mapping[str, str]) -> None:
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name not in VARIABLES:
            # Without the prefix, because it would make every name look similar.
            near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), _NAMES, n=1)
            hint = f"Did you mean {PREFIX}{near[0]}?" if near else f"The variables are {', '.join(VARIABLES)}."
            raise SettingsError(f"The environment variable {show_word(name)} is unknown. {hint}")


def _pick(given: Mapping[str, _GivenSetting], name: str, parse: Callable[[str, str], str]) -> str:
    """Give a setting whose default is empty text."""
    return parse(*given[name]) if name in given else ""


def _pick_count(given: Mapping[str, _GivenSetting], name: str, default: int) -> int:
    """Give a setting that is a whole number above zero."""
    if name not in given:
        return default
    source, text = given[name]
    if _match_count(text) is None or int(text) == 0:
        raise SettingsError(f"{source} is {quote(text)}: use a whole number from 1 to 99999.")
    return int(text)


def _check_tls(given: Mapping[str, _GivenSetting]) -> None:
    for one, other, what in (("tls_cert", "tls_key", "key"), ("tls_key", "tls_cert", "certificate")):
        if one in given and other not in given:
            option = f"--{other.replace('_', '-')}"
            raise SettingsError(f"{given[one].source} is set without its {what}. Name the file with {option} as well.")


def _check_archive(settings: Settings, given: Mapping[str, _GivenSetting]) -> None:
    if (settings.keep.changes is None) != (not settings.archive_to):
        one = given["archive_to"].source if settings.archive_to else given["keep"].source
        raise SettingsError(
            f"{one} needs its other half: --keep changes=AGE says what is archived, and --archive-to DIR says where."
        )


def _parse_url(source: str, text: str) -> str:
    fault = find_fault(text)
    if fault is not None:
        raise SettingsError(f"{source}{fault}")
    return text


def _parse_read_url(source: str, text: str) -> str:
    url = _parse_url(source, text)
    if url.startswith(f"{SQLITE}:"):
        raise SettingsError(f"{source} names a SQLite file, but only PostgreSQL has replicas to read from.")
    if "," in unquote(url.rpartition("@")[2]):
        # The delay of one replica says nothing about another one, which the next connection could reach.
        raise SettingsError(f"{source} names several servers. Name one replica; each server can have its own.")
    return url


def _parse_staleness(source: str, text: str) -> float:
    if _match_seconds(text) is None or not STALENESS_S_MIN <= float(text) <= STALENESS_S_MAX:
        raise SettingsError(
            f"{source} is {quote(text)}: use seconds from {STALENESS_S_MIN:g} to {STALENESS_S_MAX:g}, such as 2 or 0.5."
        )
    return float(text)


def _parse_host(source: str, text: str) -> str:
    if _match_host(text) is None:
        raise SettingsError(f"{source} is {quote(text)}, which is neither a host name nor an address.")
    return text


def _parse_port(source: str, text: str) -> int:
    if _match_port(text) is None or int(text) > PORT_MAX:
        raise SettingsError(f"{source} is {quote(text)}: use a port from 0 (any free port) to {PORT_MAX}.")
    return int(text)


def _parse_log(source: str, text: str) -> LogForm:
    try:
        return LogForm(text)
    except ValueError:
        raise SettingsError(f"{source} is {quote(text)}: use json or text.") from None


def _parse_file(source: str, text: str) -> str:
    if "\0" in text:
        raise SettingsError(f"{source} is {quote(text)}, which cannot be the name of a file.")
    return text


def _parse_root_path(source: str, text: str) -> str:
    fault = find_root_fault(text)
    if fault is not None:
        raise SettingsError(f"{source}{fault}")
    return text


def _parse_origins(source: str, text: str) -> str:
    fault = find_origins_fault(text)
    if fault is not None:
        raise SettingsError(f"{source}{fault}")
    return ",".join(list_origins(text))


def _parse_listen(source: str, text: str) -> str:
    fault = find_listen_fault(text)
    if fault is not None:
        raise SettingsError(f"{source}{fault}")
    return text


def _parse_switch(source: str, text: str) -> Switch:
    try:
        return Switch(text)
    except ValueError:
        raise SettingsError(f"{source} is {quote(text)}: use on or off.") from None


def _list_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part) for part in text.split(",") if part)


def _parse_networks(source: str, text: str) -> str:
    """Give the networks in their usual form, with commas between them."""
    networks = []
    for part in text.split(","):
        try:
            networks.append(str(ip_network(part.strip())))
        except ValueError:
            raise SettingsError(
                f"{source} has {quote(part.strip())}, which is not a network. "
                "Use CIDRs such as 10.1.0.0/16,fd00:1::/64."
            ) from None
    return ",".join(networks)


def _parse_limits(source: str, text: str) -> Limits:
    """Give the limits of a text such as ``vehicles=2000000,keys=500``."""
    given: dict[str, int] = {}
    for part in text.split(","):
        name, mark, value = (piece.strip() for piece in part.partition("="))
        if name not in LIMIT_NAMES:
            near = difflib.get_close_matches(name[:_COMPARED_MAX], LIMIT_NAMES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The limits are {', '.join(LIMIT_NAMES)}."
            raise SettingsError(f"{source} has {quote(name)}, which is not a limit. {hint}")
        if name in given:
            raise SettingsError(f"{source} has {name} twice. Name each limit once.")
        number = parse_value(value) if mark else None
        if number is None:
            raise SettingsError(
                f"{source} has {quote(part.strip())}: use {name}= and a whole number from 1 to {VALUE_MAX}."
            )
        given[name] = number
    return build_limits(given)


def _parse_ages(source: str, text: str) -> KeptAges:
    """Give the ages of a text such as ``changes=5y,runs=90d``."""
    given: dict[str, timedelta | None] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in AGE_NAMES:
            near = difflib.get_close_matches(name[:_COMPARED_MAX], AGE_NAMES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The kinds are {', '.join(AGE_NAMES)}."
            raise SettingsError(f"{source} has {quote(name)}, which has no age. {hint}")
        if name in given:
            raise SettingsError(f"{source} has {name} twice. Name each kind once.")
        try:
            given[name] = parse_age(value)
        except AgeError:
            raise SettingsError(
                f"{source} has {quote(part.strip())}: use {name}= and 1d to 36525d, such as 90d, 26w or 5y, or forever."
            ) from None
    return build_ages(given)
