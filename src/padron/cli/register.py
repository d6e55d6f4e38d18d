"""``padron register``: the register as a whole."""

from cyclopts import App

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import print_json
from padron.service.register import renew_register

register = App(name="register", help="Work on the register as a whole: after restoring a backup.")

_DEFAULTS = CommonOptions()


@register.command(name="renew")
def renew(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> None:
    """Make all cursors given so far invalid. Run this after restoring a backup, before the servers start.

    Clients that follow the feed are then told to load their lists again, instead of missing changes without a sign.
    """
    epoch = run_with_runtime(options, renew_register)
    if json:
        print_json({"epoch": epoch})
        return
    print(f"The register has the new epoch {epoch}: cursors given before are answered 410. Restart running servers.")
