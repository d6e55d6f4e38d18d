"""Explains to an operator why a database cannot be opened or migrated: which server, which database, what to do.

Only commands that open a database show this. A running server never shows its callers where its database is. No
message contains the password.
"""

import getpass
import os
import shlex
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.store.postgres.connection import ANSWER_S_MAX
from padron.store.postgres.passwords import explain_file, has_password

_PORT = "5432"
_DEFAULT_HOST = "localhost"
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


class Host(NamedTuple):
    """A host's name, or the folder of its socket, and its port. A missing part is empty."""

    name: str
    port: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """The target of a URL, as libpq reads it. The environment fills in missing parts."""

    hosts: tuple[Host, ...]
    user: str
    database: str
    has_password: bool
    password_file: str
    names_files: bool  # of TLS

    @property
    def place(self) -> str:
        """Name the server that answered, or all servers that may have answered."""
        named = ", ".join(f"{show_host(host)} port {port}" for host, port in self.hosts)
        return named if len(self.hosts) == 1 else f"one of {named}"

    @property
    def last_place(self) -> str:
        """Name the server that was tried last, if no server answered."""
        host, port = self.hosts[-1]
        return f"{show_host(host)} port {port}" + (f" (and none of {len(self.hosts)})" if len(self.hosts) > 1 else "")

    def write_command(self, program: str, *arguments: str) -> str:
        """Give a command line of a PostgreSQL tool for this server, quoted for a shell."""
        host, port = self.hosts[0]
        return shlex.join([program, "-h", host, "-p", port, *arguments])


def show_host(host: str) -> str:
    """Give a host's name, in quotes if it has unusual characters."""
    return host if host.isascii() and host.isprintable() and " " not in host else quote(host)


def parse_address(url: str) -> Address:
    """Give the target of a well-formed URL."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    user = unquote(user) or query.get("user") or os.environ.get("PGUSER") or _give_system_user()
    database = unquote(parts.path[1:]) or query.get("database") or query.get("dbname") or os.environ.get("PGDATABASE")
    named = unquote(hosts) or query.get("host") or os.environ.get("PGHOST") or _DEFAULT_HOST
    port = query.get("port") or os.environ.get("PGPORT") or _PORT
    ports = port.split(",")
    split = [_split_port(one) for one in named.split(",")]
    return Address(
        hosts=tuple(Host(host, own or ports[min(place, len(ports) - 1)]) for place, (host, own) in enumerate(split)),
        user=user,
        database=database or user,
        has_password=has_password(password or query.get("password", "")),
        password_file=query.get("passfile", ""),
        names_files=any(query.get(name) or os.environ.get(f"PG{name.upper()}") for name in _FILES),
    )


def explain(url: str, error: Exception) -> PadronError | None:
    """Give a clearer error for one raised while a database was opened or migrated; None if it is clear already."""
    cause = error.__cause__ if isinstance(error, PadronError) else error
    match cause:
        case asyncpg.PostgresError():
            detail = _explain_answer(parse_address(url), cause)
        case OSError():
            detail = _explain_network(parse_address(url), cause)
        case asyncpg.InterfaceError() if not isinstance(cause, ValueError):
            detail = _explain_connection(parse_address(url), cause)
        case _:
            return None
    return None if detail is None else PadronError(Code.STORE_UNAVAILABLE, detail)


# The first that matches is used.
_NETWORK: tuple[tuple[type[OSError], str], ...] = (
    (socket.gaierror, "cannot be found: no such host is known. Check the name of the host in the database URL."),
    (ConnectionRefusedError, "refuses connections: nothing listens there. Start PostgreSQL, or check host and port."),
    (ssl.SSLError, "cannot be trusted ({why}). Check sslmode and sslrootcert in the database URL."),
    (
        TimeoutError,
        f"does not answer within {ANSWER_S_MAX:g} seconds. Check host and port, and firewalls and locks.",
    ),
    (FileNotFoundError, "has no socket in this folder. Start PostgreSQL, or name another host."),
    (PermissionError, "has a socket that this user may not use. Give the user access, or name a host."),
    (OSError, "cannot be reached: {why}. Check host and port in the database URL, and the network."),
)
_CHECK_FILES = "Check sslrootcert, sslcert, sslkey and sslcrl in the database URL, and PGSSLROOTCERT and the like."
_NO_SSL = "takes no encrypted connections. Switch SSL on there, or leave sslmode out of the database URL."

# By SQLSTATE, because the server's words may be in any language.
_ANSWERS = {
    "08006": (
        "{server} cannot reach a node of its cluster, for the database {database}: {said}. Start the node, and try "
        "again."
    ),
    "3D000": "{server} has no database {database}, which the user {user} asked for. Make it with: {createdb}",
    "25006": (
        "{server} is a standby, or default_transaction_read_only is on there, so the database {database} may only be "
        "read. Name the primary server, or switch the setting off."
    ),
    "40P01": (
        "{server} undid a transaction in the database {database}, because it and another one waited for each other. "
        "Try again in a quieter minute, or stop the servers first."
    ),
    "53100": "{server} has no room left on the disk of the database {database}. Make room there.",
    "53200": "{server} has no memory left for the database {database}. Give it more, or less work.",
    "53300": (
        "{server} has no connection left for the user {user} in the database {database}. Raise max_connections there, "
        "or the limit of the user or of the database (\\drds and \\du in psql show them), or end other connections."
    ),
    "55000": "{server} does not take connections to the database {database}. Allow them with: {allow}",
    "55P03": (
        "{server} has another session that holds what this command needs in the database {database}. pg_locks shows "
        "it. Try again when it has ended."
    ),
    "57014": "{server} stopped a statement in the database {database}, because it took too long. Try again.",
    "57P01": "{server} ended the connection to the database {database}: somebody stops it. Try again in a moment.",
    "57P02": "{server} has crashed, and so did the work on the database {database}. Try again in a moment.",
    "57P03": "{server} is starting or stopping, and so is the database {database}. Try again in a moment.",
    "42704": "{server} does not know a setting of the database URL: {said}. Check what follows the ?.",
    "22023": "{server} does not take a setting of the database URL: {said}. Check what follows the ?.",
    "58030": "{server} cannot read or write the files of the database {database}: {said}. Check its disk.",
    "XX001": "{server} has damaged data in the database {database}: {said}. Restore a backup.",
    "XX002": "{server} has a damaged index in the database {database}: {said}. Rebuild it with REINDEX.",
    "42P01": (
        "{server} has the database {database} without one of Padrón's tables: {said}. Restore a backup, or name "
        "another database."
    ),
    "42703": (
        "{server} has in the database {database} a table schema_migrations that is not Padrón's: the database belongs "
        "to another program. Make one for Padrón with: {createdb_padron}"
    ),
}


def _explain_network(address: Address, error: OSError) -> str:
    server = f"The PostgreSQL server at {address.last_place}"
    what = f"{server} (user {quote(address.user)}, database {quote(address.database)})"
    if isinstance(error, ConnectionError) and "SSL" in str(error):
        return f"{what} {_NO_SSL}"
    if isinstance(error, FileNotFoundError) and not _lacks_socket(address):
        return f"{what} was not asked, because a file is missing. {_CHECK_FILES}"
    said = next(sentence for kind, sentence in _NETWORK if isinstance(error, kind))
    why = getattr(error, "reason", None) or (os.strerror(error.errno) if error.errno else "all attempts failed")
    return f"{what} {said.format(why=why)}"


def _lacks_socket(address: Address) -> bool:
    """Say whether the last host is a folder without the socket of a server, or was one a moment ago."""
    host, port = address.hosts[-1]
    return host.startswith("/") and not (address.names_files and Path(host, f".s.PGSQL.{port}").exists())


def _explain_connection(address: Address, error: asyncpg.InterfaceError) -> str:
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return f"No PostgreSQL server at {address.place} is what target_session_attrs in the database URL asks for."
    return (
        f"What listens at {address.place} does not answer as PostgreSQL does, or closed the connection. "
        "Check host and port in the database URL."
    )


def _explain_answer(address: Address, error: asyncpg.PostgresError) -> str | None:
    server = f"The PostgreSQL server at {address.place}"
    match error.sqlstate:
        case "28P01":
            return _explain_password(address, server)
        case "28000":
            return _explain_login(address, server, error)
        case "42501":
            return _explain_permission(address, server, error)
        case "3F000":
            return _explain_schema(address, server)
        case state:
            sentence = _ANSWERS.get(state or "")
    if sentence is None:
        return None
    return sentence.format(
        server=server,
        user=quote(address.user),
        database=quote(address.database),
        said=quote(str(error).partition("\n")[0], 200),
        createdb=address.write_command("createdb", "-O", address.user, address.database),
        allow=address.write_command(
            "psql",
            "-d",
            "postgres",
            "-c",
            f"ALTER DATABASE {_quote_name(address.database)} ALLOW_CONNECTIONS true",
        ),
        createdb_padron=address.write_command("createdb", "-O", address.user, "padron"),
    )


def _explain_password(address: Address, server: str) -> str:
    user, database = quote(address.user), quote(address.database)
    if address.has_password:
        return (
            f"{server} refused the password of the user {user} for the database {database}, or has no such user, or "
            "its password has expired. "
            "Characters such as @ : / % in the password of a URL are written percent-encoded, as in %40."
        )
    return f"{server} wants a password of the user {user} for the database {database}. " + (
        explain_file(address.password_file) or "Set PGPASSWORD, or name a password file with PGPASSFILE."
    )


def _explain_login(address: Address, server: str, error: asyncpg.PostgresError) -> str:
    user, database = quote(address.user), quote(address.database)
    said = str(error)
    if "pg_hba.conf" in said:
        return (
            f"{server} does not let the user {user} into the database {database} from here. "
            "Add a line for them to its pg_hba.conf, and reload it. If its line for them begins with hostssl, add "
            "sslmode=require to the database URL."
        )
    if "authentication" in said:
        return (
            f"{server} lets in only the system user of the same name, and not {user}, into the database {database}. "
            "Run padron as that user, or name a host and a password in the database URL."
        )
    if "not permitted to log in" in said:
        command = address.write_command("psql", "-d", "postgres", "-c", f"ALTER ROLE {_quote_name(address.user)} LOGIN")
        return (
            f"{server} has the role {user}, which may not log in to the database {database}. Allow it with: {command}"
        )
    command = address.write_command("createuser", "--pwprompt", address.user)
    return f"{server} has no user {user}, for the database {database}. Make it with: {command}"


def _explain_permission(address: Address, server: str, error: asyncpg.PostgresError) -> str:
    user, database = quote(address.user), quote(address.database)
    name = _quote_name(address.user)
    said = str(error)
    if "for schema" in said:
        return _explain_schema(address, server)
    if "for database" in said:
        grant = f"GRANT CONNECT ON DATABASE {_quote_name(address.database)} TO {name}"
        command = address.write_command("psql", "-d", "postgres", "-c", grant)
        return f"{server} does not let the user {user} into the database {database}. Allow it with: {command}"
    grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"
    command = address.write_command("psql", "-d", address.database, "-c", grant)
    return (
        f"{server} does not let the user {user} use the tables of the database {database}, which belong to another "
        f"user. Connect as that one, or allow it with: {command}"
    )


def _explain_schema(address: Address, server: str) -> str:
    """Since PostgreSQL 15 only the owner of a database may make tables in its schema ``public``."""
    grant = f"GRANT USAGE, CREATE ON SCHEMA public TO {_quote_name(address.user)}"
    command = address.write_command("psql", "-d", address.database, "-c", grant)
    return (
        f"{server} does not let the user {quote(address.user)} make tables in the schema public of the database "
        f"{quote(address.database)}. Run padron migrate as the owner of the database, or allow it with: {command}"
    )


def _quote_name(name: str) -> str:
    """Give a name as SQL has it."""
    escaped = name.replace('"', '""')
    return name if name.isascii() and name.isalnum() and name.islower() else f'"{escaped}"'


def _split_port(text: str) -> Host:
    if text.startswith("/"):
        return Host(text, "")
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return Host(host, port.removeprefix(":"))
    host, _, port = text.partition(":")
    return Host(host or _DEFAULT_HOST, port)


def _give_system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "postgres"
