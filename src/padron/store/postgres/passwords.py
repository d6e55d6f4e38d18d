"""Says where the password for a connection comes from, and what is wrong with a password file."""

import os
from pathlib import Path

from padron.domain.quoting import quote_path

_VARIABLE = "PGPASSWORD"
_FILE_VARIABLE = "PGPASSFILE"
_OPEN_TO_OTHERS = 0o077


def has_password(in_url: str) -> bool:
    """Say whether the URL or the environment has a password."""
    return bool(in_url or os.environ.get(_VARIABLE))


def explain_file(in_url: str) -> str:
    """Give a sentence on the password file that the driver reads; empty text if it has no say.

    ``in_url`` is the file that the URL names with ``passfile``, if it does.
    """
    named = in_url or os.environ.get(_FILE_VARIABLE)
    path = Path(named) if named else Path.home() / ".pgpass"
    shown = quote_path(str(path))
    try:
        mode = path.stat().st_mode
    except OSError:
        return f"The password file {shown} cannot be read." if named else ""
    if not path.is_file():
        return f"The password file {shown} is not a file."
    if mode & _OPEN_TO_OTHERS:
        return f"The password file {shown} is not used, because others may read it. Run: chmod 600 {shown}"
    return (
        f"The password file {shown} has no line for them, or a wrong password. "
        "Its lines are host:port:database:user:password."
    )
