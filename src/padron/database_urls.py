"""Checks database URLs. A URL can contain a password, so no message repeats more of it than its scheme."""

import re
from urllib.parse import parse_qsl, unquote

SQLITE = "sqlite"
POSTGRES = ("postgresql", "postgres")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_FORMS = "use sqlite:///FILE or postgresql://USER@HOST/DATABASE."
_HOSTS_MAX = 16
_match_scheme = re.compile("([A-Za-z][A-Za-z0-9+.-]{0,19})://").match
_match_host = re.compile(r"(\[[0-9A-Za-z:.%]+\]|[^:\[\]]+)?(?::([0-9]{1,5}))?").fullmatch
_find_bad_percent = re.compile("%(?![0-9A-Fa-f]{2})").search
_find_end = re.compile("[/?#]").search
_find_bracket = re.compile(r"[\[\]]").search


def find_fault(text: str) -> str | None:
    """Give the fault of a URL, or None. The text follows the name of the setting in a message."""
    scheme = _match_scheme(text)
    if scheme is None or not text.isprintable():
        return f" is not a database URL: {_FORMS}"
    if scheme[1] == SQLITE:
        return _find_sqlite_fault(text)
    if scheme[1] not in POSTGRES:
        return f" has the scheme {scheme[1]}, which padron does not support: {_FORMS}"
    return _find_postgres_fault(text.partition("://")[2])


def _find_sqlite_fault(text: str) -> str | None:
    path = unquote(text.removeprefix("sqlite:///"))
    if not text.startswith("sqlite:///") or not path or "\0" in path or path.endswith("/"):
        return (
            " does not name a file. Use sqlite:///padron.db for a file in the current folder, or "
            "sqlite:////var/lib/padron.db for an absolute path."
        )
    if path == ":memory:" or path.startswith("file:"):
        return " must name a file, because a database in memory is lost when the program ends."
    return None


def _find_postgres_fault(rest: str) -> str | None:
    """Check the part after the scheme as libpq reads it: ``USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?NAME=VALUE``."""
    end = _find_end(rest)
    authority, tail = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    credentials, _, hosts = authority.rpartition("@")
    path, _, query = tail.partition("?")
    is_cut_short = "@" in path or "#" in tail or ("@" in query and "@" not in authority and not _are_hosts(hosts))
    if "@" in credentials or is_cut_short or _find_bracket(credentials):
        return (
            " has a special character in the user name or the password. "
            "Write these characters percent-encoded: @ as %40, / as %2F, ? as %3F, # as %23, [ as %5B, % as %25."
        )
    if _find_bad_percent(authority + path):
        return " has a % that does not begin a percent-encoded character: write a plain % as %25."
    if hosts and not _are_hosts(hosts):
        return (
            " has wrong hosts. Use postgresql://USER@HOST:PORT/DATABASE, with each host as HOST, HOST:PORT or "
            "[IPv6]:PORT, a port from 1 to 65535, and commas between hosts."
        )
    try:
        parameters = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        return " has wrong parameters: write NAME=VALUE after the ?, with & between several."
    if parameters.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        return f" has a wrong sslmode: use {', '.join(SSL_MODES[:-1])} or {SSL_MODES[-1]}."
    return None


def _are_hosts(text: str) -> bool:
    hosts = text.split(",")
    if len(hosts) > _HOSTS_MAX:
        return False
    for host in hosts:
        match = _match_host(host)
        if match is None or (match[1] is None and (len(hosts) > 1 or match[2] is not None)):
            return False
        if match[2] is not None and not 1 <= int(match[2]) <= 65_535:  # noqa: PLR2004 - what a port can be
            return False
    return True
