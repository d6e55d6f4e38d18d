"""The options that commands share, and the parsers for the texts of options."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from cyclopts import Parameter

from padron.cli.actors import give_actor
from padron.cli.holding import check_name
from padron.cli.outputs import UsageError
from padron.config import Settings, read_settings
from padron.domain import instants
from padron.domain.administration import Doer
from padron.domain.errors import PadronError
from padron.domain.quoting import quote
from padron.service.runtime import Runtime
from padron.wiring import use_runtime

T = TypeVar("T")

EXPIRES_IN_MAX = timedelta(days=36_525)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_match_without_seconds = re.compile("([0-9-]{10}[Tt][0-9]{2}:[0-9]{2})([Zz]|[+-][0-9:]{5})").fullmatch
_match_date = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_match_duration = re.compile("([0-9]{1,10})([smhdw])").fullmatch

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print only one JSON document.")]

Csv = Annotated[bool, Parameter(name="--csv", negative="", help="Print only CSV.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Settings that every command has. An option overrides its environment variable."""

    database_url: str | None = None
    """sqlite:///FILE or postgresql://USER@HOST/DATABASE [PADRON_DATABASE_URL; default sqlite:///padron.db]."""

    log: str | None = None
    """The form of the log: json or text [PADRON_LOG; default text]."""

    def read(self) -> Settings:
        """Give the settings. Raises ``SettingsError``."""
        return read_settings(os.environ, asdict(self))


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServerOptions(CommonOptions):
    """The settings of a server."""

    host: str | None = None
    """The address to listen on [PADRON_HOST; default 127.0.0.1]."""

    port: str | None = None
    """The port to listen on, or 0 for any free port [PADRON_PORT; default 8080]."""

    webhook_allow: str | None = None
    """Networks that webhooks may reach besides public addresses: CIDRs between commas [PADRON_WEBHOOK_ALLOW]."""

    read_database_url: str | None = None
    """A streaming replica of the PostgreSQL database, for lists, history and the feed [PADRON_READ_DATABASE_URL]."""

    read_staleness_s: str | None = None
    """The maximum delay of the replica, in seconds [PADRON_READ_STALENESS_S; default 2]."""

    tls_cert: str | None = None
    """A file in PEM with the certificate for TLS and its chain; needs --tls-key [PADRON_TLS_CERT]."""

    tls_key: str | None = None
    """A file in PEM with the certificate's key, without a password [PADRON_TLS_KEY]."""

    secret_file: str | None = None
    """A file with keys that encrypt the secrets of webhooks; see docs/administration.md [PADRON_SECRET_FILE]."""

    forwarded_allow: str | None = None
    """Networks of proxies whose X-Forwarded-For and -Proto count: CIDRs between commas [PADRON_FORWARDED_ALLOW]."""

    root_path: str | None = None
    """The path below which a proxy shows the server, such as /padron [PADRON_ROOT_PATH]."""

    cors_origins: str | None = None
    """Origins of web pages that may call the API, such as https://a.example, between commas [PADRON_CORS_ORIGINS]."""

    backup_to: str | None = None
    """A folder for a continuous backup of the SQLite file; see docs/backup.md [PADRON_BACKUP_TO]."""

    backup_keep_days: str | None = None
    """How many days back the continuous backup can restore [PADRON_BACKUP_KEEP_DAYS; default 7]."""

    backup_base_mb: str | None = None
    """The megabytes of log after which it copies the whole file again [PADRON_BACKUP_BASE_MB; default 1024]."""

    limits: str | None = None
    """Limits other than the default ones, such as vehicles=20000,webhooks=5; see docs/limits.md [PADRON_LIMITS]."""

    keep: str | None = None
    """How long old data stays, such as changes=5y,runs=90d; see docs/retention.md [PADRON_KEEP]."""

    archive_to: str | None = None
    """An existing folder for archived changes; needs --keep changes=AGE [PADRON_ARCHIVE_TO]."""

    metrics_listen: str | None = None
    """HOST:PORT for metrics, such as 127.0.0.1:9464; a port for each process [PADRON_METRICS_LISTEN]."""

    access_log: str | None = None
    """Whether each request has a line in the log: on or off [PADRON_ACCESS_LOG; default on]."""

    otel: str | None = None
    """Whether traces go to a collector, on or off: see docs/observing.md [PADRON_OTEL; default off]."""

    providers: str | None = None
    """A file with identity providers, for access tokens and sign-in; see docs/providers.md [PADRON_PROVIDERS]."""


def run_with_runtime(
    options: CommonOptions,
    work: Callable[[Runtime], Awaitable[T]],
    *,
    is_alone: bool = False,
    may_create: bool = False,
) -> T:
    """Open the register, run ``work`` and give its result. Raises the errors of ``work``, and ``SettingsError``.

    ``is_alone`` is for a command that writes many rows while no server has the SQLite file open. ``may_create`` is for
    a command that starts a register. Other commands do not create a file, because the path may be misspelt.
    """
    settings = options.read()
    check_name(settings)

    async def run() -> T:
        async with use_runtime(settings, is_alone=is_alone, may_create=may_create) as runtime:
            return await work(replace(runtime, operator=Doer(actor=give_actor())))

    return asyncio.run(run())


def parse_duration(option: str, text: str) -> timedelta:
    """Give the duration that a text such as ``90d`` means. Raises ``UsageError``."""
    match = _match_duration(text)
    if match is None or int(match[1]) == 0:
        raise UsageError(
            f"{option} is {quote(text)}: use a number above zero and one of s, m, h, d, w, for example 90d."
        )
    try:
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        duration = timedelta.max
    if duration > EXPIRES_IN_MAX:
        raise UsageError(f"{option} is {quote(text)}: the maximum is {EXPIRES_IN_MAX.days}d.")
    return duration


def parse_instant(option: str, text: str, now: datetime) -> datetime:
    """Give the instant of a date (midnight in UTC), of a time with an offset, or of a word such as today.

    Raises ``UsageError``.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    words = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return instants.parse_instant(option, f"{text}T00:00:00Z" if _match_date(text) else add_seconds(text))
    except PadronError as error:
        raise UsageError(
            f"{option} is {quote(text)}: use now, today, yesterday, a date such as 2026-11-01 (midnight in UTC), or "
            "an instant such as 2026-11-01T08:00:00Z or 2026-11-01T08:00:00-06:00."
        ) from error


def parse_future_instant(option: str, text: str) -> datetime:
    """Give the instant of a future time with an offset. Raises ``UsageError``."""
    try:
        return instants.parse_future_instant(option, add_seconds(text))
    except PadronError as error:
        raise UsageError(error.detail) from error


def add_seconds(text: str) -> str:
    """Add the seconds to a time, because the command line may omit them."""
    match = _match_without_seconds(text)
    return text if match is None else f"{match[1]}:00{match[2]}"


def check_one_form(*, json: bool, csv: bool) -> None:
    """Raise ``UsageError`` when the command line asks for both forms."""
    if json and csv:
        raise UsageError("--json and --csv cannot be used together: choose one.")


def split_commas(values: Iterable[str]) -> list[str]:
    """Give the values of an option that takes several: with commas between them, or as separate words."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]
