"""``padron register``: the register as a whole."""

from cyclopts import App

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import print_json
from padron.service.register import renew_register

register = App(name="register", help="Work on the whole register after a backup was restored.")

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
