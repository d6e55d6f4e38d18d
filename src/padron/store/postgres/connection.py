"""Opens connections with the settings that correctness needs, and translates the server's errors.

The address may contain a password, so no error and no repr ever shows the address.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.domain.trouble import TroubleCode, TroubledError

ANSWER_S_MAX = 1.8  # for one step, on the client side: we give up a hanging server before two seconds
KEPT_STATEMENTS_MAX = 100  # the driver's own bound
KEPT_BYTES_MAX = 1 << 17  # of a statement, which may name the tables of all shards of a node
PAGE_S_MAX = 5.5  # for a page of a list: the server itself gives up after five

# Generic plans, because otherwise PostgreSQL plans `vin = ANY($2)` again for each batch. The lock timeout is shorter
# than ANSWER_S_MAX, so that the server answers first and we keep the connection. It is longer than the second after
# which PostgreSQL detects a deadlock.
_SETTINGS = {
    "application_name": "padron",
    "timezone": "UTC",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "synchronous_commit": "on",
    "statement_timeout": "5000",
    "lock_timeout": "1500",
    "idle_in_transaction_session_timeout": "10000",
}
_PATIENT = {"statement_timeout": "0", "lock_timeout": "0"}

# States in which the same work may succeed later: whole classes, and single states of other classes.
_UNAVAILABLE_CLASSES = (
    "08",  # connection lost or refused
    "28",  # access refused
    "3D",  # no such database
    "53",  # disk full, out of memory, too many connections
    "58",  # input or output failed
    "57",  # shut down, starting up, or the statement took too long
)
_UNAVAILABLE_STATES = {
    "25006",  # read only: a standby
    "25P03",  # idle in a transaction for too long
    "55P03",  # a lock was not available
    "40003",  # lost before the outcome was known
    "42501",  # a privilege is missing
    "XX001",  # damaged data
    "XX002",  # damaged index
}

# What callers of the server may know. Its log has the server's own words, and commands say more (explaining.py).
_WORDS = {
    "08006": "The connection from the database to one of its nodes was lost.",
    "25006": "The database may only be read: it is a standby, or it was made read-only.",
    "3D000": "The database does not exist any more.",
    "42501": "The database does not allow this server what it must do.",
    "53100": "The disk of the database is full.",
    "53200": "The database has no memory left.",
    "53300": "The database has no connection left.",
    "55P03": "Another program holds what this work needs in the database.",
    "57014": "The database stopped this work, because it took too long.",
    "57P01": "The database is being stopped.",
    "57P02": "The database has crashed and recovers.",
    "57P03": "The database is starting or stopping.",
    "XX001": "The database has damaged data.",
    "XX002": "The database has a damaged index.",
}
_WORDS_OF_CLASSES = {
    "08": "The connection to the database was lost.",
    "28": "The database does not let this server in.",
    "53": "The database has not enough of something: memory, disk or connections.",
    "58": "The database cannot read or write its files.",
}

# Citus gives no states of its own for these (XX000). By a part of its message, and with what callers may know.
_WORDS_OF_CITUS = {
    "failure on connection": "The database lost the connection to one of its nodes.",
    "connection to the remote node": "The database lost the connection to one of its nodes.",
    "loaded Citus library version differs": "A node of the database is being upgraded.",
}

# asyncpg warns that it does not use a password file, at the place of its code. explaining.py says it to the operator.
warnings.filterwarnings("ignore", "password file", UserWarning, module="asyncpg")

_TROUBLES = {
    "53100": TroubleCode.DISK_FULL,
    "25006": TroubleCode.READ_ONLY,
    "58": TroubleCode.DISK_FAILING,
    "XX001": TroubleCode.DAMAGED,
    "XX002": TroubleCode.DAMAGED,
}


async def open_connection(
    url: str, *, patient: bool = False, settings: Mapping[str, str] | None = None, kept_max: int = KEPT_STATEMENTS_MAX
) -> asyncpg.Connection:
    """Connect, with ``patient`` for migrations, which may take long. Raises ``store_unavailable``.

    The given settings go before the usual ones. The connection keeps the plans of ``kept_max`` statements.

    With several hosts, the first one that accepts the connection gets it. Each host has its own share of the time.
    """
    urls = split_hosts(url)
    every = {**_SETTINGS, **(_PATIENT if patient else {}), **(settings or {})}
    with translate_errors():
        try:
            for one in urls[:-1]:
                try:
                    return await _connect(one, ANSWER_S_MAX / len(urls), every, kept_max)
                except (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched):
                    continue
            return await _connect(urls[-1], ANSWER_S_MAX / len(urls), every, kept_max)
        except ValueError:
            raise PadronError(
                Code.STORE_UNAVAILABLE,
                "The address of the database is malformed, or one of PostgreSQL's environment variables is wrong. "
                "Write the address as postgresql://user@host/database.",
            ) from None  # the error may quote a part of the address


async def _connect(url: str, timeout_s: float, settings: Mapping[str, str], kept_max: int) -> asyncpg.Connection:
    return await asyncpg.connect(
        url,
        timeout=timeout_s,
        command_timeout=None if settings["statement_timeout"] == "0" else ANSWER_S_MAX,
        server_settings=dict(settings),
        statement_cache_size=kept_max,
        max_cacheable_statement_size=KEPT_BYTES_MAX,
    )


def split_hosts(url: str) -> list[str]:
    """Give one URL for each host of a URL that names several, separated by commas as in libpq."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an IPv6 address without its closing bracket, which the driver refuses too
        return [url]
    credentials, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}")) for host in hosts.split(",")]


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise ``store_unavailable`` with a sentence when the server cannot be reached or cannot do its work."""
    try:
        yield
    except TimeoutError as error:
        raise TroubledError(
            TroubleCode.DATABASE_UNREACHABLE, "The database does not answer in time."
        ) from error  # fmt: skip
    except OSError as error:
        raise TroubledError(TroubleCode.DATABASE_UNREACHABLE, "The database cannot be reached.") from error
    except asyncpg.PostgresError as error:
        words = _find_words_of_citus(error)
        if not _is_unavailable(error.sqlstate or "") and words is None:
            raise
        # The server's own words may reveal internals. They stay in the cause, for the log.
        raise TroubledError(_find_trouble(error.sqlstate or ""), words or _word(error.sqlstate or "")) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, ValueError):
            raise  # a wrong value or option is a mistake of the program
        raise TroubledError(TroubleCode.DATABASE_UNREACHABLE, "The connection to the database was lost.") from error


def _word(state: str) -> str:
    other = f"The database cannot do its work now (SQLSTATE {state})."
    return _WORDS.get(state) or _WORDS_OF_CLASSES.get(state[:2]) or other


def _is_unavailable(state: str) -> bool:
    return state[:2] in _UNAVAILABLE_CLASSES or state in _UNAVAILABLE_STATES


def _find_words_of_citus(error: asyncpg.PostgresError) -> str | None:
    """Say what callers may know of an error that only a cluster has; None for any other."""
    if error.sqlstate != "XX000":
        return None
    return next((words for part, words in _WORDS_OF_CITUS.items() if part in str(error)), None)


def _find_trouble(state: str) -> TroubleCode:
    return _TROUBLES.get(state) or _TROUBLES.get(state[:2], TroubleCode.DATABASE_UNREACHABLE)
