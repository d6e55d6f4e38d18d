"""``padron vehicles sample``: prints a file of invented vehicles to import."""

from padron.cli.fleet import list_fleet
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import print_csv, print_json

_STATUS_COLUMN = "vehicleStatusId"
_DEFAULTS = CommonOptions()


def print_sample(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Print a sample fleet as CSV. Use it to try an import, or as a table for your own vehicles.

    The command needs no database. The vehicles are invented, and are the same ones every time.
    """
    options.read()
    rows = [{**one.cells, _STATUS_COLUMN: "" if one.status is None else str(one.status.value)} for one in list_fleet()]
    if json:
        print_json({"vehicles": [{name: cell for name, cell in row.items() if cell} for row in rows]})
    else:
        columns = tuple(rows[0])
        print_csv([columns, *(tuple(row[column] for column in columns) for row in rows)])
    return 0
