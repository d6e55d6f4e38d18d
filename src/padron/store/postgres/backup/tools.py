"""Runs PostgreSQL's own programs. The password of the database's URL is never on their command lines."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote

END_S_MAX = 5.0
_SAID_BYTES_MAX = 4_000
_WHERE = {
    "pg_dump": "a backup of PostgreSQL is made by it. Install PostgreSQL's client programs, or back up with its own "
    "tools (docs/backup.md)",
    "pg_restore": "it reads a backup of PostgreSQL. Install PostgreSQL's client programs",
}
_REFUSED = ("permission denied", "must be owner", "lack SELECT privilege")
_ADVICE = {
    "pg_dump": "Its user may not read everything. Connect as the owner of the tables, or run the grants of "
    "docs/postgresql.md again",
    "pg_restore": "Its user may not make the tables. Connect as the owner of the database (docs/postgresql.md)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolTarget:
    """A database as PostgreSQL's programs take it."""

    url: str  # without a password
    environment: Mapping[str, str]


def give_target(url: str, options: str = "") -> ToolTarget:
    """Move the password of a URL into the environment, because everybody on the machine sees command lines.

    ``options`` are for the server, beside those that the environment has.
    """
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = credentials.partition(":")
    environment = {**os.environ, **({"PGPASSWORD": unquote(password)} if colon else {})}
    if options:
        environment["PGOPTIONS"] = f"{environment.get('PGOPTIONS', '')} {options}".strip()
    return ToolTarget(url=urlunsplit(parts._replace(netloc=f"{user}{at}{hosts}")), environment=environment)


def find_tool(name: str) -> str:
    """Give the path of a program. Raises ``store_unavailable`` when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The program {name} was not found, and {_WHERE[name]}.")
    return found


async def run_tool(tool: str, *arguments: str, target: ToolTarget | None = None) -> str:
    """Run a program to its end and give what it prints. Raises ``store_unavailable`` when it fails."""
    async with _running(find_tool(tool), arguments, target) as process:
        out, said = await process.communicate()
    if process.returncode:
        words = said[-_SAID_BYTES_MAX:].decode("utf-8", "replace").strip()
        line = _give_last_line(words)
        advice = f". {_ADVICE[tool]}." if any(refusal in line for refusal in _REFUSED) else ""
        raise PadronError(Code.STORE_UNAVAILABLE, f"{tool} failed: {line}{advice}")
    return out.decode("utf-8", "replace")


@asynccontextmanager
async def _running(
    path: str, arguments: tuple[str, ...], target: ToolTarget | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a running program. It ends with the block, also when the block is cancelled."""
    process = await asyncio.create_subprocess_exec(
        path, *arguments,
        env=None if target is None else dict(target.environment),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_S_MAX)
        if process.returncode is None:
            process.kill()
            await process.wait()


def _give_last_line(said: str) -> str:
    """Give the line of a program's words that names the error; the lines after it are hints."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    line = (errors or lines or ["it said nothing"])[0]
    return quote(line.partition("error: ")[2] or line, 300)
