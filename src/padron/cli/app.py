"""Joins the commands, and turns every error into one message on stderr and an exit status.

Exit statuses:

- 0: done
- 1: refused
- 2: wrong command line or environment
- 130: Ctrl-C
- 141: the reader of standard output ended
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Literal, NoReturn

from cyclopts import App, CycloptsError

from padron import __version__
from padron.cli.examples import EXIT_STATUS, HELP_FLAGS, add_examples, find_command
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import InputFileError, UsageError, print_error, print_json
from padron.config import SettingsError
from padron.domain.errors import PadronError
from padron.wiring import give_api_document, migrate_database

REFUSED = 1
MISUSED = 2
INTERRUPTED = 128 + 2  # as a shell counts SIGINT
PIPE_BROKEN = 128 + 13  # and SIGPIPE


app = App(
    name="padron",
    version=__version__,
    help="A self-hosted register of vehicles that knows the status of each one.",
    suppress_keyboard_interrupt=False,  # run() gives Ctrl-C the exit status that a shell expects
    help_epilogue=EXIT_STATUS,
    help_format="plaintext",  # so that examples keep their lines
)
# By name, so that each command is imported only when it is called: the others start faster without it.
app.command(
    "padron.cli.serve:serve",
    help="Run the server until SIGTERM or Ctrl-C. Then it finishes the running requests within ten seconds.",
)
app.command("padron.cli.accounts:accounts", help="Add, list, change and delete accounts, the owners of vehicles.")
app.command("padron.cli.archives:archive", help="List, verify and read archived changes.")
app.command("padron.cli.keys:keys", help="Add, list, change, rotate and revoke API keys.")
app.command("padron.cli.vehicle_commands:vehicles", help="Work on an account's vehicles.")
app.command("padron.cli.report:report", help="Report on an account's vehicles.")
app.command("padron.cli.doctor:doctor", help="Examine the register, beside a running server, and change nothing.")
app.command("padron.cli.duplicates:duplicates", help="Show vehicles with the same VIN, and make one vehicle of them.")
app.command("padron.cli.planned:planned", help="List and cancel planned changes of status.")
app.command("padron.cli.register:register", help="Work on the whole register.")
app.command("padron.cli.secrets:secrets", help="Encrypt the secrets of webhooks with keys from a file.")
app.command("padron.cli.backup:backup", help="Copy the whole register into a file, while servers use it.")
app.command("padron.cli.restore:restore", help="Restore a backup into the database, and check what was restored.")
app.command("padron.cli.undo:undo", help="Undo what a request changed.")
app.command("padron.cli.users:users", help="Add, list, change and erase the people who sign in.")
app.command("padron.cli.vins:vins", help="Check VINs, without a database.")

_DEFAULTS = CommonOptions()

_PLACES = {
    "referenceTable": "a copy of the table {name} on every node",
    "distributedTable": "each row of the table {name} on its account's node",
    "function": "the function {name} on every node",
}


@app.command
def migrate(*, dry_run: bool = False, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Bring the database's schema up to date. On a Citus cluster, spread its tables over the nodes.

    Parameters
    ----------
    dry_run
        Show what would be done, without doing it.
    """
    settings = options.read()
    done = asyncio.run(migrate_database(settings, dry_run=dry_run))
    if json:
        steps = [{"number": migration.number, "name": migration.name} for migration in done.migrations]
        placed = [{"name": one.name, "kind": one.kind.value} for one in done.placed]
        print_json({"dryRun": dry_run, "migrations": steps, "placed": placed})
        return 0
    for migration in done.migrations:
        print(f"{'Would apply' if dry_run else 'Applied'} {migration.number:04d} {migration.name}.")
    for one in done.placed:
        where = _PLACES[one.kind.value].format(name=one.name)
        print(f"{'Would put' if dry_run else 'Put'} {where}.")
    if not done.migrations and not done.placed:
        print("The database's schema is up to date.")
    return 0


@app.command
def openapi(
    *,
    webhooks: Literal["inline", "extension", "none"] = "inline",
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Print the OpenAPI document of the server's API, which is JSON with or without --json.

    Parameters
    ----------
    webhooks
        Where the document describes the webhooks' events. inline follows OpenAPI 3.1, and extension uses x-webhooks.
        none leaves them out, for generators that cannot read them, such as openapi-generator -g python.
    """
    del json
    settings = options.read()
    print(give_api_document(webhooks, settings.root_path).decode(), end="")
    return 0


def main() -> NoReturn:
    """Run the command of this process, and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit status."""
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout again at exit, which must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _dispatch(arguments: Sequence[str]) -> int:
    try:
        if not HELP_FLAGS.isdisjoint(arguments):
            add_examples(app, arguments)
        result: object = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _fail(MISUSED, f"{_shorten(str(error))} {_point_to_help(arguments)}")
    except (UsageError, SettingsError) as error:
        is_usage = isinstance(error, UsageError) and not isinstance(error, InputFileError)
        return _fail(MISUSED, f"{error} {_point_to_help(arguments)}" if is_usage else str(error))
    except PadronError as error:
        return _fail(REFUSED, error.detail)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - an operator gets a message for every error
        return _fail(REFUSED, f"The program failed with an unexpected error: {type(error).__name__}: {error}")
    return result if isinstance(result, int) else 0


def _shorten(sentence: str) -> str:
    """Remove the list of commands when the sentence suggests one."""
    return sentence.partition(" Available commands:")[0] if "Did you mean" in sentence else sentence


def _point_to_help(arguments: Sequence[str]) -> str:
    name, _ = find_command(app, arguments)
    return f"See {' '.join(['padron', *name.split(), '--help'])}."


def _fail(status: int, sentence: str) -> int:
    print_error(sentence)
    return status
