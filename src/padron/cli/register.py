"""``padron register``: the register as a whole."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.holding import hold_file
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_json
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.service.register import renew_register, restart_orders
from padron.wiring import write_checksums

register = App(name="register", help="Work on the whole register.")

_DEFAULTS = CommonOptions()


@register.command(name="renew")
def renew(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> None:
    """Make all earlier cursors invalid. Run this after you restored a backup without `padron restore`.

    Run it before you start the servers. Clients that follow the feed then get an error and load their lists again.
    Without this, they would miss changes and not notice it.
    """
    epoch = run_with_runtime(options, renew_register)
    if json:
        print_json({"epoch": epoch})
        return
    print(f"The register has the new epoch {epoch}, and earlier cursors get 410. Restart running servers.")


@register.command(name="orders")
def build_orders_again(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> None:
    """Build again what lists by statusSince and updatedAt read on SQLite. Run this if `padron doctor` asks for it.

    It may run beside a server. Until the server has built it, these lists look at all vehicles, as in small accounts.
    """
    if not options.read().is_sqlite:
        raise UsageError("The database is PostgreSQL, which has indexes for these lists.")
    run_with_runtime(options, restart_orders)
    if json:
        print_json({"restarted": True})
        return
    print("The server builds again what lists by statusSince and updatedAt read.")


@register.command(name="checksums")
def write_all_checksums(
    *, renew: Annotated[bool, Parameter(negative="")] = False, json: Json = False, options: CommonOptions = _DEFAULTS
) -> None:
    """Write the SQLite file again, with a checksum in each page. No server may use the file meanwhile.

    Files of earlier versions have no checksums. The disk needs room for another copy of the file.

    Parameters
    ----------
    renew
        Write the file even if it has checksums, and ignore wrong ones. Use this after another program, such as
        sqlite3, copied or wrote the file, or to remove the last bytes of erased values from its free parts.
    """
    settings = options.read()
    if not settings.is_sqlite:
        raise UsageError("The database is PostgreSQL, which has checksums of its own (data_checksums).")
    if not Path(settings.sqlite_path).exists():  # to hold a file would make it
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"There is no database file {quote_path(settings.sqlite_path)}. Name the register with --database-url.",
        )
    with hold_file(settings):
        was_written = write_checksums(settings, renew=renew)
    if json:
        print_json({"written": was_written})
        return
    print("Each page has a checksum now." if was_written else "Each page already has a checksum.")
