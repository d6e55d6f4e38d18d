"""Runs ``padron`` without the withdrawal of work, as a register without operations.

It treats a deactivation like any other change. On SQLite the statement of the withdrawal then does not run. On
PostgreSQL the withdrawal is a part of the statement that saves statuses, and finds nothing to do.
"""

import sys

from padron.cli.app import main
from padron.domain.change import Change

assert isinstance(vars(Change)["deactivates"], property), "What deactivates is decided elsewhere: leave it out there."
setattr(Change, "deactivates", False)  # noqa: B010 - as an assignment mypy takes the class for broken

if __name__ == "__main__":
    sys.exit(main())
