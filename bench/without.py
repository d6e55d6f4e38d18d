"""Runs ``padron`` with the withdrawing of work left out: the register that one without operations would be.

No deactivation is told from any other change. On SQLite its statement is not run then; on PostgreSQL it is a part of
the statement that saves the statuses, and has nothing to look for.
"""

import sys

from padron.cli import main
from padron.domain.change import Change

assert isinstance(vars(Change)["deactivates"], property), "What deactivates is decided elsewhere: leave it out there."
setattr(Change, "deactivates", False)  # noqa: B010 - as an assignment mypy takes the class for broken

if __name__ == "__main__":
    sys.exit(main())
